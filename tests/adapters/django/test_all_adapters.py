"""
One behaviour, every framework: the same answers, but for what a page explains.

Every journey is walked on each adapter, and the same hostile requests are sent to each;
whatever was answered is compared, headers, cookies and pages included.  Here, because
Django is the one that has to be set up first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urljoin

import attrs
import pytest

from tests.adapters.django import test_hostile as on_django
from tests.adapters.django.portal import empty_database, installed, middleware
from tests.adapters.django.portal import portal as django_portal
from tests.adapters.flask import test_hostile as on_flask
from tests.adapters.flask.test_journeys import portal_on as flask_portal_on
from tests.adapters.hostile import SEED, Attacker, Host, Send, Sent, host_on
from tests.adapters.starlette import test_hostile as on_starlette
from tests.adapters.starlette.test_journeys import make_fastapi, make_starlette
from tests.adapters.starlette.test_journeys import portal_on as starlette_portal_on
from uness_auth import UnessAuth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.browser import PageReader, Reply, tidy
from uness_auth.testing.journeys import Journeys, Portal
from uness_auth.web.forms import LONGEST_BODY


pytestmark = pytest.mark.once
ROOT: Final = Path(__file__).parents[3]
EXPLAINED: Final = (ROOT / "docs/reference/adapters.md").read_text("utf-8")
BASE_URL: Final = "http://localhost"
REQUESTS: Final = 400
JOURNEYS: Final = [name for name in vars(Journeys) if name.startswith("test_")]

# What is random, or tells the time of day.
RANDOM: Final = (
    (re.compile(r'(name="csrf" value=")[^"]+'), r"\1…"),
    (re.compile(r'(name="challenge" value=")[^"]+'), r"\1…"),
    (re.compile(r'(name="session" value=")[^"]+'), r"\1…"),
    (re.compile(r"(/link/)[^\s\"?]+"), r"\1…"),
)
# In their places each host puts its own.
CSRF, BROWSER, TOKEN = "k" * 86, "b" * 22, "t" * 120
UNTOLD: Final = frozenset({"content-length", "date", "server", "set-cookie"})

Connect: TypeAlias = Callable[[UnessAuth], Send]
Walked: TypeAlias = "list[tuple[str, Answered]]"


@attrs.frozen(kw_only=True)
class Answered:
    """
    What of an answer must be the same.
    """

    status: int
    title: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]
    body: str


def answered(reply: Reply, path: str) -> Answered:
    """
    Return what is compared of the answer to a request for *path*.
    """
    # Frameworks disagree whether nothing has a type.
    untold = UNTOLD if reply.body else UNTOLD | {"content-type"}
    headers = sorted(
        (name.lower(), without_chance(value))
        for name, value in reply.headers
        if name.lower() not in untold
    )
    cookies = sorted(
        cookie_of(value)
        for name, value in reply.headers
        if name.lower() == "set-cookie"
    )
    is_ours = path.startswith("/auth")
    reader = PageReader(reply.body)
    return Answered(
        status=reply.status,
        title=tidy(reader.title) if is_ours or reply.status == 200 else "",
        # A host's own page brings its own headers and words.
        headers=tuple(headers) if is_ours else tuple(h for h in headers if is_kept(h)),
        cookies=tuple(cookies),
        body=without_chance(reply.body) if is_ours else "",
    )


def is_kept(header: tuple[str, str]) -> bool:
    """
    Whether a header of a host's page is ours to answer for.
    """
    return header[0] in {"cache-control", "location", "vary"}


def without_chance(text: str) -> str:
    """
    Return *text* with what is random masked.
    """
    for pattern, mask in RANDOM:
        text = pattern.sub(mask, text)
    return text


def cookie_of(value: str) -> str:
    """
    Return a cookie with its value masked, its attributes in order.
    """
    pair, *rest = value.split("; ")
    name, _, held = pair.partition("=")
    # It repeats Max-Age by the clock on the wall.
    kept = sorted(one.lower() for one in rest if not one.lower().startswith("expires="))
    shape = "…" if held.strip('"') else ""
    return "; ".join([f"{name}={shape}", *kept])


# --- What may differ ----------------------------------------------------------------
#
# Each of these takes one row of the table in docs/reference/adapters.md away from an
# answer of Django's.


def _field(reply: Reply) -> Reply:
    body = reply.body.replace('name="csrfmiddlewaretoken"', 'name="csrf"')
    return attrs.evolve(reply, body=body)


def _cookie(reply: Reply) -> Reply:
    headers = [
        (name, value)
        for name, value in reply.headers
        if not (name == "Set-Cookie" and value.startswith("csrftoken="))
    ]
    return attrs.evolve(reply, headers=tuple(headers))


def _vary(reply: Reply) -> Reply:
    headers = [
        (
            name,
            ", ".join(sorted({*re.split(r",\s*", value)} - {"Accept-Language"}))
            if name == "Vary"
            else value,
        )
        for name, value in reply.headers
    ]
    return attrs.evolve(
        reply,
        # What LocaleMiddleware says besides.
        headers=tuple(h for h in headers if h[0] != "Content-Language" and h[1]),
    )


def _own_redirect(reply: Reply) -> Reply:
    if reply.status != 302:
        return reply
    # Its decorator's, to a path, where "next" keeps its slashes.
    path, _, query = reply.header("location").partition("?")
    location = f"{urljoin(BASE_URL, path)}?{urlencode(parse_qsl(query))}"
    headers = [
        (name, location if name == "Location" else value)
        for name, value in reply.headers
    ]
    return attrs.evolve(reply, status=303, headers=tuple(headers))


DIFFERENCES: Final[dict[str, Callable[[Reply], Reply]]] = {
    "The field of every form": _field,
    "The cookie behind it": _cookie,
    "`Vary`": _vary,
    "`/private` to a stranger": _own_redirect,
}


# --- The adapters -------------------------------------------------------------------


@contextmanager
def _flask() -> Iterator[Portal]:
    yield flask_portal_on(MemoryStorage().stores)


@contextmanager
def _starlette() -> Iterator[Portal]:
    yield starlette_portal_on(MemoryStorage().stores, make_starlette)


@contextmanager
def _fastapi() -> Iterator[Portal]:
    yield starlette_portal_on(MemoryStorage().stores, make_fastapi)


@contextmanager
def _django() -> Iterator[Portal]:
    outbox, clock = Outbox(), FixedClock()
    empty_database()
    with installed(outbox=outbox, clock=clock):
        yield django_portal(outbox, clock)


PORTALS: Final[dict[str, Callable[[], AbstractContextManager[Portal]]]] = {
    "flask": _flask,
    "starlette": _starlette,
    "fastapi": _fastapi,
    "django": _django,
}


def walk(adapter: str, journey: str) -> Walked:
    """
    Walk one journey on one adapter; return all requests and what was answered.
    """
    walked: Walked = []

    def recording(send: Any) -> Any:
        def record(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            reply: Reply = send(method, path, body, headers)
            told = reply
            if adapter == "django":
                for explained in DIFFERENCES.values():
                    told = explained(told)
            asked = f"{method} {without_chance(unquote(path))}"
            walked.append((asked, answered(told, path)))
            return reply

        return record

    with PORTALS[adapter]() as portal:

        def browse(**wishes: Any) -> Any:
            browser: Any = portal.browse(**wishes)
            browser._send = recording(browser._send)  # noqa: SLF001 - to listen in
            return browser

        class Recorded(Journeys):
            def make(self) -> Portal:
                return attrs.evolve(portal, browse=browse)

        getattr(Recorded(), journey)()
    return walked


class TestJourneys:
    @pytest.mark.parametrize("adapter", ["starlette", "fastapi", "django"])
    @pytest.mark.parametrize("journey", JOURNEYS)
    def test_answers_are_the_same(self, journey: str, adapter: str) -> None:
        """
        Each request of a journey is answered as Flask's adapter answers it.
        """
        expected = walk("flask", journey)

        assert expected
        assert expected == walk(adapter, journey)


class TestHostileRequests:
    @pytest.fixture(name="hosts")
    def _hosts(self) -> Iterator[dict[str, Host]]:
        """
        The same host on each adapter.
        """
        django = on_django.TestHostileRequestsToDjango()
        django.stack = []
        empty_database()
        # Without LocaleMiddleware, as Django's own hostile requests.
        plain = [one for one in middleware() if "Locale" not in one]
        with installed(more={"ALLOWED_HOSTS": ["*"], "MIDDLEWARE": plain}):
            connects: dict[str, Connect] = {
                "flask": on_flask.TestHostileRequestsToFlask().connect,
                "starlette": on_starlette.TestHostileRequestsToStarlette().connect,
                "fastapi": on_starlette.TestHostileRequestsToFastAPI().connect,
                "django": django.connect,
            }
            yield {name: host_on(connect) for name, connect in connects.items()}
            for changed in django.stack:
                changed.disable()

    def test_statuses_are_the_same(self, hosts: dict[str, Host]) -> None:
        """
        The same hostile request has the same status everywhere.

        But for whether a form is ours, which Django's own guard decides, and for bodies
        that are too large by the length of its value alone.
        """
        told = {name: attack(host) for name, host in hosts.items()}

        expected = told.pop("flask")
        assert len({status for _, status in expected}) > 6
        assert (
            []
            == [
                (SEED, sent, status, name, other)
                for name, found in told.items()
                for (sent, status), (_, other) in zip(expected, found, strict=True)
                if status != other
                and not (name == "django" and 403 in {status, other})
                and not (name == "django" and is_at_the_edge(sent))
            ][:5]
        )


def is_at_the_edge(sent: Sent) -> bool:
    """
    Say whether a body is just as large as a body may be.
    """
    return abs(len(sent.body) - LONGEST_BODY) < 128


def attack(host: Host) -> list[tuple[Sent, int]]:
    """
    Send the requests of one seed to a host; return each and its status.
    """
    csrf, browser, token = host.well_placed()
    # The same for every host, and only then what is right for this one.
    attacker = Attacker(SEED, CSRF, BROWSER, TOKEN)
    # The host's own pages answer as their framework does.
    requests = [
        sent for sent in attacker.requests(REQUESTS) if sent.path.startswith("/auth/")
    ]

    def placed(sent: Sent) -> Sent:
        cookie = sent.headers.get("cookie", "").replace(BROWSER, browser)
        return attrs.evolve(
            sent,
            path=sent.path.replace(TOKEN, token),
            body=sent.body.replace(CSRF.encode(), csrf.encode()),
            headers={**sent.headers, "cookie": cookie},
        )

    return [(sent, host.send(as_served(placed(sent))).status) for sent in requests]


def as_served(sent: Sent) -> Sent:
    """
    Return the request as servers hand it over: whole, and no longer than it says.
    """
    headers = {**sent.headers, "content-length": str(len(sent.body))}
    _ = headers.pop("transfer-encoding", None)
    # Werkzeug refuses methods that it does not know before anybody is asked.
    method = "POST" if sent.method == "FOO" else sent.method
    return attrs.evolve(sent, method=method, headers=headers)


class TestTable:
    def test_each_difference_is_explained(self) -> None:
        """
        What is taken away before comparing is a row of the page on the adapters.
        """
        rows = re.findall(r"^\| (.+?) \|", EXPLAINED, re.MULTILINE)

        assert [] == [name for name in DIFFERENCES if name not in rows]
