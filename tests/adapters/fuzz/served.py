"""
One adapter on a real server, in a process of its own.

``python -m tests.adapters.fuzz.served flask sqlite:////tmp/portal.db /tmp/folder``
prints one line of JSON when it answers, and ends when its standard input does.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs

from tests.adapters.fuzz.scene import BASE_URL, KEY, POLICY, fill
from uness_auth import Site, UnessAuth
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing


HOST: Final = "127.0.0.1"
CLOCK: Final = "clock"
MAILS: Final = "mails"
_SECONDS: Final = struct.Struct("<q")
# The socket's own end is a proxy, so that X-Forwarded-For is read.
PROXIES: Final = 1


class SharedClock:
    """
    A clock that one process sets and others read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), _SECONDS.size)

    def __call__(self) -> datetime:
        """
        Return the time.
        """
        return datetime.fromtimestamp(_SECONDS.unpack(self._map[:])[0], UTC)

    def set(self, now: datetime) -> None:
        """
        Let it be *now*, for everybody.
        """
        self._map[:] = _SECONDS.pack(int(now.timestamp()))

    def close(self) -> None:
        """
        Leave the file alone.
        """
        self._map.close()
        self._file.close()

    @classmethod
    def make(cls, path: Path) -> SharedClock:
        """
        Make the file, and return its clock.
        """
        path.write_bytes(bytes(_SECONDS.size))
        return cls(path)


@attrs.frozen
class Notebook:
    """
    A mailer that writes down each mail, a line of JSON.
    """

    for_development_only: ClassVar[bool] = True

    path: Path

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Write *message* down.
        """
        body = message.get_body(("plain",))
        assert body is not None
        heads = [*message.items()]
        line = json.dumps({"to": to, "headers": heads, "text": body.get_content()})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def main(framework: str, database: str, folder: Path) -> None:
    """
    Serve until standard input ends.
    """
    clock, mailer = SharedClock(folder / CLOCK), Notebook(folder / MAILS)
    threading.Thread(target=_end_with_input, daemon=True).start()
    with FRAMEWORKS[framework](database, clock, mailer) as (port, serve):
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()
        serve()


def _end_with_input() -> None:
    _ = sys.stdin.read()
    os._exit(0)


def _wired(database: str, clock: SharedClock, mailer: Notebook) -> UnessAuth:
    storage = SQLStorage(database)
    storage.create_schema()
    fill(storage.stores)
    return UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=storage.stores,
        mailer=mailer,
        keys=[KEY],
        policy=POLICY,
        hashing=FastHashing(),
        trusted_proxies=PROXIES,
        clock=clock,
    )


@contextmanager
def on_flask(
    database: str, clock: SharedClock, mailer: Notebook
) -> Iterator[tuple[int, Callable[[], None]]]:
    """
    Flask on werkzeug's own server, a thread for each connection.
    """
    from flask import Flask  # noqa: PLC0415 - the others do without
    from werkzeug.serving import (  # noqa: PLC0415 - as above
        WSGIRequestHandler,
        make_server,
    )

    from uness_auth.flask import FlaskAuth, login_required  # noqa: PLC0415 - as above

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
            """
            Tell errors alone.
            """
            if type == "error":
                super().log(type, message, *args)

    app = Flask("portal")
    FlaskAuth(_wired(database, clock, mailer), app)
    app.add_url_rule("/", "home", lambda: "")

    @app.get("/private")
    @login_required
    def private() -> str:
        return ""

    server = make_server(HOST, 0, app, threaded=True, request_handler=Quiet)
    yield server.server_port, server.serve_forever


@contextmanager
def on_starlette(
    database: str, clock: SharedClock, mailer: Notebook
) -> Iterator[tuple[int, Callable[[], None]]]:
    """
    Starlette on uvicorn.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - the others do without
    from starlette.requests import Request  # noqa: PLC0415 - as above
    from starlette.responses import Response  # noqa: PLC0415 - as above

    from uness_auth.starlette import StarletteAuth, login_required  # noqa: PLC0415 - as above

    def home(request: Request) -> Response:
        return Response()

    app = Starlette()
    app.add_route("/", home, ["GET"])
    app.add_route("/private", login_required(home), ["GET"])
    StarletteAuth(_wired(database, clock, mailer), app)
    with _on_uvicorn(app) as served:
        yield served


@contextmanager
def on_fastapi(
    database: str, clock: SharedClock, mailer: Notebook
) -> Iterator[tuple[int, Callable[[], None]]]:
    """
    FastAPI on uvicorn.
    """
    from tests.browser.hosts import fastapi_app  # noqa: PLC0415 - the others do without

    with _on_uvicorn(fastapi_app(_wired(database, clock, mailer))) as served:
        yield served


@contextmanager
def _on_uvicorn(app: Any) -> Iterator[tuple[int, Callable[[], None]]]:
    import uvicorn  # noqa: PLC0415 - the others do without

    config = uvicorn.Config(
        app,
        http="h11",
        lifespan="off",
        access_log=False,
        log_level="warning",
        # Ours reads X-Forwarded-For, and no middleware before it.
        proxy_headers=False,
    )
    with socket.create_server((HOST, 0)) as listening:
        # asyncio sets it only on sockets that it opened itself.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(config)
        yield listening.getsockname()[1], lambda: server.run(sockets=[listening])


@contextmanager
def on_django(
    database: str, clock: SharedClock, mailer: Notebook
) -> Iterator[tuple[int, Callable[[], None]]]:
    """
    Django on its own server, a thread for each connection.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.adapters.django.settings"
    os.environ["UNESS_TEST_DJANGO_DATABASE"] = database
    import django  # noqa: PLC0415 - the others do without

    django.setup()
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - as above
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.core.servers.basehttp import (  # noqa: PLC0415 - as above
        ThreadedWSGIServer,
        WSGIRequestHandler,
    )
    from django.db import connections  # noqa: PLC0415 - as above

    from tests.adapters.django.portal import installed  # noqa: PLC0415 - as above
    from uness_auth.django.storage import DjangoStorage  # noqa: PLC0415 - as above

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - Django's name
            """
            Say nothing of single requests.
            """

    call_command("migrate", verbosity=0)
    wishes: dict[str, Any] = {
        "BASE_URL": BASE_URL,
        "KEYS": [KEY],
        "POLICY": POLICY,
        "CLOCK": clock,
    }
    wishes |= {"TRUSTED_PROXIES": PROXIES}
    with installed(outbox=mailer, more={"ALLOWED_HOSTS": ["*"]}, **wishes):
        fill(DjangoStorage().stores)
        connections.close_all()
        server: Any = ThreadedWSGIServer((HOST, 0), Quiet)
        server.set_app(WSGIHandler())
        yield server.server_port, server.serve_forever


FRAMEWORKS: Final[dict[str, Any]] = {
    "flask": on_flask,
    "starlette": on_starlette,
    "fastapi": on_fastapi,
    "django": on_django,
}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
