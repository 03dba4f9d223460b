"""
What a host's own pages ask for: the account, that there is one, and whose it is still.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast, overload

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import ConfigurationError
from ..model import Account
from .visit import visit_of


P = ParamSpec("P")
R = TypeVar("R")

NOT_RECENT: Final = 'error="insufficient_user_authentication"'


async def current_account(request: Request) -> Account:
    """
    Return the account that is signed in: ``Depends(current_account)`` for FastAPI.

    Raises:
        starlette.exceptions.HTTPException:
            Where nobody is: 303 to S1 and back for whoever wants a page, 401 for all
            others.  A page is wanted by a GET or HEAD that a browser calls a navigation;
            from what is no browser, by one that accepts HTML or anything.
    """
    return _account(request, recent=False)


async def recent_account(request: Request) -> Account:
    """
    Return the account whose owner proved just now who they are:
    ``Depends(recent_account)`` for FastAPI.

    How long that counts is `uness_auth.SessionPolicy.recent`.

    Raises:
        starlette.exceptions.HTTPException:
            Where nobody is signed in, as `current_account`.  Whoever has to prove it
            again is led to do so and back, if they want a page; all others get 401
            with ``error="insufficient_user_authentication"``.

    Source:
        RFC 9470, section 3, for the name of the error.
    """
    return _account(request, recent=True)


def _account(request: Request, *, recent: bool) -> Account:
    visit = visit_of(request)
    account = visit.account
    way = visit.way_in(request.scope["query_string"], recent=recent)
    if account is not None and not way:
        return account
    if _wants_page(request):
        raise HTTPException(303, headers={"Location": way})
    # A 401 names a way in (RFC 9110, section 15.5.2); ours has no registered name.
    way_in = "Cookie" if account is None else f"Cookie {NOT_RECENT}"
    raise HTTPException(401, headers={"WWW-Authenticate": way_in})


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
    return _guarded(view, "login_required", recent=False)


@overload
def recent_login_required(
    view: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R | Response]]: ...


@overload
def recent_login_required(view: Callable[P, R]) -> Callable[P, R | Response]: ...


def recent_login_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """
    Let only those reach *view* who proved just now who they are.

    Others who are signed in are asked again and come back after; strangers go to S1.
    How long that counts is `uness_auth.SessionPolicy.recent`.

    A form that comes too late is lost, and they end on the home page.  So guard the
    page that holds the form too: they are then asked before they fill it in.

    Raises:
        uness_auth.errors.ConfigurationError: *view* has no parameter ``request``.
    """
    return _guarded(view, "recent_login_required", recent=True)


def _guarded(view: Callable[P, Any], guard: str, *, recent: bool) -> Callable[P, Any]:
    names = list(inspect.signature(view).parameters)
    if "request" not in names:
        msg = (
            f"{guard}: {getattr(view, '__name__', view)}() has no parameter "
            f"named request: give it one"
        )
        raise ConfigurationError(msg)
    place = names.index("request")

    def refusal(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response | None:
        request = cast("Request", kwargs.get("request") or args[place])
        way = visit_of(request).way_in(request.scope["query_string"], recent=recent)
        return Response(status_code=303, headers={"Location": way}) if way else None

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        return refusal(args, kwargs) or view(*args, **kwargs)

    @wraps(view)
    async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        return refusal(args, kwargs) or await view(*args, **kwargs)

    return guarded_async if inspect.iscoroutinefunction(view) else guarded
