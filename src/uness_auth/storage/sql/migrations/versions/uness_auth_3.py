"""
Accounts say which registrar provisioned them, under which id, and for which days.
"""

from __future__ import annotations

from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, String, inspect, text

from uness_auth.storage.sql.migrations import take


VERSION: Final = 3

revision: Final = "uness_auth_3"
down_revision: Final = "uness_auth_2"

ACCOUNTS: Final = "uness_auth_accounts"
KEY: Final = "uness_auth_accounts_external_key"


def upgrade() -> None:
    """
    Add the columns and the key, as Alembic asks for it.
    """
    take(host.get_context(), VERSION, step)


def downgrade() -> None:
    """
    Note the version before, which gets on with all that was added: nothing is lost.

    It knows no days, though: who is closed by them alone may sign in again.
    """
    host.execute(text("UPDATE uness_auth_schema SET version = 2"))


def step(op: Operations, /) -> None:
    """
    Add what is missing.

    Processes of version 2 go on adding accounts, so each column fills itself.
    """
    known = _columns(op)
    for column in (
        Column("provisioned_by", _exact(64), nullable=False, server_default=text("''")),
        Column("external_id", _exact(128)),
        Column("valid_from", BigInteger),
        Column("valid_until", BigInteger),
    ):
        if column.name not in known:
            op.add_column(ACCOUNTS, column)
    # An index and no constraint: SQLite adds none of these to a table that is there.
    op.create_index(
        op.f(KEY),
        ACCOUNTS,
        ["provisioned_by", "external_id"],
        unique=True,
        if_not_exists=True,
    )


def _exact(length: int) -> String:
    return (
        String(length, collation="BINARY")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")
    )


def _columns(op: Operations) -> frozenset[str]:
    # Where Alembic writes to a file, there is no table to look at.
    if op.get_context().as_sql:
        return frozenset()
    found = inspect(op.get_bind()).get_columns(ACCOUNTS)
    return frozenset(column["name"] for column in found)
