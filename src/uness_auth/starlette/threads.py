"""
Threads for whatever may wait, apart from those of the app's own endpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread


R = TypeVar("R")

# Threads for whatever does not hash: a store answers in milliseconds, and has hardly
# more connections than these.
THREADS: Final = 16
# Threads beside those that hash and those that wait for a slot: they look for the
# account, or are told at once that it is busy.
SPARE_THREADS: Final = 8


class Threads:
    """
    The threads of one app's sign-in.

    Args:
        room: How many may hash or wait for a hashing slot.
    """

    def __init__(self, room: int) -> None:
        self.hashing: CapacityLimiter = CapacityLimiter(room + SPARE_THREADS)
        self.others: CapacityLimiter = CapacityLimiter(THREADS)

    async def run(self, call: Callable[[], R], /, *, may_hash: bool = False) -> R:
        """
        Run *call* in a thread; once begun, to its end.

        A visitor who leaves while a password is compared has tried it: the attempt is
        counted, and the slot given back.
        """
        limiter = self.hashing if may_hash else self.others
        return await to_thread.run_sync(call, limiter=limiter)
