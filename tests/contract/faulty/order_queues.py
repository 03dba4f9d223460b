"""
Queues of mail orders with planted faults.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, Final

import attrs

from tests.contract.faulty.planting import Meeting, Planted
from uness_auth.errors import MailError
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import MailOrder
from uness_auth.testing import contracts
from uness_auth.testing.contracts.order_queues import Deliver


class FaultyQueue:
    """
    The shipped queue, with a fault on the way in or out.
    """

    rejected_by: ClassVar[tuple[str, ...]]

    def __init__(self, deliver: Deliver) -> None:
        self.meeting = Meeting()
        self.to_the_worker = deliver
        self.queue = BackgroundQueue(retry_waits=[timedelta(0)])
        self.queue.start(self.deliver)

    def put(self, order: MailOrder, /) -> None:
        self.queue.put(order)

    def deliver(self, order: MailOrder, /) -> None:
        self.to_the_worker(order)


class LosesTheKey(FaultyQueue):
    rejected_by = ("test_orders_come_out_as_they_went_in",)

    def put(self, order: MailOrder, /) -> None:
        super().put(attrs.evolve(order, key_id=""))


class DeliversItself(FaultyQueue):
    rejected_by = ("test_put_delivers_nothing_itself",)

    def put(self, order: MailOrder, /) -> None:
        self.deliver(order)


class TriesOnce(FaultyQueue):
    rejected_by = ("test_failed_order_is_tried_again",)

    def deliver(self, order: MailOrder, /) -> None:
        with suppress(MailError):
            super().deliver(order)


class DiesOfAnyFault(FaultyQueue):
    rejected_by = ("test_any_fault_is_survived",)
    is_alive = True

    def deliver(self, order: MailOrder, /) -> None:
        if not self.is_alive:
            return
        try:
            super().deliver(order)
        except RuntimeError:
            self.is_alive = False


class WaitsForTheFirst(FaultyQueue):
    rejected_by = ("test_no_order_holds_up_another",)

    def deliver(self, order: MailOrder, /) -> None:
        while True:
            with suppress(MailError):
                super().deliver(order)
                return


class NeverGivesUp(FaultyQueue):
    rejected_by = ("test_expired_order_is_given_up",)

    def put(self, order: MailOrder, /) -> None:
        late = attrs.evolve(order, expires_at=order.expires_at + timedelta(days=30))
        super().put(late)

    def deliver(self, order: MailOrder, /) -> None:
        early = attrs.evolve(order, expires_at=order.expires_at - timedelta(days=30))
        super().deliver(early)


class LosesWhatCameTogether(FaultyQueue):
    rejected_by = ("test_none_is_lost",)
    last: MailOrder

    def put(self, order: MailOrder, /) -> None:
        self.last = order
        self.meeting.wait()
        super().put(self.last)


class TakesWhatItCannotKeep(FaultyQueue):
    rejected_by = ("test_out_of_reach_nothing_is_accepted",)

    def put(self, order: MailOrder, /) -> None:
        with suppress(MailError):
            super().put(order)


def planted(fault: type[FaultyQueue]) -> Planted:
    """
    Return the fault as the contract wants it offered.
    """

    class Offers:
        # What never comes is not waited for.
        patience = 0.5
        faulty: FaultyQueue

        def make(self, deliver: Deliver, /) -> Any:
            self.faulty = fault(deliver)
            return self.faulty

        def make_unreachable(self) -> Any:
            faulty = self.make(lambda _: None)
            self.close()
            return faulty

        def close(self) -> None:
            self.faulty.queue.close()

    return Planted(
        name=fault.__name__,
        contract=contracts.OrderQueueContract,
        rejected_by=fault.rejected_by,
        offers=Offers,
    )


PLANTED: Final = [planted(fault) for fault in FaultyQueue.__subclasses__()]
