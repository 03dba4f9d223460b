"""
What a host's own pages ask for: the account, or that there is one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast, overload

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import ConfigurationError
from ..model import Account
from .visit import visit_of


P = ParamSpec("P")
R = TypeVar("R")


async def current_account(request: Request) -> Account:
    """
    Return the account that is signed in: ``Depends(current_account)`` for FastAPI.

    Raises:
        starlette.exceptions.HTTPException:
            Where nobody is: 303 to S1 and back for whoever wants a page, 401 for all
            others.  A page is wanted by a GET or HEAD that a browser calls a navigation;
            from what is no browser, by one that accepts HTML or anything.
    """
    account = visit_of(request).account
    if account is not None:
        return account
    if _wants_page(request):
        raise HTTPException(
            303,
            headers={
                "Location": visit_of(request).sign_in_url(request.scope["query_string"])
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
    return visit_of(request).account


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
        if visit_of(request).account is not None:
            return None
        return Response(
            status_code=303,
            headers={
                "Location": visit_of(request).sign_in_url(request.scope["query_string"])
            },
        )

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        return stranger(args, kwargs) or view(*args, **kwargs)

    @wraps(view)
    async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        return stranger(args, kwargs) or await view(*args, **kwargs)

    return guarded_async if inspect.iscoroutinefunction(view) else guarded
