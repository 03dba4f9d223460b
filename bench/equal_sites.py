"""
Where equal work is measured: each adapter on a file of SQLite, with accounts and a queue.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import django_project
from asgi import AsyncVisitor
from fastapi import FastAPI
from flask import Flask
from people import expect
from wsgi import Visitor

from uness_auth import Site, UnessAuth
from uness_auth.flask import FlaskAuth
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.model import Account, MailOrder
from uness_auth.passwords import Argon2Hashing
from uness_auth.policy import DAY, Budget, HashingPolicy, Policy, ThrottlePolicy
from uness_auth.ports import PasswordHashing
from uness_auth.starlette import StarletteAuth
from uness_auth.storage.sql import SQLStorage


# What an address may stand for.
KINDS: Final = ("with a password", "without one", "disabled", "unknown")
RIGHT: Final = "Cheval7+Agrafe"
PLENTY: Final = Budget(10**9, DAY)
LANGUAGE: Final = "fr"


@attrs.frozen(kw_only=True)
class Cheapest:
    """
    The cheapest hash that argon2 makes: all of the work around it, and hardly any of its
    own.  No policy allows it.
    """

    memory_cost: int = 8
    time_cost: int = 1
    parallelism: int = 1
    largest_memory_cost: int = 262_144
    largest_time_cost: int = 10
    largest_parallelism: int = 8


def hashing_policy(*, is_real: bool) -> Any:
    """
    Return what a hash costs here.
    """
    return HashingPolicy.small() if is_real else Cheapest()


def policy_of(name: str) -> Policy:
    """
    Return a policy whose networks are never tired of being asked.

    In ``one page`` every network has spent what it may learn of unknown addresses.
    """
    networks = {
        "network_passwords": PLENTY,
        "network_codes": PLENTY,
        "network_mails": PLENTY,
    }
    hashing = HashingPolicy.small()
    match name:
        case "strict":
            throttle = ThrottlePolicy(tells_unknown=False, **networks)
            return Policy.strict(throttle=throttle, hashing=hashing)
        case "one page":
            throttle = ThrottlePolicy(network_unknown=Budget(1, DAY), **networks)
        case _:
            throttle = ThrottlePolicy(network_unknown=PLENTY, **networks)
    return Policy.uness(throttle=throttle, hashing=hashing)


class WatchedQueue:
    """
    The shipped queue, and whether it has delivered all that it was given.
    """

    for_development_only: ClassVar[bool] = False

    def __init__(self) -> None:
        self._queue = BackgroundQueue()
        self._left = 0
        self._changed = threading.Condition()

    def start(self, deliver: Callable[[MailOrder], None], /) -> None:
        """
        Say who delivers.
        """

        def watched(order: MailOrder) -> None:
            try:
                deliver(order)
            finally:
                with self._changed:
                    self._left -= 1
                    self._changed.notify_all()

        self._queue.start(watched)

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        with self._changed:
            self._left += 1
        self._queue.put(order)

    def settle(self) -> None:
        """
        Wait until nothing is left to deliver.
        """
        with self._changed:
            while self._left:
                self._changed.wait()


@attrs.frozen(kw_only=True)
class Seen:
    """
    An answer, and what it took.

    Attributes:
        wall: Seconds until it was there.

        work: CPU seconds of the whole process meanwhile.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    wall: float
    work: float


class Somebody:
    """
    Somebody who knows addresses and nothing else, in one browser.
    """

    field: ClassVar[str] = "csrf"

    def __init__(self, app: Any) -> None:
        self.visitor: Any = Visitor(app)
        self.csrf = ""

    def arrive(self) -> None:
        """
        Open S1, for the cookie of the browser and the value of its forms.
        """
        self.ask("GET", "/auth/")
        self.csrf = self.visitor.hidden(self.field)

    def ask(self, method: str, path: str, **fields: str) -> Seen:
        """
        Send one request and return what can be seen.
        """
        fields = {self.field: self.csrf, "next": "", **fields}
        visitor = self.visitor
        worked, began = time.process_time(), time.perf_counter()
        if method == "GET":
            visitor.get(path)
        else:
            visitor.post(path, **fields)
        wall, work = time.perf_counter() - began, time.process_time() - worked
        return self._seen(wall, work)

    def _seen(self, wall: float, work: float) -> Seen:
        visitor = self.visitor
        return Seen(
            status=int(str(visitor.status).split()[0]),
            headers=tuple(
                sorted((name.lower(), held) for name, held in visitor.headers)
            ),
            body=visitor.body,
            wall=wall,
            work=work,
        )


class SomebodyOnDjango(Somebody):
    """
    The same, whose forms have Django's field.
    """

    field = "csrfmiddlewaretoken"


