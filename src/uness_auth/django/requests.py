"""
From Django's requests to ours, and from our answers to Django's.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, assert_never
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.translation import get_language

from ..web.forms import BROKEN_OFF
from ..web.http import Answer, Cookie, Page, Redirect, Request
from .templates import render


# As `request.META` has them.  The language is Django's to decide.
HEADERS: Final = (
    ("content-type", "CONTENT_TYPE"),
    ("content-length", "CONTENT_LENGTH"),
    ("cookie", "HTTP_COOKIE"),
    ("origin", "HTTP_ORIGIN"),
    ("sec-fetch-site", "HTTP_SEC_FETCH_SITE"),
    ("user-agent", "HTTP_USER_AGENT"),
    ("x-forwarded-for", "HTTP_X_FORWARDED_FOR"),
)
# What Django's own code sets on an answer that needs no line in its log.
LOGGED: Final = "_has_been_logged"


def request_from(request: HttpRequest, /) -> Request:
    """
    Return Django's request as our pages take it.
    """
    meta = request.META
    headers = {name: str(meta[key]) for name, key in HEADERS if meta.get(key)}
    return Request(
        method=str(request.method),
        path=request.path,
        query=str(meta.get("QUERY_STRING", "")),
        # LocaleMiddleware's choice, or LANGUAGE_CODE.
        headers={**headers, "accept-language": get_language() or ""},
        peer=meta.get("REMOTE_ADDR") or None,
        read=partial(_read, request),
    )


def response_from(request: HttpRequest, answer: Answer, /) -> HttpResponse:
    """
    Return our answer as Django sends it.
    """
    response = HttpResponse(
        _body(request, answer), status=answer.status, headers=dict(answer.headers)
    )
    for cookie in answer.cookies:
        set_cookie(response, cookie)
    # Django would log every answer from 400 on with its request, and mail those from
    # 500 on to the admins: with a link's token in the path.  Ours are told as events.
    setattr(response, LOGGED, True)
    return response


def set_cookie(response: HttpResponse, cookie: Cookie, /) -> None:
    """
    Set *cookie*, or delete it.
    """
    response.set_cookie(
        cookie.name,
        cookie.cookie_value,
        max_age=cookie.max_age,
        path="/",
        secure=cookie.is_secure,
        httponly=True,
        samesite="Lax",
    )


class DjangoGuard:
    """
    Guards the forms of one request as Django does: its cookie, its trusted origins.
    """

    def __init__(self, request: HttpRequest, /) -> None:
        self._request = request

    @property
    def field(self) -> str:
        """
        The name of the field that every form carries.
        """
        return "csrfmiddlewaretoken"

    def make(self) -> str:
        """
        Return the value for a form that this request is answered with.
        """
        return str(get_token(self._request))

    def is_ours(self, value: str, /) -> bool:
        """
        Say whether the request comes from one of our forms, which carried *value*.
        """
        # The body was read under our limit, and once: Django looks here next.
        self._request.META[settings.CSRF_HEADER_NAME] = value
        # The view and what comes after it are asked for, and not called.
        check = _Check(HttpResponse)
        return check.process_view(self._request, HttpResponse, (), {}) is None


class _Check(CsrfViewMiddleware):
    def _reject(self, _request: HttpRequest, reason: str) -> Any:
        # Our page says so, with our headers.
        return reason


def _body(request: HttpRequest, answer: Answer) -> str:
    match answer:
        case Page(template=template, view=view):
            return render(request, template, view)
        case Redirect():
            return ""
        case _ as never:
            assert_never(never)


def _read(request: Any, limit: int) -> bytes:
    if hasattr(request, "_post"):
        # Somebody before us had the form parsed, which empties the stream.
        pairs = [(name, one) for name, all_ in request.POST.lists() for one in all_]
        return urlencode(pairs).encode("ascii")[:limit]
    if hasattr(request, "_body"):
        # Somebody before us read it, for a log or a signature.
        return bytes(request.body[:limit])
    try:
        body = bytes(request.read(limit))
    except UnreadablePostError:
        # The client is gone: half a form is no attempt.
        return BROKEN_OFF
    # A server that meets the end too early hands over what there was.
    return body if len(body) >= min(limit, _declared(request)) else BROKEN_OFF


def _declared(request: HttpRequest) -> int:
    # As Django reads it.
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
