"""
What every test run shares: profiles for properties, and the word on what did not run.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.secrecy import Watch
from tests.servers import fresh, mariadb, postgresql, redis, valkey
from tests.servers.server import Server, Unavailable
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


def pytest_configure(config: pytest.Config) -> None:
    """
    Let no log hold a secret.
    """
    _ = config.pluginmanager.register(Watch(), "secrecy")


@pytest.fixture(name="clock")
def _clock() -> FixedClock:
    """
    A clock that stands still until it is told to tick.
    """
    return FixedClock()


# --- Servers --------------------------------------------------------------------
#
# One of each for the whole run, started when first asked for, and in it an empty
# database for each test.  A test that stops its server asks for one of its own.


@pytest.fixture(name="postgresql_server", scope="session")
def _postgresql_server() -> Iterator[str]:
    """
    The URL of the PostgreSQL server that all tests share.
    """
    with unless_missing(), fresh.existing_or_own(postgresql) as url:
        yield url


@pytest.fixture(name="mariadb_server", scope="session")
def _mariadb_server() -> Iterator[str]:
    """
    The URL of the MariaDB server that all tests share.
    """
    with unless_missing(), fresh.existing_or_own(mariadb) as url:
        yield url


@pytest.fixture(name="valkey_server", scope="session")
def _valkey_server() -> Iterator[str]:
    """
    The URL of the Valkey server that all tests share.
    """
    with unless_missing(), fresh.existing_or_own(valkey) as url:
        yield url


@pytest.fixture(name="redis_server", scope="session")
def _redis_server() -> Iterator[str]:
    """
    The URL of the Redis server that all tests share.
    """
    with unless_missing(), fresh.existing_or_own(redis) as url:
        yield url


@pytest.fixture(name="postgresql_url")
def _postgresql_url(postgresql_server: str) -> Iterator[str]:
    """
    The URL of an empty PostgreSQL database, as SQLAlchemy takes it.
    """
    with fresh.postgresql_database(postgresql_server) as url:
        yield url


@pytest.fixture(name="mariadb_url")
def _mariadb_url(mariadb_server: str) -> Iterator[str]:
    """
    The URL of an empty MariaDB database, as SQLAlchemy takes it.
    """
    with fresh.mariadb_database(mariadb_server) as url:
        yield url


@pytest.fixture(name="valkey_url")
def _valkey_url(valkey_server: str) -> Iterator[str]:
    """
    The URL of an empty Valkey database, as redis-py takes it.
    """
    with fresh.redis_database(valkey_server) as url:
        yield url


@pytest.fixture(name="redis_url")
def _redis_url(redis_server: str) -> Iterator[str]:
    """
    The URL of an empty Redis database, as redis-py takes it.
    """
    with fresh.redis_database(redis_server) as url:
        yield url


@pytest.fixture(name="url", params=["sqlite", "postgresql", "mariadb"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The URL of an empty database, once of each kind.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/portal.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="hot_url", params=["valkey", "redis"])
def _hot_url(request: pytest.FixtureRequest) -> str:
    """
    The URL of an empty server for what is hot, once of each kind.
    """
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="own_postgresql")
def _own_postgresql() -> Iterator[Server]:
    """
    A PostgreSQL server for one test alone, which may stop it.
    """
    with unless_missing(), postgresql.server() as server:
        yield server


@pytest.fixture(name="own_mariadb")
def _own_mariadb() -> Iterator[Server]:
    """
    A MariaDB server for one test alone, which may stop it.
    """
    with unless_missing(), mariadb.server() as server:
        yield server


@pytest.fixture(name="own_valkey")
def _own_valkey() -> Iterator[Server]:
    """
    A Valkey server for one test alone, which may stop it.
    """
    with unless_missing(), valkey.server() as server:
        yield server


@pytest.fixture(name="own_redis")
def _own_redis() -> Iterator[Server]:
    """
    A Redis server for one test alone, which may stop it.
    """
    with unless_missing(), redis.server() as server:
        yield server


@pytest.fixture(name="own_hot", params=["valkey", "redis"])
def _own_hot(request: pytest.FixtureRequest) -> Server:
    """
    A server for what is hot, once of each kind, for one test alone, which may stop it.
    """
    server: Server = request.getfixturevalue(f"own_{request.param}")
    return server


@contextmanager
def unless_missing() -> Iterator[None]:
    """
    Skip the test where no such server can run here; the reason names the remedy.
    """
    try:
        yield
    except Unavailable as missing:
        pytest.skip(str(missing))


# --- What did not run -----------------------------------------------------------


# What a contract says of a store that lacks an ability: whose it is, and why.
DECLARED: Final = re.compile(r"Test\w+: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Say at the end what could not run, and for want of what.

    A test that needs a browser or a server skips with a reason that names the remedy.
    The reasons also go to the file that ``UNESS_TEST_NOT_RUN`` names, if any, so that
    a run made of several can repeat them when all is over.  What stores declare to
    lack is said beside them: nothing is missing there.
    """
    reasons = Counter(_reason(report) for report in _skipped(terminalreporter))
    lacking = [one for one in reasons if DECLARED.match(one)]
    missing = [one for one in reasons if one not in lacking]
    _tell(terminalreporter, "abilities that are declared to be lacking", lacking)
    lines = [f"{reasons[one]} x {one}" for one in sorted(missing)]
    _tell(terminalreporter, "could not run here", lines)
    if note := os.environ.get("UNESS_TEST_NOT_RUN"):
        with Path(note).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


def _tell(reporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    if lines:
        reporter.section(title)
    for line in sorted(lines):
        reporter.write_line(line, yellow=True)


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
