"""
Each adapter beside its framework's peers on the same work, the sides taking turns.

Every side runs in a process of its own, `worker.py`: Django's settings are one to a
process.  The databases lie in memory, where there is such a folder: what the kernel does
to bring a commit to a disk changes with the disk and with whoever else writes to it.
With ``--disk`` they lie in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import attrs


ROUNDS = 16
BATCH = 10
QUICK = 6
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder is made in it
# The first rounds warm caches up.
WARM = 2
# Throughput is the hash's, on all sides: no less than nearly the peer's.
LEAST_RATIO = 0.95
OPERATIONS = {
    "sign_in": "password sign-in, all requests",
    "sign_in_by_code": "sign-in by code, all requests",
    "session_request": "a request that needs the session",
    "forged_link": "refusing a forged link",
}


@attrs.frozen(kw_only=True)
class Side:
    """
    One side of the comparison.

    Attributes:
        needs: A module without which there is no such side here.

        is_stopped_by_hashes: Hashes on its event loop, where everybody waits.
    """

    name: str
    where: str
    framework: str = ""
    is_ours: bool = False
    needs: str = "uness_auth"
    is_stopped_by_hashes: bool = False

    @property
    def is_here(self) -> bool:
        """
        Whether it can run.
        """
        package, _, _ = self.needs.rpartition(".")
        return (not package or importlib.util.find_spec(package) is not None) and (
            importlib.util.find_spec(self.needs) is not None
        )


FLOOR = Side(name="floor", where="floor:Floor")
SIDES = (
    FLOOR,
    Side(
        name="ours on Flask",
        where="ours_flask:OursOnFlask",
        framework="Flask",
        is_ours=True,
        needs="uness_auth.flask",
    ),
    Side(
        name="Flask-Login + glue",
        where="peers.flask_login_glue:Glue",
        framework="Flask",
        needs="flask_login",
    ),
    Side(
        name="Flask-Security",
        where="peers.flask_security:FlaskSecurity",
        framework="Flask",
        needs="flask_security",
    ),
    Side(
        name="ours on Django",
        where="ours_django:OursOnDjango",
        framework="Django",
        is_ours=True,
        needs="uness_auth.django",
    ),
    Side(
        name="Django",
        where="peers.django_auth:PlainDjango",
        framework="Django",
        needs="django",
    ),
    Side(
        name="django-allauth",
        where="peers.django_allauth:AllAuth",
        framework="Django",
        needs="allauth",
    ),
    Side(
        name="ours on FastAPI",
        where="ours_fastapi:OursOnFastAPI",
        framework="FastAPI",
        is_ours=True,
        needs="uness_auth.starlette",
    ),
    Side(
        name="fastapi-users",
        where="peers.fastapi_users:FastAPIUsersSide",
        framework="FastAPI",
        needs="fastapi_users",
        is_stopped_by_hashes=True,
    ),
)


class Running:
    """
    A side at work in its own process; leaving the context ends it.
    """

    def __init__(
        self, side: Side, *, is_storm: bool = False, on_disk: bool = False
    ) -> None:
        self.side = side
        self.parent = IN_MEMORY if IN_MEMORY.is_dir() and not on_disk else None
        self.kind = "storm" if is_storm else "free"

    def __enter__(self) -> Self:
        """
        Start it and wait until it is ready.
        """
        self.folder = tempfile.TemporaryDirectory(dir=self.parent)
        worker = str(Path(__file__).with_name("worker.py"))
        self.process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, worker, self.side.where, self.folder.name, self.kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        """
        End it.
        """
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def ask(self, *words: object) -> Any:
        """
        Send one line and return the answer.
        """
        stream = self.process.stdin
        if stream is None:
            raise AssertionError
        stream.write(" ".join(str(word) for word in words) + "\n")
        stream.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        stream = self.process.stdout
        line = stream.readline() if stream else ""
        if not line:
            msg = f"{self.side.name} gave up: see above"
            raise RuntimeError(msg)
        return line


def compare_costs(sides: Sequence[Side], rounds: int, *, on_disk: bool) -> bool:
    """
    Print one block per operation, and say whether ours is the cheapest everywhere.
    """
    all_reached = True
    print("CPU per operation without the hash; ratio: ours to the peer, to reach: < 1")
    with ExitStack() as stack:
        running = [
            stack.enter_context(Running(side, on_disk=on_disk)) for side in sides
        ]
        for name, title in OPERATIONS.items():
            costs = _measure(running, name, rounds)
            print(f"{title}  (floor {costs[FLOOR.name] * 1e3:.3f} ms)", flush=True)
            for side in sides:
                if side.is_ours:
                    all_reached &= _show_row(side, sides, costs)
    return all_reached


def _measure(running: Iterable[Running], name: str, rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    left = list(running)
    for number in range(rounds + WARM):
        for one in tuple(left):
            seconds = one.ask(name, BATCH)
            if seconds is None:
                left.remove(one)
            elif number >= WARM:
                found.setdefault(one.side.name, []).append(seconds)
    return {side: statistics.median(seconds) for side, seconds in found.items()}


def _show_row(ours: Side, sides: Sequence[Side], costs: Mapping[str, float]) -> bool:
    cost = costs[ours.name]
    all_reached = True
    print(f"  {ours.name:20} {cost * 1e3:8.3f} ms  x{cost / costs[FLOOR.name]:5.1f}")
    for peer in _peers(ours, sides):
        if peer.name not in costs:
            print(f"    {peer.name:18}        – (it has none)")
            continue
        is_reached = cost < costs[peer.name]
        all_reached &= is_reached
        print(
            f"    {peer.name:18} {costs[peer.name] * 1e3:8.3f} ms  ratio "
            f"{cost / costs[peer.name]:5.2f}  {'reached' if is_reached else 'MISSED'}",
            flush=True,
        )
    return all_reached


def _peers(ours: Side, sides: Sequence[Side]) -> list[Side]:
    return [
        side for side in sides if side.framework == ours.framework and not side.is_ours
    ]


def compare_storms(sides: Sequence[Side]) -> bool:
    """
    Let 32 visitors sign in at once on each side, with argon2, and compare.
    """
    print("32 visitors sign in at once, with argon2; to reach: less growth, as fast")
    found = {}
    for side in sides:
        if side is not FLOOR:
            with Running(side, is_storm=True) as running:
                found[side.name] = storm = running.ask("storm")
            print(
                f"  {side.name:20} +{storm['growth']:5.0f} MiB "
                f"{storm['per_second']:6.2f} sign-ins/s, {storm['cpu'] * 1e3:.0f} ms of "
                f"CPU each, {storm['refused']} times sent "
                f"away, {storm['failed']} failed, others waited up to "
                f"{storm['wait']:.2f} s",
                flush=True,
            )
    all_reached = True
    for ours in (side for side in sides if side.is_ours):
        for peer in _peers(ours, sides):
            all_reached &= _show_storm(ours, peer, found)
    return all_reached


def _show_storm(ours: Side, peer: Side, found: Mapping[str, dict[str, float]]) -> bool:
    mine, theirs = found[ours.name], found[peer.name]
    # Who hashes on the event loop hashes one at a time: that takes no memory, but the
    # time of everybody else.
    cost = "wait" if peer.is_stopped_by_hashes else "growth"
    is_reached = (
        mine[cost] < theirs[cost]
        and mine["per_second"] >= LEAST_RATIO * theirs["per_second"]
        and not mine["failed"]
    )
    print(
        f"  {ours.name} / {peer.name}: {cost} {mine[cost] / theirs[cost]:.2f}, "
        f"throughput {mine['per_second'] / theirs['per_second']:.2f}  "
        f"{'reached' if is_reached else 'MISSED'}"
    )
    return is_reached


def compare(
    *,
    rounds: int,
    has_storm: bool,
    on_disk: bool = False,
    framework: str | None = None,
) -> bool:
    """
    Measure all, print it, and say whether no peer is cheaper anywhere.
    """
    wanted = [
        side for side in SIDES if side is FLOOR or framework in {None, side.framework}
    ]
    sides = [side for side in wanted if side.is_here]
    for side in wanted:
        if side not in sides:
            print(f"not here: {side.name}, for want of {side.needs}")
    all_reached = compare_costs(sides, rounds, on_disk=on_disk)
    if has_storm:
        all_reached &= compare_storms(sides)
    return all_reached


def main() -> int:
    """
    Compare; 1 where a peer is cheaper.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="a few rounds, no storm")
    parser.add_argument("--framework", choices=("Django", "FastAPI", "Flask"))
    parser.add_argument("--disk", action="store_true", help="commits reach the disk")
    chosen = parser.parse_args()
    all_reached = compare(
        rounds=QUICK if chosen.quick else chosen.rounds,
        has_storm=not chosen.quick,
        on_disk=chosen.disk,
        framework=chosen.framework,
    )
    return 0 if all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
