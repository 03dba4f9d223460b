"""
One sign-in from the environment: what every example portal starts from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from uness_auth import Site, UnessAuth
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.provisioning import Row, read_csv
from uness_auth.storage.sql import SQLStorage


def auth_from(environ: Mapping[str, str] = os.environ) -> UnessAuth:
    """
    Wire the sign-in from ``DATABASE_URL``, ``SMTP_URL``, ``BASE_URL``,
    ``TRUSTED_PROXIES``, ``UNESS_AUTH_KEYS`` (comma-separated, oldest first) and
    ``WEB_CONCURRENCY`` (how many processes serve the site).
    """
    storage = SQLStorage(environ["DATABASE_URL"])
    storage.create_schema()
    keys = environ.get("UNESS_AUTH_KEYS", "")
    proxies = environ.get("TRUSTED_PROXIES", "")
    return UnessAuth(
        site=Site(base_url=environ["BASE_URL"]),
        stores=storage.stores,
        mailer=SMTPMailer.from_url(environ["SMTP_URL"]),
        keys=keys.split(",") if keys else None,
        trusted_proxies=int(proxies) if proxies else None,
        processes=int(environ.get("WEB_CONCURRENCY", "1")),
    )


def load_accounts(auth: UnessAuth, path: Path) -> list[str]:
    """
    Add the accounts of a CSV file and return the lines that are none, in words.
    """
    faults = []
    for line in read_csv(path):
        if isinstance(line, Row):
            auth.provisioning.add(
                line.address, display_name=line.display_name, language=line.language
            )
        else:
            faults.append(f"{path.name}, line {line.line}: {line.reason}")
    return faults
