"""
The helpdesk's page says what the command says, call by call.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import pytest
from click.testing import CliRunner

from uness_auth import Site, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.errors import RecipientError
from uness_auth.model import Account, Client
from uness_auth.outcomes import CodeSent, SignedIn
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


PAGE: Final = (Path(__file__).parents[2] / "docs/howto/answer-the-phone.md").read_text(
    "utf-8"
)
SECTIONS: Final = {
    heading: text
    for heading, _, text in (part.partition("\n") for part in PAGE.split("\n## ")[1:])
}
CAMILLE = "camille.durand@univ-exemple.fr"
PASSWORD = "Velo-9Rouge"
HERE = Client(network="192.0.2.7", browser="Firefox, Windows", browser_digest="b" * 64)
PHONE = attrs.evolve(HERE, browser="Safari, iPhone", browser_digest="c" * 64)


class Refusing:
    """
    A mailer whose server takes nothing for Camille.
    """

    for_development_only: ClassVar[bool] = True

    def send(self, _message: EmailMessage, _to: str, /) -> None:
        """
        Refuse.
        """
        msg = "mail server m:25 refused the recipient: 550 5.1.1"
        raise RecipientError(msg)


@attrs.define
class Call:
    """
    A site, and Camille on the phone.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    outbox: Outbox = attrs.field(factory=Outbox)
    auth: UnessAuth = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """
        Create her account.
        """
        self.auth = self.wired(self.outbox)
        self.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        self.change(provisioned_by="scolarite")

    def wired(self, mailer: Outbox | Refusing) -> UnessAuth:
        """
        Wire the site.
        """
        return UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=self.storage.stores,
            mailer=mailer,
            hashing=FastHashing(),
            clock=self.clock,
        )

    @property
    def account(self) -> Account:
        """
        Hers.
        """
        account = self.storage.accounts.by_address(CAMILLE)
        assert account is not None
        return account

    def change(self, **facts: Any) -> None:
        """
        Change her account.
        """
        changed = attrs.evolve(self.account, **facts)
        assert self.storage.registry.replace(changed, changed.credential_version)

    def asked_for_a_link(self) -> str:
        """
        Return the token of her link.
        """
        self.auth.identify.begin(CAMILLE, HERE)
        return self.outbox.link(CAMILLE).rpartition("/")[2]

    def has_a_password(self) -> None:
        """
        Let her create one.
        """
        self.change(password_hash=f"clear:{PASSWORD}")

    def told(self, address: str = CAMILLE) -> str:
        """
        Return what the command says.
        """
        return (
            CliRunner()
            .invoke(uness_auth, ["accounts", "show", address], obj=lambda: self.auth)
            .output
        )


def _nothing_came(call: Call) -> str:
    call.asked_for_a_link()
    return call.told()


def _too_old(call: Call) -> str:
    token = call.asked_for_a_link()
    call.clock.tick(call.auth.policy.link.first_lifetime * 2)
    call.auth.password_link.open(token, HERE)
    return call.told()


def _rules(call: Call) -> str:
    token = call.asked_for_a_link()
    call.auth.password_link.set_password(token, "abc", "abc", HERE)
    return call.told()


def _mistyped(call: Call) -> str:
    return call.told("camille.durand@univ-lyon1.ft").replace("Error: ", "- ")


def _not_open_yet(call: Call) -> str:
    call.change(valid_from=datetime(2026, 11, 30, 23, tzinfo=UTC))
    return call.told()


def _throttled(call: Call) -> str:
    call.has_a_password()
    for _ in range(6):
        call.auth.password_sign_in.sign_in(CAMILLE, "wrong", HERE, is_remembered=False)
    return call.told()


def _suspended(call: Call) -> str:
    call.has_a_password()
    account = call.account
    call.storage.accounts.disable_password(account.id, account.credential_version)
    return call.told()


def _on_the_phone(call: Call) -> str:
    call.has_a_password()
    sent = call.auth.code_sign_in.begin(CAMILLE, HERE)
    assert isinstance(sent, CodeSent)
    code = call.outbox.code(CAMILLE)
    call.auth.code_sign_in.confirm(sent.challenge_id, code, PHONE)
    return call.told()


def _refused(call: Call) -> str:
    with pytest.raises(RecipientError):
        call.wired(Refusing()).identify.begin(CAMILLE, HERE)
    return call.told()


def _signed_in(call: Call) -> str:
    call.has_a_password()
    answer = call.auth.password_sign_in.sign_in(
        CAMILLE, PASSWORD, HERE, is_remembered=False
    )
    assert isinstance(answer, SignedIn)
    return call.told()


CALLS: Final[dict[str, Callable[[Call], str]]] = {
    "« Je n'ai rien reçu »": _nothing_came,
    "« Le lien ne marche plus »": _too_old,
    "« Mon nouveau mot de passe est refusé »": _rules,
    "« Votre adresse email n'est pas reconnue », and there is no account": _mistyped,
    "« Votre adresse email n'est pas reconnue », and there is an account": _not_open_yet,
    "« On me dit d'attendre »": _throttled,
    "« Mon mot de passe est suspendu »": _suspended,
    "« Mon code ne marche pas »": _on_the_phone,
    "« Je n'ai jamais rien reçu, d'aucun de vos mails »": _refused,
    "« Je suis connectée, et ça ne marche pas »": _signed_in,
}


class TestCalls:
    def test_are_those_of_the_page(self) -> None:
        """
        Each call has its section, in order, and each section but the last its call.
        """
        assert [*CALLS] == [*SECTIONS][:-1]

    @pytest.mark.parametrize("heading", list(CALLS))
    def test_the_command_says_so(self, heading: str, clock: FixedClock) -> None:
        """
        What the page quotes first of all is what the command advises first of all.
        """
        told = CALLS[heading](Call(clock)).splitlines()
        advice = next(line for line in told if line.startswith("- "))

        assert f"\n{advice}\n" in SECTIONS[heading]

    def test_the_whole_answer(self, clock: FixedClock) -> None:
        """
        The example at the top is an answer of the command, to the letter.
        """
        assert _nothing_came(Call(clock)) in PAGE
