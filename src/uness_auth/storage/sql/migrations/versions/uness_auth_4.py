"""
Events are kept.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    PrimaryKeyConstraint,
    String,
    text,
)

from uness_auth.storage.sql.migrations import take


VERSION: Final = 4

revision: Final = "uness_auth_4"
down_revision: Final = "uness_auth_3"

EVENTS: Final = "uness_auth_events"
# Numbered by the database, so that on SQLite it has its row's number.
OPTIONS: Final[dict[str, Any]] = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "if_not_exists": True,
}


def upgrade() -> None:
    """
    Create the table, as Alembic asks for it.
    """
    take(host.get_context(), VERSION, step)


def downgrade() -> None:
    """
    Note the version before, which does not know the table: nothing is lost.
    """
    host.execute(text("UPDATE uness_auth_schema SET version = 3"))


def step(op: Operations, /) -> None:
    """
    Create what is missing.
    """
    _ = op.create_table(
        EVENTS,
        Column(
            "id",
            BigInteger().with_variant(Integer, "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        Column("kind", _exact(32), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("account_id", _exact(64), nullable=False),
        Column("address", String(254), nullable=False),
        Column("network", String(64), nullable=False),
        Column("method", String(64), nullable=False),
        Column("reason", String(500), nullable=False),
        PrimaryKeyConstraint("id", name=op.f("uness_auth_events_pkey")),
        **OPTIONS,
    )
    for column in ("account_id", "kind"):
        name = op.f(f"ix_{EVENTS}_{column}_at")
        op.create_index(name, EVENTS, [column, "at"], if_not_exists=True)


def _exact(length: int) -> String:
    return (
        String(length, collation="BINARY")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")
    )
