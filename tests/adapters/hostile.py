"""
More than a thousand hostile requests: never a 500, a traceback, an echo or a lie.

Subclass `HostileRequests` in an adapter's test module, and give it a host in `host`.
"""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

import attrs
import pytest

from uness_auth import Site, UnessAuth
from uness_auth.devices import COOKIE_SHAPE
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox, policy_without_waits
from uness_auth.testing.browser import Reply
from uness_auth.web.http import SECURITY_HEADERS
from uness_auth.web.routes import ROUTES


# To be set to what a failure printed, to see it again.
SEED: Final = random.SystemRandom().randrange(2**32)
REQUESTS: Final = 1_500
BASE_URL: Final = "http://localhost:8000"
CAMILLE: Final = "camille.durand@univ-exemple.fr"
PASSWORD: Final = "Cheval7+Agrafe"
FORM: Final = "application/x-www-form-urlencoded"
METHODS: Final = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "FOO",
)
STATUSES: Final = {200, 303, 400, 403, 404, 405, 410, 413, 415, 422, 429, 503}
FIELDS: Final = (
    "email",
    "username",
    "password",
    "confirmation",
    "code",
    "challenge",
    "next",
    "csrf",
    "remember",
    "any",
)
# Breaks out of an attribute and an element, and is found again in what comes back.
SCRIPT: Final = "\"'><script>alert(7)</script>"
TRACES: Final = (
    "Traceback",
    "django",
    "fastapi",
    "jinja2",
    "starlette",
    "werkzeug",
    "Internal Server Error",
    ".py",
)
ATTRIBUTES: Final = {"httponly", "path=/", "samesite=lax"}


@attrs.frozen(kw_only=True)
class Sent:
    """
    One request, as it goes over the wire.

    Attributes:
        path: Decoded.

        headers: In lower case, their values as Latin-1 reads bytes.

        peer: The socket's address.
    """

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    peer: str = "127.0.0.1"

    @property
    def environ(self) -> dict[str, str]:
        """
        The headers and the address as WSGI has them.
        """
        names = {name: name.upper().replace("-", "_") for name in self.headers}
        return {
            "REMOTE_ADDR": self.peer,
            **{
                upper
                if name.startswith("content-") and name != "content-encoding"
                else f"HTTP_{upper}": self.headers[name]
                for name, upper in names.items()
            },
        }


Send: TypeAlias = Callable[[Sent], Reply]


