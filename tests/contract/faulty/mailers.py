"""
Mailers with planted faults.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any, ClassVar, Final

from tests.contract.faulty.planting import Meeting, Planted
from uness_auth.errors import MailError
from uness_auth.testing import contracts


class FaultyMailer:
    rejected_by: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.is_down = False
        self.meeting = Meeting()

    def send(self, message: EmailMessage, to: str, /) -> None:
        if self.is_down:
            raise MailError
        self.sent.append((to, text_of(message)))


def text_of(message: EmailMessage) -> str:
    """
    Return the text part.
    """
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


class WrapsLongLines(FaultyMailer):
    rejected_by = ("test_text_arrives_whole",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        lines = [line[:78] for line in text_of(message).splitlines()]
        self.sent.append((to, "\n".join(lines) + "\n"))


class EndsAtALoneDot(FaultyMailer):
    rejected_by = ("test_text_arrives_whole",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        self.sent.append((to, text_of(message).partition("\n.\n")[0]))


class SendsToTheHeaders(FaultyMailer):
    rejected_by = ("test_one_address_gets_it",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        for header in ("To", "Cc", "Bcc"):
            super().send(message, str(message.get(header, to)))


class SendsTwice(FaultyMailer):
    rejected_by = ("test_each_mail_arrives_once",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        super().send(message, to)
        super().send(message, to)


class EmptiesTheMessage(FaultyMailer):
    rejected_by = ("test_the_same_mail_again",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        super().send(message, to)
        message.clear_content()
        message.set_content("sent\n")


class SharesItsConnection(FaultyMailer):
    rejected_by = ("test_mails_at_the_same_moment",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        self.to = to
        self.meeting.wait()
        super().send(message, self.to)


class SwallowsRefusals(FaultyMailer):
    rejected_by = ("test_out_of_reach_nothing_is_accepted",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        if not self.is_down:
            super().send(message, to)


class LetsFaultsThrough(FaultyMailer):
    rejected_by = ("test_out_of_reach_nothing_is_accepted",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        if self.is_down:
            raise ConnectionRefusedError
        super().send(message, to)


class QuotesTheMail(FaultyMailer):
    rejected_by = ("test_out_of_reach_nothing_is_accepted",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        if self.is_down:
            raise MailError(text_of(message))
        super().send(message, to)


class KeepsACauseThatQuotes(FaultyMailer):
    rejected_by = ("test_out_of_reach_nothing_is_accepted",)

    def send(self, message: EmailMessage, to: str, /) -> None:
        if self.is_down:
            msg = "blocked"
            raise MailError(msg) from OSError(554, text_of(message))
        super().send(message, to)


def planted(fault: type[FaultyMailer]) -> Planted:
    """
    Return the fault as the contract wants it offered.
    """

    class Offers:
        def make(self) -> Any:
            self.mailer = fault()
            return self.mailer

        def make_unreachable(self) -> Any:
            mailer = fault()
            mailer.is_down = True
            return mailer

        def delivered(self) -> list[tuple[str, str]]:
            return self.mailer.sent

    return Planted(
        name=fault.__name__,
        contract=contracts.MailerContract,
        rejected_by=fault.rejected_by,
        offers=Offers,
    )


PLANTED: Final = [planted(fault) for fault in FaultyMailer.__subclasses__()]
