"""
The command line: one group of commands, hung on whatever wires a sign-in.

Answers go to standard output, complaints to standard error.  Exit codes: 0 done, 1 the
answer is no, 2 wrong usage or set-up.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias, assert_never

import click

from .addresses import AddressFault, canonical
from .errors import ConfigurationError, UnessAuthError
from .model import LANGUAGES, Account
from .outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AddressMalformed,
    AddressUnknown,
    ChangeAnswer,
)
from .wiring import PURGE_LIMIT, UnessAuth


# Wires the sign-in only where a command needs it: `keys new` comes before there is one.
GetAuth: TypeAlias = Callable[[], UnessAuth]
PAGE: Final = 500

as_json: Final = click.option(
    "--json", "is_json", is_flag=True, help="As JSON, for programs."
)


class _WrongError(click.ClickException):
    # Wrong usage or set-up; click's own says 1: the answer is no.
    exit_code = 2


class CommandGroup(click.Group):
    """
    Tells what an operator caused as a complaint, not as a traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """
        Run the command.
        """
        try:
            return super().invoke(ctx)
        except UnessAuthError as exc:
            is_wrong = isinstance(exc, ConfigurationError)
            complaint = _WrongError if is_wrong else click.ClickException
            msg = f"{type(exc).__name__}: {exc}"
            raise complaint(msg) from exc


@click.group(cls=CommandGroup, name="uness-auth")
def uness_auth() -> None:
    """
    Accounts, keys, and what has expired.
    """


@uness_auth.group("accounts")
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
            _refuse(f"{account.address} has an account already: it was left as it is")
        case AddressMalformed() as malformed:
            _refuse(_malformed(email, malformed))
        case _ as never:
            assert_never(never)


@accounts.command("list")
@as_json
@click.pass_obj
def list_(get_auth: GetAuth, is_json: bool) -> None:
    """
    Every account and its state, in the order of their ids.
    """
    registry = get_auth().provisioning.registry
    after = ""
    while page := registry.page(after, PAGE):
        for account in page:
            click.echo(_line(account, is_json=is_json))
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
        _refuse(_malformed(email, AddressMalformed(fault=address)))
    account = get_auth().provisioning.accounts.by_address(address)
    if account is None:
        _refuse(_unknown(email))
    click.echo(_line(account, is_json=is_json))


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
    Open a closed account again, with its password.
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


@uness_auth.group("keys")
def keys() -> None:
    """
    The site's signing keys.
    """


@keys.command("new")
def new() -> None:
    """
    Print a new signing key.
    """
    click.echo(secrets.token_urlsafe(48))


@uness_auth.command("purge")
@as_json
@click.pass_obj
def purge(get_auth: GetAuth, is_json: bool) -> None:
    """
    Remove what has long expired.
    """
    auth, removed = get_auth(), 0
    while True:
        count = auth.purge()
        removed += count
        if count < PURGE_LIMIT:
            break
    click.echo(
        json.dumps({"removed": removed}) if is_json else f"{removed} rows removed."
    )


def hung_on(get_auth: GetAuth, /, *, name: str) -> CommandGroup:
    """
    Return the group for another command line, which has an object of its own.
    """

    @click.pass_context
    def enter(context: click.Context) -> None:
        context.obj = get_auth

    return CommandGroup(
        name=name, help=uness_auth.help, commands=uness_auth.commands, callback=enter
    )


def _tell(answer: ChangeAnswer, email: str, words: str) -> None:
    match answer:
        case AccountChanged(account=account):
            click.echo(f"{account.address} {words}.")
        case AddressUnknown():
            _refuse(_unknown(email))
        case AddressMalformed() as malformed:
            _refuse(_malformed(email, malformed))
        case _ as never:
            assert_never(never)


def _refuse(words: str) -> NoReturn:
    raise click.ClickException(words)


def _unknown(email: str) -> str:
    return f"no account has the address {email!r}: see `accounts list`"


def _malformed(email: str, outcome: AddressMalformed) -> str:
    return f"{email!r} is no e-mail address ({outcome.fault}): give one as a@b.fr"


def _line(account: Account, *, is_json: bool) -> str:
    facts = {
        "id": account.id,
        "address": account.address,
        "display_name": account.display_name,
        "language": account.language,
        "state": _state(account),
        "created_at": account.created_at.isoformat(),
    }
    if is_json:
        return json.dumps(facts, ensure_ascii=False)
    return f"{facts['address']}\t{facts['state']}\t{facts['display_name']}".rstrip()


def _state(account: Account) -> str:
    if account.is_disabled:
        return "disabled"
    if account.is_password_suspended:
        return "password suspended"
    return "active" if account.has_password else "no password yet"
