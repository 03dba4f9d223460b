"""
Ours on Flask.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from ours import People, WSGIJourneys, hashing, policy

from uness_auth import Site, UnessAuth
from uness_auth.flask import FlaskAuth, current_account, login_required
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import Outbox


class OursOnFlask(WSGIJourneys):
    """
    What is measured of ours.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        self.outbox = Outbox()
        hasher = hashing(is_storm=is_storm)
        storage = SQLStorage(f"sqlite:///{folder / 'ours.db'}")
        storage.create_schema()
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=storage.stores,
            mailer=self.outbox,
            hashing=hasher,
            policy=policy(),
        )
        self.app = Flask(__name__)
        FlaskAuth(auth, self.app)

        @self.app.get("/private")
        @login_required
        def private() -> str:
            return f"Bonjour {current_account.display_name}"

        self.people = People(auth, hasher)
