"""
What the doctor says of stores, and of clocks that are not this machine's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import attrs
import pytest

from tests.unit.doctor.conftest import local, online
from uness_auth import StorageError
from uness_auth.doctor import Severity, examine
from uness_auth.doctor.findings import words_of
from uness_auth.doctor.served import check_clock
from uness_auth.doctor.stores import check_stores
from uness_auth.storage.memory import MemoryStorage


NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS
SECRET = "pl4nted-secret"


class Broken:
    """
    A store that cannot be reached, and whose driver quotes its URL.
    """

    def __init__(self, fault: type[Exception] = StorageError) -> None:
        self.fault = fault

    def __getattr__(self, name: str) -> Any:
        """
        Fail, whatever is called.
        """

        def fail(*_arguments: object) -> NoReturn:
            msg = f"Broken.{name}() failed"
            cause = f"no way to postgresql://portal:{SECRET}@db.example.fr/portal"
            raise self.fault(msg) from OSError(f"{cause}\nand rows: {SECRET}")

        if name in {"for_development_only", "joins"}:
            raise AttributeError(name)
        return fail


@attrs.frozen
class Timed:
    """
    Counters on a server whose clock is wrong.
    """

    real: Any
    ahead: timedelta

    def server_time(self) -> datetime:
        """
        Return the wrong time.
        """
        return datetime.now(UTC) + self.ahead

    def __getattr__(self, name: str) -> Any:
        """
        Do as the real ones do.
        """
        if name == "for_development_only":
            raise AttributeError(name)
        return getattr(self.real, name)


class Silent(Broken):
    """
    Counters on a server that is down.
    """

    def server_time(self) -> datetime:
        """
        Fail, as all else does.
        """
        # Written out: only what a class has makes it a `TimedStore` on every Python.
        msg = "no answer"
        raise StorageError(msg)


class TestStores:
    def test_all_answer(self, storage: MemoryStorage) -> None:
        """
        Each store is asked, and nothing of it stays.
        """
        auth = online(storage)
        (finding,) = check_stores(auth)

        assert OK is finding.severity
        assert 0 == auth.parts.stores.counters.add("uness-auth doctor", 0, auth.clock())

    def test_optional_ones(self, storage: MemoryStorage) -> None:
        """
        What a site does without is not asked.
        """
        stores = online(storage).parts.stores
        stores = attrs.evolve(stores, registry=None, session_lists=None, events=None)
        (finding,) = check_stores(online(storage, stores=stores))

        assert OK is finding.severity

    @pytest.mark.parametrize(
        "port",
        [
            *("accounts", "registry", "code_challenges"),
            *("sessions", "session_lists", "counters", "events"),
        ],
    )
    def test_one_is_down(self, storage: MemoryStorage, port: str) -> None:
        """
        A store that is down is named; no password, and no row, with it.
        """
        stores = attrs.evolve(online(storage).parts.stores, **{port: Broken()})
        findings = [*check_stores(online(storage, stores=stores))]
        (finding,) = (one for one in findings if one.severity is SERIOUS)

        assert port in finding.what
        assert "postgresql://***@db.example.fr" in finding.what
        assert SECRET not in repr(findings)

    def test_all_are_down(self, storage: MemoryStorage) -> None:
        """
        Each is told.
        """
        parts = attrs.fields(type(storage.stores))
        stores = type(storage.stores)(**{one.name: Broken() for one in parts})
        findings = [*check_stores(online(storage, stores=stores))]

        assert {SERIOUS} == {one.severity for one in findings}
        assert len(findings) > 5

    def test_too_slow(self, storage: MemoryStorage) -> None:
        """
        Where one takes all the time there is, the others are not asked.
        """
        findings = [*check_stores(online(storage), timedelta(seconds=-1))]

        assert {SERIOUS} == {one.severity for one in findings}
        assert all("was not asked" in one.what for one in findings)

    def test_slow(self, storage: MemoryStorage) -> None:
        """
        A store that takes its time is told by name.
        """

        @attrs.frozen
        class Slow:
            real: Any

            def __getattr__(self, name: str) -> Any:
                if name in {"for_development_only", "joins"}:
                    raise AttributeError(name)
                time.sleep(0.3)
                return getattr(self.real, name)

        stores = online(storage).parts.stores
        stores = attrs.evolve(stores, accounts=Slow(stores.accounts))
        (finding,) = check_stores(online(storage, stores=stores))

        assert NOTE is finding.severity
        assert "(Slow)" in finding.what

    def test_in_memory(self, storage: MemoryStorage) -> None:
        """
        Stores of one process are told.
        """
        answering, alone = check_stores(local(storage))

        assert (OK, NOTE) == (answering.severity, alone.severity)
        assert "MemoryCounters" in alone.what

    def test_one_that_raises_whatever(self, storage: MemoryStorage) -> None:
        """
        What a store of the host's raises is a finding, not a traceback.
        """
        stores = online(storage).parts.stores
        stores = attrs.evolve(stores, accounts=Broken(RuntimeError))
        auth = online(storage, stores=stores)
        findings = [*examine(auth, is_offline=True)]
        (finding,) = (one for one in findings if one.severity is SERIOUS)

        assert "RuntimeError" in finding.what
        assert SECRET not in repr(findings)
        assert "texts" == findings[-1].check


class TestWords:
    def test_a_cause_is_told_once(self) -> None:
        """
        What the message says already is not said again; a cause may say nothing.
        """
        refused, silent = OSError("refused"), OSError()
        known, unknown = StorageError("refused"), StorageError("failed")
        known.__cause__, unknown.__cause__ = refused, silent

        assert "StorageError: refused" == words_of(known)
        assert "StorageError: failed (OSError)" == words_of(unknown)
        assert "OSError" == words_of(silent)


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "severities"),
        [
            (timedelta(seconds=2), [OK]),
            (timedelta(minutes=5), [SERIOUS]),
            (timedelta(minutes=-5), [SERIOUS]),
        ],
    )
    def test_of_the_database(
        self,
        storage: MemoryStorage,
        ahead: timedelta,
        severities: list[Severity],
    ) -> None:
        """
        A database that lives in another minute is told.
        """
        stores = online(storage).parts.stores
        stores = attrs.evolve(stores, counters=Timed(stores.counters, ahead))
        findings = check_clock(online(storage, stores=stores))

        assert severities == [one.severity for one in findings]

    def test_none_to_ask(self, storage: MemoryStorage) -> None:
        """
        Memory has this machine's clock; of a server that is down the stores tell.
        """
        stores = attrs.evolve(online(storage).parts.stores, counters=Silent())

        assert [] == [*check_clock(local(storage))]
        assert [] == [*check_clock(online(storage, stores=stores))]
