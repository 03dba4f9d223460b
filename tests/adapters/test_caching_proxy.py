"""
nginx with a careless cache in front, on https: nobody gets a byte of anybody else's.
"""

from __future__ import annotations

import html
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlsplit

import attrs
import pytest

from tests.browser.hosts import FRAMEWORKS, HOST, SECONDS, Wishes
from tests.conftest import unless_missing
from tests.servers import nginx
from tests.servers.certificates import issued
from tests.servers.server import Server
from uness_auth import UnessAuth
from uness_auth.events import Event, EventKind
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NADIA,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    start,
)
from uness_auth.web.http import SECURITY_HEADERS
from uness_auth.web.routes import ROUTES
from uness_auth.web.static import names


pytestmark = pytest.mark.once
# Beyond what our page says: errors and answers to forms are to be kept, too.
CARELESS: Final = """
    proxy_cache_valid any 1m;
    proxy_cache_methods GET HEAD POST;
    proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
"""
# What our page says never to do.
IGNORANT: Final = "proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;"
# By itself nginx keeps a condition from the portal wherever it has a cache.
CONDITIONS: Final = "proxy_set_header If-None-Match $http_if_none_match;"
STATUS: Final = "X-Cache-Status"
PRIVATE: Final = ("/private", "/statement")
FOR_EVERYBODY: Final = ("/", "/auth", "/nothing", "/.well-known/change-password")
FORM: Final = "application/x-www-form-urlencoded"
# No path: where one goes next is no secret.
HIDDEN: Final = re.compile(r'<input type="hidden" name="[^"]+" value="([^"/]{20,})"')
# A shorter value is a word.
SHORTEST: Final = 20


class PostOffice(Outbox):
    """
    An outbox that a site on https may have.
    """

    for_development_only: ClassVar[bool] = False


@attrs.frozen(kw_only=True)
class Exchange:
    """
    A request of somebody's, and what the proxy answered.
    """

    who: str
    method: str
    path: str
    reply: Reply

    @property
    def is_of_a_page(self) -> bool:
        """
        Whether the sign-in made it, or a page that is one's own.
        """
        path = urlsplit(self.path).path
        is_ours = path.startswith("/auth/") and not path.startswith("/auth/static/")
        return is_ours or (path in PRIVATE and self.method in {"GET", "HEAD"})

    @property
    def everything(self) -> str:
        """
        Headers and body, as text.
        """
        lines = [f"{name}: {value}" for name, value in self.reply.headers]
        return html.unescape("\n".join([*lines, self.reply.body]))


