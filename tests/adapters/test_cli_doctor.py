"""
The doctor at a site that is served: nothing is found where nothing is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.adapters import wsgi_thread
from tests.adapters.mail_server import MailServer, running
from uness_auth import Site, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.doctor import Severity
from uness_auth.doctor.served import check_served
from uness_auth.flask import FlaskAuth
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing


@pytest.fixture(name="auth")
def _auth(tmp_path: Path) -> Iterator[UnessAuth]:
    """
    A portal that answers on this machine, beside a mail server.
    """
    app = Flask("portal")
    storage = SQLStorage(f"sqlite:///{tmp_path}/portal.db")
    storage.create_schema()

    def serve(environ: Any, start_response: Any) -> Any:
        return app(environ, start_response)

    with wsgi_thread.running(serve) as port, running(MailServer()) as mail_server:
        auth = UnessAuth(
            site=Site(base_url=f"http://127.0.0.1:{port}"),
            stores=storage.stores,
            mailer=SMTPMailer.from_url(mail_server.url),
            hashing=FastHashing(),
        )
        FlaskAuth(auth, app)
        yield auth
        assert [] == mail_server.mails
    storage.close()


class TestServed:
    def test_real_pages(self, auth: UnessAuth) -> None:
        """
        Pages, cookies and clock of a real portal are found to be right.
        """
        findings = [*check_served(auth)]

        assert ["served", "cookies", "clock"] == [one.check for one in findings]
        assert {Severity.OK} == {one.severity for one in findings}

    def test_another_path(self, auth: UnessAuth) -> None:
        """
        Where the pages are elsewhere, it says so.
        """
        site = Site(base_url=auth.site.base_url, path="/sign-in/")
        other = UnessAuth(site=site, stores=auth.parts.stores, mailer=auth.parts.mailer)
        (finding,) = check_served(other)

        assert Severity.SERIOUS is finding.severity
        assert "status 404" in finding.what


class TestCommand:
    def test_in_words(self, auth: UnessAuth) -> None:
        """
        Each finding says what, why and how to mend it; the last line counts them.
        """
        answer = CliRunner().invoke(uness_auth, ["doctor"], obj=lambda: auth)
        lines = answer.stdout.splitlines()

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert any(line.startswith("note     base URL: ") for line in lines)
        assert lines[-1].startswith("0 serious, 3 notes, ")
        assert 3 == sum(line.startswith(" " * 9 + "why: ") for line in lines)
        assert 3 == sum(line.startswith(" " * 9 + "mend: ") for line in lines)
        assert "takes mails from ne-pas-repondre@localhost" in answer.stdout

    def test_for_programs(self, auth: UnessAuth) -> None:
        """
        One object a line, and nothing else.
        """
        given = ["doctor", "--offline", "--json"]
        answer = CliRunner().invoke(uness_auth, given, obj=lambda: auth)
        found = [json.loads(line) for line in answer.stdout.splitlines()]

        assert {"check", "severity", "what", "why", "mend"} == set(found[0])
        assert not {"mail", "served"} & {one["check"] for one in found}
