"""
The long campaign: what it sent, what came back, and what it cost the servers.

``nox -s fuzz -- --seed 4711`` repeats one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from tests.adapters.fuzz.campaign import Campaign, Report
from tests.adapters.fuzz.servers import in_memory, running
from tests.servers import fresh, postgresql


REQUESTS: Final = 17_000
ADAPTERS: Final = ("flask", "starlette", "fastapi", "django")
# 99 answers of 100 are there within so many seconds, all servers asked at once.
P99: Final = 1.0
# So much may a server grow, in bytes, once it is warm, which takes a long campaign: what
# a few bodies of a megabyte took at once the C library keeps.
GROWTH: Final = 32 << 20
LONG: Final = 10_000
MIB: Final = 1 << 20


def main(arguments: Sequence[str]) -> int:
    """
    Run a campaign, tell what it found, and return how the process ends.
    """
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(2**32)
    )
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="sqlite"
    )
    options = parser.parse_args(arguments)
    say(f"seed {options.seed}: {options.requests} requests to each adapter")
    with ExitStack() as stack:
        folder = stack.enter_context(in_memory())
        urls = {one: f"sqlite:///{folder}/{one}.db" for one in ADAPTERS}
        if options.database == "postgresql":
            server = stack.enter_context(fresh.existing_or_own(postgresql))
            urls = {
                one: stack.enter_context(fresh.postgresql_database(server))
                for one in ADAPTERS
            }
        servers = stack.enter_context(running(folder, urls))
        report = Campaign(servers, options.seed, options.requests).run()
    for line in told(report):
        say(line)
    missed = [*misses(report)]
    for line in missed:
        say(f"MISSED {line}")
    return 1 if missed else 0


def told(report: Report) -> Iterator[str]:
    """
    Yield what a report says, a line at a time.
    """
    yield f"{report.reached} of {report.sent} were answered by every adapter itself"
    for adapter, statuses in report.statuses.items():
        listed = ", ".join(
            f"{count} x {status or 'nothing'}"
            for status, count in sorted(statuses.items())
        )
        yield f"{adapter}: {listed}"
        yield (
            f"{adapter}: half within {report.slowest(adapter, 0.5) * 1_000:.0f} ms, "
            f"99 of 100 within {report.slowest(adapter, 0.99) * 1_000:.0f} ms, "
            f"all within {report.slowest(adapter, 1) * 1_000:.0f} ms"
        )
        if adapter in report.memory:
            first, last = report.memory[adapter]
            yield f"{adapter}: {first / MIB:.1f} MiB when warm, {last / MIB:.1f} at the end"
        if report.complaints[adapter]:
            yield f"{adapter}: {report.complaints[adapter]} tracebacks of the server's own"


def misses(report: Report) -> Iterator[str]:
    """
    Yield what was not as it should be.
    """
    yield from report.findings
    for adapter in report.seconds:
        if report.slowest(adapter, 0.99) > P99:
            yield f"{adapter}: 99 of 100 answers within {P99:.0f} s"
        first, last = report.memory.get(adapter, (0, 0))
        if report.sent >= LONG and last > first + GROWTH:
            yield f"{adapter}: grows by no more than {GROWTH / MIB:.0f} MiB"


def say(line: str) -> None:
    """
    Print a line at once.
    """
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
