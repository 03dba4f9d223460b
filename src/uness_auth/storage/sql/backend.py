"""
What each kind of database does its own way, and what all of them share.
"""

from __future__ import annotations

import select as poll
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol, TypeAlias

import attrs
from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Executable,
    Table,
    Update,
    event,
)
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.sql.dml import ReturningInsert

from .prepared import Parameters, Send


Row: TypeAlias = Mapping[str, Any]

# Connections that there may be.  Each is lent for one step, well under a millisecond,
# unless it waits for somebody's lock.  None of them is closed when it comes back: under
# load it would be opened again at once, which takes many times what a step takes.
POOL_SIZE: Final = 32
# Of these, for steps of one statement; the others are for transactions and for those
# who measure.
POOL_SIZE_FOR_STEPS: Final = 24


@attrs.frozen
class Waits:
    """
    How the longest wait is shared out among what a step may have to wait for.

    In seconds; the shares of one step together are never more than the longest wait.

    Attributes:
        for_turn: For a connection, or for the other writers of this process.

        for_answer: For locks and for the database's work; it then gives up by itself.

        for_sign:
            For a database that gives no sign at all, not even of giving up: longer
            than `for_answer`, because what is given up here may still be done there.
    """

    for_turn: float
    for_answer: float
    for_sign: float

    @classmethod
    def of(cls, longest_wait: timedelta, /) -> Waits:
        """
        Share *longest_wait* out.
        """
        seconds = longest_wait.total_seconds()
        return cls(0.4 * seconds, 0.5 * seconds, 0.6 * seconds)


@attrs.frozen
class Change:
    """
    A write to at most one row that tells how the row is afterwards.

    Attributes:
        at_once: The write with RETURNING, for databases that have it.

        write, look:
            The same in two statements, for MariaDB.  Between the two others may write:
            *look* must not take their doing for ours.
    """

    at_once: Executable
    write: Update
    look: Executable


def change_at_once(
    send: Send, change: Change, parameters: Parameters, /
) -> Sequence[Any] | None:
    """
    Do *change* in one statement; return the row as it is afterwards, or None.
    """
    rows, _ = send(change.at_once, parameters)
    return rows[0] if rows else None


class AddNew(Protocol):
    """
    Adds those rows whose keys are new, and tells which.
    """

    def __call__(
        self, connection: Connection, table: Table, rows: Sequence[Row], /
    ) -> frozenset[str]:
        """
        Return the ids of those added.
        """
        ...


class Purging(Protocol):
    """
    Makes the statement that removes rows which have ended.
    """

    def __call__(
        self, key: Column[Any], ends_at: Column[Any], /, *more: ColumnElement[bool]
    ) -> Delete:
        """
        Return the statement, which asks for *more* of the rows than their end.
        """
        ...


class Upsert(Protocol):
    """
    Writes a row where none is, and changes it where one is; in one statement.
    """

    def __call__(
        self, table: Table, values: Row, changes: Row, told: Column[Any], /
    ) -> ReturningInsert[Any]:
        """
        Return the statement, which returns *told* of the row as it is afterwards.
        """
        ...


@attrs.frozen(kw_only=True)
class Backend:
    """
    What one kind of database does its own way.

    Attributes:
        extra: What to install for its driver; empty: nothing.

        make_engine: Opens no connection yet.

        prepare: Run once, before the schema is made.

        begin: Begins a transaction that will write.

        claim:
            Begins the transaction of a migration, unless another process is in one,
            and says whether it did.  The claim ends with the connection at the latest.
            Lifts the limit for the database's work, but not for locks: whoever queues
            for a table stops everybody behind.

        writers_take_turns: In this process, one writer at a time.

        add_new, upsert: What SQL has no common words for.

        change: Does a `Change`, and returns the row as it is afterwards; None: no row.

        purging:
            Returns the statement that removes up to ``:limit`` rows that ended before
            ``:before``, given the columns of their key and of their end, and what else has
            to be true of them.

        is_lost_race:
            Whether the database says that it did nothing, because of others, and that
            the same may well succeed when tried again.

        is_stale:
            Whether the other side has closed the driver's connection meanwhile.

        clock:
            What the server's time is in SQL, in whole seconds since 1970.
    """

    name: str
    extra: str = ""
    make_engine: Callable[[URL, Waits], Engine]
    prepare: Callable[[Connection, Waits], None] = lambda _connection, _waits: None
    begin: str = "BEGIN"
    claim: Callable[[Connection], bool]
    writers_take_turns: bool = False
    add_new: AddNew
    upsert: Upsert
    change: Callable[[Send, Change, Parameters], Sequence[Any] | None] = change_at_once
    purging: Purging
    clock: str
    is_lost_race: Callable[[BaseException | None], bool] = lambda _fault: False
    is_stale: Callable[[Any], bool] = lambda _connection: False


def add_new_and_tell(
    statement: Callable[[Table], ReturningInsert[Any]],
) -> AddNew:
    """
    Return the `AddNew` of a database whose INSERT passes over keys that are taken.
    """

    def add_new(
        connection: Connection, table: Table, rows: Sequence[Row], /
    ) -> frozenset[str]:
        return frozenset(connection.execute(statement(table), rows).scalars())

    return add_new


def refuse_stale(is_stale: Callable[[Any], bool], engine: Engine, /) -> None:
    """
    Let the engine's pool lend no connection that is stale.
    """

    def on_checkout(connection: Any, _record: Any, _borrowed: Any) -> None:
        if is_stale(connection):
            msg = "closed by the database while it was idle"
            raise DisconnectionError(msg)

    event.listen(engine, "checkout", on_checkout)


def has_something_to_read(fileno: int, /) -> bool:
    """
    Return whether the other side has closed a connection on which nobody asks.

    A database that waits for the next statement says nothing.  What is there to read is
    the end, or the announcement of one: after a restart the first step gets a new
    connection instead of an error, and no step pays a round trip to ask.
    """
    if not hasattr(poll, "poll"):  # pragma: no cover - Windows has none
        return bool(poll.select([fileno], [], [], 0)[0])
    # Not select(), which takes no file numbers over 1,023.
    idle = poll.poll()
    idle.register(fileno, poll.POLLIN)
    return bool(idle.poll(0))
