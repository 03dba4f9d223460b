"""
The command line of a Django project: `uness_auth.cli`, and what only Django needs.
"""

from __future__ import annotations

import json
from typing import Final

import attrs
import click

from ..cli import CommandGroup, GetAuth, as_json, uness_auth
from ..cli.doctor import doctor_with
from .adopt import Adoption, adopt
from .doctor import check_django, check_migrations


@click.command("adopt")
@click.option("--dry-run", "is_dry", is_flag=True, help="Change nothing; only tell.")
@click.option("--database", default="default", help="Its alias: where the users are.")
@as_json
@click.pass_context
def adopt_users(
    context: click.Context, *, is_dry: bool, database: str, is_json: bool
) -> None:
    """
    Give the users of an existing project their accounts.

    Lists those who get none: without an address, or with one that others share.
    """
    get_auth: GetAuth = context.obj
    # A wrong set-up is told before anything is written.
    _ = get_auth()
    done = adopt(using=database, is_dry=is_dry)
    if is_json:
        click.echo(json.dumps(attrs.asdict(done), ensure_ascii=False))
    else:
        _tell(done)
    if done.refused:
        context.exit(1)


def _tell(done: Adoption) -> None:
    click.echo(
        f"{done.adopted} adopted, {done.followed} followed, "
        f"{done.unchanged} unchanged, {len(done.refused)} refused."
    )
    for one in done.refused:
        click.echo(f"user {one.user_id}\t{one.reason}\t{one.address}", err=True)


project: Final = CommandGroup(
    name="uness_auth",
    help=uness_auth.help,
    commands={
        **uness_auth.commands,
        "adopt": adopt_users,
        "doctor": doctor_with({"Django": check_django, "tables": check_migrations}),
    },
)
