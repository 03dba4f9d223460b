"""
What ours costs: beside its peers and the floor, to import, in a storm, and with files of
accounts; and whether its time tells accounts apart.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import adapters


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


def beside(name: str, *options: str) -> bool:
    """
    Run another file of this folder and say whether its goals were reached.
    """
    command = [sys.executable, str(Path(__file__).with_name(name)), *options]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own file


def main() -> int:
    """
    Measure all and print it; 1 where something was missed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=adapters.ROUNDS)
    parser.add_argument("--quick", action="store_true", help="a few rounds, no storm")
    parser.add_argument("--skip-storm", action="store_true")
    parser.add_argument("--skip-storage", action="store_true")
    parser.add_argument("--skip-provisioning", action="store_true")
    parser.add_argument("--skip-equal-work", action="store_true")
    parser.add_argument("--disk", action="store_true", help="commits reach the disk")
    chosen = parser.parse_args()
    has_storm = not (chosen.quick or chosen.skip_storm)
    rounds = adapters.QUICK if chosen.quick else chosen.rounds
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores", flush=True)
    all_reached = adapters.compare(
        rounds=rounds, has_storm=has_storm, on_disk=chosen.disk
    )
    bare = import_time("pass")
    print(
        f"{'import uness_auth':34} {(import_time('import uness_auth') - bare) * 1e3:8.1f} ms"
    )
    print(
        f"{'import flask':34} {(import_time('import flask') - bare) * 1e3:8.1f} ms",
        flush=True,
    )
    if has_storm:
        all_reached &= beside("storm.py")
        all_reached &= beside("asgi_storm.py")
    if not chosen.skip_equal_work:
        all_reached &= beside("equal_work.py", *(["--quick"] if chosen.quick else []))
    if not chosen.skip_storage:
        all_reached &= beside("storage.py", *(["--quick"] if chosen.quick else []))
    if not chosen.skip_provisioning:
        all_reached &= beside("provisioning.py", *(["--quick"] if chosen.quick else []))
    return 0 if all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
