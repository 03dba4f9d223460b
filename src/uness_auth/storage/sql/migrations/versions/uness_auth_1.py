"""
The tables of the first release.
"""

from __future__ import annotations

from typing import Any, Final

from alembic import op as host
from alembic.operations import Operations
from alembic.util import CommandError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)

from uness_auth.storage.sql.migrations import take


VERSION: Final = 1

revision: Final = "uness_auth_1"
down_revision: Final = None
branch_labels: Final = ("uness_auth",)

# The version first: a downgrade that breaks off leaves no tables that count.  Later
# versions' own go here, too: their downgrades lose nothing.
TABLES: Final = (
    "uness_auth_schema",
    "uness_auth_accounts",
    "uness_auth_sessions",
    "uness_auth_code_challenges",
    "uness_auth_counters",
    "uness_auth_events",
)
OPTIONS: Final[dict[str, Any]] = {
    "sqlite_with_rowid": False,
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
    Create the tables, as Alembic asks for it.
    """
    take(host.get_context(), VERSION, step)


def downgrade() -> None:
    """
    Drop the tables, unless there are accounts in them.

    Raises:
        alembic.util.CommandError: If there are.
    """
    if not host.get_context().as_sql and _has_accounts():
        msg = (
            "uness_auth_accounts holds accounts, which this downgrade would destroy: "
            "if that is what you want, run DELETE FROM uness_auth_accounts first"
        )
        raise CommandError(msg)
    for name in TABLES:
        host.drop_table(name, if_exists=True)


def step(op: Operations, /) -> None:
    """
    Create what is missing.
    """
    _ = op.create_table(
        "uness_auth_accounts",
        Column("id", _exact(64), nullable=False),
        Column("address", _exact(254), nullable=False),
        Column("credential_version", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("language", String(16), nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("is_disabled", Boolean, nullable=False),
        Column("is_password_suspended", Boolean, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("uness_auth_accounts_pkey")),
        UniqueConstraint("address", name=op.f("uness_auth_accounts_address_key")),
        **OPTIONS,
    )
    _ = op.create_table(
        "uness_auth_code_challenges",
        Column("id", _exact(64), nullable=False),
        Column("account_id", _exact(64), nullable=False),
        Column("credential_version", BigInteger, nullable=False),
        Column("key_id", String(64), nullable=False),
        Column("browser_digest", String(64), nullable=False),
        Column("sent_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("window_ends_at", BigInteger, nullable=False),
        Column("attempts_left", Integer, nullable=False),
        Column("is_certain", Boolean, nullable=False),
        PrimaryKeyConstraint("id", name=op.f("uness_auth_code_challenges_pkey")),
        **OPTIONS,
    )
    _index(op, "uness_auth_code_challenges", "window_ends_at")
    _ = op.create_table(
        "uness_auth_sessions",
        Column("digest", _exact(64), nullable=False),
        Column("account_id", _exact(64), nullable=False),
        Column("credential_version", BigInteger, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("last_seen_at", BigInteger, nullable=False),
        Column("is_remembered", Boolean, nullable=False),
        PrimaryKeyConstraint("digest", name=op.f("uness_auth_sessions_pkey")),
        **OPTIONS,
    )
    _index(op, "uness_auth_sessions", "last_seen_at")
    _ = op.create_table(
        "uness_auth_counters",
        Column("key", _exact(64), nullable=False),
        Column("text", _exact(4_000)),
        Column("number", BigInteger),
        Column("expires_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("key", name=op.f("uness_auth_counters_pkey")),
        **OPTIONS,
    )
    _index(op, "uness_auth_counters", "expires_at")
    schema = op.create_table(
        "uness_auth_schema",
        Column("version", Integer, nullable=False, autoincrement=False),
        PrimaryKeyConstraint("version", name=op.f("uness_auth_schema_pkey")),
        **OPTIONS,
    )
    # Version 0, wherever an earlier try broke off: `take` then writes what is reached.
    op.execute(schema.delete())
    op.execute(schema.insert().values(version=0))


def _exact(length: int) -> String:
    return (
        String(length, collation="BINARY")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")
    )


def _index(op: Operations, table: str, column: str) -> None:
    name = op.f(f"ix_{table}_{column}")
    op.create_index(name, table, [column], if_not_exists=True)


def _has_accounts() -> bool:
    look = text("SELECT id FROM uness_auth_accounts LIMIT 1")
    return host.get_bind().execute(look).first() is not None
