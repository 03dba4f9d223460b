"""
The same portal on each framework, on real HTTP: a page for everybody, and a private one.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    closing,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import attrs
import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask, make_response, render_template_string, request
from jinja2 import DictLoader, Environment
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates
from werkzeug import Response as WSGIResponse
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from uness_auth import Account, Site, UnessAuth
from uness_auth import flask as for_flask
from uness_auth import starlette as for_starlette
from uness_auth.passwords import Argon2Hashing
from uness_auth.policy import HashingPolicy
from uness_auth.ports import Mailer, PasswordHashing
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing, FixedClock


HOST: Final = "127.0.0.1"
SECONDS: Final = 10
HOME: Final = """<!DOCTYPE html><html lang="fr"><title>Portail</title>
<main><h1>Portail</h1><a href="/auth/">Connectez-vous</a></main></html>"""
PRIVATE: Final = """<!DOCTYPE html><html lang="fr"><title>Accueil</title>
<main><h1>Bonjour {{ name }}</h1>{{ uness_auth.sign_out_form }}</main></html>"""
NOTES: Final = """<!DOCTYPE html><html lang="fr"><title>Notes</title>
<main><h1>Notes de {}</h1></main></html>"""

# One's own, and not sent again while it stays the same.
STATEMENT: Final = """<!DOCTYPE html><html lang="fr"><title>Relevé</title>
<main><h1>Relevé de {}</h1></main></html>"""
KEY: Final = "a key of thirty-two bytes or more, made for tests alone"
PROXY_SAYS: Final = ("HTTP_X_FORWARDED_PROTO", "https")

Served: TypeAlias = tuple[UnessAuth, str]


@attrs.frozen(kw_only=True)
class Wishes:
    """
    What a test chooses of the portal.

    Attributes:
        front: From where the portal listens to where visitors find it: a context that
            lasts as long as the portal.

        certificate: A file with a key and its certificate; with it the portal itself
            speaks https.

        is_https: Whether visitors do.

        proxies: How many stand in front.
    """

    database: Path
    mailer: Mailer
    clock: FixedClock
    front: Callable[[str], AbstractContextManager[str]] = nullcontext
    certificate: Path | None = None
    is_https: bool = False
    proxies: int = 0

    @contextmanager
    def auth(self, base_url: str) -> Iterator[UnessAuth]:
        """
        Wire the sign-in on a database file of its own.
        """
        with closing(SQLStorage(f"sqlite:///{self.database}")) as storage:
            storage.create_schema()
            yield UnessAuth(
                site=Site(base_url=base_url),
                stores=storage.stores,
                mailer=self.mailer,
                keys=[KEY],
                hashing=self.hashing,
                trusted_proxies=self.proxies,
                clock=self.clock,
            )

    @property
    def hashing(self) -> PasswordHashing:
        """
        The cheapest that the site may have.
        """
        if self.is_https:
            return Argon2Hashing(HashingPolicy.small())
        return FastHashing()

    def url(self, port: int) -> str:
        """
        Return where the portal listens.
        """
        return f"{'https' if self.certificate else 'http'}://{HOST}:{port}"


class _Quiet(WSGIRequestHandler):
    """
    A server that does not print each request.
    """

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """
        Say nothing.
        """


def flask_app(auth: UnessAuth) -> Flask:
    """
    Return the portal on Flask.
    """
    app = Flask(__name__)
    for_flask.FlaskAuth(auth, app)
    app.add_url_rule("/", "home", lambda: HOME)

    @app.get("/private")
    @for_flask.login_required
    def private() -> str:
        name = for_flask.current_account.display_name
        return render_template_string(PRIVATE, name=name)

    @app.get("/notes")
    @for_flask.recent_login_required
    def notes() -> str:
        return NOTES.format(for_flask.current_account.display_name)

    @app.get("/statement")
    @for_flask.login_required
    def statement() -> WSGIResponse:
        response = make_response(STATEMENT.format(for_flask.current_account.address))
        response.add_etag()
        return response.make_conditional(request)

    return app


def fastapi_app(auth: UnessAuth) -> FastAPI:
    """
    Return the portal on FastAPI.
    """
    app = FastAPI()
    loader = DictLoader({"private.html": PRIVATE})
    templates = Jinja2Templates(env=Environment(loader=loader, autoescape=True))
    for_starlette.StarletteAuth(auth, app, templates=templates)

    @app.get("/")
    def home() -> HTMLResponse:
        return HTMLResponse(HOME)

    @app.get("/private")
    def private(
        request: Request,
        account: Annotated[Account, Depends(for_starlette.current_account)],
    ) -> Response:
        name = {"name": account.display_name}
        return templates.TemplateResponse(request, "private.html", name)

    @app.get("/notes")
    def notes(
        account: Annotated[Account, Depends(for_starlette.recent_account)],
    ) -> HTMLResponse:
        return HTMLResponse(NOTES.format(account.display_name))

    @app.get("/statement")
    def statement(
        request: Request,
        account: Annotated[Account, Depends(for_starlette.current_account)],
    ) -> Response:
        text = STATEMENT.format(account.address)
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return HTMLResponse(text, headers={"ETag": etag})

    return app


@contextmanager
def on_flask(wishes: Wishes) -> Iterator[Served]:
    """
    Serve the portal on Flask.
    """
    with (
        wsgi_server(wishes.certificate) as server,
        wishes.front(wishes.url(server.server_port)) as base_url,
        wishes.auth(base_url) as auth,
    ):
        server.app = flask_app(auth)
        yield auth, base_url


@contextmanager
def on_fastapi(wishes: Wishes) -> Iterator[Served]:
    """
    Serve the portal on FastAPI.
    """
    with closing(socket.create_server((HOST, 0))) as listening:
        port = listening.getsockname()[1]
        with (
            wishes.front(wishes.url(port)) as base_url,
            wishes.auth(base_url) as auth,
        ):
            config = uvicorn.Config(
                fastapi_app(auth),
                log_level="warning",
                ssl_certfile=wishes.certificate,
            )
            server = uvicorn.Server(config)

            def end() -> None:
                server.should_exit = True

            with running(lambda: server.run(sockets=[listening]), end):
                yield auth, base_url


@contextmanager
def on_django(wishes: Wishes) -> Iterator[Served]:
    """
    Serve the portal on Django, beside Django's own users.
    """
    # Here, because it sets Django up.
    from tests.browser.django_host import serving  # noqa: PLC0415

    with (
        wsgi_server(wishes.certificate) as server,
        wishes.front(wishes.url(server.server_port)) as base_url,
        serving(
            wishes.database,
            clock=wishes.clock,
            outbox=wishes.mailer,
            more={
                "ALLOWED_HOSTS": ["*"],
                "SECURE_PROXY_SSL_HEADER": PROXY_SAYS if wishes.proxies else None,
            },
            BASE_URL=base_url,
            HASHING=wishes.hashing,
            TRUSTED_PROXIES=wishes.proxies,
        ) as (app, auth),
    ):
        server.app = app
        yield auth, base_url


FRAMEWORKS: Final[dict[str, Callable[[Wishes], AbstractContextManager[Served]]]] = {
    "flask": on_flask,
    "fastapi": on_fastapi,
    "django": on_django,
}


@contextmanager
def wsgi_server(certificate: Path | None) -> Iterator[BaseWSGIServer]:
    """
    Run a server that listens already, because the site wants to know its address.
    """
    server = make_server(
        HOST,
        0,
        Flask("placeholder"),
        threaded=True,
        request_handler=_Quiet,
        ssl_context=None if certificate is None else tls(certificate),
    )
    with running(server.serve_forever, server.shutdown):
        yield server
    server.server_close()


def tls(certificate: Path) -> ssl.SSLContext:
    """
    Return what a server needs to speak https.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def running(serve: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    """
    Run a server in a thread, and end it.
    """
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end()
        thread.join(SECONDS)
