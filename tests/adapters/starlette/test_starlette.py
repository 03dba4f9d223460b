"""
The Starlette adapter: registration, the session on the host's pages, and its neighbours.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import attrs
import pytest
from fastapi import APIRouter, Depends, FastAPI
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket

from tests.adapters.starlette import wire
from tests.adapters.starlette.test_journeys import ClientBrowser
from uness_auth import Account, ConfigurationError, Site, UnessAuth
from uness_auth.errors import StorageError
from uness_auth.policy import HashingPolicy, Policy
from uness_auth.starlette import (
    StarletteAuth,
    current_account,
    login_required,
    optional_account,
    recent_account,
    recent_login_required,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox, sign_in
from uness_auth.testing.journeys import PASSWORD
from uness_auth.web.http import SECURITY_HEADERS


BASE_URL = "http://localhost"
HTTPS = "https://portail.example.fr"
CAMILLE = "camille.durand@univ-exemple.fr"
KEYS = ["a key of thirty-two bytes or more, made for tests alone"]
HOME = """<title>Accueil</title>{% if uness_auth.account %}Bonjour
{{ uness_auth.account.display_name }}{{ uness_auth.sign_out_form }}{% else %}
<a href="{{ uness_auth.sign_in_url }}">Connectez-vous</a>{% endif %}"""


class Sessions:
    """
    A session store that counts who asks, and that can be out of reach.
    """

    for_development_only = True

    def __init__(self, real: Any) -> None:
        self.is_down = False
        self.asked = 0
        self._real = real

    def __getattr__(self, name: str) -> Any:
        """
        The store's own method, or the failure.
        """
        if self.is_down:
            msg = "down"
            raise StorageError(msg)
        found = getattr(self._real, name)
        return self._counted(found) if name in {"by_digest", "with_account"} else found

    def _counted(self, found: Any) -> Any:
        def asking(digest: str) -> Any:
            self.asked += 1
            return found(digest)

        return asking


class Fit:
    """
    A store, or a mailer, that says that it is fit for https.
    """

    for_development_only = False

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        """
        What the real one has.
        """
        return getattr(self._real, name)


@attrs.frozen
class Sign:
    """
    A wired sign-in with one account, its outbox and its sessions.
    """

    auth: UnessAuth
    outbox: Outbox
    sessions: Sessions


def make_sign(**wishes: Any) -> Sign:
    """
    Wire a sign-in.
    """
    stores = MemoryStorage().stores
    sessions = Sessions(stores.sessions)
    outbox = Outbox()
    given: dict[str, Any] = {
        "site": Site(base_url=BASE_URL),
        "stores": attrs.evolve(stores, sessions=sessions),
        "mailer": outbox,
        "hashing": FastHashing(),
        "clock": FixedClock(),
    }
    auth = UnessAuth(**{**given, **wishes})
    auth.provisioning.add(CAMILLE, display_name="Camille Durand")
    return Sign(auth, outbox, sessions)


@pytest.fixture(name="sign")
def _sign() -> Sign:
    """
    A sign-in with one account.
    """
    return make_sign()


def templates_in(folder: Path | None = None) -> Jinja2Templates:
    """
    The host's templates: one, or those of a folder.
    """
    if folder is not None:
        return Jinja2Templates(folder)
    loader = DictLoader({"home.html": HOME})
    return Jinja2Templates(env=Environment(loader=loader, autoescape=True))


async def hello(_request: Request) -> Response:
    """
    A page that asks nobody who is signed in.
    """
    return PlainTextResponse("hello")


def host(sign: Sign, *more: BaseRoute, **wishes: Any) -> Starlette:
    """
    An app with a page for everybody, and one that needs a sign-in.
    """
    templates = templates_in()

    async def home(request: Request) -> Response:
        return templates.TemplateResponse(request, "home.html")

    @login_required
    async def private(request: Request) -> Response:
        name = request.path_params.get("name", "")
        return Response(
            f"<title>Privé</title>{request.user.display_name} {name}",
            media_type="text/html",
        )

    app = Starlette(
        routes=[
            Route("/", home, methods=["GET", "POST"]),
            Route("/private", private, methods=["GET", "POST"]),
            Route("/private/{name:path}", private),
            Route("/hello", hello),
            *more,
        ],
        **wishes,
    )
    StarletteAuth(sign.auth, app, templates=templates)
    return app


def client_of(app: Starlette, *, is_signed_in: bool = False) -> TestClient:
    """
    The test client, with a session or without.
    """
    client = TestClient(app, base_url=BASE_URL, follow_redirects=False)
    if is_signed_in:
        sign_in(client, CAMILLE)
    return client


def lowered(headers: Any) -> set[tuple[str, str]]:
    """
    The headers, names in lower case.
    """
    return {(name.lower(), value) for name, value in headers}


class TestInitApp:
    def test_at_once_or_later_or_by_hand(self) -> None:
        """
        All ways of registering serve the pages.
        """
        one, other = Starlette(), FastAPI()
        StarletteAuth(make_sign().auth, one)
        StarletteAuth(make_sign().auth).init_app(other)
        by_hand = StarletteAuth(make_sign().auth)
        third = Starlette(routes=by_hand.routes, middleware=[by_hand.middleware])

        for app in (one, other, third):
            assert 200 == client_of(app).get("/auth/").status_code

    def test_twice(self, sign: Sign) -> None:
        """
        A second time is refused, by name.
        """
        app = Starlette()
        extension = StarletteAuth(sign.auth, app)

        with pytest.raises(ConfigurationError, match="twice"):
            extension.init_app(app)

    @pytest.mark.parametrize("path", ["/auth", "/auth/", "/auth/profile", "/auth/{x}"])
    def test_a_path_that_is_taken(self, sign: Sign, path: str) -> None:
        """
        A page of the app's among ours is told at start, with the way out.
        """
        app = Starlette(routes=[Route(path, hello)])

        with pytest.raises(ConfigurationError, match=re.escape(f"holds {path} of")):
            StarletteAuth(sign.auth, app)

    def test_a_router_of_fastapi(self, sign: Sign) -> None:
        """
        So is one that a router brings, under its prefix.
        """
        app, router = FastAPI(), APIRouter()
        router.add_api_route("/profile", lambda: "")
        app.include_router(router, prefix="/auth")

        with pytest.raises(ConfigurationError, match="holds /auth/profile of"):
            StarletteAuth(sign.auth, app)

    def test_a_mount_that_is_taken(self, sign: Sign) -> None:
        """
        So is an app that is mounted there.
        """
        app = Starlette(routes=[Mount("/auth/more", Starlette())])

        with pytest.raises(ConfigurationError, match="holds /auth/more of"):
            StarletteAuth(sign.auth, app)

    def test_paths_beside_ours(self, sign: Sign) -> None:
        """
        Neighbours and a catch-all are no conflict, and stay theirs.
        """

        async def rest(request: Request) -> Response:
            return PlainTextResponse(f"theirs: {request.path_params['rest']}")

        app = Starlette(routes=[Route("/author", hello), Route("/{rest:path}", rest)])
        StarletteAuth(sign.auth, app)
        client = client_of(app)

        assert "hello" == client.get("/author").text
        assert "theirs: x/y" == client.get("/x/y").text
        assert "Bienvenue" in client.get("/auth/").text
        assert 404 == client.get("/auth/x/y").status_code

    def test_another_path(self) -> None:
        """
        The pages live where the site says.
        """
        site = Site(base_url=BASE_URL, path="/compte/entrer/")
        browser = ClientBrowser(client_of(host(make_sign(site=site))))
        browser.visit("/")
        browser.follow("Connectez-vous")

        assert "/compte/entrer/" == browser.path
        assert browser.title.startswith("Bienvenue")

    def test_url_for(self, sign: Sign) -> None:
        """
        The pages have a name, as other routes have.
        """
        assert "/auth/password" == host(sign).url_path_for(
            "uness_auth", path="password"
        )

    def test_without_the_middleware(self, sign: Sign) -> None:
        """
        Pages that are mounted alone say what is missing.
        """
        app = Starlette(routes=StarletteAuth(sign.auth).routes)

        with pytest.raises(ConfigurationError, match=r"StarletteAuth\(auth, app\)"):
            client_of(app).get("/auth/")


class TestRootPath:
    @pytest.fixture(name="app")
    def _app(self) -> Starlette:
        """
        An app that its server mounts below a path.
        """
        site = Site(base_url=BASE_URL, path="/portail/auth/")

        @login_required
        async def private(request: Request) -> Response:
            raise AssertionError

        app = Starlette(routes=[Route("/private", private)])
        StarletteAuth(make_sign(site=site).auth, app, root_path="/portail")
        return app

    @pytest.mark.parametrize("before", ["/portail", ""])
    def test_addresses(self, app: Starlette, before: str) -> None:
        """
        Forms and styles carry the root, whether the server leaves it in the path or
        takes it off.
        """
        asked = wire.send(app, "GET", f"{before}/auth/", root_path="/portail")
        style = re.findall(r'href="([^"?]+uness\.css)\?v=', asked.body)[0]

        assert 'action="/portail/auth/"' in asked.body
        assert "/portail/auth/static/uness.css" == style

    @pytest.mark.parametrize("before", ["/portail", ""])
    def test_the_way_to_s1(self, app: Starlette, before: str) -> None:
        """
        The way there and back carries it too.
        """
        answer = wire.send(app, "GET", f"{before}/private", root_path="/portail")

        assert "http://localhost/portail/auth/?next=%2Fportail%2Fprivate" == (
            answer.header("location")
        )

    def test_in_another_app(self, app: Starlette) -> None:
        """
        Another app of Starlette's may do the mounting.
        """
        outer = client_of(Starlette(routes=[Mount("/portail", app)]))

        assert 'action="/portail/auth/"' in outer.get("/portail/auth/").text
        assert 405 == outer.put("/portail/auth/").status_code

    def test_outside_the_root(self, sign: Sign) -> None:
        """
        Pages that browsers would ask another app for are refused at start.
        """
        with pytest.raises(ConfigurationError, match="begin it with /portail/"):
            StarletteAuth(sign.auth, Starlette(), root_path="/portail")


class TestLoginRequired:
    @pytest.mark.parametrize(
        ("asked", "following"),
        [
            ("/private", "/private"),
            ("/private?a=b&c=%26", "/private?a=b&c=%26"),
            ("/private/caf%C3%A9", "/private/caf%C3%A9"),
            ("/private/a%3Fb%23c", "/private/a%3Fb%23c"),
            ("/private/a%20b?q=a+b", "/private/a%20b?q=a+b"),
        ],
    )
    def test_back_to_what_was_asked_for(
        self, sign: Sign, asked: str, following: str
    ) -> None:
        """
        A stranger is led to S1, and after the sign-in to the same page, letter by
        letter.
        """
        browser = ClientBrowser(client_of(host(sign)))
        with_password(browser, sign)
        browser.visit(asked)
        assert browser.title.startswith("Bienvenue")
        browser.fill("Votre adresse email*", CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill("Votre mot de passe Uness*", PASSWORD)
        browser.press("SE CONNECTER")

        assert following == browser.path
        assert "Camille Durand" in browser.text

    @pytest.mark.parametrize("query", [b"\xff", b"a=\xc3\xa9", b"%ff", b"\x80=\x81"])
    def test_a_query_beyond_ascii(self, sign: Sign, query: bytes) -> None:
        """
        Raw bytes in a query are no 500.
        """
        answer = wire.send(host(sign), "GET", "/private", query=query)

        assert 303 == answer.status
        assert answer.header("location").isascii()

    def test_a_form_is_not_asked_for_again(self, sign: Sign) -> None:
        """
        A post by a stranger leads to S1 and then home: nothing is sent twice.
        """
        answer = client_of(host(sign)).post("/private")

        assert (303, "http://localhost/auth/") == (
            answer.status_code,
            answer.headers["location"],
        )

    def test_functions_and_methods(self, sign: Sign) -> None:
        """
        A function that is not asynchronous is guarded as any other, and in FastAPI by
        any name of the address.
        """
        app = FastAPI()
        StarletteAuth(sign.auth, app)

        @app.get("/later/{number}")
        @login_required
        def later(number: int, request: Request) -> str:
            return f"{request.user.display_name} {number}"

        stranger, known = client_of(app), client_of(app, is_signed_in=True)

        assert 303 == stranger.get("/later/7").status_code
        assert "Camille Durand 7" == known.get("/later/7").json()

    def test_without_a_request(self) -> None:
        """
        A view that could not be guarded is told where it is written.
        """

        async def view() -> Response:
            raise AssertionError

        with pytest.raises(ConfigurationError, match=r"view\(\) has no parameter"):
            login_required(view)

    def test_without_the_extension(self) -> None:
        """
        An app that was never registered says how to do that.
        """

        @login_required
        async def private(request: Request) -> Response:
            raise AssertionError

        app = Starlette(routes=[Route("/private", private)])

        with pytest.raises(ConfigurationError, match=r"StarletteAuth\(auth, app\)"):
            client_of(app).get("/private")


class TestRecentGuards:
    @pytest.fixture(name="app")
    def _app(self, sign: Sign) -> FastAPI:
        """
        An app with three pages for those who proved just now who they are.
        """
        app = FastAPI()
        StarletteAuth(sign.auth, app)

        @app.api_route("/later", methods=["GET", "POST"])
        @recent_login_required
        async def later(request: Request) -> str:
            return str(request.user.display_name)

        @app.api_route("/plain", methods=["GET", "POST"])
        @recent_login_required
        def plain(request: Request) -> str:
            return str(request.user.display_name)

        @app.api_route("/asked", methods=["GET", "POST"])
        def asked(account: Annotated[Account, Depends(recent_account)]) -> str:
            return account.display_name

        return app

    @pytest.mark.parametrize("path", ["/later", "/plain", "/asked"])
    def test_ask_again_after_a_while(self, app: FastAPI, sign: Sign, path: str) -> None:
        """
        Strangers sign in; who did so just now is let in, and later asked again.
        """
        known = client_of(app, is_signed_in=True)
        stranger = client_of(app).get(f"{path}?a=b")
        assert f"/auth/?next=%2F{path[1:]}%3Fa%3Db" in stranger.headers["location"]
        assert "Camille Durand" == known.get(path).json()
        clock = cast("FixedClock", sign.auth.clock)
        clock.tick(timedelta(minutes=11))
        answer = known.get(f"{path}?a=b")

        assert 303 == answer.status_code
        assert (
            f"http://localhost/auth/again?next=%2F{path[1:]}%3Fa%3Db"
            == (answer.headers["location"])
        )
        assert "Cookie" in answer.headers["vary"]
        assert "no-store" == answer.headers["cache-control"]

    @pytest.mark.parametrize("path", ["/later", "/plain"])
    def test_a_form_is_not_asked_for_again(
        self, app: FastAPI, sign: Sign, path: str
    ) -> None:
        """
        A post that comes too late leads to where one proves it, and then home.
        """
        known = client_of(app, is_signed_in=True)
        clock = cast("FixedClock", sign.auth.clock)
        clock.tick(timedelta(minutes=11))

        assert "http://localhost/auth/" == client_of(app).post(path).headers["location"]
        assert "http://localhost/auth/again" == known.post(path).headers["location"]

    def test_what_wants_no_page_is_refused(self, app: FastAPI, sign: Sign) -> None:
        """
        A script learns that somebody is signed in, and not recently.
        """
        known = client_of(app, is_signed_in=True)
        clock = cast("FixedClock", sign.auth.clock)
        clock.tick(timedelta(minutes=11))
        late, unknown = known.post("/asked"), client_of(app).post("/asked")

        assert (401, 'Cookie error="insufficient_user_authentication"') == (
            late.status_code,
            late.headers["www-authenticate"],
        )
        assert (401, "Cookie") == (
            unknown.status_code,
            unknown.headers["www-authenticate"],
        )

    def test_without_a_request(self) -> None:
        """
        A view that could not be guarded is told where it is written, and by whom.
        """

        def view() -> Response:
            raise AssertionError

        with pytest.raises(ConfigurationError, match=r"recent_login_required: view"):
            recent_login_required(view)


class TestWaysToTheAccount:
    def test_templates_learn_them(self, sign: Sign) -> None:
        """
        Both addresses, or that there is but one.
        """
        lists = attrs.evolve(MemoryStorage().stores, session_lists=None)
        for one, expected in (
            (sign, "/auth/account/sessions"),
            (make_sign(stores=lists), ""),
        ):
            env = Environment(
                loader=DictLoader(
                    {"x": "{{ uness_auth.password_url }} {{ uness_auth.sessions_url }}"}
                ),
                autoescape=True,
            )
            templates = Jinja2Templates(env=env)

            async def page(
                request: Request, made: Jinja2Templates = templates
            ) -> Response:
                return made.TemplateResponse(request, "x")

            app = Starlette(routes=[Route("/", page)])
            StarletteAuth(one.auth, app, templates=templates)

            assert f"/auth/account/password {expected}" == client_of(app).get("/").text


def with_password(browser: ClientBrowser, sign: Sign) -> None:
    """
    Create the account's password.
    """
    browser.visit("/auth/")
    browser.fill("Votre adresse email*", CAMILLE)
    browser.press("SE CONNECTER")
    browser.visit(sign.outbox.link(CAMILLE))
    browser.fill("Entrez le mot de passe :*", PASSWORD)
    browser.fill("Confirmez le mot de passe :*", PASSWORD)
    browser.press("CRÉER")


class TestUser:
    @pytest.fixture(name="app")
    def _app(self, sign: Sign) -> Starlette:
        """
        A host that shows what Starlette's own ways say.
        """

        async def who(request: Request) -> Response:
            user = request.user
            return JSONResponse(
                [
                    user.is_authenticated,
                    user.display_name,
                    user.identity,
                    request.auth.scopes,
                    user.account and user.account.address,
                ]
            )

        @requires("authenticated")
        async def secret(request: Request) -> Response:
            return PlainTextResponse("secret")

        @requires("authenticated")
        def secret_too(request: Request) -> Response:
            return PlainTextResponse("secret")

        return host(
            sign,
            Route("/who", who),
            Route("/secret", secret),
            Route("/secret-too", secret_too),
        )

    def test_somebody(self, app: Starlette, sign: Sign) -> None:
        """
        Name, id and account of whoever is signed in.
        """
        account = sign.auth.provisioning.accounts.by_address(CAMILLE)
        assert account is not None

        assert [True, "Camille Durand", account.id, ["authenticated"], CAMILLE] == (
            client_of(app, is_signed_in=True).get("/who").json()
        )

    def test_somebody_without_a_name(self, app: Starlette, sign: Sign) -> None:
        """
        An account without a name shows its address.
        """
        sign.auth.provisioning.add("nadia@chu-exemple.fr")
        client = client_of(app)
        sign_in(client, "nadia@chu-exemple.fr")

        assert "nadia@chu-exemple.fr" == client.get("/who").json()[1]

    def test_nobody(self, app: Starlette) -> None:
        """
        Nobody has no name, and no scope.
        """
        assert [False, "", "", [], None] == client_of(app).get("/who").json()

    @pytest.mark.parametrize("path", ["/secret", "/secret-too"])
    def test_requires(self, app: Starlette, path: str) -> None:
        """
        Starlette's own guard guards.
        """
        assert 403 == client_of(app).get(path).status_code
        assert "secret" == client_of(app, is_signed_in=True).get(path).text

    def test_looked_up_once(self, app: Starlette, sign: Sign) -> None:
        """
        However often a page asks, the store is read once a request; without a cookie
        never.
        """
        client = client_of(app, is_signed_in=True)
        client.get("/who")
        client.get("/secret")
        assert 2 == sign.sessions.asked

        client_of(app).get("/who")
        assert 2 == sign.sessions.asked

    def test_a_dead_session(self, app: Starlette, sign: Sign) -> None:
        """
        A cookie that opens nothing is left alone: an answer that is late would take
        away what another tab has just been given.
        """
        client = client_of(app, is_signed_in=True)
        sign.auth.provisioning.sign_out(CAMILLE)
        answer = client.get("/who")

        assert answer.json()[0] is False
        assert "set-cookie" not in answer.headers


class TestDependencies:
    @pytest.fixture(name="app")
    def _app(self, sign: Sign) -> FastAPI:
        """
        A host on FastAPI, one of whose endpoints answers for itself.
        """
        app = FastAPI()
        StarletteAuth(sign.auth, app)

        @app.get("/me")
        def me(account: Annotated[Account, Depends(current_account)]) -> str:
            return account.address

        @app.post("/me")
        def change(account: Annotated[Account, Depends(current_account)]) -> None:
            raise AssertionError

        @app.get("/maybe")
        async def maybe(
            account: Annotated[Account | None, Depends(optional_account)],
        ) -> str:
            return account.address if account else "nobody"

        @app.get("/own")
        async def own(
            account: Annotated[Account | None, Depends(optional_account)],
        ) -> Response:
            return PlainTextResponse("own", headers={"Vary": "Accept"})

        return app

    def test_somebody(self, app: FastAPI) -> None:
        """
        The account, as an argument.
        """
        client = client_of(app, is_signed_in=True)

        assert CAMILLE == client.get("/me").json()
        assert CAMILLE == client.get("/maybe").json()

    def test_nobody(self, app: FastAPI) -> None:
        """
        Where that is an answer, it is None.
        """
        assert "nobody" == client_of(app).get("/maybe").json()

    @pytest.mark.parametrize(
        ("method", "headers", "status"),
        [
            ("GET", {"Accept": "text/html,*/*;q=0.8"}, 303),
            ("GET", {"Accept": "*/*"}, 303),
            ("HEAD", {"Accept": "text/html"}, 405),
            ("GET", {"Accept": "application/json"}, 401),
            ("GET", {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, 401),
            ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}, 303),
            ("POST", {"Accept": "text/html"}, 401),
        ],
    )
    def test_a_stranger(
        self, app: FastAPI, method: str, headers: dict[str, str], status: int
    ) -> None:
        """
        Whoever wants a page is led to S1 and back; a script is told 401.
        """
        answer = client_of(app).request(method, "/me", headers=headers)

        assert status == answer.status_code
        if status == 303:
            assert f"{BASE_URL}/auth/?next=%2Fme" == answer.headers["location"]
        if status == 401:
            assert "Cookie" == answer.headers["www-authenticate"]
        if status != 405:
            assert "no-store" == answer.headers["cache-control"]

    def test_an_endpoints_own_response(self, app: FastAPI) -> None:
        """
        What keeps a page from caches is not lost with FastAPI's response.
        """
        answer = client_of(app, is_signed_in=True).get("/own")

        assert "no-store" == answer.headers["cache-control"]
        assert "Accept, Cookie" == answer.headers["vary"]

    def test_the_schema_is_theirs(self, app: FastAPI) -> None:
        """
        Our pages are no part of an API's description.
        """
        assert {"/me", "/maybe", "/own"} == set(app.openapi()["paths"])


class TestCaches:
    @pytest.mark.parametrize(
        ("theirs", "expected"),
        [
            ("", "Cookie"),
            ("Accept", "Accept, Cookie"),
            ("cookie", "cookie"),
            ("Accept, Cookie", "Accept, Cookie"),
            ("X-Cookie", "X-Cookie, Cookie"),
            ("*", "*"),
        ],
    )
    def test_vary(self, sign: Sign, theirs: str, expected: str) -> None:
        """
        P44: a page that asked who is signed in varies by cookies, and says so once.
        """

        async def page(request: Request) -> Response:
            headers = {"Vary": theirs} if theirs else {}
            return PlainTextResponse(request.user.display_name, headers=headers)

        answer = client_of(host(sign, Route("/page", page))).get("/page")

        assert expected == answer.headers["vary"]
        assert "no-store" == answer.headers["cache-control"]

    def test_the_hosts_own_word(self, sign: Sign) -> None:
        """
        A page that says how it may be kept is believed.
        """

        async def page(request: Request) -> Response:
            headers = {"Cache-Control": "private, max-age=60"}
            return PlainTextResponse(request.user.display_name, headers=headers)

        answer = client_of(host(sign, Route("/page", page))).get("/page")

        assert "private, max-age=60" == answer.headers["cache-control"]

    @pytest.mark.parametrize("is_signed_in", [True, False])
    def test_the_hosts_own_pages_are_left_alone(
        self, sign: Sign, is_signed_in: bool
    ) -> None:
        """
        What does not ask who is signed in gets nothing from us.
        """
        client = client_of(host(sign), is_signed_in=is_signed_in)

        assert {"content-type", "content-length"} == set(client.get("/hello").headers)

    def test_an_answer_without_headers(self, sign: Sign) -> None:
        """
        An app may leave them out (ASGI), and gets ours all the same.
        """

        class Bare:
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                assert not scope["user"].is_authenticated
                await send({"type": "http.response.start", "status": 204})
                await send({"type": "http.response.body"})

        answer = wire.send(host(sign, Route("/bare", Bare())), "GET", "/bare")

        assert "no-store" == answer.header("cache-control")

    def test_static_files_are_cached_for_ever(self, sign: Sign) -> None:
        """
        The same for everybody, whoever asks on every request who is signed in.
        """

        async def ask(request: Request, call_next: Any) -> Any:
            assert request.user.is_authenticated
            return await call_next(request)

        app = Starlette(middleware=[Middleware(BaseHTTPMiddleware, dispatch=ask)])
        StarletteAuth(sign.auth, app)
        client = client_of(app, is_signed_in=True)
        page = client.get("/auth/link/x")
        url = re.findall(r'href="([^"]+uness\.css[^"]*)"', page.text)[0]
        answer = client.get(url)

        assert "public, max-age=31536000, immutable" == answer.headers["Cache-Control"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "text/css; charset=utf-8" == answer.headers["content-type"]
        assert {"vary", "set-cookie"}.isdisjoint(answer.headers)


class TestTemplates:
    def test_a_host_overrides_ours(self, sign: Sign, tmp_path: Path) -> None:
        """
        The app's own templates/uness_auth/ come before ours, one by one, and see what
        its own processors give.
        """
        folder = tmp_path / "uness_auth"
        folder.mkdir()
        (folder / "base.html").write_text(
            '{% extends "uness_auth/layout.html" %}'
            "{% block account %}<p>{{ uness_auth.sign_in_url }} {{ campus }}</p>"
            "{% endblock %}"
        )
        (folder / "stop.html").write_text("<title>Le nôtre</title>{{ view.heading }}")
        templates = templates_in(tmp_path)
        templates.context_processors.append(lambda _request: {"campus": "Lyon"})
        app = Starlette()
        StarletteAuth(sign.auth, app, templates=templates)
        client = client_of(app)

        assert "<p>/auth/ Lyon</p>" in client.get("/auth/").text
        assert "Le nôtre" in client.get("/auth/nothing").text

    @pytest.mark.parametrize("loader", [None, DictLoader({})])
    def test_an_app_that_does_not_escape(
        self, sign: Sign, loader: DictLoader | None
    ) -> None:
        """
        Our pages are escaped, whatever the app does with its own.
        """
        env = Environment(loader=loader, autoescape=False)  # noqa: S701 - what is tested
        app = Starlette()
        StarletteAuth(sign.auth, app, templates=Jinja2Templates(env=env))
        client = client_of(app)
        page = client.get("/auth/")
        csrf = re.findall('name="csrf" value="([^"]+)"', page.text)[0]
        answer = client.post("/auth/", data={"csrf": csrf, "email": "'\"><b>x@y"})

        assert 422 == answer.status_code
        assert "<b>" not in answer.text
        assert "&lt;b&gt;" in answer.text

    def test_sign_out_form(self, sign: Sign) -> None:
        """
        The button in the host's own page signs out.
        """
        browser = ClientBrowser(client_of(host(sign)))
        with_password(browser, sign)
        browser.visit("/auth/")
        browser.fill("Votre adresse email*", CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill("Votre mot de passe Uness*", PASSWORD)
        browser.press("SE CONNECTER")
        assert "Bonjour Camille Durand" in browser.text
        browser.press("Se déconnecter")

        assert "/auth/signed-out" == browser.path
        browser.visit("/")
        assert "Connectez-vous" in browser.text

    @pytest.mark.parametrize(
        "template", ["{{ uness_auth.sign_out_form }}", "{{ uness_auth.account }}"]
    )
    def test_what_is_one_visitors_own(self, sign: Sign, template: str) -> None:
        """
        A page that holds the form is no cache's, whoever asked for it.
        """
        answer = client_of(showing(sign, template)).get("/")

        assert "no-store" == answer.headers["Cache-Control"]

    def test_static_url(self, sign: Sign) -> None:
        """
        A host's page may use our style sheet, and is still everybody's.
        """
        client = client_of(showing(sign, "{{ uness_auth.static_url('uness.css') }}"))
        page = client.get("/")

        assert 200 == client.get(page.text).status_code
        assert "cache-control" not in page.headers


def showing(sign: Sign, template: str) -> Starlette:
    """
    An app whose one page is *template*.
    """
    env = Environment(loader=DictLoader({"page.html": template}), autoescape=True)
    templates = Jinja2Templates(env=env)

    def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "page.html")

    app = Starlette(routes=[Route("/", page)])
    StarletteAuth(sign.auth, app, templates=templates)
    return app


class TestChangePassword:
    def test_leads_to_the_page_of_the_account(self, sign: Sign) -> None:
        """
        Password managers find where it is changed, whatever Host they send.
        """
        answer = wire.send(
            host(sign),
            "GET",
            "/.well-known/change-password",
            headers={"host": "evil.example"},
        )

        assert (303, "http://localhost/auth/account/password") == (
            answer.status,
            answer.header("location"),
        )

    def test_the_hosts_own(self, sign: Sign) -> None:
        """
        An app that has the address already keeps it.
        """
        app = Starlette(routes=[Route("/.well-known/change-password", hello)])
        StarletteAuth(sign.auth, app)

        assert "hello" == client_of(app).get("/.well-known/change-password").text


class TestBodies:
    FORM = "application/x-www-form-urlencoded"

    def test_in_pieces(self, sign: Sign) -> None:
        """
        A form that arrives letter by letter is the same form.
        """
        pieces = [bytes([one]) for one in b"email=camille"]
        headers = {"content-type": self.FORM}
        answer = wire.send(host(sign), "POST", "/auth/", *pieces, headers=headers)

        assert 403 == answer.status

    @pytest.mark.parametrize("size", [16_384, 16_385, 200_000])
    def test_no_length(self, sign: Sign, size: int) -> None:
        """
        A body in chunks is read as far as a form may go, and no further.
        """
        taken: list[int] = []

        def chunks() -> Any:
            yield b"a="
            for _ in range(size - 2):
                taken.append(1)
                yield b"b"

        arriving = chunks()

        async def receive() -> Message:
            body = next(arriving, None)
            return {
                "type": "http.request",
                "body": body or b"",
                "more_body": body is not None,
            }

        scope = wire.scope_of("POST", "/auth/", headers={"content-type": self.FORM})
        answer = wire.exchange(host(sign), scope, receive)

        assert (403 if size == 16_384 else 413) == answer.status
        assert len(taken) <= 16_384

    def test_refused_by_what_it_says(self, sign: Sign) -> None:
        """
        A body that says that it is too large is not even asked for.
        """

        async def receive() -> Message:
            raise AssertionError

        headers = {"content-type": self.FORM, "content-length": "16385"}
        scope = wire.scope_of("POST", "/auth/password", headers=headers)
        answer = wire.exchange(host(sign), scope, receive)

        assert 413 == answer.status
        assert lowered(SECURITY_HEADERS) <= lowered(answer.headers)

    def test_of_what_takes_none(self, sign: Sign) -> None:
        """
        Nor is one that belongs to no form of ours.
        """

        async def receive() -> Message:
            raise AssertionError

        for method, path in (("PUT", "/auth/"), ("POST", "/auth/signed-out")):
            scope = wire.scope_of(method, path)
            assert 405 == wire.exchange(host(sign), scope, receive).status

    def test_a_smaller_limit_of_the_app(self, sign: Sign) -> None:
        """
        A body that we would take and the app would not is too large too.
        """
        answer = client_of(host(sign, max_body_size=10)).post(
            "/auth/", data={"email": "a" * 100}
        )

        assert 413 == answer.status_code

    def test_read_before_us(self, sign: Sign) -> None:
        """
        A middleware that reads bodies takes no form away.
        """

        async def read(request: Request, call_next: Any) -> Any:
            assert await request.body() is not None
            return await call_next(request)

        app = host(sign, middleware=[Middleware(BaseHTTPMiddleware, dispatch=read)])
        browser = ClientBrowser(client_of(app))
        with_password(browser, sign)

        assert browser.title.startswith("Mot de passe enregistré")

    def test_the_client_is_gone(self, sign: Sign) -> None:
        """
        Half a form is no attempt, and no error.
        """

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        answered: list[Message] = []
        scope = wire.scope_of(
            "POST", "/auth/password", headers={"content-type": self.FORM}
        )
        wire.run(host(sign), scope, receive, answered)

        assert [] == answered


class TestStoreDown:
    @pytest.mark.parametrize(
        "path", ["/", "/private", "/raised", "/auth/", "/auth/signed-out"]
    )
    def test_on_every_page(self, sign: Sign, path: str, tmp_path: Path) -> None:
        """
        The host's pages and ours answer 503, even under a layout that itself asks who
        is signed in; nobody is signed out by that.
        """
        (tmp_path / "uness_auth").mkdir()
        (tmp_path / "uness_auth" / "base.html").write_text(
            '{% extends "uness_auth/layout.html" %}'
            "{% block account %}{{ uness_auth.account }}{{ uness_auth.sign_out_form }}"
            "{% endblock %}"
        )
        (tmp_path / "home.html").write_text(HOME)
        templates = templates_in(tmp_path)

        def home(request: Request) -> Response:
            return templates.TemplateResponse(request, "home.html")

        @login_required
        def private(request: Request) -> Response:
            raise AssertionError

        def raised(request: Request) -> Response:
            sign.auth.provisioning.sign_out(CAMILLE)
            msg = "down"
            raise StorageError(msg)

        app = Starlette(
            routes=[
                Route("/", home),
                Route("/private", private),
                Route("/raised", raised),
            ]
        )
        StarletteAuth(sign.auth, app, templates=templates)
        client = client_of(app, is_signed_in=True)
        sign.sessions.is_down = True
        answer = client.get(path)

        assert 503 == answer.status_code
        assert "30" == answer.headers["Retry-After"]
        assert lowered(SECURITY_HEADERS) <= lowered(answer.headers.items())
        assert (
            "set-cookie" not in answer.headers
            or "session" not in (answer.headers["set-cookie"])
        )

    def test_pages_that_do_not_ask_go_on(self, sign: Sign) -> None:
        """
        What needs no store is served without it.
        """
        client = client_of(host(sign), is_signed_in=True)
        sign.sessions.is_down = True

        assert "hello" == client.get("/hello").text

    def test_after_the_answer_began(self, sign: Sign) -> None:
        """
        What has begun cannot become another page: the server is told.
        """

        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            msg = "down"
            raise StorageError(msg)

        async def page(_request: Request) -> Response:
            return StreamingResponse(broken())

        with pytest.raises(StorageError):
            client_of(host(sign, Route("/page", page))).get("/page")


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/auth/", 200),
            ("HEAD", "/auth/", 200),
            ("GET", "/auth", 303),
            ("POST", "/auth", 303),
            ("GET", "/auth//", 404),
            ("GET", "/auth//link//x", 404),
            ("GET", "/auth/link//x", 404),
            ("GET", "/auth/link/", 404),
            ("GET", "/auth/link/x\ny", 404),
            ("GET", "/auth/\n", 404),
            ("GET", "/auth/password\n", 404),
            ("GET", "/auth/nothing", 404),
            ("POST", "/auth/nothing", 404),
            ("GET", "/auth/password", 303),
            ("PUT", "/auth/", 405),
            ("OPTIONS", "/auth/", 405),
            ("FOO", "/auth/", 405),
            ("POST", "/auth/", 415),
            ("GET", "/auth/static/nothing.css", 404),
            ("POST", "/auth/static/uness.css", 404),
            ("GET", "/auth/link/x", 404),
        ],
    )
    def test_on_every_answer(
        self, sign: Sign, method: str, path: str, status: int
    ) -> None:
        """
        P44: pages, redirects and errors, line breaks in the path or not.
        """
        answer = wire.send(host(sign), method, path)

        assert status == answer.status
        assert lowered(SECURITY_HEADERS) <= lowered(answer.headers)
        assert method != "HEAD" or (
            answer.body == "" and int(answer.header("content-length")) > 1_000
        )

    def test_of_what_is_not_ours(self, sign: Sign) -> None:
        """
        An answer below our path that another layer made has them too.
        """

        async def refuse(_request: Request, _call_next: Any) -> Response:
            return PlainTextResponse("no", 400)

        app = host(sign, middleware=[Middleware(BaseHTTPMiddleware, dispatch=refuse)])
        answer = client_of(app).get("/auth/")

        assert 400 == answer.status_code
        assert lowered(SECURITY_HEADERS) <= lowered(answer.headers.items())


class TestHost:
    @pytest.mark.parametrize(
        "path",
        ["/auth", "/auth//", "/auth//password", "/auth/", "/auth\n", "/auth/\n/"],
    )
    @pytest.mark.parametrize(
        "evil", ["evil.example", "evil.example:80", "a/b", "[", ""]
    )
    def test_no_redirect_follows_it(self, sign: Sign, path: str, evil: str) -> None:
        """
        P12: wherever we lead, it is below the base URL.
        """
        headers = {"host": evil, "x-forwarded-host": evil, "x-forwarded-proto": "http"}
        answer = wire.send(host(sign), "GET", path, headers=headers)

        location = answer.header("location") or "http://localhost/"
        assert location.startswith("http://localhost/")

    def test_no_link_follows_it(self, sign: Sign) -> None:
        """
        P12: the link in a mail begins with the base URL.
        """
        client = TestClient(host(sign), base_url="http://evil.example")
        page = client.get("/auth/")
        csrf = re.findall('name="csrf" value="([^"]+)"', page.text)[0]
        client.post("/auth/", data={"email": CAMILLE, "csrf": csrf})

        assert sign.outbox.link(CAMILLE).startswith("http://localhost/auth/link/")
        assert "evil" not in sign.outbox.last_text(CAMILLE)


class TestCookies:
    def test_over_https(self) -> None:
        """
        The prefix, and with it Secure, Path and no Domain, to the letter.
        """
        stores = MemoryStorage().stores
        fit = {
            name: Fit(store)
            for name, store in attrs.asdict(stores, recurse=False).items()
        }
        sign = make_sign(
            site=Site(base_url=HTTPS),
            stores=attrs.evolve(stores, **fit),
            mailer=Fit(Outbox()),
            hashing=None,
            keys=KEYS,
            trusted_proxies=0,
        )
        answer = wire.send(host(sign), "GET", "/auth/")

        assert re.fullmatch(
            r"__Host-uness-browser=[\w-]{22}; HttpOnly; Max-Age=15552000; Path=/; "
            r"SameSite=lax; Secure",
            answer.header("set-cookie"),
        )

    def test_sent_twice(self, sign: Sign) -> None:
        """
        Two headers of one name are read as one: of two sessions none counts.
        """
        client = client_of(host(sign), is_signed_in=True)
        cookie = f"uness-session={client.cookies['uness-session']}"
        scope = wire.scope_of("GET", "/private")
        scope["headers"] = [(b"cookie", b"a=b"), (b"cookie", cookie.encode())]
        assert 200 == wire.exchange(host_of(client), scope).status

        other = f"uness-session={'x' * 43}".encode()
        scope = wire.scope_of("GET", "/private")
        scope["headers"] = [(b"cookie", cookie.encode()), (b"cookie", other)]
        assert 303 == wire.exchange(host_of(client), scope).status


def host_of(client: TestClient) -> Any:
    """
    The app under test.
    """
    return client.app


class TestPeers:
    @pytest.mark.parametrize(
        ("peer", "forwarded", "expected"),
        [
            ("203.0.113.9", "", "203.0.113.0/24"),
            (None, "198.51.100.7", "198.51.100.0/24"),
            (None, "", ""),
            ("", "", ""),
        ],
    )
    def test_who_sent_it(self, peer: str | None, forwarded: str, expected: str) -> None:
        """
        The socket's address counts; a unix socket has none, and is a proxy.
        """
        networks: list[str] = []
        sign = make_sign(
            trusted_proxies=["10.0.0.0/8"],
            subscribers=[lambda event: networks.append(event.network)],
        )
        app = host(sign)
        page = wire.send(app, "GET", "/auth/")
        csrf = re.findall('name="csrf" value="([^"]+)"', page.body)[0]
        cookie = page.header("set-cookie").partition(";")[0]
        headers = {"content-type": TestBodies.FORM, "cookie": cookie}
        if forwarded:
            headers["x-forwarded-for"] = forwarded
        form = f"csrf={csrf}&email=nobody@example.org".encode()
        networks.clear()
        wire.send(app, "POST", "/auth/", form, headers=headers, peer=peer)

        assert [expected] == networks


class TestOtherScopes:
    def test_websockets_and_lifespan_pass(self, sign: Sign) -> None:
        """
        What is no HTTP request is none of our business.
        """
        seen: list[str] = []

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            seen.append("up")
            yield
            seen.append("down")

        async def echo(websocket: WebSocket) -> None:
            assert {"user", "auth", "uness_auth"}.isdisjoint(websocket.scope)
            await websocket.accept()
            await websocket.send_text(await websocket.receive_text())
            await websocket.close()

        app = host(sign, WebSocketRoute("/echo", echo), lifespan=lifespan)
        client = client_of(app, is_signed_in=True)
        with client, client.websocket_connect("/echo") as websocket:
            websocket.send_text("hello")
            assert "hello" == websocket.receive_text()

        assert ["up", "down"] == seen
        assert 0 == sign.sessions.asked

    def test_a_websocket_to_our_pages(self, sign: Sign) -> None:
        """
        There is none: the connection is closed.
        """
        with (
            pytest.raises(Exception, match=r"^$|1000"),
            client_of(host(sign)).websocket_connect("/auth/"),
        ):
            raise AssertionError


class TestLogs:
    def test_uvicorns_are_masked(
        self, sign: Sign, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        The access log of uvicorn holds no token of a link.
        """
        host(sign)
        logger = logging.getLogger("uvicorn.access")
        with caplog.at_level(logging.INFO, "uvicorn.access"):
            logger.info('%s - "%s %s"', "127.0.0.1", "GET", "/auth/link/secret")

        assert ['127.0.0.1 - "GET /auth/link/[masked]"'] == caplog.messages


class TestLimiters:
    def test_have_room_for_who_is_refused(self) -> None:
        """
        The core itself says that it is busy: more threads than slots and queue hold.
        """
        policy = Policy.uness(hashing=HashingPolicy(queue_per_slot=3))
        sign = make_sign(policy=policy)
        extension = StarletteAuth(sign.auth)
        slots = sign.auth.password_sign_in.password_check.slots

        assert slots.count * 4 == slots.room
        assert extension._server.threads.hashing.total_tokens > slots.room  # noqa: SLF001 - nothing else tells
