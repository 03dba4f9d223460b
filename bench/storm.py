"""
A storm: 32 threads sign in at once.  What it costs in memory, and what gets done.

Prints the growth of the memory and the throughput, each beside its limit, and ends
with exit code 1 where a limit is missed.  Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import attrs

from uness_auth.passwords import Argon2Hashing, HashingSlots
from uness_auth.policy import HashingPolicy


THREADS = 32
HASHES = 24
ROUNDS = 6
SPARE_MIB = 50
LEAST_RATIO = 0.95

POLICY = HashingPolicy()
HASHING = Argon2Hashing(POLICY)
SLOTS = HashingSlots(POLICY)
Take = Callable[[], AbstractContextManager[bool]]


@attrs.frozen(kw_only=True)
class Storm:
    """
    What one storm did.
    """

    per_second: float
    refused: int
    growth: float


def storm(threads: int, *, is_bounded: bool) -> Storm:
    """
    Hash `HASHES` times from so many threads, through the slots or past them.
    """
    take: Take = SLOTS.take if is_bounded else lambda: nullcontext(enter_result=True)
    left = iter(range(HASHES))
    lock = threading.Lock()
    before = memory("VmRSS")
    began = time.perf_counter()

    def visit(_: int) -> int:
        refused = 0
        while True:
            with take() as is_taken:
                if not is_taken:
                    refused += 1
                else:
                    with lock:
                        if next(left, None) is None:
                            return refused
                    HASHING.decoy("Sport2026!")
                    continue
            # Who was sent away comes back in a moment, as a visitor would.
            time.sleep(0.25)

    with ThreadPoolExecutor(threads) as pool:
        refused = sum(pool.map(visit, range(threads)))
    return Storm(
        per_second=HASHES / (time.perf_counter() - began),
        refused=refused,
        growth=memory("VmHWM") - before,
    )


def memory(field: str) -> float:
    """
    Return a field of this process's status, in MiB.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        msg = f"/proc/self/status says nothing of {field}"
        raise LookupError(msg)
    return int(found[1]) / 1024


def alone(threads: int, *, is_bounded: bool) -> Storm:
    """
    Run one storm in a fresh process, whose peak is its own.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(storm, threads, is_bounded=is_bounded).result()


def main() -> int:
    """
    Interleave storms through the slots with argon2 alone, and compare.
    """
    raw: list[Storm] = []
    bounded: list[Storm] = []
    for _ in range(ROUNDS):
        raw.append(alone(SLOTS.count, is_bounded=False))
        bounded.append(alone(THREADS, is_bounded=True))
    unbounded = alone(THREADS, is_bounded=False)

    growth = max(one.growth for one in bounded)
    most = SLOTS.count * POLICY.memory_cost / 1024 + SPARE_MIB
    # The best round of each is the one that the rest of the machine disturbed least.
    raw_per_second = max(one.per_second for one in raw)
    per_second = max(one.per_second for one in bounded)
    ratio = per_second / raw_per_second
    refused = sum(one.refused for one in bounded)

    print(
        f"storm of {THREADS} threads, {SLOTS.count} slots, {ROUNDS} x {HASHES} hashes"
    )
    print(f"  memory growth    {growth:6.0f} MiB   limit {most:.0f}")
    print(f"    without slots  {unbounded.growth:6.0f} MiB")
    print(f"  throughput ratio {ratio:6.2f}       limit {LEAST_RATIO}")
    print(f"    through slots  {per_second:6.2f} hashes/s, {refused} times Busy")
    print(f"    argon2 alone   {raw_per_second:6.2f} hashes/s, {SLOTS.count} threads")
    is_kept = growth <= most and ratio >= LEAST_RATIO
    print(f"  {'kept' if is_kept else 'MISSED'}")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
