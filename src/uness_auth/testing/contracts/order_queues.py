"""
What every queue of mail orders does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Condition, Event, get_ident
from typing import ClassVar, Final, TypeAlias

import attrs

from ...errors import MailError, UnessAuthError
from ...model import MailOrder, OrderKind
from ...ports import OrderQueue
from .base import MINUTE, NOW, RemoteContract


Deliver: TypeAlias = Callable[[MailOrder], None]

CODE: Final = MailOrder(
    kind=OrderKind.CODE,
    account_id="4711",
    credential_version=2**31,
    issued_at=NOW,
    expires_at=NOW + 3 * MINUTE,
    challenge_id="0f" * 16,
    key_id="1a2b3c4d",
)
LINK: Final = MailOrder(
    kind=OrderKind.RESET_LINK,
    account_id="4712",
    credential_version=7,
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)
EXPIRED: Final = attrs.evolve(
    LINK, issued_at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=8)
)


class OrderQueueContract(RemoteContract[OrderQueue], ABC):
    """
    What every `uness_auth.ports.OrderQueue` does, together with its worker.

    Subclass it in your test suite and build a queue in `make`, with the shortest waits
    between two tries that it can have.

    Attributes:
        patience: How long to wait for a worker, in seconds: far more than any needs.
    """

    refusal: ClassVar[type[UnessAuthError]] = MailError
    patience: ClassVar[float] = 60.0

    @abstractmethod
    def make(self, deliver: Deliver, /) -> OrderQueue:
        """
        Return an empty queue whose worker calls *deliver*, in a thread of this process.
        """

    def test_orders_come_out_as_they_went_in(self) -> None:
        """
        Every kind of order is delivered once, with every field as it was.
        """
        orders = [LINK, CODE, attrs.evolve(LINK, kind=OrderKind.FIRST_LINK)]
        worker = self._worker()
        queue = self.make(worker.deliver)

        for order in orders:
            queue.put(order)

        assert worker.has_tried(3)
        assert {*orders} == {*worker.delivered}

    def test_put_delivers_nothing_itself(self) -> None:
        """
        An order is delivered by the worker: who puts it does not wait for the mail.
        """
        worker = self._worker()

        self.make(worker.deliver).put(LINK)

        assert worker.has_tried(1)
        assert get_ident() not in worker.threads

    def test_failed_order_is_tried_again(self) -> None:
        """
        An order whose mail was not accepted is delivered later.
        """
        worker = self._worker(MailError("greylisted"), MailError("still"))

        self.make(worker.deliver).put(LINK)

        assert worker.has_tried(3)
        assert [LINK] == worker.delivered

    def test_any_fault_is_survived(self) -> None:
        """
        Whatever a delivery raises, the worker goes on with it and with the next.
        """
        worker = self._worker(RuntimeError("no idea"))
        queue = self.make(worker.deliver)

        queue.put(LINK)
        queue.put(CODE)

        assert worker.has_tried(3)
        assert {LINK, CODE} == {*worker.delivered}

    def test_no_order_holds_up_another(self) -> None:
        """
        While one order fails, again and again, the others are delivered.
        """
        worker = self._worker(*[MailError("mailbox full")] * 3, only=LINK)
        queue = self.make(worker.deliver)

        worker.pause()
        queue.put(LINK)
        queue.put(CODE)
        worker.resume()

        assert worker.has_tried(5)
        assert [CODE, LINK] == worker.delivered

    def test_expired_order_is_given_up(self) -> None:
        """
        An order that has expired is handed over once more at most, though that fails.
        """
        worker = self._worker(*[MailError("down")] * 9, only=EXPIRED)
        queue = self.make(worker.deliver)

        queue.put(EXPIRED)
        for n in range(3):
            order = attrs.evolve(LINK, account_id=f"{n}")
            queue.put(order)
            assert worker.has_delivered(order)

        assert worker.tried.count(EXPIRED) <= 1

    def test_none_is_lost(self) -> None:
        """
        Of 40 orders put by 8 threads each is delivered, and none twice.
        """
        worker = self._worker()
        queue = self.make(worker.deliver)

        def put_many(thread: int) -> None:
            for n in range(5):
                queue.put(attrs.evolve(LINK, account_id=f"{thread}-{n}"))

        _ = self.together([partial(put_many, thread) for thread in range(8)])

        assert worker.has_tried(40)
        assert 40 == len({order.account_id for order in worker.delivered})

    def test_out_of_reach_nothing_is_accepted(self) -> None:
        """
        An order that cannot be kept raises `uness_auth.errors.MailError`.

        So does one for which there is no room.
        """
        assert {} == self.out_of_reach(put=(LINK,))

    def _worker(self, *faults: Exception, only: MailOrder | None = None) -> Worker:
        return Worker(list(faults), only, self.patience)


class Worker:
    """
    Delivers orders as a test wants it, and lets the test wait for that.
    """

    def __init__(
        self, faults: list[Exception], only: MailOrder | None, patience: float
    ) -> None:
        self.tried: list[MailOrder] = []
        self.delivered: list[MailOrder] = []
        self.threads: set[int] = set()
        self._faults = faults
        self._only = only
        self._patience = patience
        self._changed = Condition()
        self._may_go_on = Event()
        self.resume()

    def deliver(self, order: MailOrder, /) -> None:
        """
        Deliver *order*, or raise the next of the faults.
        """
        _ = self._may_go_on.wait(self._patience)
        with self._changed:
            self.tried.append(order)
            self.threads.add(get_ident())
            self._changed.notify_all()
            if self._faults and self._only in {None, order}:
                raise self._faults.pop(0)
            self.delivered.append(order)

    def pause(self) -> None:
        """
        Let every delivery take until `resume`.
        """
        self._may_go_on.clear()

    def resume(self) -> None:
        """
        Let deliveries end.
        """
        self._may_go_on.set()

    def has_tried(self, count: int, /) -> bool:
        """
        Wait until *count* deliveries were tried.
        """
        return self._is_soon(lambda: len(self.tried) >= count)

    def has_delivered(self, order: MailOrder, /) -> bool:
        """
        Wait until *order* is delivered.
        """
        return self._is_soon(lambda: order in self.delivered)

    def _is_soon(self, is_so: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(is_so, self._patience)
