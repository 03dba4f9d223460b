"""
The adapter under a real server: clients that leave, that never end, that send too much.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlencode

import attrs
import pytest
from starlette.applications import Starlette

from tests.adapters.starlette.uvicorn_thread import running
from uness_auth import Site, UnessAuth
from uness_auth.events import EventKind
from uness_auth.starlette import SPARE_THREADS, THREADS, StarletteAuth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import AGAIN, CAMILLE, NEW, PASSWORD, sign_in, start


FORM: Final = "application/x-www-form-urlencoded"
SECONDS: Final = 20
WRONG: Final = 5


class Gate(FastHashing):
    """
    Hashing that waits at a gate, which stands open at first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Wait, then compare.
        """
        self.arrived.release()
        assert self.gate.wait(SECONDS)
        return super().verify(password_hash, password)


@attrs.frozen
class Served:
    """
    A site that answers on a port of its own.
    """

    auth: UnessAuth
    hashing: Gate
    events: EventLog
    outbox: Outbox
    port: int

    @property
    def base_url(self) -> str:
        """
        Where it answers.
        """
        return f"http://127.0.0.1:{self.port}"

    def browser(self) -> HtmlBrowser:
        """
        Open a browser.
        """

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
            try:
                connection.request(method, path, body or None, dict(headers))
                answer = connection.getresponse()
                return Reply(
                    status=answer.status,
                    headers=tuple(answer.getheaders()),
                    body=answer.read().decode(),
                )
            finally:
                connection.close()

        return HtmlBrowser(send, self.base_url)

    def connect(self) -> socket.socket:
        """
        Open a socket.
        """
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)


@pytest.fixture(name="served")
def _served() -> Iterator[Served]:
    """
    A site with one account that has a password.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        hashing, events, outbox = Gate(), EventLog(), Outbox()
        auth = UnessAuth(
            site=Site(base_url=f"http://127.0.0.1:{port}"),
            stores=MemoryStorage().stores,
            mailer=outbox,
            hashing=hashing,
            clock=FixedClock(),
            subscribers=[events],
        )
        auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        app = Starlette()
        StarletteAuth(auth, app)
        with running(app, listening):
            served = Served(auth, hashing, events, outbox, port)
            browser = served.browser()
            start(browser, CAMILLE)
            browser.visit(outbox.link(CAMILLE))
            browser.fill(NEW, PASSWORD)
            browser.fill(AGAIN, PASSWORD)
            browser.press("CRÉER")
            yield served


def password_form(served: Served, password: str) -> bytes:
    """
    Return the request that a browser on S7 would send.
    """
    browser = served.browser()
    start(browser, CAMILLE)
    [csrf, *_] = re.findall('name="csrf" value="([^"]+)"', browser.reply.body)
    body = urlencode({"csrf": csrf, "username": CAMILLE, "password": password})
    cookie = f"uness-browser={browser.cookies['uness-browser']}"
    return (
        f"POST /auth/password HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def eventually(is_so: Callable[[], bool]) -> None:
    """
    Wait until *is_so*.
    """
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def free_slots(auth: UnessAuth) -> int:
    """
    Return how many hashing slots can be taken at once.
    """
    slots = auth.password_sign_in.password_check.slots
    with ExitStack() as stack:
        return sum(stack.enter_context(slots.take()) for _ in range(slots.count))


def has_refused(served: Served, count: int) -> bool:
    """
    Say whether so many passwords were refused.
    """
    return served.events.kinds().count(EventKind.PASSWORD_REFUSED) == count


class TestClientsThatLeave:
    def test_the_attempt_counts_and_the_slot_comes_back(self, served: Served) -> None:
        """
        Who hangs up while a password is compared has tried it: after five wrong ones
        the right one has to wait, and every slot is free.
        """
        forms = [password_form(served, f"wrong {number}") for number in range(WRONG)]
        for number, form in enumerate(forms, 1):
            served.hashing.gate.clear()
            connection = served.connect()
            connection.sendall(form)
            assert served.hashing.arrived.acquire(timeout=SECONDS)
            connection.close()
            served.hashing.gate.set()
            eventually(partial(has_refused, served, number))

        assert served.auth.password_sign_in.password_check.slots.count == free_slots(
            served.auth
        )
        browser = served.browser()
        sign_in(browser, CAMILLE, PASSWORD)
        assert 429 == browser.status

    def test_half_a_form_is_no_attempt(self, served: Served) -> None:
        """
        Who hangs up before the form is whole has tried nothing, and it is no error.
        """
        for _ in range(WRONG):
            with served.connect() as connection:
                connection.sendall(password_form(served, "wrong")[:-1])

        browser = served.browser()
        sign_in(browser, CAMILLE, PASSWORD)
        assert has_refused(served, 0)
        assert EventKind.SIGNED_IN in served.events.kinds()


class TestBodiesThatDoNotEnd:
    def test_hold_no_thread(self, served: Served) -> None:
        """
        More bodies that trickle than there are threads, and others are served at once.
        """
        room = served.auth.password_sign_in.password_check.slots.room
        many = room + SPARE_THREADS + THREADS + 1
        form = password_form(served, PASSWORD)
        before = threading.active_count()
        with ExitStack() as stack:
            trickling = [stack.enter_context(served.connect()) for _ in range(many)]
            for connection in trickling:
                connection.sendall(form[:-5])
            browser = served.browser()
            sign_in(browser, CAMILLE, PASSWORD)
            assert EventKind.SIGNED_IN in served.events.kinds()
            assert threading.active_count() <= before + 2

            trickling[0].sendall(form[-5:])
            assert trickling[0].recv(100).startswith(b"HTTP/1.1 303 ")

    @pytest.mark.parametrize("is_declared", [True, False])
    def test_too_large(self, served: Served, is_declared: bool) -> None:
        """
        A body over the limit is refused, whether or not it says how long it is.
        """
        length = (
            "Content-Length: 999999999" if is_declared else "Transfer-Encoding: chunked"
        )
        with served.connect() as connection:
            connection.sendall(
                f"POST /auth/password HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Content-Type: {FORM}\r\n{length}\r\n\r\n".encode()
            )
            if not is_declared:
                connection.sendall(b"4001\r\n" + b"a" * 0x4001 + b"\r\n")

            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


class TestAccessLog:
    def test_is_masked(self, served: Served, caplog: pytest.LogCaptureFixture) -> None:
        """
        What uvicorn writes of a link leaves its token out.
        """
        with caplog.at_level(logging.INFO, "uvicorn.access"):
            served.browser().visit("/auth/link/a-token-of-a-link?next=/private")
            eventually(lambda: any("/auth/link/" in one for one in caplog.messages))

        assert not any("a-token-of-a-link" in one for one in caplog.messages)
