"""
Guards for a project's own views, beside Django's ``login_required``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse

from ..web.http import Redirect
from ..web.redirects import encoded_path
from .conf import get_site
from .requests import response_from
from .sessions import resume


P = ParamSpec("P")
R = TypeVar("R")


@overload
def recent_login_required(
    view: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R | HttpResponse]]: ...


@overload
def recent_login_required(view: Callable[P, R]) -> Callable[P, R | HttpResponse]: ...


def recent_login_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """
    Let only those reach *view* who proved just now who they are.

    Others who are signed in are asked again and come back after; strangers go to S1,
    and so does whoever is signed in by Django's session alone.  How long that counts
    is `uness_auth.SessionPolicy.recent`.

    A form that comes too late is lost, and they end on the home page.  So guard the
    page that holds the form too: they are then asked before they fill it in.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        refusal = _refusal(cast("HttpRequest", args[0]))
        return view(*args, **kwargs) if refusal is None else refusal

    @wraps(view)
    async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        refusal = await sync_to_async(_refusal)(cast("HttpRequest", args[0]))
        if refusal is not None:
            return refusal
        return await view(*args, **kwargs)

    return guarded_async if iscoroutinefunction(view) else guarded  # pyright: ignore[reportDeprecated]


def _refusal(request: HttpRequest) -> HttpResponse | None:
    back = ""
    if request.method in {"GET", "HEAD"}:
        query = str(request.META.get("QUERY_STRING", ""))
        back = encoded_path(request.path, query.encode("latin-1", "replace"))
    way = get_site().way_to(resume(request), back, recent=True)
    return response_from(request, Redirect(location=way)) if way else None
