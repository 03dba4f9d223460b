"""
One sign-in from the environment: what every example portal starts from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from uness_auth import ConfigurationError, Site, UnessAuth
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.provisioning import Row, read_accounts
from uness_auth.storage.sql import SQLStorage


REQUIRED = ("DATABASE_URL", "SMTP_URL", "BASE_URL")


def auth_from(environ: Mapping[str, str] = os.environ) -> UnessAuth:
    """
    Wire the sign-in from ``DATABASE_URL``, ``SMTP_URL``, ``BASE_URL``,
    ``TRUSTED_PROXIES``, ``UNESS_AUTH_KEYS`` (comma-separated, oldest first) and
    ``WEB_CONCURRENCY`` (how many processes serve the site).
    """
    missing = [name for name in REQUIRED if not environ.get(name)]
    if missing:
        msg = f"the environment has no {', '.join(missing)}: set them"
        raise ConfigurationError(msg)
    storage = SQLStorage(environ["DATABASE_URL"])
    storage.create_schema()
    keys = environ.get("UNESS_AUTH_KEYS", "")
    return UnessAuth(
        site=Site(base_url=environ["BASE_URL"]),
        stores=storage.stores,
        mailer=SMTPMailer.from_url(environ["SMTP_URL"]),
        keys=keys.split(",") if keys else None,
        trusted_proxies=proxies_from(environ.get("TRUSTED_PROXIES", "")),
        processes=number_from("WEB_CONCURRENCY", environ.get("WEB_CONCURRENCY", "1")),
    )


def proxies_from(text: str) -> int | list[str] | None:
    """
    Read how many proxies stand in front, or their networks, comma-separated.
    """
    if not text:
        return None
    return int(text) if text.isdecimal() else text.split(",")


def number_from(name: str, text: str) -> int:
    """
    Read a number.
    """
    if not text.isdecimal():
        msg = f"{name}={text!r} in the environment is no number: give one, as 4"
        raise ConfigurationError(msg)
    return int(text)


def load_accounts(auth: UnessAuth, path: Path) -> list[str]:
    """
    Add the accounts of a file and return the lines that are none, in words.
    """
    faults = []
    for line in read_accounts(path).lines:
        if isinstance(line, Row):
            auth.provisioning.add(
                line.address, display_name=line.display_name, language=line.language
            )
        else:
            faults.append(f"{path.name}, line {line.line}: {line.reason}")
    return faults
