"""
The tutorial on Starlette and on FastAPI, through their own test client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient

from uness_auth import Account, Site, UnessAuth
from uness_auth.ports import Stores
from uness_auth.starlette import (
    StarletteAuth,
    current_account,
    login_required,
    recent_account,
    recent_login_required,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import Journeys, Portal


BASE_URL = "http://localhost"
HOME = '<title>Portail</title><a href="/auth/">Connectez-vous</a>'
PRIVATE = "<title>Accueil</title>Bonjour {{ name }} {{ uness_auth.sign_out_form }}"
NOTES = "<title>Notes</title>Notes de {}"


def make_templates() -> Jinja2Templates:
    """
    Return the host's own template.
    """
    loader = DictLoader({"private.html": PRIVATE})
    return Jinja2Templates(env=Environment(loader=loader, autoescape=True))


def make_starlette(auth: UnessAuth) -> Starlette:
    """
    Return a host on Starlette: a page for everybody and one that needs a sign-in.
    """
    templates = make_templates()

    async def home(request: Request) -> Response:
        return HTMLResponse(HOME)

    @login_required
    @requires("authenticated")
    async def private(request: Request) -> Response:
        name = {"name": request.user.display_name}
        return templates.TemplateResponse(request, "private.html", name)

    @recent_login_required
    async def notes(request: Request) -> Response:
        return HTMLResponse(NOTES.format(request.user.display_name))

    pages = (("/", home), ("/private", private), ("/notes", notes))
    app = Starlette(routes=[Route(path, page) for path, page in pages])
    StarletteAuth(auth, app, templates=templates)
    return app


def make_fastapi(auth: UnessAuth) -> FastAPI:
    """
    Return the same host on FastAPI.
    """
    app = FastAPI()
    templates = make_templates()
    StarletteAuth(auth, app, templates=templates)

    @app.get("/")
    def home() -> HTMLResponse:
        return HTMLResponse(HOME)

    @app.get("/private")
    def private(
        request: Request, account: Annotated[Account, Depends(current_account)]
    ) -> Response:
        name = {"name": account.display_name}
        return templates.TemplateResponse(request, "private.html", name)

    @app.get("/notes")
    def notes(account: Annotated[Account, Depends(recent_account)]) -> HTMLResponse:
        return HTMLResponse(NOTES.format(account.display_name))

    return app


class ClientBrowser(HtmlBrowser):
    """
    A browser whose requests go through the test client.
    """

    def __init__(self, client: TestClient, **wishes: Any) -> None:
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

        super().__init__(send, BASE_URL, **wishes)


def portal_on(
    stores: Stores, make_app: Callable[[UnessAuth], Starlette] = make_starlette
) -> Portal:
    """
    Return a portal that keeps everything in *stores*.
    """
    clock, outbox = FixedClock(), Outbox()
    auth = UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=stores,
        mailer=outbox,
        hashing=FastHashing(),
        clock=clock,
    )
    peer = ("127.0.0.1", 50_000)
    client = TestClient(make_app(auth), base_url=BASE_URL, client=peer)

    def browse(sharing: ClientBrowser | None = None, **wishes: Any) -> ClientBrowser:
        browser = ClientBrowser(client, **wishes)
        if sharing is not None:
            browser.cookies = sharing.cookies
        return browser

    def break_mail(is_down: bool) -> None:
        outbox.is_down = is_down

    return Portal(
        auth=auth,
        clock=clock,
        mailbox=outbox,
        browse=browse,
        break_mail=break_mail,
    )


class TestStarletteJourneys(Journeys):
    """
    Every journey of the tutorial.
    """

    def make(self) -> Portal:
        return portal_on(MemoryStorage().stores)


class TestFastAPIJourneys(Journeys):
    """
    Every journey of the tutorial, the private page asking by a dependency.
    """

    def make(self) -> Portal:
        return portal_on(MemoryStorage().stores, make_fastapi)
