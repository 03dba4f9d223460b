"""
More than a thousand hostile requests: never a 500, a traceback, an echo or a lie.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import attrs
import pytest
from flask import Flask, render_template_string

from uness_auth import Site
from uness_auth.flask import FlaskAuth, current_account, login_required
from uness_auth.testing import FixedClock, policy_without_waits
from uness_auth.web.http import SECURITY_HEADERS
from uness_auth.web.routes import ROUTES


if TYPE_CHECKING:
    from tests.adapters.flask.conftest import Sign

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
TRACES: Final = ("Traceback", "werkzeug", "jinja2", "Internal Server Error", ".py")

Cookies = Mapping[str, str]


@attrs.frozen
class Sent:
    """
    One request, as it goes over the wire.
    """

    method: str
    path: str
    query: str
    body: bytes
    environ: dict[str, Any]


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
        environ: dict[str, Any] = {
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(length),
            **self.headers(),
        }
        return Sent(
            method=chance.choice([*METHODS, *["POST"] * 40]),
            path=self.path(),
            query=chance.choice(["", self.text()[:2_000], f"next={self.text()[:900]}"]),
            body=body,
            environ=environ,
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
        Return headers as a WSGI server hands them over.
        """
        chance = self.chance
        found = {"HTTP_COOKIE": f"uness-browser={self.browser}"}
        many = {
            "HTTP_COOKIE": [
                "",
                f"uness-browser={self.browser}; uness-browser={'x' * 22}",
                f"uness-browser={self.browser}; uness-session={'s' * 43}",
                f"uness-browser={self.browser}; uness-session=\xff\x00",
                "a=" + "b" * 8_192,
                "=uness-session=bad; $Version=1",
                ";" * 3_000,
            ],
            "HTTP_HOST": ["evil.example", "", "a b", "[", "localhost:99999", SCRIPT],
            "HTTP_X_FORWARDED_HOST": ["evil.example"],
            "HTTP_X_FORWARDED_PROTO": ["https", "javascript"],
            "HTTP_X_FORWARDED_FOR": ["1.2.3.4", "," * 5_000, "\xff", "::1%x", "[", ""],
            "HTTP_FORWARDED": ["for=1.2.3.4;host=evil.example;proto=https"],
            "HTTP_ACCEPT_LANGUAGE": [
                "en",
                "\xff",
                "en;q=nan",
                "," * 5_000,
                "x" * 8_000,
            ],
            "HTTP_ORIGIN": ["null", BASE_URL, "https://evil.example", "\xff"],
            "HTTP_SEC_FETCH_SITE": ["same-origin", "cross-site", "x"],
            "HTTP_CONTENT_ENCODING": ["gzip"],
            "HTTP_EXPECT": ["100-continue"],
            "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
            "HTTP_USER_AGENT": [SCRIPT],
            "HTTP_REFERER": [SCRIPT],
            "HTTP_RANGE": ["bytes=0-"],
            "HTTP_TRANSFER_ENCODING": ["chunked"],
            "REMOTE_ADDR": ["", "unix:", "\xff", "::ffff:1.2.3.4"],
        }
        for name, values in many.items():
            if chance.random() < 0.04:
                found[name] = chance.choice(values)
        return found


@pytest.fixture(name="portal_sign")
def _portal_sign(make_sign: Callable[..., Sign]) -> Sign:
    """
    A sign-in with three accounts and budgets that a thousand requests do not spend.
    """
    sign = make_sign(site=Site(base_url=BASE_URL), policy=policy_without_waits())
    for address in (CAMILLE, "nadia.benali@chu-exemple.fr"):
        sign.auth.provisioning.add(address)
    return sign


@pytest.fixture(name="app")
def _app(portal_sign: Sign) -> Flask:
    """
    A host with a private page, all of whose errors would show.
    """
    app = Flask("portal")
    FlaskAuth(portal_sign.auth, app)

    @app.get("/private")
    @login_required
    def private() -> str:
        return render_template_string("Bonjour {{ who.address }}", who=current_account)

    return app


def send(app: Flask, sent: Sent) -> Any:
    """
    Send the request, headers as they are.
    """
    return app.test_client(use_cookies=False).open(
        sent.path,
        method=sent.method,
        query_string=sent.query.encode("utf-8", "surrogateescape").decode("latin-1"),
        input_stream=None,
        data=sent.body,
        environ_overrides=sent.environ,
    )


def well_placed(app: Flask, sign: Sign, clock: FixedClock) -> tuple[str, str, str]:
    """
    Return a CSRF value, the browser cookie it fits, and the token of a live link of an
    account with a password.
    """
    client = app.test_client(use_cookies=False)
    page = client.get("/auth/")
    csrf = re.findall('name="csrf" value="([^"]+)"', page.text)[0]
    browser = page.headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    def post(path: str, **fields: str) -> None:
        headers = {"Cookie": f"uness-browser={browser}"}
        client.post(f"/auth/{path}", data={"csrf": csrf, **fields}, headers=headers)

    def token() -> str:
        return sign.outbox.link(CAMILLE).rpartition("/")[2]

    post("", email=CAMILLE)
    post(f"link/{token()}", password=PASSWORD, confirmation=PASSWORD)
    clock.tick(timedelta(minutes=2))
    post("link", username=CAMILLE)
    return csrf, browser, token()


