"""
What the contracts are built on: abilities, threads, processes, refusal.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from operator import methodcaller
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest import SkipTest

import pytest

from uness_auth.errors import StorageError
from uness_auth.ports import Events
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing.contracts import EventsContract, StoreContract, processes
from uness_auth.testing.contracts.base import NOW
from uness_auth.testing.contracts.processes import Raised, serve


class System(StoreContract[Any]):
    """
    A contract for a store that every process can open: the module `os`.
    """

    def reopen(self) -> Callable[[], Any]:
        return partial(import_module, "os")


class Undecided(StoreContract[Path]):
    """
    Says neither how to open its store elsewhere nor why not.
    """


class UndecidedEvents(EventsContract):
    """
    Neither hands its events over nor says why it cannot.
    """

    def make(self) -> Events:
        return MemoryStorage().events


class Narrow(StoreContract[Path]):
    """
    Can do nothing of it all.
    """

    supports_concurrency = "one connection"
    supports_processes = "lives in memory"
    supports_refusal = "has no database"
    supports_purge = "rows expire by themselves"


class OutOfReach(StoreContract["OutOfReach"]):
    """
    Its store does as it is told.
    """

    def make_unreachable(self) -> OutOfReach:
        return self

    def refuse(self) -> None:
        raise StorageError

    def answer(self, text: str) -> str:
        return text

    def fall(self) -> None:
        raise OSError(5, "no such database")


class TestClock:
    def test_nothing_has_expired(self) -> None:
        """
        What the contracts call now lies ahead, in whole seconds of UTC.
        """
        assert timedelta(hours=12) < NOW - datetime.now(UTC) < timedelta(hours=48)
        assert (UTC, 0) == (NOW.tzinfo, NOW.microsecond)


class TestAbilities:
    @pytest.mark.parametrize(
        ("use", "reason"),
        [
            (methodcaller("together", [list]), "one connection"),
            (methodcaller("in_processes", [str]), "lives in memory"),
            (methodcaller("out_of_reach", exists=()), "has no database"),
            (methodcaller("need", "supports_purge"), "rows expire by themselves"),
        ],
        ids=["concurrency", "processes", "refusal", "purge"],
    )
    def test_missing_ability_is_told(
        self, use: Callable[[Narrow], object], reason: str
    ) -> None:
        """
        A test that needs what a store cannot do is skipped with the reason.
        """
        with pytest.raises(SkipTest) as told:
            use(Narrow())

        assert f"Narrow: {reason}" == str(told.value)

    @pytest.mark.parametrize(
        ("use", "ways"),
        [
            (methodcaller("in_processes", [str]), ("reopen()", "supports_processes")),
            (
                methodcaller("out_of_reach", exists=()),
                ("make_unreachable()", "supports_refusal"),
            ),
        ],
        ids=["processes", "refusal"],
    )
    def test_both_ways_out_are_named(
        self, use: Callable[[Undecided], object], ways: tuple[str, str]
    ) -> None:
        """
        Who neither writes the method nor declares a reason is told of both.
        """
        method, ability = ways

        with pytest.raises(NotImplementedError) as told:
            use(Undecided())

        assert (
            f'Undecided: write {method}, or declare why there is none: {ability} = "…"'
        ) == str(told.value)

    def test_events_are_handed_over_or_not(self) -> None:
        """
        Who does not write `read_all` is told of it, and of the way out.
        """
        with pytest.raises(NotImplementedError) as told:
            UndecidedEvents().test_erased_events_name_nobody()

        assert (
            "UndecidedEvents: write read_all(), or declare why there is none: "
            'supports_reading_all = "…"'
        ) == str(told.value)


class TestTogether:
    def test_all_run_at_once(self) -> None:
        """
        No call ends before all have begun, and answers keep the order of the calls.
        """
        all_have_begun = Barrier(8)

        def call(number: int) -> int:
            all_have_begun.wait(30)
            return number

        contract = Undecided()

        assert list(range(8)) == contract.together([partial(call, n) for n in range(8)])


class TestInProcesses:
    def test_each_is_another_process(self) -> None:
        """
        Calls are made one by one, each sequence of them in a process of its own.
        """
        own, *others = System().in_processes(
            [methodcaller("getppid"), methodcaller("getpid")],
            [methodcaller("getppid"), methodcaller("getpid")],
        )

        assert [own[0], others[0][0]] == [os.getpid()] * 2
        assert 3 == len({os.getpid(), own[1], others[0][1]})

    def test_fault_is_told(self) -> None:
        """
        What a process raises fails the test, with its text.
        """
        with pytest.raises(AssertionError, match=r"(?s)FileNotFound.*'no such file'"):
            System().in_processes([methodcaller("stat", "no such file")])

    def test_silent_end_is_told(self) -> None:
        """
        A process that ends in the middle of a call fails the test.
        """
        with pytest.raises(AssertionError, match="ended without a word"):
            System().in_processes([methodcaller("_exit", 3)])

    def test_silence_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A process that says nothing fails the test, and does not live on.
        """
        monkeypatch.setattr(processes, "PATIENCE", 0)

        with pytest.raises(AssertionError, match="said nothing for 0 seconds"):
            System().in_processes([methodcaller("getpid")])


class TestServe:
    def test_answers_then_ends(self) -> None:
        """
        A process says that it is ready, waits for the word, answers, and is gone.
        """
        channel = Channel()

        serve(channel, Path, [methodcaller("as_posix"), str], channel.end)

        assert ["sent ready", "received", "sent ['.', '.']", "ended 0"] == channel.done

    def test_fault_is_sent(self) -> None:
        """
        Where the store cannot be opened, its process says so in full.
        """
        channel = Channel()

        serve(channel, partial(int, "x"), [str], channel.end)

        assert isinstance(channel.sent, Raised)
        assert "ValueError: invalid literal" in channel.sent.text
        assert "ended 0" == channel.done[-1]


class TestOutOfReach:
    def test_what_does_not_refuse_is_told(self) -> None:
        """
        An answer and any error but the port's own are told, with the method's name.
        """
        contract = OutOfReach()

        assert {
            "answer": "answered 'None'",
            "fall": "raised OSError(5, 'no such database')",
        } == contract.out_of_reach(refuse=(), answer=("None",), fall=())


class Channel:
    """
    Notes what a process does.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.sent: object = None

    def send(self, what: object) -> None:
        self.sent = what
        self.done.append(f"sent {what}")

    def recv(self) -> None:
        self.done.append("received")

    def end(self, status: int) -> None:
        self.done.append(f"ended {status}")
