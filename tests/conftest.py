"""
What every test run shares: profiles for properties, and the word on what did not run.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from uness_auth.testing import FixedClock


# No deadline and no complaint about slowness: no test depends on timing.
settings.register_profile(
    "default",
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "large", settings.get_profile("default"), max_examples=2_000, stateful_step_count=60
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(name="clock")
def _clock() -> FixedClock:
    """
    A clock that stands still until it is told to tick.
    """
    return FixedClock()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Say at the end what could not run, and for want of what.

    A test that needs a browser or a server skips with a reason that names the remedy.
    The reasons also go to the file that ``UNESS_TEST_NOT_RUN`` names, if any, so that
    a run made of several can repeat them when all is over.
    """
    reasons = Counter(_reason(report) for report in _skipped(terminalreporter))
    if not reasons:
        return
    lines = [f"{count} x {reason}" for reason, count in sorted(reasons.items())]
    terminalreporter.section("could not run here")
    for line in lines:
        terminalreporter.write_line(line, yellow=True)
    if note := os.environ.get("UNESS_TEST_NOT_RUN"):
        with Path(note).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


def _skipped(
    reporter: pytest.TerminalReporter,
) -> list[pytest.TestReport | pytest.CollectReport]:
    return [
        report
        for report in reporter.stats.get("skipped", [])
        if isinstance(report, pytest.TestReport | pytest.CollectReport)
    ]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    match report.longrepr:
        case (_, _, str(text)):
            return text.removeprefix("Skipped: ")
        case other:
            return str(other)
