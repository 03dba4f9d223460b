"""
CPU per operation without the hash: ours, a peer and the floor, interleaved in one run.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from floor import Floor
from glue import Glue
from ours import Ours


ROUNDS = 40
BATCH = 10
# To reach, as ratios to Flask-Login with the usual hand-written glue.
GOALS = {"sign_in": 1.4, "session_request": 0.7, "forged_link": 0.75}
OPERATIONS = {
    "sign_in": "password sign-in, all requests",
    "sign_in_by_code": "sign-in by code, all requests",
    "session_request": "a request that needs the session",
    "forged_link": "refusing a forged link",
}


def cpu_of(operation: Callable[[], object], batch: int) -> float:
    """
    Return the CPU seconds of one call, over *batch* of them.
    """
    gc.collect()
    start = time.process_time()
    for _ in range(batch):
        operation()
    return (time.process_time() - start) / batch


def measure(sides: list[object], name: str, rounds: int) -> dict[str, float]:
    """
    Return the median CPU per call by side, the sides taking turns.
    """
    found: dict[str, list[float]] = {}
    for number in range(rounds + 2):
        for side in sides:
            operation = getattr(side, name, None)
            if operation is not None:
                seconds = cpu_of(operation, BATCH)
                # The first rounds warm caches up.
                if number >= 2:  # noqa: PLR2004 - two rounds
                    found.setdefault(side.name, []).append(seconds)
    return {side: statistics.median(all_seconds) for side, all_seconds in found.items()}


def import_time(statement: str) -> float:
    """
    Return the CPU seconds that *statement* costs a fresh interpreter.
    """
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603 - our own words
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        )
    return statistics.median(seconds)


def show(name: str, costs: dict[str, float]) -> bool:
    """
    Print one operation's line and say whether its goal was reached.
    """
    ours, floor = costs["uness-auth"], costs["floor"]
    peer = costs.get("Flask-Login + glue")
    line = (
        f"{OPERATIONS[name]:34} {ours * 1e3:8.3f} ms  floor {floor * 1e3:7.3f} ms"
        f"  x{ours / floor:6.1f}"
    )
    if peer is None:
        print(line)
        return True
    goal = GOALS[name]
    is_reached = ours <= goal * peer
    print(
        f"{line}  peer {peer * 1e3:7.3f} ms  ratio {ours / peer:5.2f} "
        f"(goal {goal}: {'reached' if is_reached else 'MISSED'})"
    )
    return is_reached


def beside(name: str, *options: str) -> bool:
    """
    Run another file of this folder and say whether its goals were reached.
    """
    command = [sys.executable, str(Path(__file__).with_name(name)), *options]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own file


def main() -> int:
    """
    Measure all and print it; 1 where a goal was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--skip-storm", action="store_true")
    parser.add_argument("--skip-storage", action="store_true")
    parser.add_argument("--quick", action="store_true", help="the storage's part")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    all_reached = True
    with tempfile.TemporaryDirectory() as folder:
        sides: list[object] = [side(Path(folder)) for side in (Floor, Ours, Glue)]
        for name in OPERATIONS:
            all_reached &= show(name, measure(sides, name, chosen.rounds))
    bare = import_time("pass")
    print(
        f"{'import uness_auth':34} {(import_time('import uness_auth') - bare) * 1e3:8.1f} ms"
    )
    print(
        f"{'import flask':34} {(import_time('import flask') - bare) * 1e3:8.1f} ms",
        flush=True,
    )
    if not chosen.skip_storm:
        all_reached &= beside("storm.py")
    if not chosen.skip_storage:
        all_reached &= beside("storage.py", *(["--quick"] if chosen.quick else []))
    return 0 if all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
