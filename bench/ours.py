"""
What is measured of ours, the same on every framework: the people and their journeys.
"""

from __future__ import annotations

import itertools
from typing import Any

import attrs
from asgi import AsyncVisitor
from people import ADDRESS, GREETING, NAME, PASSWORD, Refused, expect
from wsgi import Visitor

from uness_auth import UnessAuth
from uness_auth.passwords import Argon2Hashing
from uness_auth.policy import HashingPolicy, Policy
from uness_auth.ports import PasswordHashing
from uness_auth.testing import FastHashing, Outbox, policy_without_waits


FORGED = "/auth/link/f" + "A" * 60 + "." + "B" * 43
PEOPLE = 32


def hashing(*, is_storm: bool) -> PasswordHashing:
    """
    Return argon2 for a storm, and else a hasher that costs nothing.
    """
    return Argon2Hashing(HashingPolicy()) if is_storm else FastHashing()


def policy() -> Policy:
    """
    Return budgets that are spent as always, and never used up.
    """
    return attrs.evolve(policy_without_waits(), hashing=HashingPolicy())


class People:
    """
    Accounts that take turns.

    One alone would sign in a hundred times a second, and its budgets, which hold the
    times of the last tries, would grow as they never do in life.
    """

    def __init__(self, auth: UnessAuth, hasher: PasswordHashing) -> None:
        name, host = ADDRESS.split("@")
        self.addresses = [f"{name}{number}@{host}" for number in range(PEOPLE)]
        hashed = hasher.hash(PASSWORD)
        accounts = auth.provisioning.accounts
        for address in self.addresses:
            auth.provisioning.add(address, display_name=NAME)
            account = accounts.by_address(address)
            expect(
                account is not None
                and accounts.set_password(
                    account.id, hashed, account.credential_version
                )
            )
        self._turns = itertools.cycle(self.addresses)
        self._browsers: dict[str, dict[str, str]] = {}

    def at_home(self, address: str) -> dict[str, str]:
        """
        Return what this person's own browser kept of earlier visits.

        Most people sign in where they did before; where not, they get a notice mail,
        which no peer sends.
        """
        return dict(self._browsers.get(address, {}))

    def leave(self, address: str, cookies: dict[str, str]) -> None:
        """
        Keep what lets a browser be known again, and nothing else.
        """
        self._browsers[address] = {
            name: value for name, value in cookies.items() if name.endswith("-device")
        }

    def next(self) -> str:
        """
        Return whose turn it is.
        """
        return next(self._turns)


class WSGIJourneys:
    """
    What is measured, on a WSGI app.

    Attributes:
        csrf: The forms' field against forgery.
    """

    csrf = "csrf"

    app: Any
    people: People
    outbox: Outbox

    def sign_in(self) -> Visitor:
        """
        Four requests: S1, the address, the password, the private page.
        """
        visitor = Visitor(self.app)
        address = self.people.next()
        visitor.cookies |= self.people.at_home(address)
        visitor.get("/auth/?next=/private")
        visitor.post("/auth/", **self._csrf(visitor), next="/private", email=address)
        visitor.post(
            "/auth/password",
            **self._csrf(visitor),
            next="/private",
            username=address,
            password=PASSWORD,
        )
        if visitor.status.startswith("503"):
            raise Refused
        self.people.leave(address, visitor.cookies)
        expect(GREETING in visitor.get("/private"), visitor.status)
        return visitor

    def sign_in_by_code(self) -> None:
        """
        Five requests: S1, the address, the code asked for, the code, the private page.
        """
        visitor = Visitor(self.app)
        address = self.people.next()
        visitor.cookies |= self.people.at_home(address)
        self.outbox.messages.clear()
        visitor.get("/auth/?next=/private")
        visitor.post("/auth/", **self._csrf(visitor), next="/private", email=address)
        visitor.post(
            "/auth/code",
            **self._csrf(visitor),
            next="/private",
            username=address,
        )
        visitor.post(
            "/auth/code/confirm",
            **self._csrf(visitor),
            next="/private",
            challenge=visitor.hidden("challenge"),
            code=self.outbox.code(address),
        )
        expect(GREETING in visitor.get("/private"), visitor.status)

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        visitor = Visitor(self.app)
        visitor.get(FORGED)
        expect(visitor.status.startswith("404"), visitor.status)

    def prepare(self) -> None:
        """
        Sign everybody in once, each in a browser of their own.
        """
        for _ in self.people.addresses:
            self.signed_in = self.sign_in()

    def _csrf(self, visitor: Visitor) -> dict[str, str]:
        return {self.csrf: visitor.hidden(self.csrf)}


class ASGIJourneys:
    """
    The same, on an ASGI app.
    """

    app: Any
    people: People
    outbox: Outbox

    async def sign_in(self) -> AsyncVisitor:
        """
        Four requests: S1, the address, the password, the private page.
        """
        visitor = AsyncVisitor(self.app)
        address = self.people.next()
        visitor.cookies |= self.people.at_home(address)
        await visitor.get("/auth/?next=/private")
        await visitor.post(
            "/auth/", csrf=visitor.hidden("csrf"), next="/private", email=address
        )
        await visitor.post(
            "/auth/password",
            csrf=visitor.hidden("csrf"),
            next="/private",
            username=address,
            password=PASSWORD,
        )
        if visitor.status == 503:  # noqa: PLR2004 - a status is a name
            raise Refused
        self.people.leave(address, visitor.cookies)
        expect(GREETING in await visitor.get("/private"), visitor.status)
        return visitor

    async def sign_in_by_code(self) -> None:
        """
        Five requests: S1, the address, the code asked for, the code, the private page.
        """
        visitor = AsyncVisitor(self.app)
        address = self.people.next()
        visitor.cookies |= self.people.at_home(address)
        self.outbox.messages.clear()
        await visitor.get("/auth/?next=/private")
        await visitor.post(
            "/auth/", csrf=visitor.hidden("csrf"), next="/private", email=address
        )
        await visitor.post(
            "/auth/code",
            csrf=visitor.hidden("csrf"),
            next="/private",
            username=address,
        )
        await visitor.post(
            "/auth/code/confirm",
            csrf=visitor.hidden("csrf"),
            next="/private",
            challenge=visitor.hidden("challenge"),
            code=self.outbox.code(address),
        )
        expect(GREETING in await visitor.get("/private"), visitor.status)

    async def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = await self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    async def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        visitor = AsyncVisitor(self.app)
        await visitor.get(FORGED)
        expect(visitor.status == 404, visitor.status)  # noqa: PLR2004 - a status is a name

    async def prepare(self) -> None:
        """
        Sign everybody in once, each in a browser of their own.
        """
        for _ in self.people.addresses:
            self.signed_in = await self.sign_in()
