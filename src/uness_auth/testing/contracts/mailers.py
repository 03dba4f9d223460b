"""
What every mailer does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from email.message import EmailMessage
from functools import partial
from typing import ClassVar, Final

from ...errors import MailError, UnessAuthError
from ...ports import Mailer
from .base import RemoteContract


TO: Final = "camille.martin@univ-exemple.fr"
HIDDEN: Final = "t0ken"

# What some mail software escapes, cuts, wraps or takes for the end.
TEXT: Final = (
    "Bonjour \u00c9lo\u00efse \U0001f44b,\n\n.\n..\nFrom here on, a line = 20 %\n"
    f"https://portail.exemple.fr/auth/link/{HIDDEN * 100}\n"
    "  two spaces, and a tab at the end\t\n123456\n"
)


class MailerContract(RemoteContract[Mailer], ABC):
    """
    What every `uness_auth.ports.Mailer` does.

    Subclass it in your test suite, build a mailer in `make`, and return in `delivered`
    what came out at its other end.
    """

    refusal: ClassVar[type[UnessAuthError]] = MailError
    secrets: ClassVar[tuple[str, ...]] = (HIDDEN,)

    @abstractmethod
    def make(self) -> Mailer:
        """
        Return a mailer that has sent nothing yet.
        """

    @abstractmethod
    def delivered(self) -> Sequence[tuple[str, str]]:
        """
        Return who got which text from the mailer that `make` returned, oldest first.
        """

    def test_text_arrives_whole(self) -> None:
        """
        Accents, emoji, lone dots, long lines and outer spaces arrive as they are.
        """
        self.make().send(mail(), TO)

        assert [(TO, TEXT)] == list(self.delivered())

    def test_one_address_gets_it(self) -> None:
        """
        The mail goes to the one address given, whoever else its headers name.
        """
        message = mail(to="sacha@univ-exemple.fr")
        message["Cc"] = "helpdesk@univ-exemple.fr"
        message["Bcc"] = "archive@univ-exemple.fr"

        self.make().send(message, TO)

        assert [TO] == [to for to, _ in self.delivered()]

    def test_each_mail_arrives_once(self) -> None:
        """
        Several mails arrive one by one, each at its own address.
        """
        mailer = self.make()
        people = [f"{n}@univ-exemple.fr" for n in range(3)]

        for to in people:
            mailer.send(mail(to=to, text=f"For {to}\n"), to)

        assert [(to, f"For {to}\n") for to in people] == list(self.delivered())

    def test_the_same_mail_again(self) -> None:
        """
        A message may be sent again, and arrives as it did the first time.
        """
        mailer, message = self.make(), mail()

        mailer.send(message, TO)
        mailer.send(message, TO)

        assert [(TO, TEXT)] * 2 == list(self.delivered())

    def test_mails_at_the_same_moment(self) -> None:
        """
        Of 8 mails sent together each arrives whole, and none in another.
        """
        mailer = self.make()
        people = [f"{n}@univ-exemple.fr" for n in range(8)]

        _ = self.together(
            [
                partial(mailer.send, mail(to=to, text=f"{to}\n{TEXT}"), to)
                for to in people
            ]
        )

        assert [(to, f"{to}\n{TEXT}") for to in people] == sorted(self.delivered())

    def test_out_of_reach_nothing_is_accepted(self) -> None:
        """
        What cannot be handed over raises `uness_auth.errors.MailError`.

        No text of the mail is in the error.
        """
        assert {} == self.out_of_reach(send=(mail(), TO))


def mail(*, to: str = TO, text: str = TEXT) -> EmailMessage:
    """
    Return a mail as the library composes them: text, and the same as HTML.
    """
    message = EmailMessage()
    message["From"] = "Uness <ne-pas-repondre@univ-exemple.fr>"
    message["To"] = to
    message["Subject"] = "Cr\u00e9ez votre mot de passe"
    message.set_content(text)
    message.add_alternative(f"<pre>{text}</pre>\n", subtype="html")
    return message