class Attacker:
    """
    Makes requests by chance, from a seed.

    Args:
        csrf, browser: A value that fits the browser cookie, so that some requests get
            past the guard.

        token: Of a real link, to spoil.
    """

    def __init__(self, seed: int, csrf: str, browser: str, token: str) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a test's
        self.csrf = csrf
        self.browser = browser
        self.real = token
        self.challenge = "0" * 32

    def requests(self, count: int) -> Iterator[Sent]:
        """
        Yield *count* requests.
        """
        for _ in range(count):
            yield self.one()

    def one(self) -> Sent:
        """
        Return a request that is wrong in some ways and right in others.
        """
        chance = self.chance
        content_type, body = self.body()
        length = chance.choice(
            [len(body)] * 60 + ["0", "-1", "lies", "1e3", "+5", "", " 7", 10**12]
        )
        headers = {
            "content-type": content_type,
            "content-length": str(length),
            **self.headers(),
        }
        query = chance.choice(["", self.text()[:2_000], f"next={self.text()[:900]}"])
        return Sent(
            method=chance.choice([*METHODS, *["POST"] * 40]),
            path=self.path(),
            query=query.encode("utf-8", "surrogateescape"),
            body=body,
            peer=headers.pop("peer", "127.0.0.1"),
            headers=headers,
        )

    def path(self) -> str:
        """
        Return a path of ours, or nearly.
        """
        chance = self.chance
        route = chance.choice(ROUTES).path.replace("{token}", self.token())
        path = f"/auth/{route}"
        others = [
            "/auth",
            "/auth//",
            "/auth/../private",
            f"/auth/{self.text()[:200]}",
            "/auth/static/uness.css",
            "/auth/static/../../flask.py",
            f"/auth/static/{self.text()[:200]}",
            "/.well-known/change-password",
            "/private",
            f"{path}/",
            f"{path}{SCRIPT}",
        ]
        return chance.choice([path] * 60 + others)

    def token(self) -> str:
        """
        Return a link's token, whole or spoilt.
        """
        real = self.real
        at = self.chance.randrange(len(real))
        return self.chance.choice(
            [
                real,
                real[:at],
                real[at:],
                real[:at] + "A" + real[at + 1 :],
                real[:at] + "é" + real[at:],
                real + "=",
                real + "\x00",
                real * 100,
                "f" * 10_240,
                "." * 10_240,
                "../" * 30,
                SCRIPT,
            ]
        )

    def text(self) -> str:
        """
        Return a value that nobody types.
        """
        chance = self.chance
        return chance.choice(
            [
                "",
                " ",
                "\x00",
                f"a\x00{CAMILLE}",
                CAMILLE,
                f"{CAMILLE},a@evil.example",
                f"{CAMILLE}\r\nBcc: a@evil.example",
                f'"{CAMILLE} x"@evil.example',
                "m\u0131ke@univ-exemple.fr",
                "\u212a",
                "\ufdfa" * 500,
                "\u202e\u2028\ufeff",
                "é" * 300,
                SCRIPT,
                "{{ 7*7 }}{% include 'x' %}${7*7}",
                "' or 1=1 --",
                "%s%n%d{0}{a.b}",
                "1e309",
                "9" * 400,
                "-1",
                "NaN",
                "null",
                "true",
                "[]",
                "{}",
                "123456",
                "١٢٣٤٥٦",
                "//evil.example",
                "/\\evil.example",
                "/private",
                "https://evil.example",
                "javascript:alert(7)",
                PASSWORD,
                "a" * 1_025,
                "a" * 15_000,
                "a" * 1_000_000,
                "".join(chr(chance.randrange(0xD800)) for _ in range(12)),
            ]
        )

    def body(self) -> tuple[str, bytes]:
        """
        Return a content type and a body, which may fit.
        """
        chance = self.chance
        if chance.random() < 0.9:
            return FORM, self.form()
        boundary = (
            b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na\r\n--x--'
        )
        return chance.choice(
            [
                ("application/json", b'{"email": ["a", "b"]}'),
                ("application/json", b'{"email":' + b"[" * 5_000),
                ("multipart/form-data; boundary=x", boundary),
                ("multipart/form-data", boundary),
                ("multipart/form-data; boundary=x", b"--x\r\n" * 2_000),
                ("text/plain", self.form()),
                ("", self.form()),
                (f"{FORM}; charset=utf-7", b"email=+ADw-script+AD4-"),
                (f"{FORM}, {FORM}", self.form()),
                ("\x00", b"\x00"),
                (FORM, b"\xff\xfe" * 100),
                (FORM, b"&".join([b"a=1"] * 10_000)),
                (FORM, b"email"),
                (FORM, b"x" * 1_000_000),
            ]
        )

    def form(self) -> bytes:
        """
        Return an urlencoded form, whose fields may be missing, many or broken.
        """
        chance = self.chance
        right = {
            "csrf": self.csrf,
            "email": CAMILLE,
            "username": CAMILLE,
            "password": PASSWORD,
            "confirmation": PASSWORD,
            "challenge": self.challenge,
            "next": "/private",
        }
        parts = []
        for name in FIELDS:
            kind = chance.random()
            value = quote(right.get(name, self.text()), safe="")
            if kind < 0.06:
                continue
            if kind < 0.16:
                value = quote(self.text(), safe="")
            elif kind < 0.17:
                value = chance.choice(["%ff", "%ED%A0%80", "%C0%AF", "%", "%zz", "%00"])
            elif kind < 0.18:
                name = chance.choice(["{}[]", "{}[0]", "{}.x", " {}"]).format(name)  # noqa: PLW2901 - spoilt
            elif kind < 0.19:
                parts.append(f"{name}={value}")
            parts.append(f"{name}={value}")
        return "&".join(parts).encode()

    def headers(self) -> dict[str, str]:
        """
        Return headers, and maybe a ``peer`` that is no address.
        """
        chance = self.chance
        found = {"cookie": f"uness-browser={self.browser}"}
        many = {
            "cookie": [
                "",
                f"uness-browser={self.browser}; uness-browser={'x' * 22}",
                f"uness-browser={self.browser}; uness-session={'s' * 43}",
                f"uness-browser={self.browser}; uness-session=\xff\x00",
                "a=" + "b" * 8_192,
                "=uness-session=bad; $Version=1",
                ";" * 3_000,
            ],
            "host": ["evil.example", "", "a b", "[", "localhost:99999", SCRIPT],
            "x-forwarded-host": ["evil.example"],
            "x-forwarded-proto": ["https", "javascript"],
            "x-forwarded-for": ["1.2.3.4", "," * 5_000, "\xff", "::1%x", "[", ""],
            "forwarded": ["for=1.2.3.4;host=evil.example;proto=https"],
            "accept-language": [
                "en",
                "\xff",
                "en;q=nan",
                "," * 5_000,
                "x" * 8_000,
            ],
            "origin": ["null", BASE_URL, "https://evil.example", "\xff"],
            "sec-fetch-site": ["same-origin", "cross-site", "x"],
            "content-encoding": ["gzip"],
            "expect": ["100-continue"],
            "x-http-method-override": ["DELETE"],
            "user-agent": [SCRIPT],
            "referer": [SCRIPT],
            "range": ["bytes=0-"],
            "transfer-encoding": ["chunked"],
            "peer": ["", "unix:", "\xff", "::ffff:1.2.3.4"],
        }
        for name, values in many.items():
            if chance.random() < 0.04:
                found[name] = chance.choice(values)
        return found


