"""
What every command shares: how it gets at the sign-in, answers, and says no.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeAlias

import click

from ..errors import ConfigurationError, UnessAuthError
from ..outcomes import AddressMalformed
from ..wiring import UnessAuth


# Wires the sign-in only where a command needs it: `keys new` comes before there is one.
GetAuth: TypeAlias = Callable[[], UnessAuth]

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


def refuse(words: str, /) -> NoReturn:
    """
    End the command: the answer is no.
    """
    raise click.ClickException(words)


def unknown(email: str, /) -> str:
    """
    Return what is said of an address that nobody has.
    """
    return f"no account has the address {email!r}: see `accounts list`"


def malformed(email: str, outcome: AddressMalformed, /) -> str:
    """
    Return what is said of a text that is no address.
    """
    return f"{email!r} is no e-mail address ({outcome.fault}): give one as a@b.fr"
