"""
The queue of mail orders and its thread.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from uness_auth.errors import (
    ConfigurationError,
    MailError,
    RecipientError,
    StorageError,
)
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import MailOrder, OrderKind
from uness_auth.ports import OrderQueue


NOW = datetime(2026, 7, 29, 10, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
AT_ONCE = timedelta(0)
ORDER = MailOrder(
    kind=OrderKind.CODE,
    account_id="a",
    credential_version=1,
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=3),
)


def order(account_id: str) -> MailOrder:
    """
    Return an order of this account.
    """
    return attrs.evolve(ORDER, account_id=account_id)


class Clock:
    """
    A clock that stands until it is moved.
    """

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Delivery:
    """
    Takes the orders, fails as told, and lets a test wait for what happens.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.faults: dict[str, list[BaseException]] = {}
        self.gate = threading.Event()
        self.gate.set()
        self._changed = threading.Condition()

    def __call__(self, order: MailOrder, /) -> None:
        with self._changed:
            self.tried.append(order.account_id)
            self._changed.notify_all()
        assert self.gate.wait(30)
        faults = self.faults.get(order.account_id)
        if faults:
            raise faults.pop(0)

    def wait_for(self, *tried: str) -> None:
        """
        Return when exactly these were tried, in this order.
        """
        with self._changed:
            assert self._changed.wait_for(lambda: len(tried) <= len(self.tried), 30)
        assert list(tried) == self.tried


MakeQueue = Callable[..., BackgroundQueue]


@pytest.fixture(name="delivery")
def _delivery() -> Delivery:
    return Delivery()


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="make")
def _make(delivery: Delivery, clock: Clock) -> Iterator[MakeQueue]:
    """
    Make queues that deliver to `delivery`, and close them at the end.
    """
    made: list[BackgroundQueue] = []

    def make(**fields: Any) -> BackgroundQueue:
        defaults: dict[str, Any] = {"clock": clock, "retry_waits": (HOUR,)}
        queue = BackgroundQueue(**defaults | fields)
        queue.start(delivery)
        made.append(queue)
        return queue

    yield make
    delivery.gate.set()
    for queue in made:
        queue.close()


