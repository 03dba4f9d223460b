"""
The adapter for Flask: request in, page or redirect out, cookies, registration.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial, wraps
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar, assert_never, cast, overload
from urllib.parse import urlencode

from blinker import NamedSignal, Namespace
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from markupsafe import Markup
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.local import LocalProxy
from werkzeug.routing import PathConverter

from .cli import hung_on
from .errors import ConfigurationError, StorageError
from .events import Event, EventKind
from .model import Account
from .outcomes import NotSignedIn, ResumeAnswer, Resumed
from .web.forms import BROKEN_OFF
from .web.http import CSP, SECURITY_HEADERS, Answer, Cookie, Page, Redirect, Request
from .web.logs import ACCESS_LOGGERS, mask_link_tokens
from .web.redirects import encoded_path
from .web.registration import WELL_KNOWN, check_free, prefix_below
from .web.routes import Route
from .web.site import SignInSite
from .web.static import CACHE_CONTROL, read_static
from .wiring import UnessAuth


P = ParamSpec("P")
R = TypeVar("R")

EXTENSION: Final = "uness_auth"
# Kept in the environ, which is one request's own; `g` lives as long as the app context
# that a test or a shell holds open, and would show one visitor to the next.
_RESUMED: Final = "uness_auth.resumed"
_STORE_FAILED: Final = "uness_auth.store_failed"
# Every method reaches our own 405, with its page and its headers.
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# From the environment itself: werkzeug's look-up by name costs ten times as much.
HEADERS: Final = (
    ("content-type", "CONTENT_TYPE"),
    ("content-length", "CONTENT_LENGTH"),
    ("cookie", "HTTP_COOKIE"),
    ("origin", "HTTP_ORIGIN"),
    ("sec-fetch-site", "HTTP_SEC_FETCH_SITE"),
    ("accept-language", "HTTP_ACCEPT_LANGUAGE"),
    ("user-agent", "HTTP_USER_AGENT"),
    ("x-forwarded-for", "HTTP_X_FORWARDED_FOR"),
)

_namespace: Final = Namespace()
signals: Final[Mapping[EventKind, NamedSignal]] = MappingProxyType(
    {kind: _namespace.signal(f"uness-auth-{kind}") for kind in EventKind}
)
"""One blinker signal per kind of event; sent with the app, and ``event=``."""


class _Rest(PathConverter):
    """
    Whatever is left of a path, slashes at its start and line breaks too.

    Werkzeug would tidy them away with a redirect, at the host that the client named.
    """

    NAME: Final = "uness_auth_rest"
    regex = "(?s:.*?)"
    part_isolating = False


class _Token(PathConverter):
    """
    Whatever stands where a link's token stands, so that what is none is told as such.
    """

    NAME: Final = "uness_auth_token"
    regex = "(?s:.+?)"
    part_isolating = False


class FlaskAuth:
    """
    The sign-in of *auth* in a Flask app.

    Args:
        auth: The wired sign-in.

        app: Registered at once; or call `init_app` later.
    """

    def __init__(self, auth: UnessAuth, app: Flask | None = None) -> None:
        self.auth = auth
        self.site: SignInSite = SignInSite(auth)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Register the pages, the session and the signals in *app*.

        Raises:
            uness_auth.errors.ConfigurationError: The app has the extension already,
                or another page below `Site.path`.
        """
        root = cast("str", app.config["APPLICATION_ROOT"]).rstrip("/")
        prefix = prefix_below(root, self.auth.site.path, setting="APPLICATION_ROOT")
        if EXTENSION in app.extensions:
            msg = "FlaskAuth.init_app() was called twice for this app: call it once"
            raise ConfigurationError(msg)
        check_free(prefix, [rule.rule for rule in app.url_map.iter_rules()])
        app.extensions[EXTENSION] = self
        app.url_map.converters |= {_Rest.NAME: _Rest, _Token.NAME: _Token}
        app.register_blueprint(self._blueprint(), url_prefix=prefix)
        if not any(rule.rule == WELL_KNOWN for rule in app.url_map.iter_rules()):
            app.add_url_rule(
                WELL_KNOWN,
                f"{EXTENSION}_change_password",
                self._to_password,
                methods=METHODS,
                provide_automatic_options=False,
            )
        # First of all, so that a CSRF guard that comes later finds us exempt.
        app.before_request_funcs.setdefault(None, []).insert(0, self._exempt)
        _ = app.after_request(self._after)
        _ = app.context_processor(lambda: {"uness_auth": TemplateHelp(self)})
        app.register_error_handler(StorageError, self._store_failed)
        self.auth.subscribe(partial(_send_signal, app))
        app.cli.add_command(hung_on(lambda: self.auth, name="uness-auth"))
        # The app's own log too: it names the path of a request that failed.
        mask_link_tokens((*ACCESS_LOGGERS, app.name))

    def resume(self) -> ResumeAnswer:
        """
        Say who is signed in, looking once a request.
        """
        if _STORE_FAILED in request.environ:
            # On the page that says so, which the app's own layout may surround.
            return NotSignedIn()
        if _RESUMED not in request.environ:
            request.environ[_RESUMED] = self.site.resume(_request())
        return cast("ResumeAnswer", request.environ[_RESUMED])

    def _blueprint(self) -> Blueprint:
        blueprint = Blueprint(EXTENSION, __name__, template_folder="templates")
        for route in self.site.routes:
            rule = "/" + route.path.replace("{token}", f"<{_Token.NAME}:token>")
            self._add(blueprint, rule, route.name, partial(self._serve, route))
        self._add(blueprint, "/static/<path:name>", "static_file", _static_file)
        self._add(blueprint, f"/<{_Rest.NAME}:rest>", "not_found", self._not_found)
        # The path without its slash, at our own host.
        self._add(blueprint, "", "start", self._to_start)
        return blueprint

    def _add(
        self, blueprint: Blueprint, rule: str, name: str, view: Callable[..., Response]
    ) -> None:
        blueprint.add_url_rule(
            rule, name, view, methods=METHODS, provide_automatic_options=False
        )

    def _serve(self, route: Route, token: str = "") -> Response:
        return _response(self.site.answer(route, _request(), token=token))

    def _to_start(self) -> Response:
        return _response(Redirect(location=self.auth.site.url()))

    def _to_password(self) -> Response:
        url = self.auth.site.base_url + self.site.password_path
        return _response(Redirect(location=url))

    def _not_found(self, rest: str) -> Response:  # noqa: ARG002 - what was asked for is not echoed
        return _response(self.site.not_found(_request()))

    def _store_failed(self, error: StorageError) -> Response:
        current_app.logger.error("a store failed", exc_info=error)
        request.environ[_STORE_FAILED] = True
        return _response(self.site.store_failed(_request()))

    def _exempt(self) -> None:
        # Flask-WTF's guard asks for its own field, which our forms do not have.
        guard = current_app.extensions.get("csrf")
        if guard is not None and request.blueprint == EXTENSION:
            guard.exempt(current_app.blueprints[EXTENSION])

    def _after(self, response: Response) -> Response:
        if request.endpoint == f"{EXTENSION}.static_file":
            # The same for everybody, and cached for ever.
            return response
        if f"{_path()}/".startswith(self.auth.site.path):
            self._finish(response)
        resumed = request.environ.get(_RESUMED)
        if resumed is not None:
            # What was made for one person is shown to nobody else, nor after they
            # signed out.
            response.vary.add("Cookie")
            _ = response.headers.setdefault("Cache-Control", "no-store")
        # A cookie that opens nothing stays: an answer that is late would otherwise
        # take away what another tab has just been given.
        return response

    def _finish(self, response: Response) -> None:
        if CSP not in response.headers:
            # Not one of our own answers: werkzeug's, for what no route takes.
            for name, value in SECURITY_HEADERS:
                _ = response.headers.setdefault(name, value)