@attrs.frozen
class Host:
    """
    A sign-in with an account or two, on a host with a private page.
    """

    send: Send
    auth: UnessAuth
    outbox: Outbox
    clock: FixedClock

    def get(self, path: str, **headers: str) -> Reply:
        """
        Ask for a page.
        """
        asked, _, query = path.partition("?")
        return self.send(
            Sent(method="GET", path=asked, query=query.encode(), headers=headers)
        )

    def post(self, path: str, *, browser: str = "", **fields: str) -> Reply:
        """
        Send a form.
        """
        body = urlencode(fields).encode()
        headers = {"content-type": FORM, "content-length": str(len(body))}
        if browser:
            headers["cookie"] = f"uness-browser={browser}"
        return self.send(Sent(method="POST", path=path, body=body, headers=headers))

    def open(self) -> tuple[str, str]:
        """
        Open S1; return a CSRF value and the browser cookie that it fits.
        """
        page = self.get("/auth/")
        csrf = re.findall('name="csrf" value="([^"]+)"', page.body)[0]
        cookie = page.header("set-cookie")
        return csrf, cookie.partition("=")[2].partition(";")[0]

    def token(self) -> str:
        """
        Return the token of the last link.
        """
        return self.outbox.link(CAMILLE).rpartition("/")[2]

    def well_placed(self) -> tuple[str, str, str]:
        """
        Return a CSRF value, the browser cookie it fits, and the token of a live link of
        an account with a password.
        """
        csrf, browser = self.open()
        self.post("/auth/", browser=browser, csrf=csrf, email=CAMILLE)
        self.post(
            f"/auth/link/{self.token()}", password=PASSWORD, confirmation=PASSWORD
        )
        self.clock.tick(timedelta(minutes=2))
        self.post("/auth/link", browser=browser, csrf=csrf, username=CAMILLE)
        return csrf, browser, self.token()

    def mailed(self) -> list[str]:
        """
        Addresses and texts of every mail.
        """
        return [
            f"{to}\n{message['To']}\n{message.get_body(('plain',))}"
            for to, message in self.outbox.messages
        ]


def host_on(connect: Callable[[UnessAuth], Send]) -> Host:
    """
    Return a host with budgets that a thousand requests do not spend.
    """
    clock, outbox = FixedClock(), Outbox()
    auth = UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=MemoryStorage().stores,
        mailer=outbox,
        hashing=FastHashing(),
        policy=policy_without_waits(),
        clock=clock,
    )
    for address in (CAMILLE, "nadia.benali@chu-exemple.fr"):
        auth.provisioning.add(address)
    return Host(connect(auth), auth, outbox, clock)


def lowered(headers: tuple[tuple[str, str], ...]) -> set[tuple[str, str]]:
    """
    Return the headers, names in lower case.
    """
    return {(name.lower(), value) for name, value in headers}


def check(reply: Reply, sent: Sent) -> None:
    """
    Assert what holds for every answer.
    """
    assert reply.status in STATUSES
    location = urlsplit(reply.header("location") or f"{BASE_URL}/")
    assert BASE_URL == f"{location.scheme}://{location.netloc}"
    assert location.path in {"/", "/private"} or location.path.startswith("/auth/")
    headers = lowered(reply.headers)
    if sent.path.startswith("/auth"):
        is_file = reply.status == 200 and "/static/" in sent.path
        expected = {
            one
            for one in SECURITY_HEADERS
            if not (is_file and one[0] in {"Vary", "Cache-Control"})
        }
        assert lowered(tuple(expected)) <= headers
    for name, value in headers:
        assert "\n" not in value
        assert "\r" not in value
        assert "\x00" not in value
        if name == "set-cookie":
            check_cookie(value)
    if reply.status in {429, 503}:
        assert int(reply.header("retry-after")) > 0
    if reply.status == 405:
        assert reply.header("allow")
    text = reply.body
    assert "<script>alert(7)" not in text
    assert "49" not in re.findall('value="([^"]*)"', text)
    assert not any(trace in text for trace in TRACES)
    # A host's own body to HEAD is left out by servers, not by the framework.
    assert sent.method != "HEAD" or text == "" or not sent.path.startswith("/auth")


