"""
Where mails do not leave, no log says what would have been in them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import ClassVar, Final

import pytest

from tests.adapters.mail_server import MailServer, running
from tests.adapters.portals import House, OrdersAtRest, Visitor
from tests.secrecy import Ear
from uness_auth import CodePolicy, MailError, Policy
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.policy import HashingPolicy
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    sign_in,
    start,
)


SECONDS: Final = 10
KEY: Final = "the-key-of-this-site-0123456789-abcdefghij"


def text_of(message: EmailMessage) -> str:
    """
    Return the text of a mail.
    """
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class Quoting:
    """
    A mailer that breaks, with the mail in its words.
    """

    for_development_only: ClassVar[bool] = True

    def send(self, message: EmailMessage, _to: str, /) -> None:
        """
        Quote the mail.
        """
        msg = f"cannot send {text_of(message)!r}"
        raise RuntimeError(msg)


class QuotingFirst:
    """
    A mailer that breaks with the mail in the words of what it replaces.
    """

    for_development_only: ClassVar[bool] = True

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Raise what a mailer raises, as it forgets to say from what.
        """
        try:
            Quoting().send(message, to)
        except RuntimeError as exc:
            msg = "the mail service refused"
            raise MailError(msg) from exc


class Refusing(MailServer):
    """
    A mail server that repeats the whole mail as it refuses it, as spam filters do.
    """

    def take(self, content: bytes) -> str:
        """
        Refuse the mail with all its words.
        """
        # Soft line breaks taken out, so that it is the mail's own.
        words = content.decode().replace("=\r\n", "").split()
        return f"554 5.7.1 blocked: {' '.join(words)[:480]}"


@pytest.fixture(name="refusing")
def _refusing() -> Iterator[MailServer]:
    """
    A mail server that refuses.
    """
    with running(Refusing()) as server:
        yield server


@pytest.fixture(name="mailer", params=["quoting", "quoting first", "smtp", "nobody"])
def _mailer(request: pytest.FixtureRequest, refusing: MailServer) -> object:
    """
    A mailer that is broken, in each way.
    """
    if request.param == "smtp":
        return SMTPMailer.from_url(refusing.url)
    if request.param == "nobody":
        # Nobody listens there.
        return SMTPMailer.from_url("smtp://127.0.0.1:1")
    return {"quoting": Quoting, "quoting first": QuotingFirst}[request.param]()


POLICY: Final = Policy.uness(code=CodePolicy(digits=8), hashing=HashingPolicy.small())


class TestBrokenMailer:
    """
    P19.
    """

    def test_no_log_tells_the_mail(
        self, house: House, mailer: object, ear: Ear
    ) -> None:
        """
        A first link, a reset link, a code, and a notice are asked for and do not leave;
        every flow goes on around them, and no log holds what anybody would need.
        """
        sound = house.start(keys=[KEY], policy=POLICY)
        broken = house.start(keys=[KEY], policy=POLICY, mailer=mailer)
        _ = broken.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(broken)
        start(visitor, CAMILLE)
        assert 503 == visitor.status
        visitor.worker = sound
        start(visitor, CAMILLE)
        visitor.visit(house.outbox.link(CAMILLE))
        visitor.worker = broken
        visitor.fill(NEW, PASSWORD)
        visitor.fill(AGAIN, OTHER_PASSWORD)
        visitor.press("CRÉER")
        visitor.fill(NEW, PASSWORD)
        visitor.fill(AGAIN, PASSWORD)
        visitor.press("CRÉER")
        assert visitor.title.startswith("Mot de passe enregistré")
        house.clock.tick(timedelta(minutes=2))
        for button in ("Mot de passe oublié ?", "RECEVOIR LE CODE"):
            start(visitor, CAMILLE)
            visitor.press(button)
            assert 503 == visitor.status
        stranger = Visitor(broken)
        sign_in(stranger, CAMILLE, OTHER_PASSWORD)
        stranger.fill(CURRENT, PASSWORD)
        stranger.press("SE CONNECTER")
        stranger.visit("/private")
        assert "Bonjour Camille Durand" in stranger.text
        ask_for_a_code(visitor, house)

        kinds = set(ear.secrets.values())

        assert {"link", "code", "password", "hash", "token", "cookie", "key"} <= kinds
        assert ear.lines
        assert [] == ear.finds()

    def test_the_search_would_find_it(self, house: House, ear: Ear) -> None:
        """
        Had the mailer logged its mail, it would have been heard.
        """
        worker = house.start(policy=POLICY)
        _ = worker.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        start(Visitor(worker), CAMILLE)
        logging.getLogger("planted").debug("%s", house.outbox.link(CAMILLE))

        finds = ear.finds()
        ear.forget()

        assert ["a link in the log planted"] == [str(one) for one in finds]


def ask_for_a_code(visitor: Visitor, house: House) -> None:
    """
    Type a code that did arrive, first wrong, then right.
    """
    broken = visitor.worker
    visitor.worker = house.start(keys=[KEY], policy=POLICY)
    start(visitor, CAMILLE)
    visitor.press("RECEVOIR LE CODE")
    code = house.outbox.code(CAMILLE)
    visitor.worker = broken
    for typed in ("00000000" if code != "00000000" else "11111111", code):
        visitor.fill(CODE, typed)
        visitor.press("SE CONNECTER")
    visitor.visit("/private")
    assert "Bonjour Camille Durand" in visitor.text


class TestBrokenMailerBehindAQueue:
    """
    P19.
    """

    def test_no_log_tells_the_mail(
        self, house: House, mailer: object, ear: Ear, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        The shipped queue tries in vain, tells it, and tells no mail.
        """
        queue = BackgroundQueue(retry_waits=[timedelta(0)], clock=house.clock)
        worker = house.start(policy=POLICY, mailer=mailer, queue=queue)
        _ = worker.auth.provisioning.add(CAMILLE, display_name="Camille Durand")

        start(Visitor(worker), CAMILLE)
        queue.close(timedelta(seconds=SECONDS))

        assert re.search(r"mail order first_link for account \S+", caplog.text)
        assert "link" in ear.secrets.values()
        assert [] == ear.finds()

    def test_an_order_at_rest_holds_none(self, house: House, ear: Ear) -> None:
        """
        Until somebody delivers it there is no link: none was made.
        """
        queue = OrdersAtRest()
        worker = house.start(policy=POLICY, queue=queue)
        _ = worker.auth.provisioning.add(CAMILLE, display_name="Camille Durand")

        start(Visitor(worker), CAMILLE)

        assert 1 == len(queue.orders)
        assert "link" not in ear.secrets.values()
