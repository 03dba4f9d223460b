"""
``request.user`` from our own session cookie.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from ..errors import ConfigurationError, StorageError
from ..outcomes import NotSignedIn
from ..web.http import CSP, SECURITY_HEADERS
from .conf import get_auth, get_site
from .requests import set_cookie
from .sessions import (
    BEGUN,
    COOKIES,
    FAILED,
    RESUMED,
    USER,
    resume,
    store_failed,
    unless_closed,
    user_of,
)


STATIC: Final = "uness_auth:static_file"
FAULT: Final = 500
_logger: Final = logging.getLogger(__name__)


class SignInMiddleware:
    """
    Sets ``request.user`` and ``request.auser``, and looks only where somebody asks.

    Put it after Django's ``AuthenticationMiddleware``.  A server that starts with a
    wrong set-up fails here.
    """

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        # Python 3.11 has none of its own that knows Django's marks.
        self._is_async = iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated]
        if self._is_async:
            _ = markcoroutinefunction(self)
        _ = get_site()

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """
        Answer *request*.
        """
        if self._is_async:
            return self._acall(request)
        _begin(request)
        return _finish(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        _begin(request)
        return _finish(request, await self.get_response(request))

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """
        Answer 503 where a store failed while one of the project's pages was made.
        """
        if not isinstance(exception, StorageError):
            return None
        _logger.error("a store failed", exc_info=exception)
        return store_failed(request)


def _begin(request: Any) -> None:
    if not hasattr(request, "user"):
        msg = (
            "SignInMiddleware stands before Django's AuthenticationMiddleware, or that "
            "is missing: put it after it in MIDDLEWARE"
        )
        raise ConfigurationError(msg)
    theirs, theirs_later = request.user, request.auser
    request.user = SimpleLazyObject(partial(user_of, request, theirs))
    request.auser = partial(_auser, request, theirs, theirs_later)
    setattr(request, BEGUN, True)


async def _auser(
    request: HttpRequest, theirs: Any, theirs_later: Callable[[], Awaitable[Any]]
) -> Any:
    is_settled = hasattr(request, USER)
    if not is_settled and isinstance(await sync_to_async(resume)(request), NotSignedIn):
        theirs = await theirs_later()
        return await sync_to_async(unless_closed)(request, theirs)
    return await sync_to_async(user_of)(request, theirs)


def _finish(request: Any, response: HttpResponse) -> HttpResponse:
    if getattr(request, FAILED, False) and response.status_code == FAULT:
        # Where another middleware asked who it is, no view and no handler was there.
        response = store_failed(request)
    for cookie in getattr(request, COOKIES, ()):
        set_cookie(response, cookie)
    if getattr(request.resolver_match, "view_name", "") == STATIC:
        # The same for everybody, and cached for ever.
        return response
    if request.path.startswith(get_auth().site.path) and CSP not in response:
        # Not one of our own answers.
        for name, value in SECURITY_HEADERS:
            response.headers.setdefault(name, value)
    if hasattr(request, RESUMED):
        # What was made for one person is shown to nobody else, nor after they
        # signed out.
        patch_vary_headers(response, ("Cookie",))
        response.headers.setdefault("Cache-Control", "no-store")
    return response