class SomebodyOnASGI(Somebody):
    """
    The same, on a loop.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.visitor = AsyncVisitor(app)
        self._runner = asyncio.Runner()

    def ask(self, method: str, path: str, **fields: str) -> Seen:
        """
        Send one request and return what can be seen.
        """
        fields = {self.field: self.csrf, "next": "", **fields}
        visitor = self.visitor

        async def timed(request: Coroutine[Any, Any, str]) -> tuple[float, float]:
            worked, began = time.process_time(), time.perf_counter()
            await request
            return time.perf_counter() - began, time.process_time() - worked

        request = visitor.get(path) if method == "GET" else visitor.post(path, **fields)
        return self._seen(*self._runner.run(timed(request)))


@attrs.frozen(kw_only=True)
class Place:
    """
    A site, whoever asks it, and the addresses of each kind.
    """

    somebody: Somebody
    queue: WatchedQueue
    addresses: dict[str, list[str]]


def place(
    adapter: str, policy: str, folder: Path, *, smtp: int, each: int, is_real: bool
) -> Place:
    """
    Return a site with *each* addresses of every kind.
    """
    queue = WatchedQueue()
    given: dict[str, Any] = {
        "mailer": SMTPMailer("localhost", security="none", port=smtp),
        "policy": policy_of(policy),
        "queue": queue,
    }
    auth, somebody = _ADAPTERS[adapter](folder, given, is_real=is_real)
    return Place(
        somebody=somebody,
        queue=queue,
        addresses=_populate(auth, auth.password_link.hashing, each),
    )


def _populate(
    auth: UnessAuth, hashing: PasswordHashing, each: int
) -> dict[str, list[str]]:
    # Of one length, so that pages have one too; in no order, so that no kind has a
    # corner of an index to itself.
    numbers = random.sample(range(10**8, 10**9), each * len(KINDS))
    addresses = [f"personne{number}@univ-exemple.fr" for number in numbers]
    found = {kind: addresses[at :: len(KINDS)] for at, kind in enumerate(KINDS)}
    now, hashed = auth.clock(), hashing.hash(RIGHT)
    accounts = [
        _account(address, kind, hashed, now)
        for kind in KINDS[:-1]
        for address in found[kind]
    ]
    random.shuffle(accounts)
    added = auth.provisioning.registry.apply(accounts)
    expect(len(added) == len(accounts), len(added))
    return found


def _account(address: str, kind: str, hashed: str, now: datetime) -> Account:
    return Account(
        id=address.partition("@")[0],
        address=address,
        credential_version=random.randrange(2**31),  # noqa: S311 - no secret
        created_at=now,
        language=LANGUAGE,
        password_hash="" if kind == "without one" else hashed,
        is_disabled=kind == "disabled",
    )


def _on_sql(folder: Path, given: dict[str, Any], *, is_real: bool) -> UnessAuth:
    storage = SQLStorage(f"sqlite:///{folder / 'equal.db'}")
    storage.create_schema()
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=storage.stores,
        hashing=Argon2Hashing(hashing_policy(is_real=is_real)),
        **given,
    )


def _flask(
    folder: Path, given: dict[str, Any], *, is_real: bool
) -> tuple[UnessAuth, Somebody]:
    auth = _on_sql(folder, given, is_real=is_real)
    app = Flask(__name__)
    FlaskAuth(auth, app)
    return auth, Somebody(app)


def _fastapi(
    folder: Path, given: dict[str, Any], *, is_real: bool
) -> tuple[UnessAuth, Somebody]:
    auth = _on_sql(folder, given, is_real=is_real)
    app = FastAPI()
    StarletteAuth(auth, app)
    return auth, SomebodyOnASGI(app)


def _django(
    folder: Path, given: dict[str, Any], *, is_real: bool
) -> tuple[UnessAuth, Somebody]:
    def urls() -> tuple[object, ...]:
        from django.urls import include, path  # noqa: PLC0415 - needs the settings

        return (path("auth/", include("uness_auth.django.urls")),)

    app = django_project.set_up(
        folder,
        urls,
        is_storm=False,
        apps=("uness_auth.django",),
        middleware=(
            *django_project.MIDDLEWARE,
            "uness_auth.django.middleware.SignInMiddleware",
        ),
        hashers=["uness_auth.django.hashers.UnessArgon2PasswordHasher"],
        LOGIN_URL="/auth/",
        UNESS_AUTH={
            "BASE_URL": "http://localhost",
            **{name.upper(): value for name, value in given.items()},
        },
    )
    from uness_auth.django import conf, hashers  # noqa: PLC0415 - needs the settings

    auth = conf.get_auth()
    hashers.UnessArgon2PasswordHasher.policy = hashing_policy(is_real=is_real)
    return auth, SomebodyOnDjango(app)


_ADAPTERS: Final = {"Flask": _flask, "Django": _django, "FastAPI": _fastapi}
