"""
The sign-in pages: each request to its handler, in a thread.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from ..web.http import Redirect
from ..web.routes import Route
from ..web.site import SignInSite
from ..web.static import read_static
from .threads import Threads
from .translation import response_from, static_response, with_body
from .visit import visit_of


# How the path of a route ends that takes the token of a link.
_REST: Final = "/{token}"


class PageServer:
    """
    Answers whatever lies below `Site.path`.
    """

    def __init__(
        self, site: SignInSite, templates: Jinja2Templates, threads: Threads
    ) -> None:
        self.site = site
        self.templates = templates
        self.threads = threads
        with_token = [one for one in site.routes if one.path.endswith(_REST)]
        self._with_token = {one.path.removesuffix(_REST): one for one in with_token}
        self._plain = {one.path: one for one in site.routes if one not in with_token}

    async def page(self, request: Request, /) -> Response:
        """
        Answer with the page at ``path``, a static file, or the page of neither.
        """
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

    async def to_start(self, request: Request, /) -> Response:
        """
        Lead to the first page.
        """
        answer = Redirect(location=self.site.auth.site.url())
        return response_from(answer, request, self.templates)

    async def to_password(self, request: Request, /) -> Response:
        """
        Lead to the page that changes one's password.
        """
        url = self.site.auth.site.base_url + self.site.password_path
        return response_from(Redirect(location=url), request, self.templates)

    async def store_failed(self, request: Request, /) -> Response:
        """
        Return the page of a store that failed on a page of the host.
        """
        page = partial(self.site.store_failed, visit_of(request).request)
        return await self.threads.run(
            lambda: response_from(page(), request, self.templates)
        )

    async def _serve(self, route: Route, request: Request, token: str = "") -> Response:
        asked = visit_of(request).request
        may_hash = False
        if request.method == "POST" and "POST" in route.handlers:
            # Here, where a body that trickles in holds no thread.
            asked = await with_body(asked, request)
            may_hash = route.may_hash
        page = partial(self.site.answer, route, asked, token=token)
        return await self.threads.run(
            lambda: response_from(page(), request, self.templates), may_hash=may_hash
        )

    async def _static_file(self, name: str, request: Request) -> Response:
        found = read_static(name)
        if found is None or request.method not in {"GET", "HEAD"}:
            return await self._not_found(request)
        visit_of(request).is_for_everybody = True
        return static_response(*found)

    async def _not_found(self, request: Request) -> Response:
        page = partial(self.site.not_found, visit_of(request).request)
        return await self.threads.run(
            lambda: response_from(page(), request, self.templates)
        )
