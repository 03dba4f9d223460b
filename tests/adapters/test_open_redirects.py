"""
Two hundred spellings of another host, over real HTTP: every answer leads to the portal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

import attrs
import pytest

from tests import redirects
from tests.browser.hosts import FRAMEWORKS, SECONDS, Wishes
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CURRENT,
    NEW,
    PASSWORD,
    start,
)
from uness_auth.web.redirects import LONGEST_NEXT
from uness_auth.web.routes import ROUTES


# What a request line carries; what is longer is refused by servers before us.
SENT: Final = [one for one in redirects.BAD if len(one) <= 2 * LONGEST_NEXT]
# What it carries as it is, no letter of it encoded.
RAW: Final = [one for one in SENT if re.fullmatch("[!-~]+", one, re.ASCII)]
A_FEW: Final = [*SENT[::10], *redirects.NO_PATHS]
FORM_VALUE: Final = re.compile(r'name="(csrf\w*)" value="([^"]+)"')
PATHS: Final = [f"/auth/{one.path}" for one in ROUTES if "{token}" not in one.path]


@attrs.frozen(kw_only=True)
class Portal:
    """
    A portal on real HTTP, and somebody's browser.
    """

    base_url: str
    browser: HtmlBrowser

    def location(self, method: str, target: str, body: str = "") -> str:
        """
        Send one request as it is, with the browser's cookies; return where it leads.
        """
        jar = self.browser.cookies.items()
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in jar),
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.base_url,
        }
        reply = send(self.base_url, method, target, body.encode(), headers)
        return reply.header("Location")

    def is_at_home(self, location: str) -> bool:
        """
        Say whether every browser that follows *location* stays at the portal.
        """
        ends = {urljoin(f"{self.base_url}/auth/", location.replace("\\", "/"))}
        ends.add(urljoin(f"{self.base_url}/auth/", location))
        return all(
            f"{one.scheme}://{one.netloc}" == self.base_url
            for one in map(urlsplit, ends)
        )


def send(
    base_url: str, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> Reply:
    """
    Send one request over HTTP.
    """
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=SECONDS)
    connection.request(method, target, body or None, dict(headers))
    answer = connection.getresponse()
    reply = Reply(
        status=answer.status,
        headers=tuple(answer.getheaders()),
        body=answer.read().decode("utf-8", "replace"),
    )
    connection.close()
    return reply


@pytest.fixture(name="portal", params=list(FRAMEWORKS))
def _portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """
    A portal on each framework, and a browser at S7.
    """
    post = Outbox()
    wishes = Wishes(database=tmp_path / "portal.db", mailer=post, clock=FixedClock())
    with FRAMEWORKS[request.param](wishes) as (auth, base_url):
        auth.provisioning.add(CAMILLE, display_name="Camille Durand")

        def send_here(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            return send(base_url, method, path, body, headers)

        browser = HtmlBrowser(send_here, base_url)
        start(browser, CAMILLE)
        browser.visit(post.link(CAMILLE))
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        start(browser, CAMILLE)
        yield Portal(base_url=base_url, browser=browser)


def sign_in(portal: Portal) -> None:
    """
    Go on from S7.
    """
    portal.browser.fill(CURRENT, PASSWORD)
    portal.browser.press("SE CONNECTER")


def in_a_query(text: str) -> str:
    """
    Return *text* as a query carries it, lone surrogates too.
    """
    return quote(text, safe="", errors="surrogatepass")


class TestNext:
    def test_of_whoever_is_signed_in(self, portal: Portal) -> None:
        """
        P49: S1 leads them on, and never away; encoded or not.
        """
        sign_in(portal)

        home = f"{portal.base_url}/"
        found = {
            one: portal.location("GET", f"/auth/?next={in_a_query(one)}")
            for one in SENT
        }
        raw = [portal.location("GET", f"/auth/?next={one}") for one in RAW]
        assert {} == {one: end for one, end in found.items() if end != home}
        assert [] == [end for end in raw if not portal.is_at_home(end)]

    def test_of_a_sign_in(self, portal: Portal) -> None:
        """
        P49: whatever the form says, it ends at home; what is no text is no form.
        """
        [(name, value)] = FORM_VALUE.findall(portal.browser.reply.body)[:1]
        fields = {name: value, "username": CAMILLE, "password": PASSWORD}

        home = f"{portal.base_url}/"
        found = {
            one: portal.location(
                "POST",
                "/auth/password",
                urlencode({**fields, "next": one}, errors="surrogatepass"),
            )
            for one in SENT
        }
        refused = [one for one in SENT if found[one] == ""]
        assert ["/\ud800"] == refused
        assert {home, ""} == {*found.values()}

    def test_of_every_page(self, portal: Portal) -> None:
        """
        P49: signed in or not, no page of ours leads away.
        """
        asked = [f"{path}?next={in_a_query(one)}" for path in PATHS for one in A_FEW]

        before = {one: portal.location("GET", one) for one in asked}
        sign_in(portal)
        after = {one: portal.location("GET", one) for one in asked}

        assert [] == [end for end in before.values() if not portal.is_at_home(end)]
        assert [] == [end for end in after.values() if not portal.is_at_home(end)]
        assert any(before.values())
        assert any(after.values())

    def test_paths_of_the_portal_are_kept(self, portal: Portal) -> None:
        """
        What may be asked for is where it leads.
        """
        sign_in(portal)

        for one in redirects.GOOD:
            url = f"/auth/?next={in_a_query(one)}"
            assert f"{portal.base_url}{one}" == portal.location("GET", url)


class TestTheWayBack:
    def test_of_a_path_like_another_host(self, portal: Portal) -> None:
        """
        P49: a path that reads as another host leads there neither at once nor after a
        sign-in, whoever answers it.
        """
        targets = [one for one in RAW if one.startswith("/")]
        asked = [*targets, *(f"/private?{one}" for one in RAW)]

        found = [portal.location("GET", one) for one in asked]
        sign_in(portal)
        ways = [one.removeprefix(portal.base_url) for one in found if "next=" in one]
        ends = [portal.location("GET", one) for one in ways]

        assert [] == [end for end in found if not portal.is_at_home(end)]
        assert [] == [end for end in ends if not portal.is_at_home(end)]
        assert len(RAW) <= len([end for end in ends if end])