class TemplateHelp:
    """
    What a host's templates see as ``uness_auth``.
    """

    def __init__(self, extension: FlaskAuth) -> None:
        self._extension = extension

    @property
    def account(self) -> Account | None:
        """
        The account that is signed in, or None.
        """
        return _account()

    @property
    def sign_in_url(self) -> str:
        """
        Where « Connectez-vous » leads.
        """
        return self._extension.auth.site.path

    @property
    def password_url(self) -> str:
        """
        Where the signed-in person changes their password.
        """
        return self._extension.site.password_path

    @property
    def sessions_url(self) -> str:
        """
        Where they see and close their sessions; empty where the stores list none.
        """
        return self._extension.site.sessions_path

    def static_url(self, name: str, /) -> str:
        """
        The address of our style sheet, for pages of the same look: ``uness.css``.
        """
        return self._extension.site.pages.static_url(name)

    @property
    def sign_out_form(self) -> Markup:
        """
        A form with one button, « Se déconnecter ».
        """
        # The form is one visitor's own: asking who that is keeps the page from caches.
        _ = self._extension.resume()
        view = self._extension.site.sign_out_form(_request())
        return Markup(render_template(view.template, view=view))  # noqa: S704 - our own template, escaped


def _account() -> Account | None:
    match _extension().resume():
        case Resumed(account=account):
            return account
        case NotSignedIn():
            return None
        case _ as never:
            assert_never(never)


