"""
What the doctor says of a Django project: its checks, its migrations, its mail server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import trustme
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from tests.adapters.django.portal import empty_database, installed
from tests.adapters.django.test_settings import backend
from tests.unit.mailers import conftest as mail_servers
from uness_auth import MailError
from uness_auth.django.doctor import check_django, check_migrations
from uness_auth.django.mail import DjangoMailer
from uness_auth.django.management.commands.uness_auth import run
from uness_auth.doctor import Severity
from uness_auth.ports import Stores
from uness_auth.storage.memory import MemoryStorage


SENDER = "ne-pas-repondre@univ-exemple.fr"
SECRET = "S3cret!"
NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS

authority = mail_servers._authority  # noqa: SLF001 - the same servers
serve_mail = mail_servers._serve_mail  # noqa: SLF001
serve_script = mail_servers._serve_script  # noqa: SLF001

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not:UserWarning")


@pytest.fixture(name="project", autouse=True)
def _project() -> Iterator[None]:
    """
    A project that is right as it is.
    """
    with installed():
        yield


def smtp(port: int, **options: Any) -> dict[str, Any]:
    """
    The settings of a mail server, in this version of Django.
    """
    path = "django.core.mail.backends.smtp.EmailBackend"
    options = {"host": "127.0.0.1", "port": port, "timeout": 2, **options}
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": path, "OPTIONS": options}}}
    names = {
        "username": "EMAIL_HOST_USER",
        "password": "EMAIL_HOST_PASSWORD",
    }
    return {
        "EMAIL_BACKEND": path,
        **{names.get(k, f"EMAIL_{k.upper()}"): v for k, v in options.items()},
    }


def memory() -> Stores:
    """
    Stores that are not Django's.
    """
    return MemoryStorage().stores


class TestMail:
    @pytest.fixture(autouse=True)
    def _trust(
        self,
        authority: trustme.CA,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    @pytest.mark.parametrize(
        ("security", "options"),
        [
            ("starttls", {"use_tls": True}),
            ("tls", {"use_ssl": True}),
            ("none", {}),
        ],
    )
    def test_asked(
        self, serve_mail: Any, security: str, options: dict[str, Any]
    ) -> None:
        """
        The project's mail server is asked, by the project's settings; no mail is sent.
        """
        server = serve_mail(security)
        with override_settings(**smtp(server.port, **options)):
            found = DjangoMailer().check(SENDER)

        assert found is not None
        assert (security != "none") == found.encryption.startswith("TLSv1")
        assert (True, True) == (found.is_local, found.takes_bounces)
        assert [] == server.received.mails

    def test_refused(self, serve_mail: Any) -> None:
        """
        What the server refuses is told, without its words and the password.
        """
        server = serve_mail(needs_auth=True)
        wrong = {"use_tls": True, "username": "portal", "password": f"{SECRET}no"}
        with (
            override_settings(**smtp(server.port, **wrong)),
            pytest.raises(MailError, match="user name or password: 535") as caught,
        ):
            DjangoMailer().check(SENDER)

        assert SECRET not in str(caught.value)

    def test_certificate(self, serve_mail: Any) -> None:
        """
        Django verifies the certificate.
        """
        server = serve_mail(names=("other.example.fr",))
        with (
            override_settings(**smtp(server.port, use_tls=True)),
            pytest.raises(MailError, match="not to be trusted: IP address mismatch"),
        ):
            DjangoMailer().check(SENDER)

    def test_hangs(self, serve_script: Any) -> None:
        """
        A server that says nothing is not waited for.
        """
        port = serve_script(lambda connection: connection.recv(1))
        with (
            override_settings(**smtp(port, timeout=0.2)),
            pytest.raises(MailError, match="timed out"),
        ):
            DjangoMailer().check(SENDER)

    def test_another_backend(self) -> None:
        """
        A backend that is no mail server cannot be asked.
        """
        with override_settings(**backend("locmem")):
            assert DjangoMailer().check(SENDER) is None


class TestChecks:
    def test_well(self) -> None:
        """
        A project that is right is told once.
        """
        # As it is after `check --deploy`, but for this machine's address.
        findings = [*check_django()]

        assert {NOTE} == {one.severity for one in findings}
        assert "uness_auth.W002" in findings[0].what

    def test_nothing_to_say(self) -> None:
        """
        Nothing but that all is well.
        """
        given = {
            "BASE_URL": "https://portail.example.fr",
            "KEYS": ["a key of thirty-two bytes or more, made for tests alone"],
            "TRUSTED_PROXIES": 0,
        }
        with override_settings(
            UNESS_AUTH=given,
            ALLOWED_HOSTS=["portail.example.fr"],
            DEFAULT_FROM_EMAIL=SENDER,
            ROOT_URLCONF="tests.adapters.django.guarded_urls",
            **smtp(25),
        ):
            (finding,) = check_django()

        assert OK is finding.severity

    def test_errors(self) -> None:
        """
        An error of the checks is serious, with its hint.
        """
        with override_settings(MIDDLEWARE=[]):
            findings = [one for one in check_django() if one.severity is SERIOUS]

        assert ["E002", "E004"] == [one.what[-5:-1] for one in findings]
        assert all(one.mend for one in findings)


class TestMigrations:
    def test_before_and_after(self) -> None:
        """
        Tables of an earlier release are serious; `migrate` is the way out.
        """
        empty_database()
        (well,) = check_migrations()
        call_command("migrate", "uness_auth", "0001", verbosity=0)
        try:
            (behind,) = check_migrations()
        finally:
            call_command("migrate", verbosity=0)

        assert (OK, SERIOUS) == (well.severity, behind.severity)
        assert "lacks 0002" in behind.what

    def test_other_stores(self) -> None:
        """
        Where the accounts are elsewhere, or nowhere yet, there is nothing to migrate.
        """
        elsewhere = {**settings.UNESS_AUTH, "STORES": memory}
        for given in ({}, elsewhere):
            with override_settings(UNESS_AUTH=given):
                assert [] == [*check_migrations()]


class TestCommand:
    def test_all_of_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        """
        ``manage.py uness_auth doctor`` adds what only Django can say.
        """
        empty_database()
        assert 0 == run(
            ["doctor", "--offline", "--json"], prog_name="manage.py uness_auth"
        )
        found = [json.loads(one) for one in capsys.readouterr().out.splitlines()]

        assert ["Django", "tables"] == [one["check"] for one in found][-2:]
        assert "DjangoCounters" in json.dumps(found)

    def test_a_wrong_set_up(self, capsys: pytest.CaptureFixture[str]) -> None:
        """
        Settings that cannot be wired are findings; so is a path that leads nowhere.
        """
        for given in ({}, {"BASE_URL": "http://localhost", "MAILER": "no.such.Mailer"}):
            with override_settings(UNESS_AUTH=given):
                code = run(["doctor", "--json"], prog_name="manage.py uness_auth")
            first, *_ = capsys.readouterr().out.splitlines()

            assert 1 == code
            assert "set-up" == json.loads(first)["check"]
