"""
The kit needs what the core needs, and pytest to run it: nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final


# Lets a Python see its own library and these distributions with what they require, as
# in an environment where nothing else was ever installed.
BLIND: Final = """
import sys
from importlib.metadata import packages_distributions, requires
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

def required(names):
    known, new = set(), {*names}
    while new:
        known |= new
        needs = [Requirement(text) for name in new for text in requires(name) or ()]
        new = {
            canonicalize_name(one.name)
            for one in needs
            if one.marker is None or one.marker.evaluate({"extra": ""})
        } - known
    return known

class Blinkers:
    def __init__(self, *names):
        known = required(names)
        self.unseen = {
            module
            for module, owners in packages_distributions().items()
            if known.isdisjoint(map(canonicalize_name, owners))
        }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.unseen:
            raise ModuleNotFoundError(f"there is no {name} here", name=name)

"""
IMPORTS_THE_KIT: Final = """
sys.meta_path.insert(0, Blinkers("uness-auth"))
import uness_auth.testing.contracts
try:
    import pytest
except ModuleNotFoundError as exc:
    print(exc)
"""
RUNS_THE_KIT: Final = """
sys.meta_path.insert(0, Blinkers("uness-auth", "pytest"))
import pytest
for name in ("hypothesis", "sqlalchemy"):
    try:
        __import__(name)
    except ModuleNotFoundError as exc:
        print(exc)
raise SystemExit(pytest.main(["-p", "no:cacheprovider", "-q", "test_stores.py"]))
"""
TEST_STORES: Final = """
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing.contracts import (
    AccountsContract, CodeChallengesContract, CountersContract, JoinedSessionsContract,
    RegistryContract, SessionListsContract, SessionsContract,
)

class InMemory:
    supports_processes = "lives in memory"
    supports_refusal = "lives in memory"

    def make(self, *accounts):
        storage = MemoryStorage()
        storage.registry.apply(accounts)
        return getattr(storage, self.port)

class TestAccounts(InMemory, AccountsContract):
    port = "accounts"

class TestRegistry(InMemory, RegistryContract):
    port = "registry"

class TestCodeChallenges(InMemory, CodeChallengesContract):
    port = "code_challenges"

class TestSessions(InMemory, SessionsContract):
    port = "sessions"

class TestJoinedSessions(InMemory, JoinedSessionsContract):
    port = "sessions"

    def make(self, *accounts):
        sessions = super().make(*accounts)
        return sessions, sessions.joins

class TestSessionLists(InMemory, SessionListsContract):
    port = "session_lists"

class TestCounters(InMemory, CountersContract):
    port = "counters"
"""


def run(program: str, folder: Path) -> tuple[int, str]:
    """
    Run a program that sees little, and return how it ended and what it said.
    """
    done = subprocess.run(  # noqa: S603 - the interpreter that runs this test
        [sys.executable, "-c", BLIND + program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
    )
    return done.returncode, done.stdout + done.stderr


class TestKit:
    def test_it_imports_no_pytest(self, tmp_path: Path) -> None:
        """
        The contracts can be imported where only the core's requirements are.
        """
        assert (0, "there is no pytest here\n") == run(IMPORTS_THE_KIT, tmp_path)

    def test_pytest_suffices(self, tmp_path: Path) -> None:
        """
        With pytest and nothing else every store is tested, and says what it lacks.
        """
        (tmp_path / "test_stores.py").write_text(TEST_STORES, encoding="utf-8")

        status, said = run(RUNS_THE_KIT, tmp_path)

        assert 0 == status, said
        assert said.startswith(
            "there is no hypothesis here\nthere is no sqlalchemy here\n"
        )
        assert re.search(r"^\d+ passed, \d+ skipped in ", said, re.MULTILINE), said
