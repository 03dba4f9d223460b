"""
The Flask adapter: registration, the session on the host's pages, and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from flask import Flask, render_template_string, request
from flask_wtf import CSRFProtect

from uness_auth import ConfigurationError, Site
from uness_auth.errors import StorageError
from uness_auth.events import Event, EventKind
from uness_auth.flask import (
    FlaskAuth,
    current_account,
    login_required,
    recent_login_required,
    signals,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser
from uness_auth.web.http import SECURITY_HEADERS


if TYPE_CHECKING:
    from tests.adapters.flask.conftest import Sign

HTTPS = "https://portail.example.fr"
CAMILLE = "camille.durand@univ-exemple.fr"
KEYS = ["a key of thirty-two bytes or more, made for tests alone"]
HOME = """<title>Accueil</title>{% if uness_auth.account %}Bonjour
{{ uness_auth.account.display_name }}{{ uness_auth.sign_out_form }}{% else %}
<a href="{{ uness_auth.sign_in_url }}">Connectez-vous</a>{% endif %}"""

Browse = Callable[..., HtmlBrowser]
MakeSign = Callable[..., "Sign"]
SignIn = Callable[[HtmlBrowser, "Sign"], None]


def host(**config: Any) -> Flask:
    """
    An app with a page for everybody, and one that needs a sign-in.
    """
    app = Flask("portal")
    app.config.update(config)

    @app.route("/", methods=["GET", "POST"])
    def home() -> str:
        return render_template_string(HOME)

    @app.route("/private/<path:name>", methods=["GET", "POST"])
    @app.route("/private", methods=["GET", "POST"])
    @login_required
    def private(name: str = "") -> str:
        return f"<title>Privé</title>{current_account.display_name} {name}"

    return app


class Broken:
    """
    A session store that cannot be reached from now on.
    """

    def __init__(self, stores: Any) -> None:
        self.is_down = False
        self._sessions = stores.sessions

    def __getattr__(self, name: str) -> Any:
        """
        The store's own method, or the failure.
        """
        if self.is_down:
            msg = "down"
            raise StorageError(msg)
        return getattr(self._sessions, name)


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


class BrokenChunks(BytesIO):
    """
    What werkzeug's server hands over of chunks that are none.
    """

    def read(self, _size: int | None = -1, /) -> bytes:
        """
        Fail as it does.
        """
        raise OSError


def all_headers(response: Any) -> set[tuple[str, str]]:
    """
    The headers of a response.
    """
    return set(response.headers.items())


class TestInitApp:
    def test_at_once_or_later(self, make_sign: MakeSign) -> None:
        """
        Both ways of registering serve the pages.
        """
        one, other = Flask("one"), Flask("other")
        FlaskAuth(make_sign().auth, one)
        FlaskAuth(make_sign().auth).init_app(other)

        for app in (one, other):
            assert 200 == app.test_client().get("/auth/").status_code

    def test_twice(self, sign: Sign) -> None:
        """
        A second time is refused, by name.
        """
        app = Flask("app")
        extension = FlaskAuth(sign.auth, app)

        with pytest.raises(ConfigurationError, match="twice"):
            extension.init_app(app)

    @pytest.mark.parametrize("rule", ["/auth", "/auth/", "/auth/profile", "/auth/<x>"])
    def test_a_path_that_is_taken(self, sign: Sign, rule: str) -> None:
        """
        A page of the app's among ours is told at start, with the way out.
        """
        app = Flask("app")
        app.add_url_rule(rule, "theirs", lambda: "")

        with pytest.raises(ConfigurationError, match=re.escape(f"holds {rule} of")):
            FlaskAuth(sign.auth, app)

    def test_paths_beside_ours(self, sign: Sign) -> None:
        """
        Neighbours and a catch-all are no conflict, and stay theirs.
        """
        app = Flask("app")
        app.add_url_rule("/author", "author", lambda: "author")
        app.add_url_rule("/<path:rest>", "rest", lambda rest: f"theirs: {rest}")
        FlaskAuth(sign.auth, app)
        client = app.test_client()

        assert "author" == client.get("/author").text
        assert "theirs: x/y" == client.get("/x/y").text
        assert "Bienvenue" in client.get("/auth/").text
        assert 404 == client.get("/auth/x/y").status_code

    def test_another_path(self, make_sign: MakeSign, browse: Browse) -> None:
        """
        The pages live where the site says.
        """
        app = host()
        FlaskAuth(
            make_sign(
                site=Site(base_url="http://localhost", path="/compte/entrer/")
            ).auth,
            app,
        )
        browser = browse(app)
        browser.visit("/")
        browser.follow("Connectez-vous")

        assert "/compte/entrer/" == browser.path
        assert browser.title.startswith("Bienvenue")

    def test_outside_the_root(self, sign: Sign) -> None:
        """
        Pages that browsers would ask another app for are refused at start.
        """
        app = Flask("app")
        app.config["APPLICATION_ROOT"] = "/portail"

        with pytest.raises(ConfigurationError, match="begin it with /portail/"):
            FlaskAuth(sign.auth, app)


class TestApplicationRoot:
    @pytest.fixture(name="app")
    def _app(self, make_sign: MakeSign) -> Flask:
        """
        An app mounted below the root of its host.
        """
        app = host(APPLICATION_ROOT="/portail")
        site = Site(base_url="http://localhost", path="/portail/auth/")
        FlaskAuth(make_sign(site=site).auth, app)
        return app

    def get(self, app: Flask, path: str, **more: Any) -> Any:
        """
        Ask as a server does that mounts the app.
        """
        return app.test_client().get(path, base_url="http://localhost/portail", **more)

    def test_addresses(self, app: Flask) -> None:
        """
        Forms, styles and the way to S1 all carry the root.
        """
        text = self.get(app, "/auth/").text

        assert 'action="/portail/auth/"' in text
        assert 'href="/portail/auth/static/uness.css?v=' in text
        assert (
            "http://localhost/portail/auth/?next=%2Fportail%2Fprivate"
            == self.get(app, "/private").location
        )

    def test_headers_of_errors(self, app: Flask) -> None:
        """
        Errors below the root have the security headers too.
        """
        answer = app.test_client().open(
            "/auth/", method="FOO", base_url="http://localhost/portail"
        )

        assert 405 == answer.status_code
        assert set(SECURITY_HEADERS) <= all_headers(answer)


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
        self,
        sign: Sign,
        browse: Browse,
        sign_in: SignIn,
        asked: str,
        following: str,
    ) -> None:
        """
        A stranger is led to S1, and after the sign-in to the same page, letter by
        letter.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        browser.cookies.clear()
        browser.visit(asked)
        assert browser.title.startswith("Bienvenue")
        browser.fill("Votre adresse email*", CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill("Votre mot de passe Uness*", "Cheval7+Agrafe")
        browser.press("SE CONNECTER")

        assert following == browser.path
        assert "Camille Durand" in browser.text

    @pytest.mark.parametrize("query", ["\xff", "a=\xc3\xa9", "%ff", "\x80=\x81"])
    def test_a_query_beyond_ascii(self, sign: Sign, query: str) -> None:
        """
        Raw bytes in a query are no 500.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().get(
            "/private", environ_overrides={"QUERY_STRING": query}
        )

        assert 303 == answer.status_code
        assert answer.location.isascii()

    def test_a_form_is_not_asked_for_again(self, sign: Sign) -> None:
        """
        A post by a stranger leads to S1 and then home: nothing is sent twice.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().post("/private")

        assert (303, "http://localhost/auth/") == (answer.status_code, answer.location)

    def test_async_views(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        An asynchronous view is guarded as any other.
        """
        app = host()
        FlaskAuth(sign.auth, app)

        @app.get("/later")
        @login_required
        async def later() -> str:
            return f"<title>Plus tard</title>{current_account.display_name}"

        browser = browse(app)
        browser.visit("/later")
        assert browser.title.startswith("Bienvenue")
        sign_in(browser, sign)
        browser.visit("/later")

        assert "Camille Durand" in browser.text

    def test_without_the_extension(self) -> None:
        """
        An app that was never registered says how to do that.
        """
        app = host()
        app.testing = True

        with pytest.raises(ConfigurationError, match=r"FlaskAuth\(auth, app\)"):
            app.test_client().get("/private")

    def test_not_for_caches(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        P44: what was made for one visitor is kept by no cache.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        browser.visit("/private")
        sign_in(browser, sign)
        for path in ("/", "/private"):
            browser.visit(path)

            assert "no-store" == browser.reply.header("Cache-Control")
            assert "Cookie" in browser.reply.header("Vary")


class TestRecentLoginRequired:
    @pytest.fixture(name="app")
    def _app(self, sign: Sign) -> Flask:
        """
        An app with a page for those who proved just now who they are.
        """
        app = host()
        FlaskAuth(sign.auth, app)

        @app.route("/notes", methods=["GET", "POST"])
        @recent_login_required
        def notes() -> str:
            return f"<title>Notes</title>{current_account.display_name}"

        @app.get("/later")
        @recent_login_required
        async def later() -> str:
            return f"<title>Plus tard</title>{current_account.display_name}"

        return app

    def test_asks_again_after_a_while(
        self,
        app: Flask,
        sign: Sign,
        browse: Browse,
        sign_in: SignIn,
        clock: FixedClock,
    ) -> None:
        """
        Let in, then asked again, then let in once more, on the very page.
        """
        browser = browse(app)
        sign_in(browser, sign)
        for path in ("/notes?a=b", "/later"):
            browser.visit(path)
            assert "Camille Durand" in browser.text
            clock.tick(timedelta(minutes=11))
            browser.visit(path)
            assert browser.title.startswith("Confirmez que c'est bien vous")
            browser.fill("Votre mot de passe Uness*", "Cheval7+Agrafe")
            browser.press("Confirmer")

            assert path == browser.path
            assert "Camille Durand" in browser.text

    def test_a_form_is_not_asked_for_again(
        self,
        app: Flask,
        sign: Sign,
        browse: Browse,
        sign_in: SignIn,
        clock: FixedClock,
    ) -> None:
        """
        A post that comes too late leads to where one proves it, and then home.
        """
        assert "http://localhost/auth/" == app.test_client().post("/notes").location
        browser = browse(app)
        sign_in(browser, sign)
        clock.tick(timedelta(minutes=11))
        client = app.test_client()
        session = browser.cookies["uness-session"]
        client.set_cookie("uness-session", session, domain="localhost")

        assert "http://localhost/auth/again" == client.post("/notes").location

    def test_not_for_caches(self, app: Flask) -> None:
        """
        What depends on who asks is kept by no cache.
        """
        answer = app.test_client().get("/notes")

        assert 303 == answer.status_code
        assert "Cookie" in answer.headers["Vary"]
        assert "no-store" == answer.headers["Cache-Control"]


class TestTemplateHelp:
    def test_ways_to_the_account(self, make_sign: MakeSign) -> None:
        """
        A host's templates learn both addresses, or that there is but one.
        """
        for lists, expected in (
            (MemoryStorage().stores.session_lists, "/auth/account/sessions"),
            (None, ""),
        ):
            stores = attrs.evolve(MemoryStorage().stores, session_lists=lists)
            app = host()
            FlaskAuth(make_sign(stores=stores).auth, app)
            with app.test_request_context("/"):
                shown = render_template_string(
                    "{{ uness_auth.password_url }} {{ uness_auth.sessions_url }}"
                )

            assert f"/auth/account/password {expected}" == shown


class TestCurrentAccount:
    def test_nobody(self, sign: Sign) -> None:
        """
        Where nobody is signed in it is false, and a page says « Connectez-vous ».
        """
        app = host()
        FlaskAuth(sign.auth, app)
        with app.test_request_context("/"):
            assert not bool(current_account)

        assert "Connectez-vous" in app.test_client().get("/").text

    def test_one_request_is_not_the_next(
        self, sign: Sign, browse: Browse, sign_in: SignIn
    ) -> None:
        """
        In an app context that stays open one visitor is never taken for another.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        with app.app_context():
            browser.visit("/")
            assert "Camille Durand" in browser.text
            stranger = browse(app)
            stranger.visit("/")

            assert "Camille Durand" not in stranger.text

    def test_looked_up_once(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        However often a page asks, the store is read once a request.
        """
        app = host()
        extension = FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        cookies = "; ".join(f"{k}={v}" for k, v in browser.cookies.items())
        with app.test_request_context("/", headers={"Cookie": cookies}):
            assert extension.resume() is extension.resume()
            assert CAMILLE == current_account.address

    def test_a_dead_session(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        A cookie that opens nothing is left alone: an answer that is late would take
        away what another tab has just been given.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        sign.auth.provisioning.sign_out(CAMILLE)
        browser.visit("/")

        assert "Connectez-vous" in browser.text
        assert "uness-session" in browser.cookies

    def test_signing_in_over_a_dead_session(
        self, sign: Sign, browse: Browse, sign_in: SignIn
    ) -> None:
        """
        An app that asks on every request who is signed in does not take the new cookie
        back with the old one.
        """
        app = host()
        extension = FlaskAuth(sign.auth, app)
        asks = {"/auth/password"}

        @app.before_request
        def ask() -> None:
            if request.path in asks:
                extension.resume()

        browser = browse(app)
        sign_in(browser, sign)
        sign.auth.provisioning.sign_out(CAMILLE)
        browser.visit("/auth/")
        browser.fill("Votre adresse email*", CAMILLE)
        browser.press("SE CONNECTER")
        assert "uness-session" in browser.cookies
        browser.fill("Votre mot de passe Uness*", "Cheval7+Agrafe")
        browser.press("SE CONNECTER")

        assert "Bonjour Camille Durand" in browser.text


class TestSignals:
    def test_every_event(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        Events arrive as blinker signals, sent with the app.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        heard: list[tuple[Flask, EventKind]] = []

        def hear(sender: Flask, event: Event) -> None:
            heard.append((sender, event.kind))

        signals[EventKind.SIGNED_IN].connect(hear)
        signals[EventKind.PASSWORD_SET].connect(hear)
        sign_in(browse(app), sign)

        assert [
            (app, EventKind.PASSWORD_SET),
            (app, EventKind.SIGNED_IN),
        ] == heard

    def test_one_for_each_kind(self) -> None:
        """
        No kind is without its signal.
        """
        assert set(EventKind) == set(signals)


class TestTemplates:
    def test_a_host_overrides_ours(self, make_sign: MakeSign, tmp_path: Path) -> None:
        """
        The app's own templates/uness_auth/ come before ours, one by one.
        """
        folder = tmp_path / "uness_auth"
        folder.mkdir()
        (folder / "base.html").write_text(
            '{% extends "uness_auth/layout.html" %}'
            "{% block account %}<p>{{ uness_auth.sign_in_url }}</p>{% endblock %}"
        )
        (folder / "stop.html").write_text("<title>Le nôtre</title>{{ view.heading }}")
        app = Flask("app", template_folder=str(tmp_path))
        FlaskAuth(make_sign().auth, app)
        client = app.test_client()

        assert "<p>/auth/</p>" in client.get("/auth/").text
        assert "Le nôtre" in client.get("/auth/nothing").text

    def test_sign_out_form(self, sign: Sign, browse: Browse, sign_in: SignIn) -> None:
        """
        The button in the host's own page signs out.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        assert "Bonjour Camille Durand" in browser.text
        browser.press("Se déconnecter")

        assert "/auth/signed-out" == browser.path
        browser.visit("/")
        assert "Connectez-vous" in browser.text

    def test_sign_out_form_alone(self, sign: Sign) -> None:
        """
        A page that holds the form is no cache's, whoever asked for it.
        """
        app = Flask("app")
        FlaskAuth(sign.auth, app)
        app.add_url_rule(
            "/",
            "home",
            lambda: render_template_string("{{ uness_auth.sign_out_form }}"),
        )
        answer = app.test_client().get("/")

        assert '<form method="post" action="/auth/sign-out">' in answer.text
        assert "no-store" == answer.headers["Cache-Control"]

    def test_static_url(self, sign: Sign) -> None:
        """
        A host's page may use our style sheet.
        """
        app = Flask("app")
        FlaskAuth(sign.auth, app)
        app.add_url_rule(
            "/",
            "home",
            lambda: render_template_string("{{ uness_auth.static_url('uness.css') }}"),
        )
        client = app.test_client()
        answer = client.get(client.get("/").text)

        assert (200, "text/css; charset=utf-8") == (
            answer.status_code,
            answer.content_type,
        )


class TestChangePassword:
    def test_leads_to_the_page_of_the_account(self, sign: Sign) -> None:
        """
        Password managers find where it is changed, whatever Host they send.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().get(
            "/.well-known/change-password", base_url="http://evil.example"
        )

        assert 303 == answer.status_code
        assert "http://localhost/auth/account/password" == answer.location

    def test_the_hosts_own(self, sign: Sign) -> None:
        """
        An app that has the address already keeps it.
        """
        app = Flask("app")
        app.add_url_rule("/.well-known/change-password", "own", lambda: "own")
        FlaskAuth(sign.auth, app)

        assert "own" == app.test_client().get("/.well-known/change-password").text


class TestFlaskWtf:
    @pytest.mark.parametrize("comes_first", [True, False])
    def test_stands_beside_ours(
        self, sign: Sign, browse: Browse, sign_in: SignIn, comes_first: bool
    ) -> None:
        """
        Its guard lets our forms pass, in either order, and still guards the app's.
        """
        app = host(SECRET_KEY="for tests alone")
        if comes_first:
            CSRFProtect(app)
        FlaskAuth(sign.auth, app)
        if not comes_first:
            CSRFProtect(app)
        browser = browse(app)
        sign_in(browser, sign)

        assert "Bonjour Camille Durand" in browser.text
        assert 400 == app.test_client().post("/").status_code
        browser.press("Se déconnecter")
        assert "/auth/signed-out" == browser.path

    def test_our_guard_still_guards(self, sign: Sign) -> None:
        """
        What its guard lets pass, ours refuses.
        """
        app = host(SECRET_KEY="for tests alone")
        CSRFProtect(app)
        FlaskAuth(sign.auth, app)

        answer = app.test_client().post("/auth/", data={"email": CAMILLE})

        assert 403 == answer.status_code


class TestNeighbours:
    @pytest.mark.parametrize("how", ["form", "get_data", "values", "get_json"])
    def test_a_body_that_was_read_before(
        self, sign: Sign, browse: Browse, sign_in: SignIn, how: str
    ) -> None:
        """
        An app that reads bodies before us takes no form away.
        """
        app = host()
        FlaskAuth(sign.auth, app)

        @app.before_request
        def read() -> None:
            match how:
                case "form":
                    assert request.form is not None
                case "get_data":
                    assert request.get_data() is not None
                case "values":
                    assert request.values is not None
                case _:
                    assert request.get_json(silent=True) is None

        browser = browse(app)
        sign_in(browser, sign)

        assert "Bonjour Camille Durand" in browser.text

    def test_a_repeated_field_stays_repeated(self, sign: Sign) -> None:
        """
        Also where the app had the form parsed.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        app.before_request(lambda: request.form and None)
        answer = app.test_client().post("/auth/", data={"email": ["a", "b"]})

        assert 400 == answer.status_code

    @pytest.mark.parametrize("limit", [10, 1_000_000])
    @pytest.mark.parametrize("is_read", [True, False])
    def test_max_content_length(self, sign: Sign, limit: int, is_read: bool) -> None:
        """
        The app's own limit may be smaller than ours or larger: 413 with our headers.
        """
        app = host(MAX_CONTENT_LENGTH=limit)
        FlaskAuth(sign.auth, app)
        if is_read:
            app.before_request(lambda: request.form and None)
        answer = app.test_client().post("/auth/", data={"email": "a" * 20_000})

        assert 413 == answer.status_code
        assert set(SECURITY_HEADERS) <= all_headers(answer)

    def test_small_bodies_over_a_smaller_limit(self, sign: Sign) -> None:
        """
        A body that we would take and the app would not is too large too.
        """
        app = host(MAX_CONTENT_LENGTH=10)
        FlaskAuth(sign.auth, app)
        answer = app.test_client().post("/auth/", data={"email": "a" * 100})

        assert 413 == answer.status_code

    def test_no_length(self, sign: Sign) -> None:
        """
        A body in chunks is read as far as a form may go.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        for size, status in ((100, 403), (100_000, 413)):
            answer = app.test_client().post(
                "/auth/",
                input_stream=BytesIO(b"a=" + b"b" * size),
                headers={"Transfer-Encoding": "chunked"},
                content_type="application/x-www-form-urlencoded",
                environ_overrides={"wsgi.input_terminated": True},
            )

            assert status == answer.status_code

    @pytest.mark.parametrize(
        "environ",
        [
            {"CONTENT_LENGTH": "9"},
            {"wsgi.input_terminated": True, "wsgi.input": BrokenChunks()},
        ],
        ids=["gone", "chunks"],
    )
    def test_a_body_that_breaks_off(self, sign: Sign, environ: dict[str, Any]) -> None:
        """
        Half a form is no form, whether the client has left or chunks are none: 400, and
        the page that says so.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().post(
            "/auth/",
            input_stream=BytesIO(b"email=a"),
            content_type="application/x-www-form-urlencoded",
            environ_overrides=environ,
        )

        assert 400 == answer.status_code
        assert "<title>Demande incomprise" in answer.text


class TestStoreDown:
    @pytest.fixture(name="portal")
    def _portal(self, make_sign: MakeSign) -> tuple[Sign, Broken]:
        """
        A sign-in whose session store can be broken.
        """
        stores = MemoryStorage().stores
        broken = Broken(stores)
        return make_sign(stores=attrs.evolve(stores, sessions=broken)), broken

    @pytest.mark.parametrize("path", ["/", "/private", "/auth/", "/auth/signed-out"])
    def test_on_every_page(
        self,
        portal: tuple[Sign, Broken],
        browse: Browse,
        sign_in: SignIn,
        path: str,
        tmp_path: Path,
    ) -> None:
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
        sign, broken = portal
        app = host()
        app.template_folder = str(tmp_path)
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)
        before = dict(browser.cookies)
        broken.is_down = True
        browser.visit(path)

        assert 503 == browser.status
        assert "30" == browser.reply.header("Retry-After")
        assert {name.lower() for name, _ in SECURITY_HEADERS} <= {
            name.lower() for name, _ in browser.reply.headers
        }
        broken.is_down = False
        assert before == browser.cookies
        browser.visit("/")
        assert "Bonjour Camille Durand" in browser.text


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/auth/", 200),
            ("HEAD", "/auth/", 200),
            ("GET", "/auth", 303),
            ("GET", "/auth//", 404),
            ("GET", "/auth//link//x", 404),
            ("GET", "/auth/link//x", 404),
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
        P44: pages, redirects and errors, those of Flask itself too.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().open(path, method=method)

        assert status == answer.status_code
        assert set(SECURITY_HEADERS) <= all_headers(answer)

    def test_the_hosts_own_pages_are_left_alone(self, sign: Sign) -> None:
        """
        What does not ask who is signed in gets nothing from us.
        """
        app = Flask("app")
        FlaskAuth(sign.auth, app)
        app.add_url_rule("/", "home", lambda: "hello")
        app.add_url_rule("/authors", "authors", lambda: "hello")

        for path in ("/", "/authors"):
            answer = app.test_client().get(path)
            assert {"Content-Type", "Content-Length"} == set(answer.headers.keys())

    def test_static_files_are_cached_for_ever(self, sign: Sign) -> None:
        """
        The same for everybody, whatever cookies say.
        """
        app = host()
        extension = FlaskAuth(sign.auth, app)

        @app.before_request
        def ask() -> None:
            extension.resume()

        client = app.test_client()
        url = re.findall(r'href="([^"]+uness\.css[^"]*)"', client.get("/auth/").text)[0]
        answer = client.get(url)

        assert "public, max-age=31536000, immutable" == answer.headers["Cache-Control"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert {"Vary", "Set-Cookie"}.isdisjoint(answer.headers.keys())


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("%0Alink/x", "Page introuvable"),
            ("nothing%0A", "Page introuvable"),
            ("link/", "Page introuvable"),
            ("link/x%0A", "Lien incomplet"),
            ("link//x", "Lien incomplet"),
        ],
    )
    def test_odd_ones(self, sign: Sign, path: str, title: str) -> None:
        """
        Line breaks and slashes leave nothing below our path to werkzeug's own pages.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().get(f"/auth/{path}")

        assert 404 == answer.status_code
        assert f"<title>{title}" in answer.text


class TestHost:
    @pytest.mark.parametrize("path", ["/auth", "/auth//", "/auth//password", "/auth/"])
    @pytest.mark.parametrize(
        "evil", ["evil.example", "evil.example:80", "a/b", "[", ""]
    )
    def test_no_redirect_follows_it(self, sign: Sign, path: str, evil: str) -> None:
        """
        P12: wherever we lead, it is below the base URL.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        answer = app.test_client().get(
            path,
            headers={"X-Forwarded-Host": evil, "X-Forwarded-Proto": "http"},
            environ_overrides={"HTTP_HOST": evil},
        )

        location = answer.headers.get("Location", "http://localhost/")
        assert location.startswith("http://localhost/")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "80"},
            {"Forwarded": "host=evil.example;proto=http"},
            {"X-Original-Host": "evil.example", "X-Host": "evil.example"},
        ],
    )
    def test_no_link_follows_it(
        self, make_sign: MakeSign, headers: dict[str, str]
    ) -> None:
        """
        P12, P13: the link in a mail begins with the base URL, scheme included.
        """
        sign = make_sign(site=Site(base_url="http://localhost:8000"), trusted_proxies=1)
        sign.auth.provisioning.add(CAMILLE)
        app = host()
        FlaskAuth(sign.auth, app)
        client = app.test_client(use_cookies=False)
        page = client.get("/auth/", headers=headers)
        csrf = re.findall('name="csrf" value="([^"]+)"', page.text)[0]
        cookie = f"uness-browser={_cookie(page, 'uness-browser')}"
        client.post(
            "/auth/",
            data={"email": CAMILLE, "csrf": csrf},
            headers={**headers, "Cookie": cookie},
        )

        assert sign.outbox.link(CAMILLE).startswith("http://localhost:8000/auth/link/")
        assert "evil" not in sign.outbox.last_text(CAMILLE)