def mailed(sign: Sign) -> list[str]:
    """
    Addresses and texts of every mail.
    """
    return [
        f"{to}\n{message['To']}\n{message.get_body(('plain',))}"
        for to, message in sign.outbox.messages
    ]


class TestHostileRequests:
    def test_a_thousand_and_more(
        self, app: Flask, portal_sign: Sign, clock: FixedClock
    ) -> None:
        """
        Whatever is sent, the answer is one of the statuses we know, with its headers,
        with nothing of ours or theirs that does not belong on a page, and every mail
        goes to the stored address with a link below the base URL.
        """
        attacker = Attacker(SEED, *well_placed(app, portal_sign, clock))
        statuses = set()
        for number, sent in enumerate(attacker.requests(REQUESTS)):
            clock.tick(timedelta(seconds=2))
            try:
                answer = send(app, sent)
                statuses.add(answer.status_code)
                check(answer, sent)
            except Exception as exc:
                exc.add_note(f"seed {SEED}, request {number}: {sent!r:.2000}")
                raise
            challenges = re.findall('name="challenge" value="([^"]+)"', answer.text)
            attacker.challenge = (challenges or [attacker.challenge])[0]

        # It went everywhere, or it proved nothing.
        assert {200, 303, 400, 403, 404, 405, 410, 413, 415, 422} <= statuses, SEED
        for mail in mailed(portal_sign):
            assert CAMILLE in mail.partition("\n")[0]
            assert "evil" not in mail
            assert re.findall(r"https?://[^\s/]+/auth/", mail) in (
                [],
                [f"{BASE_URL}/auth/"],
            )


def check(answer: Any, sent: Sent) -> None:
    """
    Assert what holds for every answer.
    """
    assert answer.status_code in STATUSES
    location = urlsplit(answer.headers.get("Location", f"{BASE_URL}/"))
    assert BASE_URL == f"{location.scheme}://{location.netloc}"
    assert location.path in {"/", "/private"} or location.path.startswith("/auth/")
    headers = set(answer.headers.items())
    if sent.path.startswith("/auth"):
        is_file = answer.status_code == 200 and "/static/" in sent.path
        expected = {
            one
            for one in SECURITY_HEADERS
            if not (is_file and one[0] in {"Vary", "Cache-Control"})
        }
        assert expected <= headers
    for name, value in headers:
        assert "\n" not in value
        assert "\r" not in value
        assert "\x00" not in value
        if name == "Set-Cookie":
            assert re.fullmatch(
                r"uness-(browser|session)=([\w-]{22}|[\w-]{43})?; .*HttpOnly; Path=/; "
                r"SameSite=Lax",
                value,
            )
    if answer.status_code in {429, 503}:
        assert int(answer.headers["Retry-After"]) > 0
    if answer.status_code == 405:
        assert answer.headers["Allow"]
    text = answer.text
    assert "<script>alert(7)" not in text
    assert "49" not in re.findall('value="([^"]*)"', text)
    assert not any(trace in text for trace in TRACES)
    assert sent.method != "HEAD" or text == ""


class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
    def test_every_route(self, app: Flask, route: Any, method: str) -> None:
        """
        A method the page does not have is 405, and names those it has.
        """
        path = f"/auth/{route.path.replace('{token}', 'x')}"
        answer = app.test_client().open(path, method=method)

        assert answer.status_code in STATUSES
        assert (answer.status_code == 405) == (method not in route.methods)
        assert set(SECURITY_HEADERS) <= set(answer.headers.items())
        if method == "FOO":
            assert answer.headers["Allow"]
        elif answer.status_code == 405:
            assert ", ".join(route.methods) == answer.headers["Allow"]


class TestLies:
    @pytest.mark.parametrize("length", ["5", "0", "15999", "16385", "99999999999"])
    def test_about_the_length(self, app: Flask, length: str) -> None:
        """
        A body that is longer or shorter than it says is 400, 403 or 413.
        """
        answer = app.test_client().post(
            "/auth/",
            data=b"email=camille",
            content_type=FORM,
            environ_overrides={"CONTENT_LENGTH": length},
        )

        assert answer.status_code in {400, 403, 413}
        assert set(SECURITY_HEADERS) <= set(answer.headers.items())


class TestEcho:
    @pytest.mark.parametrize("name", ["email", "username", "next", "challenge"])
    @pytest.mark.parametrize("path", ["", "password", "link", "code", "code/confirm"])
    def test_what_was_typed_is_escaped(self, app: Flask, path: str, name: str) -> None:
        """
        Markup in any field comes back as text, or not at all (P60).
        """
        client = app.test_client()
        page = client.get("/auth/")
        csrf = re.findall('name="csrf" value="([^"]+)"', page.text)[0]
        answer = client.post(
            f"/auth/{path}",
            data={"csrf": csrf, "password": "x", "code": "1", name: SCRIPT},
        )

        assert answer.status_code in STATUSES
        assert "<script>alert" not in answer.text
        if name in {"email", "username"} and answer.status_code == 422:
            assert f"{SCRIPT[3:11]}" not in answer.text

    @pytest.mark.parametrize(
        "path", ["/auth/no-such-7319", "/auth/link/no-such-7319", "/auth/static/7319"]
    )
    def test_no_page_repeats_its_address(self, app: Flask, path: str) -> None:
        """
        Nobody can write on an error page by a link to it (P60).
        """
        answer = app.test_client().get(f"{path}?q=7319")

        assert 404 == answer.status_code
        assert "7319" not in answer.text
