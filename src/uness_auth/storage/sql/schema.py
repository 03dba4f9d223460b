"""
The tables, their version, and how a value becomes a column and back.

What each look-up and each purge asks for has an index, and nothing else has: there are
no foreign keys, because stores may be mixed (sessions here, accounts elsewhere), and
because the challenge of a decoy belongs to no account.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    inspect,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from ...addresses import LONGEST_ADDRESS
from ...events import LONGEST_REASON


# Raise it together with a revision in `migrations.versions` from the version before.
VERSION: Final = 4
NO_TABLES: Final = 0


class Instant(TypeDecorator[datetime]):
    """
    An instant as whole seconds since 1970.

    Not the database's own type: those drop or keep time zones and microseconds, each
    in its own way, and SQLite has none.

    Args:
        is_optional: None is kept, as NULL; elsewhere it is refused before it is sent.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    def __init__(self, *, is_optional: bool = False) -> None:
        super().__init__()
        self.is_optional = is_optional

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> int | None:
        """
        Refuse an instant that does not say where it is.
        """
        if value is None and self.is_optional:
            return None
        if value is None or value.utcoffset() is None:
            msg = "an aware datetime is needed"
            raise ValueError(msg)
        return int(value.timestamp())

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """
        Return aware UTC, or None where NULL is kept.
        """
        return None if value is None else datetime.fromtimestamp(value, UTC)


class OrNull(TypeDecorator[str]):
    """
    A text that is kept as NULL where it is empty: a key that most rows have not.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = String
    cache_ok: bool | None = True

    def process_bind_param(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        """
        Return what is kept.
        """
        return value or None

    def process_result_value(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        """
        Return the text.
        """
        return value or ""


def exact(length: int, kind: Callable[..., Any] = String, /) -> Any:
    """
    Return a text that is compared byte by byte.

    The collation is named, so that no database falls back to one that folds case,
    accents or trailing spaces.
    """
    return (
        kind(length, collation="BINARY")
        .with_variant(kind(length, collation="C"), "postgresql")
        .with_variant(kind(length, collation="utf8mb4_nopad_bin"), "mariadb", "mysql")
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

# Rows that have a number for a key: SQLite gives one to its own row ids alone.
_COUNTED: Final[dict[str, Any]] = _TABLE | {"sqlite_with_rowid": True}

# Written out: Alembic takes a plain "" for another default than the one SQLite tells.
_EMPTY: Final = text("''")

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
    Column("provisioned_by", exact(64), nullable=False, server_default=_EMPTY),
    Column("external_id", exact(128, OrNull)),
    Column("valid_from", Instant(is_optional=True)),
    Column("valid_until", Instant(is_optional=True)),
    # NULLs differ: many accounts have none.
    Index(
        "uness_auth_accounts_external_key",
        "provisioned_by",
        "external_id",
        unique=True,
    ),
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

# By account alone, though lists go by when a session was last seen: an account has few
# sessions, which are soon sorted, and an index that held that time would be written with
# every touch.  The texts have a default for processes of version 1, which know nothing
# of them.
SESSIONS: Final = Table(
    "uness_auth_sessions",
    METADATA,
    Column("digest", exact(64), primary_key=True),
    Column("account_id", exact(64), nullable=False, index=True),
    Column("credential_version", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    Column("is_remembered", Boolean, nullable=False),
    Column("authenticated_at", Instant(is_optional=True)),
    Column("browser", String(64), nullable=False, server_default=_EMPTY),
    Column("network", String(64), nullable=False, server_default=_EMPTY),
    **_TABLE,
)

# Numbered as they are written, because within a second nothing else says what was first.
# For an account, and for what has had its time, each in the order of time.
EVENTS: Final = Table(
    "uness_auth_events",
    METADATA,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("kind", exact(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("account_id", exact(64), nullable=False),
    Column("address", String(LONGEST_ADDRESS), nullable=False),
    Column("network", String(64), nullable=False),
    Column("method", String(64), nullable=False),
    Column("reason", String(LONGEST_REASON), nullable=False),
    Index("ix_uness_auth_events_account_id_at", "account_id", "at"),
    Index("ix_uness_auth_events_kind_at", "kind", "at"),
    **_COUNTED,
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
