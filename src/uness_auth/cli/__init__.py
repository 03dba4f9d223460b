"""
The command line: one group of commands, hung on whatever wires a sign-in.

Answers go to standard output, complaints to standard error.  Exit codes: 0 done, 1 the
answer is no, 2 wrong usage or set-up.
"""

from __future__ import annotations

import click

from .accounts import accounts
from .common import CommandGroup, GetAuth, as_json
from .doctor import doctor
from .imports import import_
from .keys import keys
from .mail import mail
from .personal_data import erase, export
from .purge import purge


__all__ = ["CommandGroup", "GetAuth", "as_json", "hung_on", "uness_auth"]


@click.group(cls=CommandGroup, name="uness-auth")
def uness_auth() -> None:
    """
    Accounts, keys, mails, what is wrong, and what has expired.
    """


for _command in (export, erase, import_):
    accounts.add_command(_command)
for _command in (accounts, doctor, keys, mail, purge):
    uness_auth.add_command(_command)


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
