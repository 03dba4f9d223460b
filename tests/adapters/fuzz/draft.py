"""
A request while it is made, and as it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import attrs

from tests.adapters.fuzz import scene
from tests.adapters.hostile import FORM


PATH: Final = b"/auth/"
SAFE: Final = (b"GET", b"HEAD", b"OPTIONS", b"TRACE")
# Where the value of the guard's field, and its name, come in.
CSRF_FIELD: Final = b"<csrf-field>"
CSRF: Final = b"<csrf>"
# Rows of docs/reference/adapters.md, and who may answer otherwise there, and only there.
ORIGINS: Final = "Which origins may post"
COOKIE: Final = "The cookie behind it"
HOSTS: Final = "A Host that is not allowed"
UNMEASURED: Final = "A body without a length"
METHODS: Final = "A method that nobody knows"
TWICE: Final = "A header sent twice"
DIFFERING: Final[Mapping[str, frozenset[str]]] = {
    ORIGINS: frozenset({"django"}),
    COOKIE: frozenset({"django"}),
    HOSTS: frozenset({"flask", "django"}),
    UNMEASURED: frozenset({"django"}),
    METHODS: frozenset({"flask", "django"}),
    TWICE: frozenset({"flask", "django"}),
}
# What is in a socket's buffers before anybody has to read.
LONGEST_SENT: Final = 50_000


@attrs.frozen
class Dialect:
    """
    What a framework's own guard calls its field, its value and its cookie.
    """

    field: bytes
    csrf: bytes | None
    cookie: bytes

    def fill(self, body: bytes, session: str) -> bytes:
        """
        Put name and value where a body has their places.
        """
        value = scene.csrf(session).encode() if self.csrf is None else self.csrf
        return body.replace(CSRF_FIELD, self.field).replace(CSRF, value)


OURS: Final = Dialect(b"csrf", None, b"")
# Whatever it is, Django takes the cookie's value in the field.
DJANGOS: Final = Dialect(b"csrfmiddlewaretoken", b"s" * 32, b"csrftoken=" + b"s" * 32)


def exactly(body: bytes) -> list[bytes]:
    """
    Return how long a body is, as a header says it.
    """
    return [b"%d" % len(body)]


@attrs.define(kw_only=True)
class Draft:
    """
    A request while it is made.

    Attributes:
        fields: Urlencoded; None is no body at all.

        spoil: What is done with the encoded body, in this order.

        lengths: Return the values of Content-Length, one header each.

        chunk: Makes chunks of the body.

        is_at_server: A server may refuse it, or read it in its own way, before the
            adapter is asked.

        is_short: The body ends before it should.

        told: Rows of docs/reference/adapters.md that say why one may differ.
    """

    method: bytes
    path: bytes
    session: str
    query: bytes = b""
    version: bytes = b"HTTP/1.1"
    hosts: list[bytes] = attrs.field(factory=lambda: [b"localhost:8000"])
    headers: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    cookies: list[bytes] = attrs.field(factory=list)
    types: list[bytes] = attrs.field(factory=lambda: [FORM.encode()])
    fields: list[tuple[bytes, bytes]] | None = None
    spoil: list[Callable[[bytes], bytes]] = attrs.field(factory=list)
    lengths: Callable[[bytes], list[bytes]] = exactly
    chunk: Callable[[bytes], bytes] | None = None
    is_at_server: bool = False
    is_short: bool = False
    told: set[str] = attrs.field(factory=set)

    @property
    def is_safe(self) -> bool:
        """
        Whether the method promises to change nothing.
        """
        return self.method in SAFE

    def body(self, dialect: Dialect) -> bytes | None:
        """
        Return the body, spoilt.
        """
        if self.fields is None:
            return None
        body = b"&".join(name + b"=" + value for name, value in self.fields)
        body = dialect.fill(body, self.session)
        for spoil in self.spoil:
            body = spoil(body)
        return body

    def wire(self, dialect: Dialect) -> bytes:
        """
        Return the bytes that go over the wire.
        """
        target = self.path + (b"?" + self.query if self.query else b"")
        lines = [b" ".join([self.method, target, self.version])]
        headers = [*((b"Host", host) for host in self.hosts), *self.headers]
        headers += [(b"Cookie", one) for one in self._cookies(dialect)]
        body = self.body(dialect)
        if body is not None:
            headers += [(b"Content-Type", one) for one in self.types]
            headers += [(b"Content-Length", one) for one in self.lengths(body)]
            body = body if self.chunk is None else self.chunk(body)
        headers.append((b"Connection", b"close"))
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join([*lines, b"", body or b""])

    def _cookies(self, dialect: Dialect) -> list[bytes]:
        if not dialect.cookie:
            return self.cookies
        if not self.cookies:
            return [dialect.cookie]
        *before, last = self.cookies
        return [*before, last + b"; " + dialect.cookie]


@attrs.frozen(kw_only=True)
class Mutated:
    """
    A request of the campaign.

    Attributes:
        number: With the seed it says which.

        what: The mutations, by name.

        ours, djangos: The bytes, with our guard's field and with Django's.

        path: Decoded, without the query.
    """

    number: int
    what: tuple[str, ...]
    method: str
    path: str
    ours: bytes = attrs.field(repr=False)
    djangos: bytes = attrs.field(repr=False)
    is_safe: bool
    is_at_server: bool
    is_short: bool
    told: frozenset[str]

    @property
    def is_below_ours(self) -> bool:
        """
        Whether its path lies among our pages.
        """
        return self.path.startswith(PATH.decode())

    def __str__(self) -> str:
        """
        Say what it is, and how it begins.
        """
        return f"request {self.number} ({', '.join(self.what)}): {self.ours[:700]!r}"


def finished(number: int, draft: Draft, what: Sequence[str]) -> Mutated:
    """
    Return the request as it is sent.
    """
    ours = draft.wire(OURS)
    return Mutated(
        number=number,
        what=tuple(what) or ("nothing",),
        method=draft.method.decode("latin-1"),
        path=unquote_to_bytes(draft.path).decode("latin-1"),
        ours=ours,
        djangos=draft.wire(DJANGOS),
        is_safe=draft.is_safe,
        # What is refused unread may reset the connection before the answer is there.
        is_at_server=draft.is_at_server or len(ours) > LONGEST_SENT,
        is_short=draft.is_short,
        told=frozenset(draft.told),
    )


def quoted(text: str) -> bytes:
    """
    Return *text* as a form has it; what is no character as its bytes.
    """
    return quote(text.encode("utf-8", "surrogatepass"), safe="").encode()
