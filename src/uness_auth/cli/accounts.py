"""
Accounts, one at a time.
"""

from __future__ import annotations

import json
from typing import Final, assert_never

import click

from ..addresses import AddressFault, canonical, near_domain
from ..model import LANGUAGES
from ..outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AccountReaddressed,
    AddressMalformed,
    AddressUnknown,
    ChangeAnswer,
)
from ..policy import AddressPolicy
from ..provisioning.timeline import AccountState, Timeline, state_of
from .common import GetAuth, as_json, malformed, refuse, unknown
from .facts import account_facts, account_line, timeline_facts, timeline_lines
from .invitations import invite


PAGE: Final = 500
STATES: Final = {one.value.replace(" ", "-"): one for one in AccountState}


@click.group("accounts")
def accounts() -> None:
    """
    Who may sign in.
    """


accounts.add_command(invite)


@accounts.command("add")
@click.argument("email")
@click.option("--name", default="", help="What the pages greet with.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default=None, help="Of the mails."
)
@click.pass_obj
def add(get_auth: GetAuth, email: str, name: str, language: str | None) -> None:
    """
    Create an account without a password.  Mails nothing.
    """
    match get_auth().provisioning.add(
        email, display_name=name, language=language or ""
    ):
        case AccountAdded(account=account):
            click.echo(f"{account.address} may sign in.")
        case AccountExists(account=account):
            refuse(f"{account.address} has an account already: it was left as it is")
        case AddressMalformed() as outcome:
            refuse(malformed(email, outcome))
        case _ as never:
            assert_never(never)


@accounts.command("list")
@click.option("--by", default=None, metavar="WHO", help="Of this registrar alone.")
@click.option(
    "--state",
    "slug",
    type=click.Choice([*STATES]),
    default=None,
    help="In this state alone.",
)
@as_json
@click.pass_obj
def list_(
    get_auth: GetAuth, by: str | None, slug: str | None, *, is_json: bool
) -> None:
    """
    Every account and its state, in the order of their ids.
    """
    auth = get_auth()
    registry, now, after = auth.provisioning.registry, auth.clock(), ""
    wanted = None if slug is None else STATES[slug]
    while page := registry.page(after, PAGE):
        for account in page:
            is_theirs = by is None or account.provisioned_by == by
            if not is_theirs or wanted not in (None, state_of(account, now)):
                continue
            if is_json:
                facts = account_facts(account, now)
                click.echo(json.dumps(facts, ensure_ascii=False))
            else:
                click.echo(account_line(account, now))
        after = page[-1].id


@accounts.command("show")
@click.argument("email")
@as_json
@click.pass_obj
def show(get_auth: GetAuth, email: str, *, is_json: bool) -> None:
    """
    Why can't she sign in?  One account, what happened, and what to do next.
    """
    auth = get_auth()
    match auth.provisioning.timeline(email):
        case Timeline() as timeline if is_json:
            facts = timeline_facts(timeline, auth.clock(), auth.site)
            click.echo(json.dumps(facts, ensure_ascii=False))
        case Timeline() as timeline:
            click.echo("\n".join(timeline_lines(timeline, auth.site)))
        case AddressUnknown():
            refuse(f"{unknown(email)}{_slip(email, auth.policy.address)}")
        case AddressMalformed() as outcome:
            refuse(malformed(email, outcome))
        case _ as never:
            assert_never(never)


@accounts.command("readdress")
@click.argument("old")
@click.argument("new")
@click.pass_obj
def readdress(get_auth: GetAuth, old: str, new: str) -> None:
    """
    Give an account another address, void its password, and tell the old address.

    Links, codes and sessions stop working at once; the first link goes to the new
    address when it is asked for there.
    """
    match get_auth().provisioning.readdress(old, new):
        case AccountReaddressed(account=account, is_told=is_told):
            click.echo(
                f"{old} is {account.address} now, without a password: "
                f"`accounts invite {account.address}` mails the link."
            )
            if not is_told:
                msg = "The old address was not told: the mail server did not take it."
                click.echo(msg, err=True)
        case AccountExists(account=account):
            refuse(f"{account.address} has an account already: nothing was changed")
        case AddressUnknown():
            refuse(unknown(old))
        case AddressMalformed() as outcome:
            is_old = isinstance(canonical(old), AddressFault)
            refuse(malformed(old if is_old else new, outcome))
        case _ as never:
            assert_never(never)


@accounts.command("disable")
@click.argument("email")
@click.pass_obj
def disable(get_auth: GetAuth, email: str) -> None:
    """
    Close an account: its links, codes and sessions stop working at once.
    """
    answer = get_auth().provisioning.disable(email)
    _tell(answer, email, "is disabled")


@accounts.command("enable")
@click.argument("email")
@click.pass_obj
def enable(get_auth: GetAuth, email: str) -> None:
    """
    Open a closed account again; its old password only if the policy says so.
    """
    answer = get_auth().provisioning.enable(email)
    _tell(answer, email, "may sign in again")


@accounts.command("sign-out")
@click.argument("email")
@click.pass_obj
def sign_out(get_auth: GetAuth, email: str) -> None:
    """
    End every session of an account, and its links and codes with them.
    """
    answer = get_auth().provisioning.sign_out(email)
    _tell(answer, email, "is signed out everywhere")


def _slip(email: str, policy: AddressPolicy) -> str:
    # From what was typed and the policy, as on the page: whoever asks by phone is not
    # told who else has an account.
    local, _, domain = str(canonical(email)).rpartition("@")
    near = near_domain(domain, policy.known_domains)
    return f"; or is it {local}@{near}?" if near else ""


def _tell(answer: ChangeAnswer, email: str, words: str) -> None:
    match answer:
        case AccountChanged(account=account):
            click.echo(f"{account.address} {words}.")
        case AddressUnknown():
            refuse(unknown(email))
        case AddressMalformed() as outcome:
            refuse(malformed(email, outcome))
        case _ as never:
            assert_never(never)
