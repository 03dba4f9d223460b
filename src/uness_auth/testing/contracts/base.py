"""
What the contracts share: abilities that are declared, and calls at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import ClassVar, Final, TypeVar
from unittest import SkipTest


Answer = TypeVar("Answer")

NOW: Final = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)


class Contract:
    """
    Base of the contracts.

    Attributes:
        supports_concurrency:
            True, or the reason why this store may be called by one thread only.  Its
            tests then say so, and are skipped.
    """

    supports_concurrency: ClassVar[bool | str] = True

    def together(self, calls: Sequence[Callable[[], Answer]], /) -> list[Answer]:
        """
        Make all calls at the same moment, each in a thread of its own.

        Returns:
            Their answers, in the order of the calls.
        """
        if self.supports_concurrency is not True:
            # pytest knows this exception too, so that the kit need not import pytest.
            msg = f"{type(self).__name__}: {self.supports_concurrency}"
            raise SkipTest(msg)
        start = Barrier(len(calls))

        def answer(call: Callable[[], Answer]) -> Answer:
            _ = start.wait()
            return call()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(answer, calls))


def is_utc(instant: datetime, /) -> bool:
    """
    Return whether *instant* says that it is UTC.
    """
    return instant.utcoffset() == timedelta(0)
