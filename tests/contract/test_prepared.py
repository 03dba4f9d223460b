"""
Statements as drivers take them, for databases that need not be here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from uness_auth.storage.sql import mariadb, schema
from uness_auth.storage.sql.prepared import prepare


class TestPrepare:
    def test_a_limit_is_a_parameter_like_any_other(self) -> None:
        """
        SQLAlchemy would write the limit of MariaDB's DELETE into its text.
        """
        counters = schema.COUNTERS.c
        statement = mariadb.purging(counters.key, counters.expires_at)
        dialect: Any = MySQLDialect_pymysql(paramstyle="pyformat")
        prepared = prepare(statement, ["before", "limit"], dialect)

        assert "LIMIT %(limit)s" in prepared.text
        assert {"before", "limit"} == {name for name, _ in prepared.given}
