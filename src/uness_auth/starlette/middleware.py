"""
The session of every request, and what its answer says to caches.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import StorageError
from ..web.http import CSP, SECURITY_HEADERS
from .serving import PageServer
from .translation import request_from
from .users import Credentials, CurrentUser
from .visit import EXTENSION, Visit


# That an answer depends on cookies is said once.
_VARIES: Final = re.compile(r"(?:^|,)\s*(?:cookie\s*(?:,|$)|\*)", re.IGNORECASE)
_logger: Final = logging.getLogger(__package__)


class SessionMiddleware:
    """
    Says who is signed in, and keeps what was made for one person from all others.
    """

    def __init__(self, app: ASGIApp, server: PageServer) -> None:
        self.app = app
        self.server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer a request; whatever is none passes through untouched.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit(self.server.site, request_from(scope))
        scope[EXTENSION] = visit
        scope["user"] = CurrentUser(visit)
        scope["auth"] = Credentials(visit)
        if visit.has_session:
            # Before anybody asks: `request.user` is asked on the event loop, where
            # nothing may wait for a store.
            _ = await self.server.threads.run(visit.look)
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
            response = await self.server.store_failed(Request(scope))
            await response(scope, receive, finish)

    def _finish(self, message: Message, visit: Visit) -> None:
        if visit.is_for_everybody:
            # Cached for ever, whoever asked who is signed in.
            return
        message.setdefault("headers", [])
        headers = MutableHeaders(scope=message)
        ours = self.server.site.auth.site.path
        if f"{visit.request.path}/".startswith(ours) and CSP not in headers:
            # Not one of our own answers: Starlette's, for what no route takes.
            for name, value in SECURITY_HEADERS:
                _ = headers.setdefault(name, value)
        if visit.is_asked:
            # What was made for one person is shown to nobody else, nor after they
            # signed out.
            if not _VARIES.search(headers.get("Vary", "")):
                headers.add_vary_header("Cookie")
            _ = headers.setdefault("Cache-Control", "no-store")
