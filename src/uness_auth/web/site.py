"""
The sign-in pages of one site: an adapter loops over the routes and calls `answer`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, assert_never
from urllib.parse import urlencode

import attrs

from ..addresses import LONGEST_ADDRESS
from ..errors import HashingError, MailError, StorageError
from ..model import Account
from ..outcomes import NotSignedIn, ResumeAnswer, Resumed, SignedIn, SignInVetoed
from ..wiring import UnessAuth
from .account_pages import AGAIN, PASSWORD, SESSIONS
from .cookies import Cookies
from .csrf import (
    FIELD,
    Csrf,
    FormGuard,
    OwnGuard,
    is_cross_site,
    is_posted_from_elsewhere,
)
from .forms import FormFault, read_form, read_next
from .frame import PageContext
from .http import Answer, Cookie, Page, Request
from .pages import Pages
from .redirects import safe_path
from .routes import ROUTES, Route
from .static import static_url
from .turn import Turn
from .views import SignOutView
from .visitors import Visitor, Visitors


_logger: Final = logging.getLogger(__name__)


class SignInSite:
    """
    Answers requests to the sign-in pages of one site.

    Attributes:
        routes: What to register below `Site.path`.
    """

    def __init__(self, auth: UnessAuth, /) -> None:
        self.auth = auth
        self.routes: tuple[Route, ...] = ROUTES
        self.pages: Pages = Pages(
            auth.site, auth.policy, lambda name: static_url(auth.site, name)
        )
        self._csrf = Csrf(auth.keys)
        self._visitors = Visitors(
            site=auth.site,
            policy=auth.policy,
            trusted_proxies=auth.trusted_proxies,
            trusted_networks=auth.trusted_networks,
        )

    @property
    def cookies(self) -> Cookies:
        """
        The cookies' names and shapes.
        """
        return self._visitors.cookies

    @property
    def password_path(self) -> str:
        """
        The path of the page that changes one's password.
        """
        return self.pages.frames.path(PASSWORD)

    @property
    def sessions_path(self) -> str:
        """
        The path of the page of one's sessions; empty where they cannot be listed.
        """
        is_offered = self.auth.open_sessions.is_offered
        return self.pages.frames.path(SESSIONS) if is_offered else ""

    def way_to(self, answer: ResumeAnswer, back: str, /, *, recent: bool) -> str:
        """
        Return where a guard of the host's leads who may not enter yet; empty: they may.

        Args:
            back: Where to come back to: a path of the host's, or nothing.

            recent: Whether they must have proved who they are just now.
        """
        query = f"?{urlencode({'next': back})}" if back else ""
        match answer:
            case NotSignedIn():
                return self.auth.site.url() + query
            case Resumed(is_recent=is_recent) if recent and not is_recent:
                return self.auth.site.url(AGAIN) + query
            case Resumed():
                return ""
            case _ as never:
                assert_never(never)

    def answer(
        self,
        route: Route,
        request: Request,
        /,
        *,
        token: str = "",
        guard: FormGuard | None = None,
    ) -> Answer:
        """
        Answer *request*.

        Args:
            token: Of the link, where the route has one in its path.

            guard: The framework's own, where it has one; by default ours.

        Returns:
            A page or a redirect; 503 where a store, the mailer or the hasher failed.
            Never raises on anything a client can send.
        """
        visitor = self._visitors.read(request)
        guard = guard or OwnGuard(self._csrf, self.auth.site, request, visitor)
        context = self._context(request, visitor)
        is_foreign = is_posted_from_elsewhere(request, self.auth.site)
        # A link needs no cookie and its page no CSRF value: it is opened anywhere, and
        # by scanners.
        if not (route.is_csrf_exempt or is_foreign):
            context = _guarded(context, guard)
        try:
            answer = self._answer(
                route, request, visitor, context, token=token, guard=guard
            )
        except (StorageError, HashingError):
            _logger.exception("a store failed, or the hasher")
            answer = self.pages.stops.store_failed(context)
        except MailError as exc:
            _logger.error("a mail could not be handed over: %s", exc)  # noqa: TRY400 - the traceback would hold the mail
            answer = self.pages.stops.mail_failed(context)
        if route.is_csrf_exempt:
            return attrs.evolve(answer, cookies=()) if is_foreign else answer
        return answer if is_foreign else _with_browser(answer, visitor)

    def resume(self, request: Request, /) -> ResumeAnswer:
        """
        Say who is signed in, for any page of the host.

        Raises:
            uness_auth.errors.StorageError: Nobody is taken for signed in.
        """
        session = self.cookies.read(request.header("cookie"), "session")
        return self.auth.sessions.resume(session) if session else NotSignedIn()

    def sign_in(
        self, account: Account, request: Request, /, *, method: str
    ) -> tuple[Cookie, ...] | SignInVetoed:
        """
        Sign in, without our pages, whom the host knows by other means.

        Returns:
            The cookies to set, or `SignInVetoed`.
        """
        visitor = self._visitors.read(request)
        match self.auth.sessions.open(
            account, visitor.client, method=method, is_remembered=False
        ):
            case SignedIn() as outcome:
                return self.cookies.signed_in(outcome)
            case SignInVetoed() as vetoed:
                return vetoed
            case _ as never:
                assert_never(never)

    def sign_out(self, request: Request, /) -> tuple[Cookie, ...]:
        """
        Close the session, without our pages, and return the cookies to set.
        """
        visitor = self._visitors.read(request)
        self.auth.sessions.close(visitor.session, visitor.client)
        return self.cookies.no_session(), self.cookies.new_browser()

    def sign_out_form(
        self, request: Request, /, *, guard: FormGuard | None = None
    ) -> SignOutView:
        """
        Return what a host's template needs for a button that signs out.
        """
        visitor = self._visitors.read(request)
        context = self._context(request, visitor)
        browser = visitor.browser if visitor.is_known else ""
        return SignOutView(
            action=f"{self.auth.site.path}sign-out",
            csrf_name=guard.field if guard else FIELD,
            csrf_value=(
                guard.make() if guard else self._csrf.make(browser, visitor.session)
            ),
            submit=context.texts.say("page.sign_out.submit"),
        )

    def store_failed(self, request: Request, /) -> Page:
        """
        Return the page of a store that failed outside our own routes.
        """
        return self.pages.stops.store_failed(
            self._context(request, self._visitors.read(request))
        )

    def not_found(self, request: Request, /) -> Page:
        """
        Return the page for a path below ours that does not exist.
        """
        return self.pages.stops.not_found(
            self._context(request, self._visitors.read(request))
        )

    def _context(self, request: Request, visitor: Visitor) -> PageContext:
        return PageContext(
            language=visitor.client.language,
            csrf="",
            next=safe_path(read_next(request.query)),
            now=self.auth.clock(),
        )

    def _answer(
        self,
        route: Route,
        request: Request,
        visitor: Visitor,
        context: PageContext,
        *,
        token: str,
        guard: FormGuard,
    ) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        handler = route.handlers.get(method)
        if handler is None:
            return self.pages.stops.not_allowed(context, route.methods)
        turn = Turn(
            auth=self.auth,
            pages=self.pages,
            cookies=self.cookies,
            visitor=visitor,
            context=context,
            form={},
            token=token,
        )
        if method == "GET":
            return handler(turn)
        form = read_form(request)
        if isinstance(form, FormFault):
            return self._refuse_form(form, context)
        context = attrs.evolve(context, next=safe_path(form.get("next", "")))
        turn = attrs.evolve(turn, context=context, form=form)
        if route.is_csrf_exempt:
            return handler(turn)
        refused = self._refuse_forgery(request, visitor, context, form, guard)
        if refused is not None:
            return refused
        if not context.csrf:
            # From another origin that the framework's own guard trusts.
            turn = attrs.evolve(turn, context=_guarded(context, guard))
        return _with_browser(handler(turn), visitor)

    def _refuse_form(self, fault: FormFault, context: PageContext) -> Page:
        stops = self.pages.stops
        match fault:
            case FormFault.TOO_LARGE:
                return stops.too_large(context)
            case FormFault.UNSUPPORTED:
                return stops.unsupported(context)
            case FormFault.MALFORMED | FormFault.REPEATED:
                return stops.bad_request(context)
            case _ as never:
                assert_never(never)

    def _refuse_forgery(
        self,
        request: Request,
        visitor: Visitor,
        context: PageContext,
        form: Mapping[str, str],
        guard: FormGuard,
    ) -> Page | None:
        if guard.is_ours(form.get(guard.field, "")):
            return None
        if not visitor.is_known and not is_cross_site(request, self.auth.site):
            typed = form.get("email", form.get("username", ""))[:LONGEST_ADDRESS]
            return self.pages.identify(context, typed=typed, is_cookie_refused=True)
        return self.pages.stops.stale(context)


def _guarded(context: PageContext, guard: FormGuard) -> PageContext:
    return attrs.evolve(context, csrf=guard.make(), csrf_name=guard.field)


def _with_browser(answer: Answer, visitor: Visitor) -> Answer:
    cookie = visitor.new_browser
    # A redirect that signs in or out has a newer one already.
    if cookie is None or any(one.name == cookie.name for one in answer.cookies):
        return answer
    return attrs.evolve(answer, cookies=(*answer.cookies, cookie))