def _cookie(response: Any, name: str) -> str:
    values: list[str] = response.headers.getlist("Set-Cookie")
    return next(
        value.partition("=")[2].partition(";")[0]
        for value in values
        if value.startswith(f"{name}=")
    )


class TestCookies:
    def test_on_a_loopback_address(
        self, sign: Sign, browse: Browse, sign_in: SignIn
    ) -> None:
        """
        Plain names, HttpOnly, Lax, and not Secure.
        """
        app = host()
        FlaskAuth(sign.auth, app)
        browser = browse(app)
        sign_in(browser, sign)

        assert {"uness-session", "uness-browser", "uness-device"} == set(
            browser.cookies
        )

    def test_over_https(self, make_sign: MakeSign) -> None:
        """
        The prefix, and with it Secure, Path and no Domain, to the letter.
        """
        stores = MemoryStorage().stores
        fit = {
            name: Fit(store)
            for name, store in attrs.asdict(stores, recurse=False).items()
        }
        site = Site(base_url=HTTPS)
        sign = make_sign(
            site=site,
            stores=attrs.evolve(stores, **fit),
            mailer=Fit(Outbox()),
            hashing=None,
            keys=KEYS,
            trusted_proxies=0,
        )
        app = host()
        FlaskAuth(sign.auth, app)
        client = app.test_client(use_cookies=False)
        fresh = client.get("/auth/", base_url=HTTPS).headers.getlist("Set-Cookie")
        kept = client.get(
            "/private", base_url=HTTPS, headers={"Cookie": "__Host-uness-session=x"}
        ).headers.getlist("Set-Cookie")

        assert [] == kept
        assert re.fullmatch(
            r"__Host-uness-browser=[\w-]{22}; (Expires=[^;]+; )?Max-Age=15552000; Secure; "
            r"HttpOnly; Path=/; SameSite=Lax",
            fresh[0],
        )
