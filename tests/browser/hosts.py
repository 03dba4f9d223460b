"""
The same portal on each framework, on real HTTP: a page for everybody, and a private one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import attrs
import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from flask import Flask, render_template_string
from jinja2 import DictLoader, Environment
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from uness_auth import Account, Site, UnessAuth
from uness_auth import flask as for_flask
from uness_auth import starlette as for_starlette
from uness_auth.ports import Mailer
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

Served: TypeAlias = tuple[UnessAuth, str]


@attrs.frozen(kw_only=True)
class Wishes:
    """
    What a test chooses of the portal.
    """

    database: Path
    mailer: Mailer
    clock: FixedClock

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
                hashing=FastHashing(),
                clock=self.clock,
            )


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

    return app


@contextmanager
def on_flask(wishes: Wishes) -> Iterator[Served]:
    """
    Serve the portal on Flask.
    """
    with wsgi_server() as server, wishes.auth(url_of(server)) as auth:
        server.app = flask_app(auth)
        yield auth, url_of(server)


@contextmanager
def on_fastapi(wishes: Wishes) -> Iterator[Served]:
    """
    Serve the portal on FastAPI.
    """
    with closing(socket.create_server((HOST, 0))) as listening:
        base_url = f"http://{HOST}:{listening.getsockname()[1]}"
        with wishes.auth(base_url) as auth:
            config = uvicorn.Config(fastapi_app(auth), log_level="warning")
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

    with wsgi_server() as server:
        site = {"BASE_URL": url_of(server), "outbox": wishes.mailer}
        with serving(wishes.database, clock=wishes.clock, **site) as (app, auth):
            server.app = app
            yield auth, url_of(server)


FRAMEWORKS: Final[dict[str, Callable[[Wishes], AbstractContextManager[Served]]]] = {
    "flask": on_flask,
    "fastapi": on_fastapi,
    "django": on_django,
}


@contextmanager
def wsgi_server() -> Iterator[BaseWSGIServer]:
    """
    Run a server that listens already, because the site wants to know its address.
    """
    server = make_server(
        HOST, 0, Flask("placeholder"), threaded=True, request_handler=_Quiet
    )
    with running(server.serve_forever, server.shutdown):
        yield server
    server.server_close()


def url_of(server: BaseWSGIServer) -> str:
    """
    Return where a server answers.
    """
    return f"http://{HOST}:{server.server_port}"


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
