"""
Sessions say when their owner proved who they are, in which browser, and where.

They are found by their account, too.
"""

from __future__ import annotations

from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, String, inspect, text

from uness_auth.storage.sql.migrations import take


VERSION: Final = 2

revision: Final = "uness_auth_2"
down_revision: Final = "uness_auth_1"

SESSIONS: Final = "uness_auth_sessions"


def upgrade() -> None:
    """
    Add the columns and the index, as Alembic asks for it.
    """
    take(host.get_context(), VERSION, step)


def downgrade() -> None:
    """
    Note the version before, which gets on with all that was added: nothing is lost.
    """
    host.execute(text("UPDATE uness_auth_schema SET version = 1"))


def step(op: Operations, /) -> None:
    """
    Add what is missing.

    Sessions of before have proved nothing since they were opened, as far as is known.
    Processes of version 1 go on opening sessions, so each column fills itself.
    """
    known = _columns(op)
    for column in (
        Column("authenticated_at", BigInteger),
        Column("browser", String(64), nullable=False, server_default=text("''")),
        Column("network", String(64), nullable=False, server_default=text("''")),
    ):
        if column.name not in known:
            op.add_column(SESSIONS, column)
    name = op.f(f"ix_{SESSIONS}_account_id")
    op.create_index(name, SESSIONS, ["account_id"], if_not_exists=True)


def _columns(op: Operations) -> frozenset[str]:
    # Where Alembic writes to a file, there is no table to look at.
    if op.get_context().as_sql:
        return frozenset()
    found = inspect(op.get_bind()).get_columns(SESSIONS)
    return frozenset(column["name"] for column in found)
