"""
A storm under ASGI: 32 visitors sign in at once, and somebody else asks for pages.

The server, the visitors and whoever measures are processes of their own.  Prints how
long other requests take, beside the limit, and ends with exit code 1 where it is missed.
The first line is the floor: what the machine lets an event loop do beside argon2, with
no framework and no library; a machine whose floor is above the limit proves nothing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from uness_auth import Site, UnessAuth
from uness_auth.passwords import Argon2Hashing, HashingSlots
from uness_auth.policy import HashingPolicy
from uness_auth.starlette import StarletteAuth, login_required
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import Outbox


VISITORS = 32
SECONDS = 12
PAUSE = 0.005
LIMIT = 0.05
# Who is told that it is busy comes back after this, sooner than the page asks for.
IMPATIENCE = 1
# One that asks nobody who is signed in, one that needs the session, one of ours.
EXPECTED = {"/hello": 200, "/private": 200, "/auth/link/x": 404}
PASSWORD = "Cheval7+Agrafe"
FORM = "application/x-www-form-urlencoded"


def address(number: int) -> str:
    """
    Return the address of one visitor.
    """
    return f"visitor-{number}@univ-exemple.fr"


def serve(folder: str, listening: socket.socket) -> None:
    """
    Serve a site with as many accounts as there are visitors, and one more.
    """
    port = listening.getsockname()[1]
    storage = SQLStorage(f"sqlite:///{folder}/storm.db")
    storage.create_schema()
    auth = UnessAuth(
        site=Site(base_url=f"http://127.0.0.1:{port}"),
        stores=storage.stores,
        mailer=Outbox(),
    )
    accounts = storage.stores.accounts
    password_hash = Argon2Hashing(HashingPolicy()).hash(PASSWORD)
    for number in range(VISITORS + 1):
        auth.provisioning.add(address(number))
        account = accounts.by_address(address(number))
        if account is not None:
            accounts.set_password(account.id, password_hash, account.credential_version)

    @login_required
    async def private(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.user.display_name)

    async def hello(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/private", private), Route("/hello", hello)])
    StarletteAuth(auth, app)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_keep_alive=60
    )
    uvicorn.Server(config).run(sockets=[listening])


def echo(listening: socket.socket) -> None:
    """
    Send back what comes, beside as many hashes as the slots let run: the floor.
    """
    policy = HashingPolicy()
    hashing = Argon2Hashing(policy)

    def work() -> None:
        while True:
            hashing.decoy(PASSWORD)

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while letter := await reader.read(1):
            writer.write(letter)

    async def main() -> None:
        server = await asyncio.start_server(answer, sock=listening)
        await server.serve_forever()

    for _ in range(HashingSlots(policy).count):
        threading.Thread(target=work, daemon=True).start()
    asyncio.run(main())


def floor(context: SpawnContext, seconds: float) -> list[float]:
    """
    Return how long a letter takes there and back, with no framework and no library.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = context.Process(target=echo, args=(listening,))
        server.start()
        try:
            with socket.create_connection(listening.getsockname()) as connection:
                return list(letters(connection, seconds))
        finally:
            server.terminate()
            server.join()


def letters(connection: socket.socket, seconds: float) -> Iterator[float]:
    """
    Send letters for so long, and yield how long each took.
    """
    connection.sendall(b".")
    connection.recv(1)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.sendall(b".")
        connection.recv(1)
        yield time.perf_counter() - began
        time.sleep(PAUSE)


class Visitor:
    """
    One browser, as cheap as can be.
    """

    def __init__(self, port: int, number: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = number
        self.cookies: dict[str, str] = {}
        _, page = self.ask("GET", "/auth/")
        self.csrf = re.findall('name="csrf" value="([^"]+)"', page)[0]

    def sign_in(self) -> int:
        """
        Send the password and return the status.
        """
        fields = {
            "csrf": self.csrf,
            "username": address(self.number),
            "password": PASSWORD,
        }
        return self.ask("POST", "/auth/password", urlencode(fields))[0]

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """
        Send a request; return status and body.
        """
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, "Content-Type": FORM}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        for name, value in answer.getheaders():
            # The form was made without a session, and is sent again as it is.
            if name == "set-cookie" and (method == "GET" or self.number == VISITORS):
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer.status, answer.read().decode()


def storm(port: int, has_begun: Event, is_over: Event, found: object) -> None:
    """
    Have all visitors sign in, again and again.
    """
    lock = threading.Lock()
    statuses: Counter[int] = Counter()

    def visit(number: int) -> None:
        visitor = Visitor(port, number)
        has_begun.set()
        while not is_over.is_set():
            status = visitor.sign_in()
            with lock:
                statuses[status] += 1
            if status != 303:  # noqa: PLR2004 - busy
                time.sleep(IMPATIENCE)

    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(visit, range(VISITORS)))
    found.put(dict(statuses))


def probe(visitor: Visitor, seconds: float) -> dict[str, list[float]]:
    """
    Ask for pages in turn, and return how long each took.
    """
    took: dict[str, list[float]] = {path: [] for path in EXPECTED}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path, found in took.items():
            began = time.perf_counter()
            status, _ = visitor.ask("GET", path)
            found.append(time.perf_counter() - began)
            if status != EXPECTED[path]:
                msg = f"{path} answers {status}"
                raise RuntimeError(msg)
            time.sleep(PAUSE)
    return took


def show(name: str, took: list[float]) -> float:
    """
    Print one line and return the 99th percentile.
    """
    cuts = statistics.quantiles(took, n=100)
    print(
        f"  {name:24} {len(took):5} requests  p50 {cuts[49] * 1e3:6.1f} ms  "
        f"p99 {cuts[98] * 1e3:6.1f} ms  max {max(took) * 1e3:6.1f} ms"
    )
    return cuts[98]


def main() -> int:
    """
    Measure without a storm, then in it.
    """
    context = multiprocessing.get_context("spawn")
    has_begun, is_over, statuses = context.Event(), context.Event(), context.Queue()
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0), backlog=128) as listening,
    ):
        # asyncio sets it only on sockets that it opened itself.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listening.getsockname()[1]
        server = context.Process(target=serve, args=(folder, listening))
        server.start()
        crowd = context.Process(target=storm, args=(port, has_begun, is_over, statuses))
        try:
            visitor = Visitor(port, VISITORS)
            if visitor.sign_in() != 303:  # noqa: PLR2004 - signed in
                msg = "nobody can sign in"
                raise RuntimeError(msg)
            calm = probe(visitor, SECONDS / 4)
            crowd.start()
            has_begun.wait()
            time.sleep(1)
            wild = probe(visitor, SECONDS)
            is_over.set()
            counts = statuses.get()
            crowd.join()
        finally:
            for process in (crowd, server):
                if process.is_alive():
                    process.terminate()
                    process.join()

    print(f"storm of {VISITORS} sign-ins under ASGI, argon2 as it is by default")
    show("a letter, echoed, storm", floor(context, SECONDS / 2))
    for path, took in calm.items():
        show(f"{path}, calm", took)
    worst = max(show(f"{path}, storm", took) for path, took in wild.items())
    print(f"  sign-ins {counts.get(303, 0)}, busy {counts.get(503, 0)}")
    is_kept = worst < LIMIT and set(counts) <= {303, 503}
    print(f"  limit p99 {LIMIT * 1e3:.0f} ms: {'kept' if is_kept else 'MISSED'}")
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
