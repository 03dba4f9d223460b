"""
uness-auth on Flask and an SQLite file, hashing left out.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from wsgi import Visitor

from uness_auth import Site, UnessAuth
from uness_auth.flask import FlaskAuth, current_account, login_required
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing, Outbox, policy_without_waits


ADDRESS = "camille.durand@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
FORGED = "f" + "A" * 60 + "." + "B" * 43


class Ours:
    """
    What is measured of ours.
    """

    name = "uness-auth"

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox()
        storage = SQLStorage(f"sqlite:///{folder / 'ours.db'}")
        storage.create_schema()
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=storage.stores,
            mailer=self.outbox,
            hashing=FastHashing(),
            policy=policy_without_waits(),
        )
        self.app = Flask(__name__)
        FlaskAuth(auth, self.app)

        @self.app.get("/private")
        @login_required
        def private() -> str:
            return f"Bonjour {current_account.display_name}"

        auth.provisioning.add(ADDRESS, display_name="Camille Durand")
        self._create_password()
        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Four requests: S1, the address, the password, the private page.
        """
        visitor = Visitor(self.app)
        visitor.get("/auth/?next=/private")
        visitor.post(
            "/auth/", csrf=visitor.hidden("csrf"), next="/private", email=ADDRESS
        )
        visitor.post(
            "/auth/password",
            csrf=visitor.hidden("csrf"),
            next="/private",
            username=ADDRESS,
            password=PASSWORD,
        )
        self._see(visitor, visitor.get("/private"))
        return visitor

    def sign_in_by_code(self) -> None:
        """
        Five requests: S1, the address, the code asked for, the code, the private page.
        """
        visitor = Visitor(self.app)
        self.outbox.messages.clear()
        visitor.get("/auth/")
        visitor.post("/auth/", csrf=visitor.hidden("csrf"), email=ADDRESS)
        visitor.post("/auth/code", csrf=visitor.hidden("csrf"), username=ADDRESS)
        visitor.post(
            "/auth/code/confirm",
            csrf=visitor.hidden("csrf"),
            challenge=visitor.hidden("challenge"),
            code=self.outbox.code(ADDRESS),
        )
        self._see(visitor, visitor.get("/private"))

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        self._see(self.signed_in, self.signed_in.get("/private"))

    def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        visitor = Visitor(self.app)
        visitor.get(f"/auth/link/{FORGED}")
        if not visitor.status.startswith("404"):
            raise AssertionError(visitor.status)

    def _create_password(self) -> None:
        visitor = Visitor(self.app)
        visitor.get("/auth/")
        visitor.post("/auth/", csrf=visitor.hidden("csrf"), email=ADDRESS)
        link = self.outbox.link(ADDRESS).removeprefix("http://localhost")
        visitor.post(link, password=PASSWORD, confirmation=PASSWORD)

    def _see(self, visitor: Visitor, page: str) -> None:
        if "Bonjour Camille Durand" not in page:
            raise AssertionError(visitor.status)
