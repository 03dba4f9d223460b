"""
The site's signing keys.
"""

from __future__ import annotations

import secrets

import click


@click.group("keys")
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