class TestPut:
    def test_delivers(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        Orders are delivered, first come first served.
        """
        queue: OrderQueue = make()
        for account_id in "abc":
            queue.put(order(account_id))

        delivery.wait_for("a", "b", "c")

    def test_does_not_wait(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        However long a mail takes, who asked for one is answered at once.
        """
        delivery.gate.clear()
        queue = make()
        queue.put(order("a"))
        queue.put(order("b"))

        delivery.wait_for("a")

    def test_is_refused_when_full(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        Beyond its size the queue takes nothing, and says so.
        """
        delivery.gate.clear()
        queue = make(size=2)
        queue.put(order("a"))
        delivery.wait_for("a")
        queue.put(order("b"))
        queue.put(order("c"))
        with pytest.raises(MailError, match="full: 2 orders wait"):
            queue.put(order("d"))
        delivery.gate.set()

        delivery.wait_for("a", "b", "c")

    def test_is_refused_when_closed(self, make: MakeQueue) -> None:
        """
        A closed queue takes nothing, and says so.
        """
        queue = make()
        queue.close()
        with pytest.raises(MailError, match="closed"):
            queue.put(ORDER)

    def test_is_refused_without_a_thread(
        self, make: MakeQueue, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A process that may not start a thread keeps no order that nobody delivers.
        """

        def refuse(_: threading.Thread) -> None:
            msg = "can't start new thread"
            raise RuntimeError(msg)

        queue = make()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(MailError, match="can't start new thread"):
                queue.put(order("a"))
        queue.put(order("b"))

        delivery.wait_for("b")

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_replaces_a_thread_that_died(
        self, make: MakeQueue, delivery: Delivery
    ) -> None:
        """
        Should something end the thread, the next order starts another.
        """
        delivery.faults = {"a": [SystemExit()]}
        queue = make()
        queue.put(order("a"))
        delivery.wait_for("a")
        for thread in threading.enumerate():
            if thread.name == "uness-auth-mail":
                thread.join(30)
        queue.put(order("b"))

        delivery.wait_for("a", "b")

    def test_in_a_forked_process_begins_anew(
        self, make: MakeQueue, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The parent's orders are not delivered twice, and the child has its own thread.
        """
        delivery.faults = {"a": [MailError("down")]}
        queue = make()
        queue.put(order("a"))
        queue.put(order("b"))
        delivery.wait_for("a", "b")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            queue.put(order("c"))
            delivery.wait_for("a", "b", "c")
            queue.close()
        queue.close()

        delivery.wait_for("a", "b", "c", "a")


class TestRetries:
    @pytest.mark.parametrize("fault", [MailError("421"), StorageError("x"), KeyError()])
    def test_a_failed_order_is_tried_again(
        self, make: MakeQueue, delivery: Delivery, fault: Exception
    ) -> None:
        """
        Whatever failed, the order is tried until it succeeds, and then no more.
        """
        delivery.faults = {"a": [fault, fault, fault]}
        queue = make(retry_waits=(AT_ONCE,))
        queue.put(order("a"))
        delivery.wait_for("a", "a", "a", "a")
        queue.put(order("b"))

        delivery.wait_for("a", "a", "a", "a", "b")

    def test_one_that_waits_does_not_stall_the_others(
        self, make: MakeQueue, delivery: Delivery
    ) -> None:
        """
        While one undeliverable mail waits for its next try, others go out.
        """
        delivery.faults = {"a": [MailError("550")]}
        queue = make()
        queue.put(order("a"))
        delivery.wait_for("a")
        queue.put(order("b"))

        delivery.wait_for("a", "b")

    def test_wait_ever_longer(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        Each failure has its own wait, and the last one goes for all that follow.
        """
        delivery.faults = {"a": [MailError("421"), MailError("421")], "b": []}
        queue = make(retry_waits=(AT_ONCE, HOUR))
        queue.put(order("a"))
        delivery.wait_for("a", "a")
        queue.put(order("b"))

        delivery.wait_for("a", "a", "b")

    def test_end_when_the_order_has_expired(
        self, make: MakeQueue, delivery: Delivery, clock: Clock, caplog: Any
    ) -> None:
        """
        An expired order is handed over once more, for its event, and then given up.
        """
        delivery.gate.clear()
        delivery.faults = {"a": [MailError("down"), StorageError("down"), KeyError()]}
        queue = make()
        queue.put(order("a"))
        delivery.wait_for("a")
        clock.now = ORDER.expires_at
        delivery.gate.set()
        delivery.wait_for("a", "a")
        queue.put(order("b"))

        delivery.wait_for("a", "a", "b")
        assert "mail order code for account a was never delivered" in caplog.text

    def test_do_not_wait_past_the_expiry(
        self, make: MakeQueue, delivery: Delivery, clock: Clock
    ) -> None:
        """
        A wait that would end too late ends when the order expires.
        """
        clock.now = ORDER.expires_at - timedelta(milliseconds=1)
        delivery.faults = {"a": [MailError("down")]}
        queue = make()
        queue.put(order("a"))

        delivery.wait_for("a", "a")

    def test_none_where_the_address_is_refused(
        self, make: MakeQueue, delivery: Delivery, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A mailbox that there is not is asked once; one that is full, again.
        """
        delivery.faults = {
            "a": [RecipientError("550")],
            "b": [RecipientError("452", is_final=False)],
        }
        queue = make(retry_waits=(AT_ONCE,))
        queue.put(order("a"))
        queue.put(order("b"))
        delivery.wait_for("a", "b", "b")
        queue.close()

        assert "mail order code for account a was never delivered" in caplog.text

    def test_are_logged_without_secrets(
        self, make: MakeQueue, delivery: Delivery, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        The log says which order failed, how often and why, and never quotes a mail.
        """
        delivery.faults = {"a": [MailError("server refused: 421"), ValueError("t0ken")]}
        queue = make(retry_waits=(AT_ONCE,))
        queue.put(order("a"))
        delivery.wait_for("a", "a", "a")
        first, second = [one.getMessage() for one in caplog.records]

        assert "mail order code for account a, attempt 1: server refused: 421" == first
        assert second.startswith("mail order code for account a, attempt 2: ValueError")
        assert "test_background.py" in second
        assert "t0ken" not in caplog.text


class TestClose:
    def test_delivers_what_waits(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        Orders that wait for their next try are tried at once, and none is forgotten.
        """
        delivery.faults = {"a": [MailError("421")]}
        queue = make()
        queue.put(order("a"))
        queue.put(order("b"))
        delivery.wait_for("a", "b")
        queue.put(order("c"))
        queue.close()

        assert ["a", "b"] == delivery.tried[:2]
        assert {"a", "c"} == set(delivery.tried[2:])

    def test_tells_what_it_could_not_deliver(
        self, make: MakeQueue, delivery: Delivery, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        An order that fails once more is lost, and the log says whose.
        """
        delivery.faults = {"a": [MailError("421"), MailError("421")]}
        queue = make()
        queue.put(order("a"))
        queue.put(order("b"))
        delivery.wait_for("a", "b")
        queue.close()

        assert ["a", "b", "a"] == delivery.tried
        assert "account a was never delivered" in caplog.text

    def test_does_not_wait_for_ever(
        self, make: MakeQueue, delivery: Delivery, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A mail server that hangs does not hold up the end; the log counts the orders.
        """
        delivery.gate.clear()
        queue = make()
        for account_id in "abc":
            queue.put(order(account_id))
        delivery.wait_for("a")
        queue.close(timedelta(milliseconds=1))

        assert "closed with 3 orders undelivered" in caplog.text
        delivery.gate.set()
        queue.close()
        assert ["a"] == delivery.tried

    def test_twice_is_once(
        self, make: MakeQueue, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Closing again, or before the first order, does nothing and says nothing.
        """
        queue = make()
        queue.put(ORDER)
        queue.close()
        queue.close()
        BackgroundQueue().close()

        assert [] == [one for one in caplog.records if one.levelno >= logging.WARNING]

    def test_happens_when_the_process_ends(self) -> None:
        """
        A program that just ends has its orders delivered first; a forked one too.
        """
        program = """
import os, sys, threading
from datetime import UTC, datetime, timedelta
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import MailOrder, OrderKind

def deliver(order):
    begun.set()
    may_go.wait()
    print(order.account_id, flush=True)

def order(account_id):
    now = datetime.now(UTC)
    return MailOrder(
        kind=OrderKind.CODE, account_id=account_id, credential_version=1,
        issued_at=now, expires_at=now + timedelta(hours=1),
    )

begun, may_go = threading.Event(), threading.Event()
queue = BackgroundQueue()
queue.start(deliver)
queue.put(order("parent"))
queue.put(order("parent too"))
begun.wait()
if child := os.fork():
    os.waitpid(child, 0)
    may_go.set()
else:
    may_go = threading.Event()
    may_go.set()
    queue.put(order("child"))
"""
        ended = subprocess.run(  # noqa: S603 - the interpreter, on the lines above
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert ["child", "parent", "parent too"] == ended.stdout.splitlines()

    def test_at_exit_is_left_to_the_process_that_has_the_thread(
        self,
        make: MakeQueue,
        delivery: Delivery,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """
        A forked process, which inherits the call, leaves the parent's queue alone.
        """
        calls: list[Callable[[], None]] = []
        monkeypatch.setattr(atexit, "register", calls.append)
        queue = make()
        queue.put(order("a"))
        delivery.wait_for("a")
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: -1)
            calls[0]()
        queue.put(order("b"))
        delivery.wait_for("a", "b")
        calls[0]()
        with pytest.raises(MailError, match="closed"):
            queue.put(order("c"))


class TestSetUp:
    @pytest.mark.parametrize(
        "fields",
        [{"size": 0}, {"retry_waits": ()}, {"retry_waits": (HOUR, -HOUR)}],
    )
    def test_faults_are_told(self, fields: dict[str, Any]) -> None:
        """
        A queue without room, or without waits, is a fault of the set-up.
        """
        with pytest.raises(ConfigurationError, match="one wait at least"):
            BackgroundQueue(**fields)

    def test_serves_one_sign_in(self, make: MakeQueue, delivery: Delivery) -> None:
        """
        A queue in use cannot be given to somebody else.
        """
        with pytest.raises(ConfigurationError, match="one of its own"):
            make().start(delivery)

    def test_wants_somebody_who_delivers(self) -> None:
        """
        An order put before the wiring is done is a fault of the set-up.
        """
        with pytest.raises(ConfigurationError, match="UnessAuth"):
            BackgroundQueue().put(ORDER)

    def test_is_not_for_development_only(self) -> None:
        """
        A site may run with it.
        """
        assert not BackgroundQueue.for_development_only
