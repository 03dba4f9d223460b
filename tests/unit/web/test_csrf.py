"""
A form's value fits one browser and one session, under our keys alone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import Site
from uness_auth.keys import KeyRing
from uness_auth.web.csrf import Csrf, is_cross_site
from uness_auth.web.http import Request


BASE_URL = "https://portail.example.fr"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
BROWSER, SESSION = "b" * 22, "s" * 43


def guard(*keys: bytes, base_url: str = BASE_URL) -> Csrf:
    """
    The guard under *keys*, the oldest first.
    """
    return Csrf(KeyRing(keys or [OLD], base_url=base_url))


def report(**headers: str) -> Request:
    """
    A POST with what a browser says of where it comes from.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="POST", path="/auth/", headers=named)


class TestIsOurs:
    @pytest.mark.parametrize("session", ["", SESSION])
    def test_what_was_made_for_them(self, session: str) -> None:
        """
        The browser that was shown the form sends it.
        """
        value = guard().make(BROWSER, session)

        assert guard().is_ours(value, BROWSER, session)

    @pytest.mark.parametrize(
        ("browser", "session"),
        [
            ("c" * 22, SESSION),
            (BROWSER, "t" * 43),
            (BROWSER, ""),
            ("", SESSION),
            ("", ""),
            (SESSION, BROWSER),
            (BROWSER + SESSION[:1], SESSION[1:]),
        ],
    )
    def test_somebody_else(self, browser: str, session: str) -> None:
        """
        P47: another browser, or this one under another session, has no use for it.
        """
        value = guard().make(BROWSER, SESSION)

        assert not guard().is_ours(value, browser, session)

    def test_nobody(self) -> None:
        """
        Whoever sends no cookie at all has no form of ours, not even a well-made one.
        """
        assert not guard().is_ours(guard().make("", ""), "", "")

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda value: "",
            lambda value: value[:-1],
            lambda value: value + "0",
            lambda value: value * 100,
            lambda value: value.upper(),
            lambda value: "A" + value[1:] if value[0] != "A" else "B" + value[1:],
            lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
            lambda value: value[:-1] + "é",
            lambda value: value[:-1] + "\x00",
            lambda value: value[:-1] + "\ud800",
            lambda value: "é" * len(value),
            lambda value: "0" * len(value),
            lambda value: value[22:] + value[:22],
        ],
        ids=range(13),
    )
    def test_spoilt(self, spoil: Callable[[str], str]) -> None:
        """
        Empty, cut, longer, changed and beyond ASCII: no, and never an exception.
        """
        value = spoil(guard().make(BROWSER, SESSION))

        assert not guard().is_ours(value, BROWSER, SESSION)

    def test_no_two_alike(self) -> None:
        """
        Each page has its own value, so that compression tells nothing of it.
        """
        assert guard().make(BROWSER, SESSION) != guard().make(BROWSER, SESSION)

    def test_rotation(self) -> None:
        """
        P45: a form shown under the old key is taken as long as that is in the ring.
        """
        value = guard(OLD).make(BROWSER, SESSION)

        assert guard(OLD, NEW).is_ours(value, BROWSER, SESSION)
        assert not guard(NEW).is_ours(value, BROWSER, SESSION)

    def test_the_newest_key_signs(self) -> None:
        """
        P45: a form made during rotation outlives the old key.
        """
        value = guard(OLD, NEW).make(BROWSER, SESSION)

        assert guard(NEW).is_ours(value, BROWSER, SESSION)
        assert not guard(OLD).is_ours(value, BROWSER, SESSION)

    def test_another_site(self) -> None:
        """
        Two sites that share a key do not take each other's forms.
        """
        value = guard(base_url="https://other.example.fr").make(BROWSER, SESSION)

        assert not guard().is_ours(value, BROWSER, SESSION)

    @given(st.text(), st.text(), st.text())
    def test_any_text(self, value: str, browser: str, session: str) -> None:
        """
        No text raises, and none fits by chance.
        """
        assert not guard().is_ours(value, browser, session)


class TestIsCrossSite:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": BASE_URL},
            {"sec_fetch_site": "same-origin"},
            {"sec_fetch_site": "none"},
            {"origin": BASE_URL, "sec_fetch_site": "same-origin"},
        ],
    )
    def test_our_own(self, headers: dict[str, str]) -> None:
        """
        Our own pages, an address typed by hand, and browsers that say nothing.
        """
        assert not is_cross_site(report(**headers), Site(base_url=BASE_URL))

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "null"},
            {"origin": "https://evil.example"},
            {"origin": "http://portail.example.fr"},
            {"origin": f"{BASE_URL}:8443"},
            {"origin": f"{BASE_URL}.evil.example"},
            {"origin": f"{BASE_URL}/"},
            {"origin": f"{BASE_URL}, https://evil.example"},
            {"origin": "https://sub.portail.example.fr"},
            {"origin": "\x00"},
            {"origin": "null", "sec_fetch_site": "same-origin"},
            {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
            {"origin": BASE_URL, "sec_fetch_site": "cross-site"},
            {"origin": BASE_URL, "sec_fetch_site": "same-site"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
            {"sec_fetch_site": "anything"},
        ],
    )
    def test_anybody_else(self, headers: dict[str, str]) -> None:
        """
        Another origin, a neighbour of the same site, or a hidden origin.
        """
        assert is_cross_site(report(**headers), Site(base_url=BASE_URL))
