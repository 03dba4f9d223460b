"""
The adapter for Starlette and FastAPI: request in, page or redirect out, cookies,
registration.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial, wraps
from typing import Any, Final, ParamSpec, TypeVar, assert_never, cast, overload
from urllib.parse import urlencode

import attrs
from anyio import CapacityLimiter, to_thread
from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.authentication import BaseUser
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ConfigurationError, StorageError
from .model import Account
from .outcomes import NotSignedIn, ResumeAnswer, Resumed
from .web import http
from .web import routes as pages
from .web.forms import LONGEST_BODY
from .web.http import SECURITY_HEADERS, Answer, Page, Redirect
from .web.logs import mask_link_tokens
from .web.redirects import encoded_path
from .web.site import SignInSite
from .web.static import CACHE_CONTROL, read_static
from .wiring import UnessAuth


P = ParamSpec("P")
R = TypeVar("R")

EXTENSION: Final = "uness_auth"
WELL_KNOWN: Final = "/.well-known/change-password"
CSP: Final = "Content-Security-Policy"
# What the web layer reads.
HEADERS: Final = {
    name.encode(): name
    for name in (
        "content-type",
        "content-length",
        "cookie",
        "origin",
        "sec-fetch-site",
        "accept-language",
        "x-forwarded-for",
    )
}
# Threads for whatever does not hash: a store answers in milliseconds, and has hardly
# more connections than these.
THREADS: Final = 16
# Threads beside those that hash and those that wait for a slot: they look for the
# account, or are told at once that it is busy.
SPARE_THREADS: Final = 8
# That an answer depends on cookies is said once.
_VARIES: Final = re.compile(r"(?:^|,)\s*(?:cookie\s*(?:,|$)|\*)", re.IGNORECASE)
# How the path of a route ends that takes the token of a link.
_REST: Final = "/{token}"
_logger: Final = logging.getLogger(__name__)


class StarletteAuth:
    """
    The sign-in of *auth* in a Starlette or FastAPI app.

    Args:
        auth: The wired sign-in.

        app: Registered at once; or call `init_app` later; or give `routes` and
            `middleware` to the app.

        templates:
            The app's own.  A template of ours is looked for among them first, and all
            of them see ``uness_auth``.

        root_path:
            What the app is mounted below, by its server or in another app.
    """

    def __init__(
        self,
        auth: UnessAuth,
        app: Starlette | None = None,
        *,
        templates: Jinja2Templates | None = None,
        root_path: str = "",
    ) -> None:
        self.auth = auth
        self.site: SignInSite = SignInSite(auth)
        self.root_path = root_path
        with_token = [one for one in self.site.routes if one.path.endswith(_REST)]
        self._with_token = {one.path.removesuffix(_REST): one for one in with_token}
        self._plain = {
            one.path: one for one in self.site.routes if one not in with_token
        }
        self.templates: Jinja2Templates = self._templates_with(templates)
        room = auth.password_sign_in.slots.room
        self._hashing = CapacityLimiter(room + SPARE_THREADS)
        self._others = CapacityLimiter(THREADS)
        mask_link_tokens()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """
        Register the pages and the session in *app*.

        Raises:
            uness_auth.errors.ConfigurationError: The app has a sign-in already, or
                another page below `Site.path`.
        """
        if hasattr(app.state, EXTENSION):
            msg = "StarletteAuth.init_app() was called twice for this app: call it once"
            raise ConfigurationError(msg)
        theirs = list(_paths(app.routes))
        _check_free(theirs, _prefix(self.auth.site.path, self.root_path))
        app.add_middleware(_SessionMiddleware, self)
        app.state.uness_auth = self
        # Before theirs, of which one may take every path.
        app.router.routes[:0] = [
            route for route in self.routes if getattr(route, "path", "") not in theirs
        ]

    @property
    def routes(self) -> list[BaseRoute]:
        """
        The pages: ``Starlette(routes=[*sign_in.routes, …])``, before whatever else.
        """
        prefix = _prefix(self.auth.site.path, self.root_path)
        return [
            _whole(_any_method(prefix + "/{path:path}", self._page, EXTENSION)),
            # The path without its slash, at our own host.
            _any_method(prefix, self._to_start),
            _any_method(WELL_KNOWN, self._to_start),
        ]

    @property
    def middleware(self) -> Middleware:
        """
        The session: ``Starlette(middleware=[sign_in.middleware, …])``.
        """
        return Middleware(_SessionMiddleware, self)

    def context(self, request: Request) -> dict[str, Any]:
        """
        Return what templates see: a context processor of `templates` already.
        """
        return {EXTENSION: TemplateHelp(self, request)}

    async def in_thread(
        self, call: Callable[[], R], limiter: CapacityLimiter | None = None
    ) -> R:
        """
        Run *call* in a thread; once begun, to its end.

        A visitor who leaves while a password is compared has tried it: the attempt is
        counted, and the slot given back.
        """
        return await to_thread.run_sync(call, limiter=limiter or self._others)

    async def store_failed(self, request: Request) -> Response:
        """
        Return the page of a store that failed on a page of the host.
        """
        page = partial(self.site.store_failed, _visit(request).request)
        return await self.in_thread(lambda: self._response(page(), request))

    async def _page(self, request: Request) -> Response:
        path: str = request.path_params["path"]
        route = self._plain.get(path)
        if route is not None:
            return await self._serve(route, request)
        before, _, rest = path.partition("/")
        route = self._with_token.get(before)
        if route is not None and rest:
            return await self._serve(route, request, token=rest)
        if before == "static":
            return await self._static_file(rest, request)
        return await self._not_found(request)

    async def _serve(
        self, route: pages.Route, request: Request, token: str = ""
    ) -> Response:
        asked = _visit(request).request
        may_hash = False
        if request.method == "POST" and "POST" in route.handlers:
            # Here, where a body that trickles in holds no thread.
            body = await _body(request)
            asked = attrs.evolve(asked, read=partial(_first, body))
            may_hash = route.may_hash
        return await self.in_thread(
            lambda: self._response(
                self.site.answer(route, asked, token=token), request
            ),
            self._hashing if may_hash else self._others,
        )

    async def _to_start(self, request: Request) -> Response:
        return self._response(Redirect(location=self.auth.site.url()), request)

    async def _not_found(self, request: Request) -> Response:
        page = partial(self.site.not_found, _visit(request).request)
        return await self.in_thread(lambda: self._response(page(), request))

    async def _static_file(self, name: str, request: Request) -> Response:
        found = read_static(name)
        if found is None or request.method not in {"GET", "HEAD"}:
            return await self._not_found(request)
        _visit(request).is_for_everybody = True
        content, media_type = found
        response = Response(content, headers=dict(SECURITY_HEADERS))
        response.headers["Content-Type"] = media_type
        response.headers["Cache-Control"] = CACHE_CONTROL
        del response.headers["Vary"]
        return response

    def _response(self, answer: Answer, request: Request) -> Response:
        headers = dict(answer.headers)
        response: Response
        match answer:
            case Page(template=template, view=view, status=status):
                response = self.templates.TemplateResponse(
                    request, template, {"view": view}, status, headers
                )
            case Redirect(status=status):
                response = Response(status_code=status, headers=headers)
            case _ as never:
                assert_never(never)
        for cookie in answer.cookies:
            response.set_cookie(
                cookie.name,
                cookie.cookie_value,
                max_age=cookie.max_age,
                secure=cookie.is_secure,
                httponly=True,
                samesite="lax",
            )
        return response

    def _templates_with(self, theirs: Jinja2Templates | None) -> Jinja2Templates:
        ours: BaseLoader = PackageLoader(EXTENSION)
        if theirs is None:
            env, processors = Environment(loader=ours, autoescape=True), []
        else:
            loaders = [theirs.env.loader, ours] if theirs.env.loader else [ours]
            # Escaped, whatever the app does with its own.
            env = theirs.env.overlay(loader=ChoiceLoader(loaders), autoescape=True)
            processors = theirs.context_processors
        processors.append(self.context)
        return Jinja2Templates(env=env, context_processors=processors)


class TemplateHelp:
    """
    What a host's templates see as ``uness_auth``.
    """

    def __init__(self, extension: StarletteAuth, request: Request) -> None:
        self._extension = extension
        self._request = request

    @property
    def account(self) -> Account | None:
        """
        The account that is signed in, or None.
        """
        return _visit(self._request).account

    @property
    def sign_in_url(self) -> str:
        """
        Where « Connectez-vous » leads.
        """
        return self._extension.auth.site.path

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
        visit = _visit(self._request)
        # The form is one visitor's own: asking who that is keeps the page from caches.
        _ = visit.account
        view = self._extension.site.sign_out_form(visit.request)
        template = self._extension.templates.get_template(view.template)
        return Markup(template.render(view=view))  # noqa: S704 - our own template, escaped


class CurrentUser(BaseUser):
    """
    Who is signed in, as ``request.user``; ``request.auth`` has the scope
    ``authenticated`` to match.

    Raises:
        uness_auth.errors.StorageError: Whoever looks, while the store cannot be
            reached: nobody is taken for signed in, nor for signed out.
    """

    def __init__(self, visit: _Visit) -> None:
        self._visit = visit

    @property
    def account(self) -> Account | None:
        """
        The account, or None.
        """
        return self._visit.account

    @property
    def is_authenticated(self) -> bool:
        """
        Whether somebody is signed in.
        """
        return self.account is not None

    @property
    def display_name(self) -> str:
        """
        The account's name, else its address; empty where nobody is signed in.
        """
        account = self.account
        return (account.display_name or account.address) if account else ""

    @property
    def identity(self) -> str:
        """
        The account's id; empty where nobody is signed in.
        """
        return self.account.id if self.account else ""


class _Credentials:
    """
    What Starlette's ``@requires`` asks for.
    """

    def __init__(self, visit: _Visit) -> None:
        self._visit = visit

    @property
    def scopes(self) -> list[str]:
        return ["authenticated"] if self._visit.account else []


class _Visit:
    """
    One request, and who is signed in: asked once, told as often as one likes.
    """

    __slots__ = (
        "_answer",
        "_failure",
        "_site",
        "is_asked",
        "is_for_everybody",
        "request",
    )

    def __init__(self, site: SignInSite, request: http.Request) -> None:
        self.request: http.Request = request
        self.is_asked: bool = False
        self.is_for_everybody: bool = False
        self._site = site
        self._answer: ResumeAnswer | None = None
        self._failure: StorageError | None = None

    @property
    def has_session(self) -> bool:
        # Without one nothing is looked up.
        return bool(self._site.cookies.read(self.request.header("cookie"), "session"))

    @property
    def account(self) -> Account | None:
        self.is_asked = True
        if self._answer is None:
            self.look()
        if self._failure is not None:
            raise self._failure
        match self._answer:
            case Resumed(account=account):
                return account
            case _:
                return None

    def sign_in_url(self, query: bytes) -> str:
        url = self._site.auth.site.url()
        if self.request.method not in {"GET", "HEAD"}:
            return url
        back = encoded_path(self.request.path, query)
        return f"{url}?{urlencode({'next': back})}"

    def look(self) -> None:
        # A failure is told to whoever asks, and to nobody else: pages that do not ask
        # go on without the store.
        self._answer = NotSignedIn()
        try:
            self._answer = self._site.resume(self.request)
        except StorageError as exc:
            self._failure = exc

    def give_up(self) -> None:
        # On the page that says so, which the app's own layout may surround.
        self._answer, self._failure = NotSignedIn(), None


class _SessionMiddleware:
    """
    Says who is signed in, and keeps what was made for one person from all others.
    """

    def __init__(self, app: ASGIApp, extension: StarletteAuth) -> None:
        self.app = app
        self.extension = extension

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = _Visit(self.extension.site, _request(scope))
        scope[EXTENSION] = visit
        scope["user"] = CurrentUser(visit)
        scope["auth"] = _Credentials(visit)
        if visit.has_session:
            # Before anybody asks: `request.user` is asked on the event loop, where
            # nothing may wait for a store.
            await self.extension.in_thread(visit.look)
        is_started = False

        async def finish(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                self._finish(message, visit)
            await send(message)

        try:
            await self.app(scope, receive, finish)
        except StorageError as exc:
            if is_started:
                raise
            _logger.error("a store failed", exc_info=exc)  # noqa: TRY400 - told once, with the page
            visit.give_up()
            response = await self.extension.store_failed(Request(scope))
            await response(scope, receive, finish)

    def _finish(self, message: Message, visit: _Visit) -> None:
        if visit.is_for_everybody:
            # Cached for ever, whoever asked who is signed in.
            return
        message.setdefault("headers", [])
        headers = MutableHeaders(scope=message)
        is_ours = f"{visit.request.path}/".startswith(self.extension.auth.site.path)
        if is_ours and CSP not in headers:
            # Not one of our own answers: Starlette's, for what no route takes.
            for name, value in SECURITY_HEADERS:
                _ = headers.setdefault(name, value)
        if visit.is_asked:
            # What was made for one person is shown to nobody else, nor after they
            # signed out.
            if not _VARIES.search(headers.get("Vary", "")):
                headers.add_vary_header("Cookie")
            _ = headers.setdefault("Cache-Control", "no-store")


class _AnyMethod:
    """
    An endpoint that every method reaches; Starlette leaves a function only GET.
    """

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self.answer(Request(scope, receive))
        except ClientDisconnect:
            # Before the form was there: nobody tried anything, and nobody listens.
            return
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


# --- For the host's pages ---------------------------------------------------------


async def current_account(request: Request) -> Account:
    """
    Return the account that is signed in: ``Depends(current_account)`` for FastAPI.

    Raises:
        starlette.exceptions.HTTPException:
            Where nobody is: 303 to S1 and back for whoever wants a page, 401 for all
            others.  A page is wanted by a GET or HEAD that a browser calls a navigation;
            from what is no browser, by one that accepts HTML or anything.
    """
    account = _visit(request).account
    if account is not None:
        return account
    if _wants_page(request):
        raise HTTPException(
            303,
            headers={
                "Location": _visit(request).sign_in_url(request.scope["query_string"])
            },
        )
    # A 401 names a way in (RFC 9110, section 15.5.2); ours has no registered name.
    raise HTTPException(401, headers={"WWW-Authenticate": "Cookie"})


def _wants_page(request: Request) -> bool:
    if request.method not in {"GET", "HEAD"}:
        return False
    # A script in a page accepts anything, and browsers say that it is one.
    mode = request.headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    accepted = request.headers.get("accept", "*/*")
    return "text/html" in accepted or "*/*" in accepted


async def optional_account(request: Request) -> Account | None:
    """
    Return the account that is signed in, or None: ``Depends(optional_account)``.
    """
    return _visit(request).account


@overload
def login_required(
    view: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R | Response]]: ...


@overload
def login_required(view: Callable[P, R]) -> Callable[P, R | Response]: ...


def login_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """
    Let only a signed-in visitor reach *view*; others go to S1 and come back after.

    Raises:
        uness_auth.errors.ConfigurationError: *view* has no parameter ``request``.
    """
    names = list(inspect.signature(view).parameters)
    if "request" not in names:
        msg = (
            f"login_required: {getattr(view, '__name__', view)}() has no parameter "
            f"named request: give it one"
        )
        raise ConfigurationError(msg)
    place = names.index("request")

    def stranger(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response | None:
        request = cast("Request", kwargs.get("request") or args[place])
        if _visit(request).account is not None:
            return None
        return Response(
            status_code=303,
            headers={
                "Location": _visit(request).sign_in_url(request.scope["query_string"])
            },
        )

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        return stranger(args, kwargs) or view(*args, **kwargs)

    @wraps(view)
    async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        return stranger(args, kwargs) or await view(*args, **kwargs)

    return guarded_async if inspect.iscoroutinefunction(view) else guarded


# --- Translation ------------------------------------------------------------------


def _visit(connection: HTTPConnection) -> _Visit:
    try:
        return cast("_Visit", connection.scope[EXTENSION])
    except KeyError as exc:
        msg = (
            "this app has no sign-in: call StarletteAuth(auth, app) when it is made, or "
            "give it the middleware"
        )
        raise ConfigurationError(msg) from exc


def _request(scope: Scope) -> http.Request:
    client = scope.get("client")
    return http.Request(
        method=scope["method"],
        path=_path(scope),
        query=scope["query_string"].decode("ascii", "replace"),
        headers=_headers(scope),
        peer=client[0] or None if client else None,
    )


def _path(scope: Scope) -> str:
    # Most servers leave what they mount below in the path, some take it off.
    path, root = scope["path"], scope.get("root_path", "")
    is_whole = f"{path}/".startswith(f"{root}/")
    return cast("str", path if is_whole else root + path)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = HEADERS.get(raw_name)
        if name is not None:
            value = raw_value.decode("latin-1")
            joint = "; " if name == "cookie" else ", "
            found[name] = f"{found[name]}{joint}{value}" if name in found else value
    return found


def _first(body: bytes, limit: int) -> bytes:
    return body[:limit]


async def _body(request: Request) -> bytes:
    """
    Return the body, cut where it is too large for a form.
    """
    declared = _visit(request).request.header("content-length")
    if declared.isdecimal() and int(declared[:9]) > LONGEST_BODY:
        # Refused by what it says of itself: not asked for.
        return b""
    body = bytearray()
    is_more = True
    while is_more and len(body) <= LONGEST_BODY:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    return bytes(body)


# --- Registration -----------------------------------------------------------------


def _any_method(
    path: str, answer: Callable[[Request], Awaitable[Response]], name: str | None = None
) -> Route:
    return Route(path, _AnyMethod(answer), name=name, include_in_schema=False)


def _whole(route: Route) -> Route:
    # Starlette's own patterns stop at a line break, which a path may hold.
    pattern = route.path_regex.pattern.removesuffix("$") + r"\Z"
    route.path_regex = re.compile(pattern, re.DOTALL)
    return route


def _prefix(path: str, root: str) -> str:
    if not path.startswith(f"{root}/"):
        msg = f"Site(path={path!r}) lies outside root_path={root!r}: begin it with {root}/"
        raise ConfigurationError(msg)
    return path.removeprefix(root).rstrip("/")


def _paths(theirs: Sequence[BaseRoute], before: str = "") -> Iterator[str]:
    for route in theirs:
        # FastAPI keeps what it includes as a router in the list.
        router = getattr(route, "original_router", None)
        if router is not None:
            prefix: str = cast("Any", route).include_context.prefix
            yield from _paths(router.routes, before + prefix)
        else:
            yield before + getattr(route, "path", "")


def _check_free(theirs: list[str], prefix: str) -> None:
    taken = [one for one in theirs if f"{one}/".startswith(f"{prefix}/")]
    if taken:
        msg = (
            f"Site(path=) holds {taken[0]} of the app already: give the sign-in a path "
            f"of its own, such as Site(path='/sign-in/')"
        )
        raise ConfigurationError(msg)
