"""
The sign-in as part of an app: its pages and its session.
"""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.templating import Jinja2Templates

from ..errors import ConfigurationError
from ..web.logs import mask_link_tokens
from ..web.registration import WELL_KNOWN, check_free, prefix_below
from ..web.site import SignInSite
from ..wiring import UnessAuth
from .middleware import SessionMiddleware
from .routing import any_method, paths_of, whole
from .serving import PageServer
from .templates import TemplateHelp, with_ours
from .threads import Threads
from .visit import EXTENSION


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
        self.templates: Jinja2Templates = with_ours(templates, self.context)
        threads = Threads(auth.password_sign_in.password_check.slots.room)
        self._server = PageServer(self.site, self.templates, threads)
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
        theirs = list(paths_of(app.routes))
        check_free(self._prefix(), theirs)
        app.add_middleware(SessionMiddleware, self._server)
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
        prefix = self._prefix()
        server = self._server
        return [
            whole(any_method(prefix + "/{path:path}", server.page, name=EXTENSION)),
            # The path without its slash, at our own host.
            any_method(prefix, server.to_start),
            any_method(WELL_KNOWN, server.to_password),
        ]

    @property
    def middleware(self) -> Middleware:
        """
        The session: ``Starlette(middleware=[sign_in.middleware, …])``.
        """
        return Middleware(SessionMiddleware, self._server)

    def context(self, request: Request) -> dict[str, Any]:
        """
        Return what templates see: a context processor of `templates` already.
        """
        return {EXTENSION: TemplateHelp(self.site, self.templates, request)}

    def _prefix(self) -> str:
        return prefix_below(self.root_path, self.auth.site.path, setting="root_path")
