"""
Databases as Django takes them, and aliases that come and go with a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit


ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgresql": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
}
# A step that waits longer than this for a lock, or an answer, is given up.
OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 5},
    "postgresql": {
        "connect_timeout": 2,
        "options": "-c lock_timeout=5s -c statement_timeout=5s",
    },
    "mariadb": {
        "charset": "utf8mb4",
        "connect_timeout": 2,
        "read_timeout": 6,
        "init_command": (
            "SET SESSION max_statement_time = 5, innodb_lock_wait_timeout = 5"
        ),
    },
}


def settings_of(url: str) -> dict[str, Any]:
    """
    Return an entry of ``DATABASES`` for a URL as SQLAlchemy takes it.
    """
    split = urlsplit(url)
    kind = split.scheme.partition("+")[0]
    if kind == "mariadb":
        # Django asks for mysqlclient, and takes PyMySQL under its name.
        import pymysql  # noqa: PLC0415 - where it is needed it is installed

        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": ENGINES[kind],
        "NAME": unquote(split.path[1:]) or ":memory:",
        "USER": unquote(split.username or ""),
        "PASSWORD": unquote(split.password or ""),
        "HOST": split.hostname or "",
        "PORT": str(split.port or ""),
        "OPTIONS": OPTIONS[kind],
    }


@contextmanager
def alias(name: str, url: str, **options: Any) -> Iterator[str]:
    """
    Let *name* stand for the database, for as long as the block runs.

    Args:
        options: In the place of those in `OPTIONS`.
    """
    from django.db import connections  # noqa: PLC0415 - the settings import this module

    given = settings_of(url)
    given["OPTIONS"] = given["OPTIONS"] | options
    connections.databases[name] = connections.configure_settings(
        {"default": {}, name: given}
    )[name]
    try:
        yield name
    finally:
        connections[name].close()
        del connections[name]
        del connections.databases[name]
