"""
The tables of a database, where no application makes them.
"""

from __future__ import annotations

import json
from typing import Any

import click

from .common import as_json


@click.group("database")
def database() -> None:
    """
    The tables that accounts are kept in.
    """


@database.command("upgrade")
@as_json
@click.pass_obj
def upgrade(stand_alone: Any, is_json: bool) -> None:
    """
    Create the tables, or bring them to this version; keeps every row.
    """
    storage = stand_alone.storage()
    before = storage.schema_version()
    storage.create_schema()
    after = storage.schema_version()
    if is_json:
        click.echo(json.dumps({"before": before, "after": after}))
    elif before == after:
        click.echo(f"The tables are at version {after} already.")
    else:
        click.echo(f"The tables are at version {after}; they were at {before}.")
