"""
What only MariaDB needs, through PyMySQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Integer,
    Table,
    bindparam,
    create_engine,
    delete,
)
from sqlalchemy.dialects.mysql import insert, limit
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from .backend import (
    POOL_SIZE,
    Backend,
    Change,
    Row,
    Waits,
    has_something_to_read,
    refuse_stale,
)
from .prepared import Parameters, Send


DRIVERS: Final = frozenset({"mariadb", "mariadb+pymysql", "mysql", "mysql+pymysql"})

# ER_LOCK_DEADLOCK, and ER_CHECKREAD of later versions: rolled back, as if never sent.
LOST_RACES: Final = frozenset({1213, 1020})

# Rows per INSERT: some 100 kB, where a packet may hold 16 MB.
CHUNK: Final = 500

# Strict, or what does not fit would be cut with a warning.  READ COMMITTED, because a
# step is one statement, or decides nothing by what it read, and the default's gap locks
# let steps on different rows wait for each other.  A statement that is not answered in
# time is given up by the database itself: what we told as failed must not be done later.
SETTINGS: Final = """
SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
    SESSION tx_isolation = 'READ-COMMITTED',
    SESSION max_statement_time = {answer:g},
    SESSION innodb_lock_wait_timeout = {lock},
    SESSION lock_wait_timeout = {lock}
"""

# Locks are of the whole server, and their names have 64 characters at most.
CLAIM: Final = "SELECT GET_LOCK(CONCAT('uness_auth:', SHA1(DATABASE())), 0)"


def make_engine(url: URL, waits: Waits, /) -> Engine:
    """
    Return an engine of our own for the database that *url* names.
    """
    answer = waits.for_answer
    engine = create_engine(
        # As MariaDB even where it calls itself MySQL: they differ in RETURNING.
        url.set(drivername="mariadb+pymysql"),
        # The driver never begins by itself: one statement is one step.
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        # Parameters are digests, hashes and addresses: no place for them in messages.
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=waits.for_turn,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": waits.for_turn,
            "read_timeout": waits.for_sign,
            "write_timeout": waits.for_sign,
            "init_command": SETTINGS.format(answer=answer, lock=ceil(answer)),
        },
    )
    refuse_stale(is_stale, engine)
    return engine


def add_new(
    connection: Connection, table: Table, rows: Sequence[Row], /
) -> frozenset[str]:
    """
    Add those rows whose keys are new, and return their ids.

    Not by INSERT IGNORE, which also overlooks texts that are cut.
    """
    added: set[str] = set()
    for start in range(0, len(rows), CHUNK):
        added |= _add_chunk(connection, table, rows[start : start + CHUNK])
    return frozenset(added)


def upsert(
    table: Table, values: Row, changes: Row, told: Column[Any], /
) -> ReturningInsert[Any]:
    """
    Return the INSERT that changes the row where there is one.
    """
    return (
        insert(table)
        .values(values)
        .on_duplicate_key_update(dict(changes))
        .returning(told)
    )


def change_in_two(
    send: Send, change: Change, parameters: Parameters, /
) -> Sequence[Any] | None:
    """
    Do *change* in two statements: MariaDB has no UPDATE … RETURNING.
    """
    _, count = send(change.write, parameters)
    if count == 0:
        return None
    rows, _ = send(change.look, parameters)
    return rows[0] if rows else None


def purging(
    _key: Column[Any], ends_at: Column[Any], /, *more: ColumnElement[bool]
) -> Delete:
    """
    Return the statement that removes up to ``:limit`` rows that ended before ``:before``.

    MariaDB looks an inner SELECT up again for each row of the table, but has a LIMIT.
    """
    return (
        delete(ends_at.table)
        .where(ends_at < bindparam("before"), *more)
        .ext(limit(bindparam("limit", type_=Integer())))
    )


def is_lost_race(fault: BaseException | None, /) -> bool:
    """
    Return whether others were faster, or stood in the way, and nothing was done.
    """
    return fault is not None and not LOST_RACES.isdisjoint(fault.args[:1])


def is_stale(connection: Any, /) -> bool:
    """
    Return whether the server has closed an idle connection.
    """
    # PyMySQL has no public word for its socket.
    return has_something_to_read(connection._sock.fileno())  # noqa: SLF001


def claim(connection: Connection, /) -> bool:
    """
    Take the lock of migrations, unless another process has it.

    Each change of a table commits: there is no transaction to begin.
    """
    if connection.exec_driver_sql(CLAIM).scalar_one() != 1:
        return False
    _ = connection.exec_driver_sql("SET SESSION max_statement_time = 0")
    return True


MARIADB: Final = Backend(
    name="MariaDB",
    extra="mariadb",
    make_engine=make_engine,
    claim=claim,
    add_new=add_new,
    upsert=upsert,
    change=change_in_two,
    purging=purging,
    is_lost_race=is_lost_race,
    is_stale=is_stale,
    clock="unix_timestamp()",
)


def _add_chunk(connection: Connection, table: Table, rows: Sequence[Row]) -> set[str]:
    # All new is the ordinary case.  A key that is taken undoes that one statement and
    # leaves the transaction as it was, so that the rows can be tried one by one.
    try:
        _ = connection.execute(insert(table).values(rows))
    except IntegrityError:
        return {row["id"] for row in rows if _is_added(connection, table, row)}
    return {row["id"] for row in rows}


def _is_added(connection: Connection, table: Table, row: Row) -> bool:
    try:
        _ = connection.execute(insert(table), row)
    except IntegrityError:
        return False
    return True
