"""
What has long expired.
"""

from __future__ import annotations

import json

import click

from ..wiring import PURGE_LIMIT
from .common import GetAuth, as_json


@click.command("purge")
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
