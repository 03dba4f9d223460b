"""
How faults are planted, and how races are lost every time, however busy the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Planted:
    """
    One fault, and the tests of a contract that reject it.

    Attributes:
        offers: What somebody who tests this would write: `make` and its like.
    """

    name: str
    contract: type[Any]
    rejected_by: tuple[str, ...]
    offers: type

    @contextmanager
    def bound(self, folder: Path, /) -> Iterator[Any]:
        """
        Lend the contract, bound to what has the fault; files may go to *folder*.
        """
        bound = type(f"Test{self.name}", (self.offers, self.contract), {})()
        bound.folder = folder
        try:
            yield bound
        finally:
            getattr(bound, "close", bool)()


def planted_in(*families: Any) -> list[Planted]:
    """
    Return the faults of these families: each subclass is one.
    """
    return [
        Planted(
            name=fault.__name__,
            contract=fault.contract,
            rejected_by=fault.rejected_by,
            offers=type("Offers", (), {"make": staticmethod(fault.build)}),
        )
        for family in families
        for fault in family.__subclasses__()
    ]


class Meeting:
    """
    Where the first threads that have looked wait for each other before they write.

    So a race is lost every time, however busy the machine is.
    """

    def __init__(self, parties: int = 2) -> None:
        self._barrier = Barrier(parties)

    def wait(self) -> None:
        """
        Wait for the others, once; later callers pass.
        """
        with suppress(BrokenBarrierError):
            _ = self._barrier.wait(5)
        self._barrier.abort()


class Crossing:
    """
    Lets one call act between another's look and its write.
    """

    def __init__(self) -> None:
        self._looked = Event()
        self._acted = Event()

    def before_write(self) -> None:
        """
        Wait, having looked, until the other call has acted.
        """
        self._looked.set()
        _ = self._acted.wait(5)

    @contextmanager
    def act(self) -> Iterator[None]:
        """
        Act when somebody has looked.
        """
        _ = self._looked.wait(5)
        yield
        self._acted.set()


def naive(instant: datetime) -> datetime:
    """
    Return what a column without a time zone gives back.
    """
    return instant.replace(tzinfo=None)


def local(instant: datetime) -> datetime:
    """
    Return what the clock on the wall showed, taken for UTC.
    """
    return instant.replace(tzinfo=UTC)


def rounded(instant: datetime) -> datetime:
    """
    Return what a column of whole seconds that rounds gives back.
    """
    return (instant + timedelta(milliseconds=500)).replace(microsecond=0)


def to_the_minute(instant: datetime) -> datetime:
    """
    Return what a column that cuts seconds off gives back.
    """
    return instant.replace(second=0)


def changing(record: Any, change: Callable[[datetime], datetime]) -> Any:
    """
    Return *record* with every instant changed.
    """
    return attrs.evolve(
        record,
        **{
            name: change(value)
            for name, value in attrs.asdict(record, recurse=False).items()
            if isinstance(value, datetime)
        },
    )