SHAPES: Final[dict[str, str | re.Pattern[str]]] = {
    "uness-browser": r"[\w-]{22}",
    "uness-session": r'([\w-]{43}|"")?',
    "uness-device": COOKIE_SHAPE,
}


def check_cookie(header: str) -> None:
    """
    Assert that a cookie is one of ours, to the letter.
    """
    pair, *rest = header.split("; ")
    attributes = {one.lower() for one in rest}
    kept = {one for one in attributes if one.startswith(("max-age=", "expires="))}

    name, _, value = pair.partition("=")
    assert name in SHAPES
    assert re.fullmatch(SHAPES[name], value)
    assert ATTRIBUTES == attributes - kept


class HostileRequests(ABC):
    """
    What no request does to an adapter.
    """

    @abstractmethod
    def connect(self, auth: UnessAuth) -> Send:
        """
        Return what sends requests to a host with the sign-in of *auth*, and with a page
        ``/private`` that needs it; errors of the host come out as exceptions.
        """

    @pytest.fixture(name="host")
    def _host(self) -> Host:
        """
        The host.
        """
        return host_on(self.connect)

    def test_a_thousand_and_more(self, host: Host) -> None:
        """
        Whatever is sent, the answer is one of the statuses we know, with its headers,
        with nothing of ours or theirs that does not belong on a page, and every mail
        goes to the stored address with a link below the base URL.
        """
        attacker = Attacker(SEED, *host.well_placed())
        statuses = set()
        for number, sent in enumerate(attacker.requests(REQUESTS)):
            host.clock.tick(timedelta(seconds=2))
            try:
                reply = host.send(sent)
                statuses.add(reply.status)
                check(reply, sent)
            except Exception as exc:
                exc.add_note(f"seed {SEED}, request {number}: {sent!r:.2000}")
                raise
            challenges = re.findall('name="challenge" value="([^"]+)"', reply.body)
            attacker.challenge = (challenges or [attacker.challenge])[0]

        # It went everywhere, or it proved nothing.
        assert {200, 303, 400, 403, 404, 405, 410, 413, 415, 422} <= statuses, SEED
        for mail in host.mailed():
            assert CAMILLE in mail.partition("\n")[0]
            assert "evil" not in mail
            assert re.findall(r"https?://[^\s/]+/auth/", mail) in (
                [],
                [f"{BASE_URL}/auth/"],
            )

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
    def test_every_route(self, host: Host, route: Any, method: str) -> None:
        """
        A method the page does not have is 405, and names those it has.
        """
        path = f"/auth/{route.path.replace('{token}', 'x')}"
        reply = host.send(Sent(method=method, path=path))

        assert reply.status in STATUSES
        assert (reply.status == 405) == (method not in route.methods)
        assert lowered(SECURITY_HEADERS) <= lowered(reply.headers)
        if method == "FOO":
            assert reply.header("allow")
        elif reply.status == 405:
            assert ", ".join(route.methods) == reply.header("allow")

    @pytest.mark.parametrize("length", ["5", "0", "15999", "16385", "99999999999"])
    def test_lies_about_the_length(self, host: Host, length: str) -> None:
        """
        A body that is longer or shorter than it says is 400, 403 or 413.
        """
        headers = {"content-type": FORM, "content-length": length}
        sent = Sent(
            method="POST", path="/auth/", body=b"email=camille", headers=headers
        )
        reply = host.send(sent)

        assert reply.status in {400, 403, 413}
        assert lowered(SECURITY_HEADERS) <= lowered(reply.headers)

    @pytest.mark.parametrize("name", ["email", "username", "next", "challenge"])
    @pytest.mark.parametrize("path", ["", "password", "link", "code", "code/confirm"])
    def test_what_was_typed_is_escaped(self, host: Host, path: str, name: str) -> None:
        """
        P60: markup in any field comes back as text, or not at all.
        """
        csrf, browser = host.open()
        fields = {"csrf": csrf, "password": "x", "code": "1", name: SCRIPT}
        reply = host.post(f"/auth/{path}", browser=browser, **fields)

        assert reply.status in STATUSES - {403}
        assert "<script>alert" not in reply.body
        if name in {"email", "username"} and reply.status == 422:
            assert f"{SCRIPT[3:11]}" not in reply.body

    @pytest.mark.parametrize(
        "path", ["/auth/no-such-7319", "/auth/link/no-such-7319", "/auth/static/7319"]
    )
    def test_no_page_repeats_its_address(self, host: Host, path: str) -> None:
        """
        P60: nobody can write on an error page by a link to it.
        """
        reply = host.get(f"{path}?q=7319")

        assert 404 == reply.status
        assert "7319" not in reply.body
