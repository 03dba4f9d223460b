"""
``uness-auth --database URL …``: the command line without an application.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from enum import Flag, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

import attrs
import click
from click.core import ParameterSource

from ..errors import ConfigurationError, MailError
from ..mailers.smtp import SMTPMailer
from ..model import Site
from ..ports import Mailer, Stores
from ..wiring import UnessAuth
from . import uness_auth
from .common import CommandGroup
from .database import database


if TYPE_CHECKING:
    from ..storage.sql import SQLStorage


# Where a command needs neither, both stand for nothing: nobody is ever led there.
NOWHERE: Final = "https://uness-auth.invalid"
# Bits of a file's mode by which others than its owner may read or write it.
OTHERS: Final = 0o077


class Needs(Flag):
    """
    What a command needs of the site.
    """

    DATABASE = auto()
    SITE = auto()
    MAIL = auto()
    KEYS = auto()
    # Of a site that is served: nothing is filled in.
    ALL = DATABASE | SITE | MAIL | KEYS


# Whatever is not named here needs all: a command that is new fails, and does not mail
# links that lead nowhere.
NEEDS: Final[Mapping[tuple[str, ...], Needs]] = {
    ("accounts", "add"): Needs.DATABASE,
    ("accounts", "list"): Needs.DATABASE,
    ("accounts", "show"): Needs.DATABASE,
    ("accounts", "disable"): Needs.DATABASE,
    ("accounts", "enable"): Needs.DATABASE,
    ("accounts", "sign-out"): Needs.DATABASE,
    ("accounts", "import"): Needs.DATABASE,
    ("accounts", "export"): Needs.DATABASE,
    ("accounts", "erase"): Needs.DATABASE,
    # The address of before is told, by a mail without a link of ours in it.
    ("accounts", "readdress"): Needs.DATABASE | Needs.SITE | Needs.MAIL,
    ("purge",): Needs.DATABASE,
    ("mail", "preview"): Needs.SITE,
}
_ASKED_FOR: Final = {
    Needs.DATABASE: ("database", "--database URL", "DATABASE_URL"),
    Needs.SITE: ("base_url", "--base-url URL", "BASE_URL"),
    Needs.MAIL: ("smtp", "--smtp URL", "SMTP_URL"),
}


class NoMailer:
    """
    Stands where a command mails nothing.
    """

    def send(self, _message: EmailMessage, _to: str, /) -> NoReturn:
        """
        Refuse.

        Raises:
            uness_auth.errors.MailError: Always.
        """
        msg = "no mail server was named: say --smtp URL, or set SMTP_URL"
        raise MailError(msg)


@attrs.frozen(kw_only=True)
class StandAlone:
    """
    Wires a sign-in from options and the environment, as far as a command needs one.
    """

    database: str = attrs.field(repr=False)
    base_url: str
    smtp: str = attrs.field(repr=False)
    sender: str
    path: str
    time_zone: str
    trusted_proxies: str
    processes: str
    keys: tuple[str, ...] = attrs.field(repr=False)
    context: click.Context = attrs.field(repr=False)

    def __call__(self) -> UnessAuth:
        """
        Return the sign-in that the command which runs needs.

        Raises:
            uness_auth.errors.ConfigurationError: Naming what is missing or wrong.
        """
        context = click.get_current_context()
        names = _names(context)
        if context.params.get("readdress") is not None:
            # An import that gives accounts another address, not only names one.
            names = ("accounts", "readdress")
        needs = NEEDS.get(names, Needs.ALL)
        self._check(names, needs)
        proxies = proxies_from(self.trusted_proxies)
        if proxies is None and names != ("doctor",):
            # Nobody comes through a door of a terminal's.
            proxies = 0
        return UnessAuth(
            site=self._site(),
            stores=self._stores(needs),
            mailer=self._mailer(needs),
            keys=self.keys or self._no_keys(needs),
            trusted_proxies=proxies,
            processes=number_from("--processes", self.processes or "1"),
        )

    def storage(self) -> SQLStorage:
        """
        Return the database that was named.

        Raises:
            uness_auth.errors.ConfigurationError: None was, or it is no such URL.
        """
        self._check(("database",), Needs.DATABASE)
        return self._open(self.database)

    def _check(self, names: Sequence[str], needs: Needs) -> None:
        missing = [
            f"{option} (or {variable} in the environment)"
            for need, (field, option, variable) in _ASKED_FOR.items()
            if need in needs and not getattr(self, field)
        ]
        if missing:
            msg = f"`{' '.join(names)}` needs {', '.join(missing)}"
            raise ConfigurationError(msg)

    def _no_keys(self, needs: Needs) -> list[str] | None:
        # None is told by the wiring, where that is no loopback address.
        return None if Needs.KEYS in needs else [secrets.token_urlsafe(48)]

    def _site(self) -> Site:
        site = Site(base_url=self.base_url or NOWHERE, sender=self.sender)
        return attrs.evolve(
            site,
            path=self.path or site.path,
            time_zone=self.time_zone or site.time_zone,
        )

    def _stores(self, needs: Needs) -> Stores:
        if Needs.DATABASE in needs:
            return self._open(self.database).stores
        # Whoever asks it for anything finds that out at once.
        nothing: Any = object()
        return Stores(
            accounts=nothing,
            code_challenges=nothing,
            sessions=nothing,
            session_lists=nothing,
            counters=nothing,
        )

    def _mailer(self, needs: Needs) -> Mailer:
        return SMTPMailer.from_url(self.smtp) if Needs.MAIL in needs else NoMailer()

    def _open(self, url: str) -> SQLStorage:
        try:
            # Here, because `keys new` needs no database.
            from ..storage.sql import SQLStorage  # noqa: PLC0415
        except ModuleNotFoundError as exc:
            msg = "no database can be opened: pip install 'uness-auth[cli,sql]'"
            raise ConfigurationError(msg) from exc
        storage = SQLStorage(url)
        _ = self.context.call_on_close(storage.close)
        return storage


def proxies_from(text: str, /) -> int | list[str] | None:
    """
    Read how many proxies stand in front, or their networks, comma-separated.
    """
    if not text:
        return None
    return int(text) if text.isdecimal() else text.split(",")


def number_from(name: str, text: str, /) -> int:
    """
    Read a number.

    Raises:
        uness_auth.errors.ConfigurationError: It is none.
    """
    if not text.isdecimal():
        msg = f"{name}={text!r} is no number: give one, as 4"
        raise ConfigurationError(msg)
    return int(text)


def keys_from(file: Path | None, text: str, /) -> tuple[str, ...]:
    """
    Read the ring, oldest first: one key a line, or separated by commas.
    """
    if file is None:
        return tuple(one for one in text.split(",") if one)
    if file.stat().st_mode & OTHERS:
        click.echo(
            f"Warning: {file} can be read by others, and who has a key makes links: "
            f"chmod 600 {file}",
            err=True,
        )
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _warn_of_passwords(context: click.Context) -> None:
    for name, variable in (("database", "DATABASE_URL"), ("smtp", "SMTP_URL")):
        source = context.get_parameter_source(name)
        if source is ParameterSource.COMMANDLINE and _has_password(
            context.params[name]
        ):
            click.echo(
                f"Warning: everybody on this machine can read the password in "
                f"--{name}, and the shell keeps it: set {variable} instead",
                err=True,
            )


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "@" in url
    return parts.password is not None or "password" in parts.query


def _names(context: click.Context) -> tuple[str, ...]:
    # What was typed after `uness-auth`.
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return tuple(names)


@click.group(
    cls=CommandGroup,
    name="uness-auth",
    help=(
        f"{uness_auth.help}\n\nOn a database, without an application.  What an option "
        f"does not say, the environment does; say passwords there."
    ),
    commands={**uness_auth.commands, "database": database},
)
@click.option(
    "--database", envvar="DATABASE_URL", default="", help="As sqlite:///a.db."
)
@click.option(
    "--base-url", envvar="BASE_URL", default="", help="Where the site answers."
)
@click.option("--smtp", envvar="SMTP_URL", default="", help="As smtp://user@host:587.")
@click.option("--sender", envvar="SENDER", default="", help="Who the mails come from.")
@click.option("--path", envvar="PAGES_PATH", default="", help="Of the pages: /auth/.")
@click.option("--time-zone", envvar="TIME_ZONE", default="", help="Europe/Paris.")
@click.option(
    "--trusted-proxies",
    envvar="TRUSTED_PROXIES",
    default="",
    help="Number or networks.",
)
@click.option(
    "--processes", envvar="WEB_CONCURRENCY", default="", help="How many serve the site."
)
@click.option(
    "--keys-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="One signing key a line, oldest first; else UNESS_AUTH_KEYS.",
)
@click.pass_context
def standalone(context: click.Context, /, keys_file: Path | None, **given: Any) -> None:
    """
    Wire nothing yet: a command asks for what it needs.
    """
    _warn_of_passwords(context)
    keys = keys_from(keys_file, os.environ.get("UNESS_AUTH_KEYS", ""))
    context.obj = StandAlone(**given, keys=keys, context=context)
