"""
Accounts, one at a time.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final, assert_never

import click

from ..addresses import AddressFault, canonical
from ..model import LANGUAGES, Account
from ..outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AddressMalformed,
    AddressUnknown,
    ChangeAnswer,
)
from .common import GetAuth, as_json, malformed, refuse, unknown


PAGE: Final = 500


@click.group("accounts")
def accounts() -> None:
    """
    Who may sign in.
    """


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
@as_json
@click.pass_obj
def list_(get_auth: GetAuth, is_json: bool) -> None:
    """
    Every account and its state, in the order of their ids.
    """
    auth = get_auth()
    registry, now = auth.provisioning.registry, auth.clock()
    after = ""
    while page := registry.page(after, PAGE):
        for account in page:
            click.echo(_line(account, now, is_json=is_json))
        after = page[-1].id


@accounts.command("show")
@click.argument("email")
@as_json
@click.pass_obj
def show(get_auth: GetAuth, email: str, is_json: bool) -> None:
    """
    One account and its state.
    """
    address = canonical(email)
    if isinstance(address, AddressFault):
        refuse(malformed(email, AddressMalformed(fault=address)))
    auth = get_auth()
    account = auth.provisioning.accounts.by_address(address)
    if account is None:
        refuse(unknown(email))
    click.echo(_line(account, auth.clock(), is_json=is_json))


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


def _line(account: Account, now: datetime, *, is_json: bool) -> str:
    facts = {
        "id": account.id,
        "address": account.address,
        "display_name": account.display_name,
        "language": account.language,
        "state": _state(account, now),
        "created_at": account.created_at.isoformat(),
    }
    if is_json:
        return json.dumps(facts, ensure_ascii=False)
    return f"{facts['address']}\t{facts['state']}\t{facts['display_name']}".rstrip()


def _state(account: Account, now: datetime) -> str:
    if account.is_disabled:
        return "disabled"
    if account.is_closed(now):
        is_over = account.valid_until is not None and account.valid_until <= now
        return "ended" if is_over else "not open yet"
    if account.is_password_suspended:
        return "password suspended"
    return "active" if account.has_password else "no password yet"
