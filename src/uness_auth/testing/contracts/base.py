"""
What the contracts share: abilities that are declared, and calls at the same moment.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta, timezone
from operator import methodcaller
from threading import Barrier
from typing import ClassVar, Final, Generic, NoReturn, TypeVar
from unittest import SkipTest

from ...errors import StorageError, UnessAuthError
from .processes import call_together


Answer = TypeVar("Answer")
S = TypeVar("S")

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)

# A day ahead of the real clock: a store may let rows expire by that clock, and what a
# test adds must still be there when it looks.  In whole seconds, as ports have it.
_TOMORROW: Final = datetime.now(UTC).date() + timedelta(days=1)
NOW: Final = datetime.combine(_TOMORROW, time(13, 32, 7), UTC)

# The same moment as NOW, as another clock on another wall tells it.
ELSEWHERE: Final = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))

# The last moment of that second: a column that rounds makes the next one of it.
LATE: Final = timedelta(microseconds=999_999)

# An interpreter takes a while to start, so there are few of them.
PROCESSES: Final = 3


class Contract:
    """
    Base of the contracts.

    An ability is True, or the reason why what is tested lacks it: the tests that need
    it then say the reason and are skipped.

    Attributes:
        supports_concurrency: Several threads may call at the same moment.
    """

    supports_concurrency: ClassVar[bool | str] = True

    def need(self, ability: str, /) -> None:
        """
        Skip the test that says so, unless *ability* is declared True.
        """
        declared = getattr(self, ability)
        if declared is not True:
            # pytest knows this exception too, so that the kit need not import pytest.
            msg = f"{type(self).__name__}: {declared}"
            raise SkipTest(msg)

    def together(self, calls: Sequence[Callable[[], Answer]], /) -> list[Answer]:
        """
        Make all calls at the same moment, each in a thread of its own.

        Returns:
            Their answers, in the order of the calls.
        """
        self.need("supports_concurrency")
        start = Barrier(len(calls))

        def answer(call: Callable[[], Answer]) -> Answer:
            _ = start.wait()
            return call()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(answer, calls))


class RemoteContract(Contract, Generic[S]):
    """
    Base of the contracts for what can be out of reach.

    Attributes:
        supports_refusal:
            Its database, or what else it speaks to, can be out of reach: write
            `make_unreachable`.

        refusal: What is raised then.

        secrets: What no error quotes, nor what caused it: errors end up in logs.
    """

    supports_refusal: ClassVar[bool | str] = True
    refusal: ClassVar[type[UnessAuthError]] = StorageError
    secrets: ClassVar[tuple[str, ...]] = ()

    def make_unreachable(self) -> S:
        """
        Return one whose database, or what else it speaks to, cannot be reached.
        """
        self._lacks("make_unreachable()", "supports_refusal")

    def out_of_reach(self, **calls: tuple[object, ...]) -> dict[str, str]:
        """
        Call these methods, with these arguments, of one that cannot reach anything.

        Returns:
            What each did that did not raise `refusal`, or that quoted a secret in it.
        """
        self.need("supports_refusal")
        cut_off = self.make_unreachable()
        done = {name: self._done(cut_off, name, args) for name, args in calls.items()}
        return {name: what for name, what in done.items() if what}

    def _done(self, cut_off: S, name: str, args: tuple[object, ...]) -> str:
        try:
            answer = methodcaller(name, *args)(cut_off)
        except self.refusal as exc:
            # With its causes, as a log would hold it.
            told = "".join(traceback.format_exception(exc))
            return "".join(f"quoted {one!r}" for one in self.secrets if one in told)
        except Exception as exc:  # noqa: BLE001 - what is raised is what is told
            return f"raised {exc!r}"
        return f"answered {answer!r}"

    def _lacks(self, method: str, ability: str) -> NoReturn:
        msg = (
            f"{type(self).__name__}: write {method}, or declare why there is none: "
            f'{ability} = "…"'
        )
        raise NotImplementedError(msg)


class StoreContract(RemoteContract[S]):
    """
    Base of the contracts for stores.

    Attributes:
        supports_processes:
            Other processes may open the same store: write `reopen`.

        supports_purge:
            What expired stays until it is purged.  Only where the port has `purge`.

        supports_any_text:
            Ids and hashes are texts as long and as odd as the port allows.  Elsewhere
            an id is a number without leading zeros, and a hash has 128 characters.
    """

    supports_any_text: ClassVar[bool | str] = True
    supports_processes: ClassVar[bool | str] = True
    supports_purge: ClassVar[bool | str] = True

    def reopen(self) -> Callable[[], S]:
        """
        Return what opens, in another process, the store that `make` returned last.

        It is pickled: give a function of a module, or a `functools.partial` of one.
        """
        self._lacks("reopen()", "supports_processes")

    def in_processes(
        self, *calls: Sequence[Callable[[S], Answer]]
    ) -> list[list[Answer]]:
        """
        Make the calls, those of each sequence in a process of its own, one by one.

        The processes open the store and begin at the same moment.  Each ends as by a
        crash as soon as it has answered: it closes nothing and flushes nothing.

        Args:
            calls: Are pickled: `operator.methodcaller` rather than a lambda.

        Returns:
            Their answers, in the order of the calls.
        """
        self.need("supports_processes")
        return call_together(self.reopen(), calls)


def is_utc(instant: datetime, /) -> bool:
    """
    Return whether *instant* says that it is UTC.
    """
    return instant.utcoffset() == timedelta(0)


def second(instant: datetime, /) -> datetime:
    """
    Return the second that *instant* lies in.
    """
    return instant.replace(microsecond=0)
