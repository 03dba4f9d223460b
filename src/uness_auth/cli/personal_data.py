"""
What is held about one person, handed over or erased.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import assert_never

import click

from ..outcomes import (
    AccountErased,
    AddressMalformed,
    AddressUnknown,
    PersonalDataGathered,
)
from .common import GetAuth, malformed, refuse, unknown


@click.command("export")
@click.argument("email")
@click.option(
    "--to",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A new file, which nobody else may read.",
)
@click.pass_obj
def export(get_auth: GetAuth, email: str, file: Path | None) -> None:
    """
    All that is held about one person, as JSON; no hash, nothing that signs in.
    """
    match get_auth().provisioning.export(email):
        case PersonalDataGathered(address=address, data=data):
            text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
            if file is None:
                click.echo(text, nl=False)
            else:
                _write(file, text)
                click.echo(f"{file}: what is held about {address}.")
        case AddressUnknown():
            refuse(unknown(email))
        case AddressMalformed() as outcome:
            refuse(malformed(email, outcome))
        case _ as never:
            assert_never(never)


@click.command("erase")
@click.argument("email")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(get_auth: GetAuth, email: str, is_sure: bool) -> None:
    """
    Erase an account and all that is held about the person.  There is no way back.

    Where it was interrupted, call it again.
    """
    if not is_sure:
        _ask(email)
    match get_auth().provisioning.erase(email):
        case AccountErased(sessions=sessions, events=events):
            click.echo(
                f"{email} is erased: {sessions} sessions closed, {events} events kept "
                f"as counts only."
            )
        case AddressUnknown():
            refuse(unknown(email))
        case AddressMalformed() as outcome:
            refuse(malformed(email, outcome))
        case _ as never:
            assert_never(never)


def _ask(email: str) -> None:
    if not sys.stdin.isatty():
        refuse("nobody can be asked here, and there is no way back: add --yes")
    _ = click.confirm(
        f"Erase {email} and all that is held about the person, for good?", abort=True
    )


def _write(file: Path, text: str) -> None:
    # Never over a file that is there, which others may be able to read.
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            _ = opened.write(text)
    except FileExistsError:
        refuse(f"{file} is there already: name a new file")
    except OSError as exc:
        refuse(f"{file} cannot be written: {exc.strerror}")
