"""
Ours on FastAPI.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from ours import ASGIJourneys, People, hashing, policy

from uness_auth import Account, Site, UnessAuth, starlette
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import Outbox


class OursOnFastAPI(ASGIJourneys):
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
        self.app = FastAPI()
        starlette.StarletteAuth(auth, self.app)
        of_current = Depends(starlette.current_account)

        @self.app.get("/private", response_class=PlainTextResponse)
        async def private(account: Account = of_current) -> str:
            return f"Bonjour {account.display_name}"

        self.people = People(auth, hasher)
