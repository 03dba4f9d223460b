"""
What an adapter hands in, and what it gets back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import attrs


CSP: Final = "Content-Security-Policy"
# On every answer the library makes, errors included.  strict-origin, because
# no-referrer makes browsers send "Origin: null", which breaks CSRF checks, and
# same-origin sends the link's token to our own style sheet.
SECURITY_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Vary", "Cookie"),
    (
        CSP,
        (
            "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
    ),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "geolocation=(), camera=(), microphone=(), payment=()",
    ),
    ("X-Robots-Tag", "noindex, nofollow"),
)


@attrs.frozen(kw_only=True)
class Request:
    """
    One HTTP request, as raw as the framework hands it over.

    Attributes:
        path: Decoded, with the leading slash, without the query.

        query: The raw query string.

        headers: Names in lower case; a header sent twice arrives joined by a comma,
            `cookie` by a semicolon.

        peer: The socket's address; None for a unix socket.

        read: Returns at most so many bytes of the body, once.
    """

    method: str
    # Of a link it holds the token.
    path: str = attrs.field(repr=False)
    query: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    peer: str | None = None
    read: Callable[[int], bytes] = attrs.field(default=lambda _limit: b"", repr=False)

    def header(self, name: str, /) -> str:
        """
        Return the header's value, or the empty text.
        """
        return self.headers.get(name, "")


@attrs.frozen(kw_only=True)
class Cookie:
    """
    A cookie to set; with an empty value one to delete.

    Always ``Path=/``, HttpOnly and SameSite=Lax, so that a deletion carries the same
    attributes as the cookie it ends.

    Attributes:
        max_age: In seconds; None lets it end with the browser.
    """

    name: str
    cookie_value: str = attrs.field(repr=False)
    max_age: int | None = None
    is_secure: bool = True


@attrs.frozen(kw_only=True)
class Page:
    """
    An answer with a body: one template and the view it shows.

    Attributes:
        retry_after: Seconds, for 429 and 503.

        allow: The methods to name with 405.
    """

    template: str
    view: object
    status: int = 200
    retry_after: int | None = None
    allow: tuple[str, ...] = ()
    cookies: tuple[Cookie, ...] = ()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """
        Every header but the cookies.
        """
        more = [("Content-Type", "text/html; charset=utf-8")]
        if self.retry_after is not None:
            more.append(("Retry-After", str(self.retry_after)))
        if self.allow:
            more.append(("Allow", ", ".join(self.allow)))
        return (*SECURITY_HEADERS, *more)


@attrs.frozen(kw_only=True)
class Redirect:
    """
    An answer that leads on: 303, so that the next request is a GET.

    Attributes:
        location: Absolute, from the base URL; never from what the client sent.
    """

    location: str
    status: int = 303
    cookies: tuple[Cookie, ...] = ()

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """
        Every header but the cookies.
        """
        return (*SECURITY_HEADERS, ("Location", self.location))


Answer: TypeAlias = Page | Redirect
