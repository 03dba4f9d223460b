"""
Where the pages stand among the routes of the app.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send


Page: TypeAlias = Callable[[Request], Awaitable[Response]]


def any_method(path: str, page: Page, /, *, name: str | None = None) -> Route:
    """
    Return a route that every method takes, and that no schema of an API shows.
    """
    return Route(path, _AnyMethod(page), name=name, include_in_schema=False)


def whole(route: Route, /) -> Route:
    """
    Let *route* take the whole path, line breaks too, at which Starlette's own stop.
    """
    pattern = route.path_regex.pattern.removesuffix("$") + r"\Z"
    route.path_regex = re.compile(pattern, re.DOTALL)
    return route


def paths_of(theirs: Sequence[BaseRoute], before: str = "", /) -> Iterator[str]:
    """
    Yield the path of every route, those of included routers too.
    """
    for route in theirs:
        # FastAPI keeps what it includes as a router in the list.
        router = getattr(route, "original_router", None)
        if router is not None:
            prefix: str = cast("Any", route).include_context.prefix
            yield from paths_of(router.routes, before + prefix)
        else:
            yield before + getattr(route, "path", "")


class _AnyMethod:
    """
    An endpoint that every method reaches; Starlette leaves a function only GET.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self.page(Request(scope, receive))
        except ClientDisconnect:
            # Before the form was there: nobody tried anything, and nobody listens.
            return
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)
