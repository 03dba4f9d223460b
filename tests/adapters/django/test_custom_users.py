"""
The stores beside user models of a project's own, each in a project that has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import coverage
import pytest


HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
SERVERS: Final = {
    "UNESS_TEST_POSTGRES": "postgresql_server",
    "UNESS_TEST_MARIADB": "mariadb_server",
}


class TestCustomUsers:
    @pytest.mark.parametrize(
        ("user", "suite", "use_tz"),
        [("TextUser", "text_user.py", "1"), ("MailUser", "mail_user.py", "0")],
    )
    def test_all_of_it(
        self, user: str, suite: str, use_tz: str, request: pytest.FixtureRequest
    ) -> None:
        """
        ``AUTH_USER_MODEL`` is one per process: the model's own suite passes in another.

        With and without ``USE_TZ``.
        """
        servers = {}
        for name, server in SERVERS.items():
            # One that is missing is told by the suite itself.
            with suppress(pytest.skip.Exception):
                servers[name] = request.getfixturevalue(server)
        measured = ["coverage", "run", "-m"] if coverage.Coverage.current() else []
        done = subprocess.run(  # noqa: S603 - our own tests
            [sys.executable, "-m", *measured, "pytest", HERE / "custom_users" / suite],
            cwd=ROOT,
            env={
                **os.environ,
                **servers,
                "UNESS_TEST_DJANGO_USER": user,
                "UNESS_TEST_DJANGO_TZ": use_tz,
            },
            check=False,
            capture_output=True,
            text=True,
        )

        assert 0 == done.returncode, done.stdout + done.stderr
