"""
Several processes share one database: exactly one wins, and no call is lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from uness_auth.model import Account, CodeChallenge
from uness_auth.storage.sql import SQLStorage
from uness_auth.storage.sql.schema import VERSION


pytestmark = pytest.mark.once
PROCESSES: Final = 4
NOW: Final = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
ACCOUNT: Final = Account(
    id="4711", address="camille@univ-exemple.fr", credential_version=7, created_at=NOW
)
CHALLENGE: Final = CodeChallenge(
    id="0f" * 16,
    account_id="4711",
    credential_version=7,
    key_id="1a",
    browser_digest="b7" * 32,
    sent_at=NOW,
    expires_at=NOW + timedelta(minutes=3),
    window_ends_at=NOW + timedelta(minutes=15),
    attempts_left=5,
)

# What each process runs: it gets ready, waits for the others, and answers in JSON.
PROGRAM: Final = """
import json, sys
from datetime import UTC, datetime
from uness_auth.storage.sql import SQLStorage

number, url, step = sys.argv[1:]
now = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
storage = SQLStorage(url)
print("ready", flush=True)
sys.stdin.readline()
if step == "create_schema":
    storage.create_schema()
    answer = storage.schema_version()
elif step == "set_password":
    answer = storage.stores.accounts.set_password("4711", number, 7)
elif step == "spend_attempt":
    spend = storage.stores.code_challenges.spend_attempt
    answer = [one.attempts_left for one in (spend("0f" * 16) for _ in range(5)) if one]
elif step == "add":
    answer = [storage.stores.counters.add("5e", 1, now) for _ in range(25)]
storage.close()
print(json.dumps(answer))
"""


def race(url: str, step: str) -> list[Any]:
    """
    Let all processes take the step at the same moment, and return their answers.
    """
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - the interpreter that runs this test
                    [sys.executable, "-c", PROGRAM, str(number), url, step],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(PROCESSES)
        ]
        assert ["ready\n"] * PROCESSES == [
            process.stdout.readline() for process in running if process.stdout
        ]
        for process in running:
            assert process.stdin is not None
            _ = process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate()[0]) for process in running]


class TestProcesses:
    def test_schema_is_created_once(self, url: str) -> None:
        """
        Processes that start together on an empty database all find the tables.
        """
        assert [VERSION] * PROCESSES == race(url, "create_schema")

    def test_set_password_has_one_winner(self, url: str) -> None:
        """
        Of processes with one version exactly one sets its password.
        """
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()
            assert storage.stores.registry is not None
            _ = storage.stores.registry.apply([ACCOUNT])

            won = race(url, "set_password")

            found = storage.stores.accounts.by_id(ACCOUNT.id)
            assert found is not None
            assert 1 == won.count(True)
            assert (str(won.index(True)), 8) == (
                found.password_hash,
                found.credential_version,
            )

    def test_attempts_run_out_exactly(self, url: str) -> None:
        """
        Five attempts are five for all processes together.
        """
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()
            storage.stores.code_challenges.add(CHALLENGE)

            spent = race(url, "spend_attempt")

        assert [0, 1, 2, 3, 4] == sorted(left for one in spent for left in one)

    def test_no_call_is_lost(self, url: str) -> None:
        """
        Each call of one up sees a number of its own.
        """
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()

        seen = race(url, "add")

        assert list(range(1, 25 * PROCESSES + 1)) == sorted(
            n for one in seen for n in one
        )
