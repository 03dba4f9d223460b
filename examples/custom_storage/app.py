"""
The Flask portal on these stores: ``flask --app examples/custom_storage/app run``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flask import Flask


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from custom_storage.storage import SQLiteStorage
from flask_portal import portal

from uness_auth import Site, UnessAuth
from uness_auth.mailers.console import ConsoleMailer


CAMILLE = "camille.durand@univ-exemple.fr"


def create_app(path: Path | str = "portal.db") -> Flask:
    """
    Return the portal, with one account and its mails on the terminal.
    """
    auth = auth_on(
        path,
        site=Site(base_url="http://127.0.0.1:5000"),
        mailer=ConsoleMailer(),
    )
    auth.provisioning.add(CAMILLE, display_name="Camille Durand")
    return portal.create_app(auth)


def auth_on(path: Path | str, **parts: Any) -> UnessAuth:
    """
    Wire a sign-in whose records are in the file at *path*.
    """
    storage = SQLiteStorage(path)
    storage.create_tables()
    return UnessAuth(stores=storage.stores, **parts)
