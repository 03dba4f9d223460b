"""
A request says which browser, which session, which network and which language.
"""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from uness_auth import Policy, Site
from uness_auth.keys import token_digest
from uness_auth.web.http import Request
from uness_auth.web.visitors import Visitors


BROWSER, SESSION = "b" * 22, "s" * 43


def visitors(trusted_proxies: int = 0) -> Visitors:
    """
    Readers for a site with one campus.
    """
    return Visitors(
        site=Site(base_url="http://localhost"),
        policy=Policy.uness(),
        trusted_proxies=trusted_proxies,
        trusted_networks=(ip_network("192.0.2.0/24"),),
    )


def request(peer: str | None = "203.0.113.9", **headers: str) -> Request:
    """
    A GET with these headers.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="GET", path="/auth/", headers=named, peer=peer)


class TestRead:
    def test_a_known_browser(self) -> None:
        """
        Both cookies are read; of the browser's only the digest goes further.
        """
        cookie = f"uness-browser={BROWSER}; uness-session={SESSION}"
        visitor = visitors().read(request(cookie=cookie))

        assert visitor.is_known
        assert visitor.new_browser is None
        assert (BROWSER, SESSION) == (visitor.browser, visitor.session)
        assert token_digest(BROWSER) == visitor.client.browser_digest

    @pytest.mark.parametrize("cookie", ["", "uness-browser=planted", "a=b"])
    def test_a_new_browser(self, cookie: str) -> None:
        """
        Without a cookie of ours it gets one, and no challenge can be bound to it yet.
        """
        visitor = visitors().read(request(cookie=cookie))

        assert not visitor.is_known
        assert visitor.new_browser is not None
        assert visitor.browser == visitor.new_browser.cookie_value
        assert visitor.browser not in cookie
        assert ("", "") == (visitor.session, visitor.client.browser_digest)

    def test_network(self) -> None:
        """
        The socket's, or what the trusted proxy says; a campus is told.
        """
        forged = request(x_forwarded_for="192.0.2.7")

        assert "203.0.113.9" == visitors().read(forged).client.network
        assert not visitors().read(forged).client.is_trusted_network
        assert "192.0.2.7" == visitors(1).read(forged).client.network
        assert visitors(1).read(forged).client.is_trusted_network
        assert "" == visitors().read(request(peer=None)).client.network

    def test_language(self) -> None:
        """
        Of the site's languages, the one the browser prefers.
        """
        assert "en" == visitors().read(request(accept_language="en")).client.language
        assert "fr" == visitors().read(request(accept_language="de")).client.language

    def test_its_repr_is_no_leak(self) -> None:
        """
        Neither cookie's value is in what a crash prints.
        """
        cookie = f"uness-browser={BROWSER}; uness-session={SESSION}"
        shown = repr(visitors().read(request(cookie=cookie)))
        shown += repr(visitors().read(request()))

        assert BROWSER not in shown
        assert SESSION not in shown
