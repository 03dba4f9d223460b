"""
The tables, their version, and how a value becomes a column and back.

What each look-up and each purge asks for has an index, and nothing else has: there are
no foreign keys, because stores may be mixed (sessions here, accounts elsewhere), and
because the challenge of a decoy belongs to no account.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from ...addresses import LONGEST_ADDRESS


# Raise it together with a revision in `migrations.versions` from the version before.
VERSION: Final = 1
NO_TABLES: Final = 0


class Instant(TypeDecorator[datetime]):
    """
    An instant as whole seconds since 1970.

    Not the database's own type: those drop or keep time zones and microseconds, each
    in its own way, and SQLite has none.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:  # noqa: ARG002 - SQLAlchemy's signature
        """
        Refuse an instant that does not say where it is.
        """
        if value is None or value.utcoffset() is None:
            msg = "an aware datetime is needed"
            raise ValueError(msg)
        return int(value.timestamp())

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime:  # noqa: ARG002 - SQLAlchemy's signature
        """
        Return aware UTC.
        """
        return datetime.fromtimestamp(value, UTC)


def exact(length: int, /) -> String:
    """
    Return a text that is compared byte by byte.

    The collation is named, so that no database falls back to one that folds case,
    accents or trailing spaces.
    """
    return (
        String(length, collation="BINARY")
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(String(length, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")
    )


# Every constraint has a name that we know, whatever the database would call it: a later
# version may have to change it.
METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)

_TABLE: Final[dict[str, Any]] = {
    # Rows are found by their text key alone, so that key is the table, not an index
    # beside it: one descent instead of two.
    "sqlite_with_rowid": False,
    # Whatever the database's defaults: transactions, every character, and texts that
    # are compared as they are.  Under both names, because a host may call it MySQL.
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
}

# One row.  This table alone is the same in every version.
SCHEMA: Final = Table(
    "uness_auth_schema",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    **_TABLE,
)

ACCOUNTS: Final = Table(
    "uness_auth_accounts",
    METADATA,
    Column("id", exact(64), primary_key=True),
    Column("address", exact(LONGEST_ADDRESS), nullable=False, unique=True),
    Column("credential_version", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("language", String(16), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_disabled", Boolean, nullable=False),
    Column("is_password_suspended", Boolean, nullable=False),
    **_TABLE,
)

CODE_CHALLENGES: Final = Table(
    "uness_auth_code_challenges",
    METADATA,
    Column("id", exact(64), primary_key=True),
    Column("account_id", exact(64), nullable=False),
    Column("credential_version", BigInteger, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("browser_digest", String(64), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("window_ends_at", Instant, nullable=False, index=True),
    Column("attempts_left", Integer, nullable=False),
    Column("is_certain", Boolean, nullable=False),
    **_TABLE,
)

SESSIONS: Final = Table(
    "uness_auth_sessions",
    METADATA,
    Column("digest", exact(64), primary_key=True),
    Column("account_id", exact(64), nullable=False),
    Column("credential_version", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    Column("is_remembered", Boolean, nullable=False),
    **_TABLE,
)

# A key has either a text, which is swapped, or a number, which is added.
COUNTERS: Final = Table(
    "uness_auth_counters",
    METADATA,
    Column("key", exact(64), primary_key=True),
    Column("text", exact(4_000)),
    Column("number", BigInteger),
    Column("expires_at", Instant, nullable=False, index=True),
    **_TABLE,
)


def read_version(connection: Connection, /) -> int:
    """
    Return the version of the tables, `NO_TABLES` where there are none.
    """
    if not inspect(connection).has_table(SCHEMA.name):
        return NO_TABLES
    found = connection.execute(select(SCHEMA.c.version)).scalar()
    # A first step that broke off may have left an empty table, or one that says so.
    return NO_TABLES if found is None else int(found)