current_account: Account = cast("Account", LocalProxy(_account))
"""The `uness_auth.Account` that is signed in; false where nobody is."""


@overload
def login_required(
    view: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, R | Response]: ...


@overload
def login_required(view: Callable[P, R]) -> Callable[P, R | Response]: ...


def login_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """
    Let only a signed-in visitor reach *view*; others go to S1 and come back after.
    """
    return _guarded(view, recent=False)


@overload
def recent_login_required(
    view: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, R | Response]: ...


@overload
def recent_login_required(view: Callable[P, R]) -> Callable[P, R | Response]: ...


def recent_login_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """
    Let only those reach *view* who proved just now who they are.

    Others who are signed in are asked again and come back after; strangers go to S1.
    How long that counts is `uness_auth.SessionPolicy.recent`.

    A form that comes too late is lost, and they end on the home page.  So guard the
    page that holds the form too: they are then asked before they fill it in.
    """
    return _guarded(view, recent=True)


def _guarded(view: Callable[P, Any], *, recent: bool) -> Callable[P, Any]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        extension = _extension()
        way = extension.site.way_to(extension.resume(), _back(), recent=recent)
        if way:
            return make_response(redirect(way, 303))
        return current_app.ensure_sync(view)(*args, **kwargs)

    return guarded


def _back() -> str:
    if request.method not in {"GET", "HEAD"}:
        return ""
    return encoded_path(_path(), request.query_string)


def _path() -> str:
    return request.root_path + request.path


def _extension() -> FlaskAuth:
    try:
        return cast("FlaskAuth", current_app.extensions[EXTENSION])
    except KeyError as exc:
        msg = "this app has no sign-in: call FlaskAuth(auth, app) when it is made"
        raise ConfigurationError(msg) from exc


def _request() -> Request:
    environ = request.environ
    return Request(
        method=request.method,
        path=_path(),
        query=request.query_string.decode("ascii", "replace"),
        headers={name: environ[key] for name, key in HEADERS if environ.get(key)},
        peer=environ.get("REMOTE_ADDR") or None,
        read=_read,
    )


def _read(limit: int) -> bytes:
    if "form" in request.__dict__:
        # Somebody before us had the form parsed, which empties the stream.
        pairs = list(request.form.items(multi=True))
        return urlencode(pairs).encode("ascii")[:limit]
    length = request.content_length
    try:
        if length is None or length > limit:
            return request.stream.read(limit)
        # Somebody before us may have read it, for a log or a signature.
        return request.get_data()
    except RequestEntityTooLarge:
        # The app's own MAX_CONTENT_LENGTH is smaller than ours.
        return bytes(limit)
    except (ClientDisconnected, OSError):
        # It ended early, or came in chunks that are none: half a form is no attempt.
        return BROKEN_OFF


def _response(answer: Answer) -> Response:
    response = make_response(_body(answer), answer.status, list(answer.headers))
    for cookie in answer.cookies:
        _set_cookie(response, cookie)
    return response


def _body(answer: Answer) -> str:
    match answer:
        case Page(template=template, view=view):
            return render_template(template, view=view)
        case Redirect():
            return ""
        case _ as never:
            assert_never(never)


def _set_cookie(response: Response, cookie: Cookie) -> None:
    response.set_cookie(
        cookie.name,
        cookie.cookie_value,
        max_age=cookie.max_age,
        path="/",
        secure=cookie.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _static_file(name: str) -> Response:
    found = read_static(name)
    if found is None or request.method not in {"GET", "HEAD"}:
        return _response(_extension().site.not_found(_request()))
    content, media_type = found
    response = make_response(content)
    for header, value in SECURITY_HEADERS:
        response.headers[header] = value
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = CACHE_CONTROL
    del response.headers["Vary"]
    return response


def _send_signal(app: Flask, event: Event) -> None:
    _ = signals[event.kind].send(app, event=event)
