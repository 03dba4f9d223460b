"""
From Starlette's requests to ours, and from our answers to Starlette's.
"""

from __future__ import annotations

from functools import partial
from typing import Final, assert_never, cast

import attrs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates
from starlette.types import Scope

from ..web import http
from ..web.forms import LONGEST_BODY
from ..web.http import SECURITY_HEADERS, Answer, Cookie, Page, Redirect
from ..web.static import CACHE_CONTROL


# What the web layer reads.
HEADERS: Final = {
    name.encode(): name
    for name in (
        "content-type",
        "content-length",
        "cookie",
        "origin",
        "sec-fetch-site",
        "accept-language",
        "user-agent",
        "x-forwarded-for",
    )
}


# --- Requests ---------------------------------------------------------------------


def request_from(scope: Scope, /) -> http.Request:
    """
    Return Starlette's request as our pages take it, without its body.
    """
    client = scope.get("client")
    return http.Request(
        method=scope["method"],
        path=_path(scope),
        query=scope["query_string"].decode("ascii", "replace"),
        headers=_headers(scope),
        peer=client[0] or None if client else None,
    )


async def with_body(asked: http.Request, request: Request, /) -> http.Request:
    """
    Return *asked* with the body of *request*, cut where it is too large for a form.

    Raises:
        starlette.requests.ClientDisconnect: The client left before it was sent.
    """
    body = await _body(request, asked.header("content-length"))
    return attrs.evolve(asked, read=partial(_first, body))


def _path(scope: Scope) -> str:
    # Most servers leave what they mount below in the path, some take it off.
    path, root = scope["path"], scope.get("root_path", "")
    is_whole = f"{path}/".startswith(f"{root}/")
    return cast("str", path if is_whole else root + path)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = HEADERS.get(raw_name)
        if name is not None:
            value = raw_value.decode("latin-1")
            joint = "; " if name == "cookie" else ", "
            found[name] = f"{found[name]}{joint}{value}" if name in found else value
    return found


def _first(body: bytes, limit: int) -> bytes:
    return body[:limit]


async def _body(request: Request, declared: str) -> bytes:
    if declared.isdecimal() and int(declared[:9]) > LONGEST_BODY:
        # Refused by what it says of itself: not asked for.
        return b""
    body = bytearray()
    is_more = True
    while is_more and len(body) <= LONGEST_BODY:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    return bytes(body)


# --- Responses --------------------------------------------------------------------


def response_from(
    answer: Answer, request: Request, templates: Jinja2Templates, /
) -> Response:
    """
    Return our answer as Starlette sends it.
    """
    headers = dict(answer.headers)
    response: Response
    match answer:
        case Page(template=template, view=view, status=status):
            response = templates.TemplateResponse(
                request, template, {"view": view}, status, headers
            )
        case Redirect(status=status):
            response = Response(status_code=status, headers=headers)
        case _ as never:
            assert_never(never)
    for cookie in answer.cookies:
        _set_cookie(response, cookie)
    return response


def static_response(content: bytes, media_type: str, /) -> Response:
    """
    Return a file that is the same for everybody, and cached for ever.
    """
    response = Response(content, headers=dict(SECURITY_HEADERS))
    response.headers["Content-Type"] = media_type
    response.headers["Cache-Control"] = CACHE_CONTROL
    del response.headers["Vary"]
    return response


def _set_cookie(response: Response, cookie: Cookie) -> None:
    response.set_cookie(
        cookie.name,
        cookie.cookie_value,
        max_age=cookie.max_age,
        secure=cookie.is_secure,
        httponly=True,
        samesite="lax",
    )
