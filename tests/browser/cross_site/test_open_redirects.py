"""
Two hundred spellings of another host, and a sign-in that always ends at the portal.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from tests.browser.cross_site.attacker import Attacker
from tests.browser.cross_site.people import victim
from tests.redirects import BAD, CLIMBING, GOOD
from uness_auth.testing.journeys import CAMILLE, CURRENT, EMAIL, PASSWORD, Portal
from uness_auth.web.redirects import LONGEST_NEXT


# What a request line can carry; what is longer is refused by servers before us.
SENT = [one for one in BAD if len(one) <= 2 * LONGEST_NEXT]


def quoted(text: str) -> str:
    """
    Return *text* as a query carries it, lone surrogates too.
    """
    return quote(text, safe="", errors="surrogatepass")


def end_of(page: Any, url: str) -> str:
    """
    Return where the browser ends that is sent to *url*.
    """
    page.goto(url)
    return str(page.url)


class TestNext:
    def test_never_leads_away(self, portal: Portal) -> None:
        """
        P49: whoever is signed in and follows any of them is at home.
        """
        browser = victim(portal)
        start_page = f"{browser.base_url}/auth/?next="

        ends = {one: end_of(browser.page, start_page + quoted(one)) for one in SENT}

        home = f"{browser.base_url}/"
        assert {} == {one: end for one, end in ends.items() if end != home}

    def test_paths_of_the_portal_are_kept(self, portal: Portal) -> None:
        """
        What may be asked for is where one ends.
        """
        browser = victim(portal)
        start_page = f"{browser.base_url}/auth/?next="
        asked = [one for one in GOOD if one.startswith(("/private", "/#", "/a"))]

        for one in asked:
            end = end_of(browser.page, start_page + quoted(one))
            # A framework may tidy away a slash at the end.
            assert (browser.base_url + one).rstrip("/") == end.rstrip("/")

    def test_after_a_sign_in(self, portal: Portal, attacker: Attacker) -> None:
        """
        P49: who is lured to S1 with some of them, and signs in, is at home as well.
        """
        portal.add_with_password()
        for one in ("//evil.example", "/\\evil.example", "/..//evil.example/private"):
            browser: Any = portal.browse()
            url = f"{browser.base_url}/auth/?next={quoted(one)}"
            browser.page.goto(attacker.show(f'<a href="{url}">x</a>'))

            browser.follow("x")
            browser.fill(EMAIL, CAMILLE)
            browser.press("SE CONNECTER")
            browser.fill(CURRENT, PASSWORD)
            browser.press("SE CONNECTER")

            assert f"{browser.base_url}/" == browser.page.url


class TestTheList:
    def test_it_bites(self, portal: Portal) -> None:
        """
        To Chromium itself most of those that begin like a path are another site, and
        a check that looks for a host with `urlsplit` lets many of these through.
        """
        browser: Any = portal.browse()
        browser.visit("/auth/")

        away = browser.page.evaluate(
            """all => all.filter(one => {
                try { return new URL(one, location.href).origin !== location.origin; }
                catch { return false; }
            })""",
            [one for one in SENT if one.startswith(("/", "\\"))],
        )

        naive = [one for one in away if not has_host(one)]
        assert 40 < len(away)
        assert 10 < len(naive)
        assert {"///evil.example", "/\\evil.example", "\\\\evil.example"} <= {*naive}
        assert "/..//evil.example" in CLIMBING


def has_host(text: str) -> bool:
    """
    Say what a naive check would.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return True
    return bool(parts.scheme or parts.netloc)
