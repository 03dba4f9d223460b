"""
The same host on each adapter, over one SQLite file, in as many workers as wanted.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
from starlette.testclient import TestClient

from tests.adapters.flask import test_journeys as on_flask
from tests.adapters.starlette import test_journeys as on_starlette
from uness_auth import Site, UnessAuth
from uness_auth.model import MailOrder
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply, Send
from uness_auth.testing.journeys import AGAIN, CAMILLE, NEW, start


BASE_URL: Final = "http://localhost"
FRAMEWORKS: Final = ("flask", "starlette", "django")

Start: TypeAlias = "Callable[..., Worker]"


@attrs.frozen(kw_only=True)
class Worker:
    """
    One process of a site, as far as a visitor can tell.
    """

    auth: UnessAuth
    send: Send


class Visitor(HtmlBrowser):
    """
    A browser behind a balancer: each of its requests goes to the worker it is at.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        super().__init__(self._via, BASE_URL)

    def _via(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        return self.worker.send(method, path, body, headers)


class OrdersAtRest:
    """
    A queue as the task queues of hosts are: its orders rest, pickled, for any worker.
    """

    for_development_only = True

    def __init__(self) -> None:
        self.orders: list[bytes] = []

    def put(self, order: MailOrder, /) -> None:
        """
        Keep the order.
        """
        self.orders.append(pickle.dumps(order))

    def read(self) -> list[MailOrder]:
        """
        Return the orders, oldest first.
        """
        return [pickle.loads(one) for one in self.orders]  # noqa: S301 - what `put` wrote

    def take(self) -> MailOrder:
        """
        Return the oldest order and forget it.
        """
        order = self.read()[0]
        del self.orders[0]
        return order


@attrs.frozen(kw_only=True)
class House:
    """
    One database, one mailbox, one clock, and the workers that share them.

    Attributes:
        start: Starts a worker: ``start(keys=[…], policy=…)``.
    """

    framework: str
    database: Path
    clock: FixedClock
    outbox: Outbox
    start: Start

    def add_with_password(
        self, worker: Worker, password: str, address: str = CAMILLE
    ) -> Visitor:
        """
        Create an account and its password; return a fresh browser at the worker.
        """
        _ = worker.auth.provisioning.add(address, display_name="Camille Durand")
        visitor = Visitor(worker)
        start(visitor, address)
        visitor.visit(self.outbox.link(address))
        visitor.fill(NEW, password)
        visitor.fill(AGAIN, password)
        visitor.press("CRÉER")
        return Visitor(worker)


@contextmanager
def house(framework: str, folder: Path, template: Path) -> Iterator[House]:
    """
    Open a house on a framework, with an empty database in *folder*.

    Args:
        template: Where Django's tables are kept once they are made: they take seconds.
    """
    database = folder / "portal.db"
    clock, outbox = FixedClock(), Outbox()
    given = {"clock": clock, "mailer": outbox}
    with ExitStack() as stack:
        start = stack.enter_context(_STARTS[framework](database, template))
        yield House(
            framework=framework,
            database=database,
            clock=clock,
            outbox=outbox,
            start=partial(start, **given),
        )


def _auth(stack: ExitStack, database: Path, wishes: dict[str, Any]) -> UnessAuth:
    storage = stack.enter_context(closing(SQLStorage(f"sqlite:///{database}")))
    storage.create_schema()
    change = wishes.pop("change", lambda stores: stores)
    return UnessAuth(
        site=Site(base_url=BASE_URL), stores=change(storage.stores), **wishes
    )


@contextmanager
def _flask(database: Path, _template: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(**wishes: Any) -> Worker:
            auth = _auth(stack, database, wishes)
            client = on_flask.make_app(auth).test_client(use_cookies=False)

            def send(
                method: str, path: str, body: bytes, headers: Mapping[str, str]
            ) -> Reply:
                given = dict(headers)
                answer = client.open(path, method=method, data=body, headers=given)
                return Reply(
                    status=answer.status_code,
                    headers=tuple(answer.headers.items()),
                    body=answer.text,
                )

            return Worker(auth=auth, send=send)

        yield start


@contextmanager
def _starlette(database: Path, _template: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(**wishes: Any) -> Worker:
            auth = _auth(stack, database, wishes)
            app = on_starlette.make_starlette(auth)
            client = stack.enter_context(TestClient(app, base_url=BASE_URL))

            def send(
                method: str, path: str, body: bytes, headers: Mapping[str, str]
            ) -> Reply:
                client.cookies.clear()
                answer = client.request(
                    method,
                    path,
                    content=body,
                    headers=dict(headers),
                    follow_redirects=False,
                )
                return Reply(
                    status=answer.status_code,
                    headers=tuple(answer.headers.multi_items()),
                    body=answer.text,
                )

            return Worker(auth=auth, send=send)

        yield start


@contextmanager
def _django(database: Path, template: Path) -> Iterator[Start]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
    import django  # noqa: PLC0415 - only where it is wanted: it has to be set up

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connections  # noqa: PLC0415 - as above

    from tests.adapters.django.databases import alias  # noqa: PLC0415 - as above
    from tests.adapters.django.portal import (  # noqa: PLC0415 - as above
        DjangoBrowser,
        installed,
    )
    from uness_auth.django.conf import get_auth  # noqa: PLC0415 - as above
    from uness_auth.django.storage import DjangoStorage  # noqa: PLC0415 - as above

    if not template.exists():
        with alias("template", f"sqlite:///{template}"):
            call_command("migrate", database="template", verbosity=0)
    _ = shutil.copyfile(template, database)

    # The settings are one for the process: a request to another worker changes them.
    serving = ExitStack()
    served: list[dict[str, Any]] = []

    def serve(settings: dict[str, Any]) -> None:
        if not any(one is settings for one in served):
            served[:] = [settings]
            serving.close()
            serving.enter_context(installed(**settings))

    def start(**wishes: Any) -> Worker:
        change = wishes.pop("change", lambda stores: stores)
        settings = {
            "outbox": wishes.pop("mailer"),
            "clock": wishes.pop("clock"),
            "stores": change(DjangoStorage().stores),
            "HASHING": None,
            **{name.upper(): wish for name, wish in wishes.items()},
        }

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            serve(settings)
            return DjangoBrowser()._send(method, path, body, headers)  # noqa: SLF001 - its client

        serve(settings)
        return Worker(auth=get_auth(), send=send)

    before = connections.databases["default"]
    connections["default"].close()
    del connections["default"]
    try:
        with alias("default", f"sqlite:///{database}"), serving:
            yield start
    finally:
        connections.databases["default"] = before


_STARTS: Final[dict[str, Callable[[Path, Path], AbstractContextManager[Start]]]] = {
    "flask": _flask,
    "starlette": _starlette,
    "django": _django,
}
