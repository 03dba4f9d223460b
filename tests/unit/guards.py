"""
A guard and everything around it, for the tests of guards.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from uness_auth.devices import Devices
from uness_auth.events import Audit
from uness_auth.guard import Guard, Taken
from uness_auth.keys import KeyRing
from uness_auth.model import Client, OrderKind
from uness_auth.outcomes import Throttled
from uness_auth.policy import ThrottlePolicy
from uness_auth.ports import Counters
from uness_auth.site_guard import SiteGuard
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock
from uness_auth.throttle import Spender


T = TypeVar("T")
KEYS = KeyRing(
    ["first-key-of-the-tests-0123456789abcdef"], base_url="https://a.example"
)
HERE = Client(network="192.0.2.7")
THERE = Client(network="2001:db8::/64")
CAMPUS = Client(network="198.51.100.1", is_trusted_network=True)
CODE, FIRST, RESET = OrderKind.CODE, OrderKind.FIRST_LINK, OrderKind.RESET_LINK


def spender(account_id: str, client: Client = HERE, device_id: str = "") -> Spender:
    """
    Return who spends: the account, or a device that it knows.
    """
    return Spender(account_id=account_id, client=client, device_id=device_id)


class Desk:
    """
    A guard, and everything around it.
    """

    def __init__(
        self, policy: ThrottlePolicy | None = None, counters: Counters | None = None
    ) -> None:
        self.clock = FixedClock()
        self.log = EventLog()
        self.counters = counters or MemoryStorage().counters
        self.policy = policy or ThrottlePolicy()
        self.guard = Guard(
            site=SiteGuard(
                counters=self.counters,
                policy=self.policy,
                keys=KEYS,
                clock=self.clock,
                audit=Audit(self.clock, [self.log]),
            ),
            counters=self.counters,
            policy=self.policy,
            keys=KEYS,
            devices=Devices(KEYS, self.policy),
            clock=self.clock,
        )

    def fail(self, times: int, client: Client = HERE, account_id: str = "42") -> None:
        """
        Spend so many wrong passwords, each as soon as it is allowed.
        """
        for _ in range(times):
            answer = self.guard.take_password(spender(account_id, client))
            if isinstance(answer, Throttled):
                self.clock.now = answer.until
                answer = self.guard.take_password(spender(account_id, client))
            assert isinstance(answer, Taken)


def at_once(call: Callable[[], T], times: int = 32) -> list[T]:
    """
    Call from so many threads that start together.
    """
    barrier = Barrier(times)

    def one(_: int) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))
