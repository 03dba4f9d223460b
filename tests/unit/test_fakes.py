"""
The fakes do what the real ones promise, and say that they are fakes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from uness_auth import ConfigurationError, MailError, Site, UnessAuth
from uness_auth.events import Event, EventKind
from uness_auth.model import Client
from uness_auth.outcomes import CodeSent, LinkSent, WrongPassword
from uness_auth.ports import Mailer, PasswordHashing
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import (
    EventLog,
    FastHashing,
    FixedClock,
    Outbox,
    policy_without_waits,
)


CAMILLE = "camille@univ-exemple.fr"
HERE = Client(network="192.0.2.7", browser_digest="b" * 64)


def mail(text: str) -> EmailMessage:
    """
    Return a mail that says *text*.
    """
    message = EmailMessage()
    message.set_content(text)
    return message


class TestFixedClock:
    def test_stands_until_it_ticks(self) -> None:
        """
        Time is aware UTC in whole seconds, and passes when told.
        """
        clock = FixedClock()
        before = clock()
        clock.tick()
        clock.tick(timedelta(minutes=1))

        assert (UTC, 0) == (before.tzinfo, before.microsecond)
        assert before + timedelta(seconds=61) == clock()


class TestOutbox:
    def test_is_a_mailer(self) -> None:
        """
        It keeps what is sent, by address, oldest first.
        """
        outbox = Outbox()
        mailer: Mailer = outbox
        first, second, other = mail("1"), mail("2"), mail("3")
        mailer.send(first, CAMILLE)
        mailer.send(other, "other@example.fr")
        mailer.send(second, CAMILLE)

        assert [first, second] == outbox.to(CAMILLE)
        assert 2 == outbox.count(CAMILLE)
        assert "2\n" == outbox.last_text(CAMILLE)

    def test_last_link_and_code(self) -> None:
        """
        It hands back the last link or code, whatever was mailed after it.
        """
        outbox = Outbox()
        outbox.send(mail("https://a.example/auth/link/fOld.sig\n"), CAMILLE)
        outbox.send(mail("https://a.example/auth/link/fNew.sig\n"), CAMILLE)
        outbox.send(mail("Code:\n\n012345\n\nA line with 999999 in it\n"), CAMILLE)
        outbox.messages.append((CAMILLE, EmailMessage()))

        assert "https://a.example/auth/link/fNew.sig" == outbox.link(CAMILLE)
        assert "012345" == outbox.code(CAMILLE)

    def test_nothing_to_hand_back(self) -> None:
        """
        Without a link or code it says how many mails there were.
        """
        outbox = Outbox()
        outbox.send(mail("Bonjour"), CAMILLE)

        with pytest.raises(LookupError, match="1 were sent"):
            outbox.link(CAMILLE)
        with pytest.raises(LookupError, match="0 were sent"):
            outbox.code("other@example.fr")

    def test_down(self) -> None:
        """
        While it is down nothing is kept.
        """
        outbox = Outbox()
        outbox.is_down = True

        with pytest.raises(MailError):
            outbox.send(mail("1"), CAMILLE)
        assert [] == outbox.messages


class TestFastHashing:
    def test_is_a_hasher(self) -> None:
        """
        It verifies what it hashed and nothing else, and counts.
        """
        fake = FastHashing()
        hashing: PasswordHashing = fake
        hashed = hashing.hash("Velo")

        assert hashing.verify(hashed, "Velo")
        assert not hashing.verify(hashed, "velo")
        assert not hashing.verify("", "")
        assert not hashing.verify(hashed, "\ud800")
        hashing.decoy("Velo")
        assert (4, 1) == (fake.verified, fake.decoys)

    def test_rehashes_others(self) -> None:
        """
        Another hasher's hash is to be made again.
        """
        assert not FastHashing().needs_rehash("clear:Velo")
        assert FastHashing().needs_rehash("$argon2id$…")


class TestEventLog:
    def test_keeps_and_finds(self) -> None:
        """
        It keeps every event in order and finds the last of a kind.
        """
        log = EventLog()
        at = datetime(2026, 11, 22, tzinfo=UTC)
        events = [
            Event(kind=kind, at=at, reason=reason)
            for kind, reason in [
                (EventKind.SIGNED_IN, "1"),
                (EventKind.SIGNED_IN, "2"),
                (EventKind.SIGNED_OUT, "3"),
            ]
        ]
        for event in events:
            log(event)

        assert [event.kind for event in events] == log.kinds()
        assert "2" == log.last(EventKind.SIGNED_IN).reason


class TestPolicyWithoutWaits:
    def test_a_test_reaches_no_budget(self) -> None:
        """
        Nine wrong passwords and fifty mails at one moment meet no limit.
        """
        auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=MemoryStorage().stores,
            mailer=Outbox(),
            policy=policy_without_waits(),
            hashing=FastHashing(),
            clock=FixedClock(),
        )
        auth.provisioning.add(CAMILLE)

        for _ in range(9):
            assert WrongPassword() == auth.password_sign_in.sign_in(
                CAMILLE, "Faux", HERE, is_remembered=False
            )
        for _ in range(50):
            assert isinstance(auth.password_link.request(CAMILLE, HERE), LinkSent)
            assert isinstance(auth.code_sign_in.begin(CAMILLE, HERE), CodeSent)

    @pytest.mark.parametrize("fake", [Outbox, FastHashing])
    def test_fakes_are_for_development(self, fake: type) -> None:
        """
        Every fake that a site could run on says that it must not.
        """
        assert fake.for_development_only is True  # type: ignore[attr-defined]
        assert issubclass(ConfigurationError, Exception)
