"""
What only PostgreSQL needs, through psycopg 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    URL,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    String,
    Table,
    any_,
    bindparam,
    create_engine,
    delete,
    event,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from .backend import (
    POOL_SIZE,
    Backend,
    Row,
    Waits,
    has_something_to_read,
    refuse_stale,
)


DRIVERS: Final = frozenset({"postgresql", "postgresql+psycopg"})

# 40001 serialization_failure, 40P01 deadlock_detected: rolled back, as if never sent.
LOST_RACES: Final = frozenset({"40001", "40P01"})

# READ COMMITTED whatever the database's default: each step is one statement, or a
# transaction that decides nothing by what it read, and under SERIALIZABLE even steps on
# different accounts fail.  A statement that is not answered in time is given up by the
# database itself: what we told as failed must not be done later.
SETTINGS: Final = """
SELECT set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', %(answer)s, false),
       set_config('statement_timeout', %(answer)s, false)
"""

# Of all locks of a database, the one of our migrations: "uness" in ASCII.  Of the
# transaction, because a pooler may give the session to somebody else afterwards.
CLAIM: Final = "SELECT pg_try_advisory_xact_lock(x'756e657373'::bigint)"

# Rows that this very transaction wrote: the low 32 bits of its number are in each.
IS_OURS: Final[ColumnElement[bool]] = literal_column(
    "CAST(CAST(xmin AS text) AS bigint) = mod(txid_current(), 4294967296)", Boolean
)


def make_engine(url: URL, waits: Waits, /) -> Engine:
    """
    Return an engine of our own for the database that *url* names.
    """
    # Here, because only those who use PostgreSQL install its driver.
    from .psycopg_connection import impatient  # noqa: PLC0415

    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        # The driver never begins by itself: one statement is one step.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        # Parameters are digests, hashes and addresses: no place for them in messages.
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=waits.for_turn,
        # In whole seconds, and at least 2: psycopg's own rule.
        connect_args={"connect_timeout": ceil(waits.for_turn)},
    )

    connection_type = impatient(waits.for_sign)
    answer = f"{ceil(waits.for_answer * 1000)}ms"

    def on_do_connect(_dialect: Any, _record: Any, args: Any, options: Any) -> Any:
        return connection_type.connect(*args, **options)

    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute(SETTINGS, {"answer": answer}).close()

    event.listen(engine, "do_connect", on_do_connect)
    event.listen(engine, "connect", on_connect)
    refuse_stale(is_stale, engine)
    return engine


def add_new(
    connection: Connection, table: Table, rows: Sequence[Row], /
) -> frozenset[str]:
    """
    Add those rows whose keys are new; return the ids of those added.

    Not with RETURNING, for which all rows stand in one statement: its many parameters
    take the driver longer to count than the database to write.
    """
    ids = [row["id"] for row in rows]
    _ = connection.execute(insert(table).on_conflict_do_nothing(), rows)
    added = select(table.c.id).where(
        table.c.id == any_(bindparam("ids", type_=ARRAY(String))), IS_OURS
    )
    return frozenset(connection.execute(added, {"ids": ids}).scalars())


def upsert(
    table: Table, values: Row, changes: Row, told: Column[Any], /
) -> ReturningInsert[Any]:
    """
    Return the INSERT that changes the row where there is one.
    """
    return (
        insert(table)
        .values(values)
        .on_conflict_do_update(index_elements=table.primary_key, set_=changes)
        .returning(told)
    )


def purging(
    key: Column[Any], ends_at: Column[Any], /, *more: ColumnElement[bool]
) -> Delete:
    """
    Return the statement that removes up to ``:limit`` rows that ended before ``:before``.
    """
    is_over = ends_at < bindparam("before")
    # As a CTE it is looked up once.  A plain IN (SELECT … LIMIT) may be looked up once
    # per row, each time with other rows, and would then remove more than the limit.
    # Rows that somebody else removes, or renews, are passed over, not waited for.
    over = (
        select(key)
        .where(is_over, *more)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    return delete(key.table).where(key.in_(select(over.c[key.name])))


def is_lost_race(fault: BaseException | None, /) -> bool:
    """
    Return whether others were faster, or stood in the way, and nothing was done.
    """
    return getattr(fault, "sqlstate", None) in LOST_RACES


def is_stale(connection: Any, /) -> bool:
    """
    Return whether the server has closed an idle connection.
    """
    return has_something_to_read(connection.fileno())


def claim(connection: Connection, /) -> bool:
    """
    Begin the transaction of a migration, unless another process is in one.
    """
    _ = connection.exec_driver_sql("BEGIN")
    is_ours = bool(connection.exec_driver_sql(CLAIM).scalar_one())
    then = "SET LOCAL statement_timeout = 0" if is_ours else "ROLLBACK"
    _ = connection.exec_driver_sql(then)
    return is_ours


POSTGRESQL: Final = Backend(
    name="PostgreSQL",
    extra="postgresql",
    make_engine=make_engine,
    claim=claim,
    add_new=add_new,
    upsert=upsert,
    purging=purging,
    is_lost_race=is_lost_race,
    is_stale=is_stale,
    clock="CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint)",
)
