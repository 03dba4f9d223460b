"""
What the doctor says of mail servers: real ones, each wrong in its own way.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import attrs
import pytest

from tests.unit.doctor.conftest import local, online
from uness_auth import Site, UnessAuth
from uness_auth.doctor import Finding, Severity
from uness_auth.doctor.mail import check_mail, check_sender
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.ports import CheckedMailer, MailCheck
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import Outbox


pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not:UserWarning")

NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS
SENDER = "ne-pas-repondre@univ-exemple.fr"
SECRET = "S3cret!"

Examined = Callable[..., list[Finding]]


@pytest.fixture(name="examined")
def _examined(storage: MemoryStorage, trusting: ssl.SSLContext) -> Examined:
    """
    Examine a mailer; whatever is found, its password is not in it.
    """

    def examined(port: int, sender: str = SENDER, **fields: Any) -> list[Finding]:
        mine: dict[str, Any] = {"ssl_context": trusting, "port": port}
        mailer = SMTPMailer("127.0.0.1", **mine | fields)
        site = Site(base_url="https://portail.example.fr", sender=sender)
        findings = [*check_mail(online(storage, site=site, mailer=mailer))]
        assert SECRET not in repr(findings)
        return findings

    return examined


class TestWell:
    @pytest.mark.parametrize("security", ["starttls", "tls", "none"])
    def test_each_way(self, examined: Examined, serve_mail: Any, security: str) -> None:
        """
        The server is asked all that comes before a mail, and given none.
        """
        server = serve_mail(security)
        (finding,) = examined(server.port, security=security)

        assert OK is finding.severity
        assert SENDER in finding.what
        assert ("TLSv1" in finding.what) == (security != "none")
        assert [] == server.received.mails

    def test_signed_in(self, examined: Examined, serve_mail: Any) -> None:
        """
        The password is tried.
        """
        server = serve_mail(needs_auth=True)
        (finding,) = examined(server.port, username="portal", password=SECRET)

        assert OK is finding.severity
        assert ["portal"] == server.received.users


class TestBroken:
    def test_wrong_password(self, examined: Examined, serve_mail: Any) -> None:
        """
        A password that is refused is told, and not repeated.
        """
        server = serve_mail(needs_auth=True)
        (finding,) = examined(server.port, username="portal", password=f"{SECRET}no")

        assert SERIOUS is finding.severity
        assert "refused the user name or password: 535" in finding.what

    def test_no_starttls(self, examined: Examined, serve_mail: Any) -> None:
        """
        A server without encryption.
        """
        (finding,) = examined(serve_mail("none").port)

        assert SERIOUS is finding.severity
        assert "STARTTLS" in finding.what

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_unknown_authority(
        self, examined: Examined, serve_mail: Any, security: str
    ) -> None:
        """
        A certificate of an authority that this machine does not know.
        """
        port = serve_mail(security).port
        (finding,) = examined(
            port, security=security, ssl_context=ssl.create_default_context()
        )

        assert SERIOUS is finding.severity
        assert "certificate is not to be trusted" in finding.what

    def test_certificate_of_another(self, examined: Examined, serve_mail: Any) -> None:
        """
        A certificate for another name is told in words.
        """
        (finding,) = examined(serve_mail(names=("other.example.fr",)).port)

        assert SERIOUS is finding.severity
        assert "IP address mismatch" in finding.what

    def test_refused_sender(self, examined: Examined, serve_mail: Any) -> None:
        """
        A server that takes no mail from the sender; its words stay out.
        """
        (finding,) = examined(serve_mail().port, "refused@univ-exemple.fr")

        assert SERIOUS is finding.severity
        assert "refused the sender: 553" in finding.what
        assert "t0ken" not in repr(finding)

    def test_nobody_there(self, examined: Examined, free_port: int) -> None:
        """
        A port where nobody listens.
        """
        (finding,) = examined(free_port)

        assert SERIOUS is finding.severity
        assert "refused" in finding.what

    def test_one_that_hangs(self, examined: Examined, serve_script: Any) -> None:
        """
        A server that says nothing is not waited for.
        """
        port = serve_script(lambda connection: connection.recv(1))
        began = time.monotonic()
        (finding,) = examined(port, timeout=timedelta(milliseconds=200))

        assert SERIOUS is finding.severity
        assert "timed out" in finding.what
        assert time.monotonic() - began < 5

    def test_bounces_nobody_takes(self, examined: Examined, serve_mail: Any) -> None:
        """
        A sender without a mailbox is a note: bounces are lost.
        """
        server = serve_mail()
        findings = examined(server.port, "bounceless@univ-exemple.fr")

        assert [OK, NOTE] == [one.severity for one in findings]
        assert "envelope_sender" in findings[1].mend


@attrs.frozen
class Told:
    """
    A mailer of the host's, which says what it is told to.
    """

    found: MailCheck | None

    def send(self, _message: EmailMessage, _to: str, /) -> None:
        """
        Send nothing.
        """

    def check(self, _sender: str, /) -> MailCheck | None:
        """
        Say it.
        """
        return self.found


class TestOthers:
    def test_in_clear(self, storage: MemoryStorage) -> None:
        """
        Whoever speaks in clear to another machine gives the links away.
        """
        found = MailCheck(
            server="mail.example.fr", encryption="", is_local=False, takes_bounces=True
        )
        mailer = Told(found)
        (finding,) = check_mail(online(storage, mailer=mailer))

        assert isinstance(mailer, CheckedMailer)
        assert SERIOUS is finding.severity

    @pytest.mark.parametrize("given", [{"mailer": Told(None)}, {}])
    def test_no_mail_server(
        self, storage: MemoryStorage, given: dict[str, Any]
    ) -> None:
        """
        What cannot be asked is told.
        """
        (finding,) = check_mail(online(storage, **given))

        assert NOTE is finding.severity
        assert "not checked" in finding.why

    def test_for_development(self, storage: MemoryStorage) -> None:
        """
        A mailer that sends nothing is told.
        """
        (finding,) = check_mail(local(storage, mailer=Outbox()))

        assert NOTE is finding.severity


class TestSender:
    def test_chosen_or_not(self, storage: MemoryStorage) -> None:
        """
        A sender that nobody chose is told; at home it may be.
        """

        def severity(auth: UnessAuth) -> Severity:
            (finding,) = check_sender(auth)
            return finding.severity

        chosen = Site(base_url="https://portail.example.fr", sender=f"Uness <{SENDER}>")

        assert NOTE is severity(online(storage))
        assert OK is severity(online(storage, site=chosen))
        assert OK is severity(local(storage))
