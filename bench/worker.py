"""
One side in a process of its own, that does what it is told over a pipe.

A line is an operation and how often to do it, "sign_in 10"; the answer is the CPU
seconds of one.  "storm" lets many visitors sign in at once, and answers as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from people import Refused


VISITORS = 32
SIGN_INS = 48
# Who was sent away comes back in a moment, as a visitor would.
PAUSE = 0.25
# Somebody who is signed in already asks for a page so often, and waits for it.
GLANCE = 0.02


class Worker:
    """
    A side, and the loop that its operations run in where they are coroutines.
    """

    def __init__(self, side: str, folder: Path, *, is_storm: bool) -> None:
        module, _, name = side.partition(":")
        kind = getattr(importlib.import_module(module), name)
        self.side: Any = kind(folder, is_storm=is_storm)
        self.runner = asyncio.Runner()
        self.call(self.side.prepare)
        # What lies here by now stays, and is no garbage to look for.
        gc.freeze()

    def call(self, operation: Callable[[], Any], times: int = 1) -> None:
        """
        Do *operation* so many times.
        """
        if inspect.iscoroutinefunction(operation):
            self.runner.run(_repeat(operation, times))
            return
        for _ in range(times):
            operation()

    def cost(self, name: str, times: int) -> float | None:
        """
        Return the CPU seconds of one operation; None where the side has none.
        """
        operation = getattr(self.side, name, None)
        if operation is None:
            return None
        gc.collect()
        start = time.process_time()
        self.call(operation, times)
        return (time.process_time() - start) / times

    def storm(self) -> dict[str, float]:
        """
        Let `VISITORS` sign in at once until `SIGN_INS` of them did.
        """
        sign_in = self.side.sign_in
        look = self.side.session_request
        tally = Tally()
        self.call(sign_in)
        gc.collect()
        before = memory("VmRSS")
        began, worked = time.perf_counter(), time.process_time()
        if inspect.iscoroutinefunction(sign_in):
            self.runner.run(_crowd(sign_in, look, tally))
        else:
            with ThreadPoolExecutor(VISITORS + 1) as pool:
                # Who looks is there first: on a machine that hashes, threads start late.
                visits = [pool.submit(_look, look, tally)]
                visits += [pool.submit(_visit, sign_in, tally) for _ in range(VISITORS)]
            for visit in visits:
                visit.result()
        seconds = time.perf_counter() - began
        return {
            "growth": memory("VmHWM") - before,
            "per_second": tally.done / seconds,
            "cpu": (time.process_time() - worked) / max(tally.done, 1),
            "refused": tally.refused,
            "failed": tally.failed,
            "wait": tally.wait,
        }


class Tally:
    """
    What the visitors of one storm did, and how long another's request took at most.
    """

    def __init__(self) -> None:
        self.done = 0
        self.refused = 0
        self.failed = 0
        self.wait = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """
        Whether more sign-ins are wanted.
        """
        return self.done + self.failed < SIGN_INS

    def add(self, what: str) -> None:
        """
        Count one.
        """
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)


def _visit(sign_in: Callable[[], Any], tally: Tally) -> None:
    while tally.is_open:
        try:
            sign_in()
        except Refused:
            tally.add("refused")
            time.sleep(PAUSE)
        except AssertionError as exc:
            print(f"a sign-in failed in the storm: {exc!r:.200}", file=sys.stderr)
            tally.add("failed")
        else:
            tally.add("done")


def _look(session_request: Callable[[], Any], tally: Tally) -> None:
    while tally.is_open:
        began = time.perf_counter()
        session_request()
        tally.wait = max(tally.wait, time.perf_counter() - began)
        time.sleep(GLANCE)


async def _crowd(
    sign_in: Callable[[], Any], session_request: Callable[[], Any], tally: Tally
) -> None:
    async def visit() -> None:
        while tally.is_open:
            try:
                await sign_in()
            except Refused:
                tally.add("refused")
                await asyncio.sleep(PAUSE)
            except AssertionError as exc:
                print(f"a sign-in failed in the storm: {exc!r:.200}", file=sys.stderr)
                tally.add("failed")
            else:
                tally.add("done")

    async def look() -> None:
        while tally.is_open:
            began = time.perf_counter()
            await session_request()
            # From when it was due: a loop that stands still starts nothing either.
            await asyncio.sleep(GLANCE)
            tally.wait = max(tally.wait, time.perf_counter() - began - GLANCE)

    await asyncio.gather(look(), *(visit() for _ in range(VISITORS)))


async def _repeat(operation: Callable[[], Any], times: int) -> None:
    for _ in range(times):
        await operation()


def memory(field: str) -> float:
    """
    Return a field of this process's status, in MiB; Linux only.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        msg = f"/proc/self/status says nothing of {field}"
        raise LookupError(msg)
    return int(found[1]) / 1024


def main() -> None:
    """
    Answer line by line, until there are no more.
    """
    side, folder, kind = sys.argv[1:]
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    worker = Worker(side, Path(folder), is_storm=kind == "storm")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        name, *rest = line.split()
        answer = worker.storm() if name == "storm" else worker.cost(name, int(rest[0]))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