@attrs.frozen(kw_only=True)
class Portal:
    """
    A portal behind the proxy, and all that went through it.
    """

    auth: UnessAuth
    base_url: str
    proxy: Server
    post: PostOffice
    trust: ssl.SSLContext
    exchanges: list[Exchange] = attrs.field(factory=list[Exchange])

    def browse(self, who: str, source: str = HOST) -> HtmlBrowser:
        """
        Open a browser for somebody, at an address of their own.
        """

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            reply = self._send(source, method, path, body, headers)
            self.exchanges.append(
                Exchange(who=who, method=method, path=path, reply=reply)
            )
            return reply

        return HtmlBrowser(send, self.base_url)

    def ask(
        self,
        browser: HtmlBrowser,
        who: str,
        method: str,
        path: str,
        body: bytes = b"",
        **headers: str,
    ) -> Reply:
        """
        Send what a browser does not, with its cookies.
        """
        cookies = "; ".join(f"{one}={value}" for one, value in browser.cookies.items())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Cookie": cookies, "Content-Type": FORM, **named}
        reply = self._send(HOST, method, path, body, sent)
        self.exchanges.append(Exchange(who=who, method=method, path=path, reply=reply))
        return reply

    def _send(
        self,
        source: str,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Reply:
        connection = HTTPSConnection(
            urlsplit(self.base_url).netloc,
            timeout=SECONDS,
            source_address=(source, 0),
            context=self.trust,
        )
        connection.request(method, path, body or None, dict(headers))
        answer = connection.getresponse()
        reply = Reply(
            status=answer.status,
            headers=tuple(answer.getheaders()),
            body=answer.read().decode("utf-8", "replace"),
        )
        connection.close()
        return reply


OpenPortal = Callable[[str], Portal]


@attrs.frozen(kw_only=True)
class Walk:
    """
    What was said while two people and a stranger took turns, and what was kept.
    """

    exchanges: list[Exchange]
    kept: set[str]

    @property
    def pages(self) -> list[Exchange]:
        """
        The exchanges about pages of ours, and those that are one's own.
        """
        return [one for one in self.exchanges if one.is_of_a_page]


@pytest.fixture(name="framework", params=list(FRAMEWORKS))
def _framework(request: pytest.FixtureRequest) -> str:
    """
    What the portal is built with.
    """
    return str(request.param)


@pytest.fixture(name="open_portal")
def _open_portal(framework: str, tmp_path: Path) -> Iterator[OpenPortal]:
    """
    Opens a portal behind nginx with a cache, and whatever the operator adds.
    """
    certificate, trust = issued(tmp_path, "localhost")
    post = PostOffice()
    with ExitStack() as stack:

        def open_portal(more: str = CARELESS) -> Portal:
            proxies: list[Server] = []

            def front(upstream: str) -> AbstractContextManager[str]:
                return behind(upstream, certificate, more, proxies)

            wishes = Wishes(
                database=tmp_path / "portal.db",
                mailer=post,
                clock=FixedClock(),
                front=front,
                is_https=True,
                proxies=1,
            )
            auth, base_url = stack.enter_context(FRAMEWORKS[framework](wishes))
            auth.provisioning.add(CAMILLE, display_name="Camille Durand")
            auth.provisioning.add(NADIA, display_name="Nadia Benali")
            return Portal(
                auth=auth, base_url=base_url, proxy=proxies[0], post=post, trust=trust
            )

        yield open_portal


@pytest.fixture(name="walks", scope="module")
def _walks() -> dict[str, Walk]:
    """
    One walk through each framework, for all that is asked about it.
    """
    return {}


@pytest.fixture(name="walk")
def _walk(framework: str, open_portal: OpenPortal, walks: dict[str, Walk]) -> Walk:
    """
    The walk through this framework.
    """
    if framework not in walks:
        portal = open_portal(CARELESS)
        take_turns(portal)
        walks[framework] = Walk(exchanges=portal.exchanges, kept=kept(portal.proxy))
    return walks[framework]


@contextmanager
def behind(
    upstream: str, certificate: Path, more: str, proxies: list[Server]
) -> Iterator[str]:
    """
    Run the proxy; skip the test where there is none.
    """
    with (
        unless_missing(),
        nginx.server(
            upstream=upstream, certificate=certificate, more=more, headers=CONDITIONS
        ) as proxy,
    ):
        proxies.append(proxy)
        yield proxy.url


# --- What people do -----------------------------------------------------------------


def see_every_screen(portal: Portal, browser: HtmlBrowser, address: str) -> None:
    """
    See every screen of the tutorial and most of its errors; end signed in.
    """
    stumble(portal, browser, address)
    create_password(portal, browser, address)
    browser.visit(portal.post.link(address))
    assert 410 == browser.status
    start(browser, address)
    browser.press("Mot de passe oublié ?")
    for _ in range(5):
        start(browser, address)
        browser.fill(CURRENT, OTHER_PASSWORD)
        browser.press("SE CONNECTER")
    start(browser, address)
    browser.fill(CURRENT, PASSWORD)
    browser.press("SE CONNECTER")
    assert 429 == browser.status
    start(browser, address, target="/private")
    browser.press("RECEVOIR LE CODE")
    code = portal.post.code(address)
    browser.fill(CODE, "000000" if code != "000000" else "111111")
    browser.press("SE CONNECTER")
    browser.fill(CODE, code)
    browser.press("SE CONNECTER")
    assert "/private" == browser.path


def stumble(portal: Portal, browser: HtmlBrowser, address: str) -> None:
    """
    From S1 to S5, by way of what goes wrong there.
    """
    start(browser, "personne@univ-exemple.fr")
    portal.post.is_down = True
    start(browser, address)
    assert 503 == browser.status
    portal.post.is_down = False
    start(browser, address)
    browser.visit(portal.post.link(address))
    browser.fill(NEW, "court")
    browser.fill(AGAIN, "autre")
    browser.press("CRÉER")
    assert 422 == browser.status


def create_password(portal: Portal, browser: HtmlBrowser, address: str) -> None:
    """
    From S1 to S6.
    """
    if not portal.post.count(address):
        start(browser, address)
    browser.visit(portal.post.link(address))
    browser.fill(NEW, PASSWORD)
    browser.fill(AGAIN, PASSWORD)
    browser.press("CRÉER")
    assert 200 == browser.status


def look(portal: Portal, browser: HtmlBrowser, who: str) -> None:
    """
    Ask for every address there is, in every way there is.
    """
    paths = [f"/auth/{one.path.replace('{token}', 'nonsense')}" for one in ROUTES]
    more = ["/auth/nothing", "/auth/?next=/private"]
    for path in (*paths, *more, *PRIVATE, *FOR_EVERYBODY):
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            portal.ask(browser, who, method, path)
    etag = portal.ask(browser, who, "GET", "/statement").header("ETag")
    portal.ask(browser, who, "GET", "/statement", If_None_Match=etag)
    for body, headers in (
        (b"email=a", {}),
        (b"email=a", {"Origin": "https://evil.example"}),
        (b"email=a&email=b", {}),
        (b"%ff", {}),
        (b"{}", {"Content-Type": "application/json"}),
    ):
        portal.ask(browser, who, "POST", "/auth/", body, **headers)


def take_turns(portal: Portal) -> None:
    """
    Let two people and a stranger ask for everything, before and after each signs in.
    """
    people = {one: portal.browse(one) for one in (CAMILLE, NADIA, "nobody")}
    for address in (CAMILLE, NADIA):
        see_every_screen(portal, people[address], address)
        for who, browser in people.items():
            look(portal, browser, who)
    people[CAMILLE].visit("/private")
    people[CAMILLE].press("Se déconnecter")
    for who, browser in people.items():
        look(portal, browser, who)


# --- What they saw ------------------------------------------------------------------


def secrets_of(who: str, exchanges: list[Exchange]) -> set[str]:
    """
    Return what must be seen by one of them alone.
    """
    own = {CAMILLE: {CAMILLE, "Camille"}, NADIA: {NADIA, "Nadia"}}.get(who, set())
    mine = [one.reply for one in exchanges if one.who == who]
    cookies = {
        value.partition(";")[0].partition("=")[2]
        for reply in mine
        for name, value in reply.headers
        if name.lower() == "set-cookie"
    }
    hidden = {one for reply in mine for one in HIDDEN.findall(reply.body)}
    return own | {one for one in cookies | hidden if len(one) >= SHORTEST}


def leaks(exchanges: list[Exchange]) -> list[str]:
    """
    Return who saw what of whom, and where.
    """
    secrets = {who: secrets_of(who, exchanges) for who in {x.who for x in exchanges}}
    return [
        f"{one.who} saw {secret} of {who}: {one.method} {one.path} {one.reply.status}"
        for one, text in [(one, one.everything) for one in exchanges]
        for who in secrets.keys() - {one.who}
        for secret in secrets[who]
        if secret in text
    ]


def kept(proxy: Server) -> set[str]:
    """
    Return the addresses of what lies in the proxy's cache.
    """
    files = [one for one in (proxy.folder / "cache").rglob("*") if one.is_file()]
    found = [re.search(rb"\nKEY: (.+)\n", one.read_bytes()) for one in files]
    return {one[1].decode("ascii") for one in found if one}


class TestPages:
    def test_all_kinds_were_seen(self, walk: Walk) -> None:
        """
        The walk had pages, redirects, 304 and every refusal that needs no storm.
        """
        expected = {200, 303, 304, 400, 403, 404, 405, 410, 415, 422, 429, 503}

        assert expected <= {one.reply.status for one in walk.pages}

    def test_nobody_sees_anything_of_anybody(self, walk: Walk) -> None:
        """
        P44: no name, cookie or form's value of one is in an answer to another.
        """
        assert [] == leaks(walk.exchanges)

    def test_no_page_comes_from_the_cache(self, walk: Walk) -> None:
        """
        P44: whoever asks for a page is answered by the portal.
        """
        assert set() == {
            (one.method, one.path, one.reply.header(STATUS))
            for one in walk.pages
            if one.reply.header(STATUS) not in {"", "MISS"}
        }

    def test_every_page_says_so(self, walk: Walk) -> None:
        """
        P44: errors, redirects and 304 too forbid to be kept, and name the cookie.
        """
        assert set() == {
            (one.method, one.path, one.reply.status)
            for one in walk.pages
            if one.reply.header("Cache-Control") != "no-store"
            or "Cookie" not in one.reply.header("Vary")
        }

    def test_no_page_is_kept(self, walk: Walk) -> None:
        """
        P44: in the cache lie the portal's pages for everybody, and nothing else.
        """
        assert {"/"} <= walk.kept <= {*FOR_EVERYBODY}

    def test_a_cache_that_ignores_them_would_tell(
        self, open_portal: OpenPortal
    ) -> None:
        """
        What our page says never to do hands the private page to the next who asks:
        this is how a leak looks.
        """
        portal = open_portal(IGNORANT)
        camille, stranger = portal.browse(CAMILLE), portal.browse("nobody")
        create_password(portal, camille, CAMILLE)
        start(camille, CAMILLE, target="/private")
        camille.fill(CURRENT, PASSWORD)
        camille.press("SE CONNECTER")

        stranger.visit("/private")

        assert "Bonjour Camille Durand" in stranger.text
        assert "HIT" == stranger.reply.header(STATUS)
        assert "nobody saw Camille of camille.durand@univ-exemple.fr: " in "".join(
            leaks(portal.exchanges)
        )
        assert "/private" in kept(portal.proxy)


class TestStaticFiles:
    def test_are_kept_and_are_nobodys(self, open_portal: OpenPortal) -> None:
        """
        Whoever asks second is answered by the cache, with the same bytes, headers of
        ours and no cookie.
        """
        portal = open_portal(CARELESS)
        camille = portal.browse(CAMILLE)
        see_every_screen(portal, camille, CAMILLE)
        stranger = portal.browse("nobody")

        for name in names():
            path = f"/auth/static/{name}?v=1"
            first = portal.ask(camille, CAMILLE, "GET", path)
            second = portal.ask(stranger, "nobody", "GET", path)
            assert (200, "MISS") == (first.status, first.header(STATUS))
            assert (200, "HIT") == (second.status, second.header(STATUS))
            assert first.body == second.body
            assert "" == first.header("Set-Cookie") == second.header("Set-Cookie")
            assert "public" in second.header("Cache-Control")
            assert all(
                value == second.header(header) for header, value in SECURITY_HEADERS[2:]
            )
        assert {f"/auth/static/{name}?v=1" for name in names()} <= kept(portal.proxy)


class TestTheDocumentedProxy:
    def test_its_log_holds_no_link(self, open_portal: OpenPortal) -> None:
        """
        The access log names the link's page and not its token, the error log nothing.
        """
        portal = open_portal("")
        stumble(portal, portal.browse(CAMILLE), CAMILLE)
        link = urlsplit(portal.post.link(CAMILLE)).path
        token = link.removeprefix("/auth/link/")

        portal.proxy.stop()

        folder = portal.proxy.folder
        log = (folder / "access.log").read_text("utf-8")
        assert '"GET /auth/link/[masked]" 200' in log
        assert '"POST /auth/link/[masked]" 422' in log
        for one in (log, (folder / "error.log").read_text("utf-8"), portal.proxy.log):
            assert token not in one
            assert token[:20] not in one

    def test_it_says_who_asks(self, open_portal: OpenPortal) -> None:
        """
        Events name the visitor's network, whatever the visitor claims.
        """
        portal = open_portal("")
        seen: list[Event] = []
        portal.auth.subscribe(seen.append)
        browser = portal.browse(CAMILLE, "127.0.9.7")

        start(browser, CAMILLE)
        portal.ask(
            browser,
            CAMILLE,
            "GET",
            urlsplit(portal.post.link(CAMILLE)).path,
            X_Forwarded_For="203.0.113.9",
        )

        networks = {one.kind: one.network for one in seen}
        assert "127.0.9.0/24" == networks[EventKind.LINK_ORDERED]
        assert "127.0.0.0/24" == networks[EventKind.LINK_OPENED]
