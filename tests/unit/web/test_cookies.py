"""
Cookies are ours to the letter, or they are none.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import Policy, Site
from uness_auth.devices import COOKIE_SHAPE
from uness_auth.outcomes import SignedIn
from uness_auth.sessions import TOKEN_SHAPE
from uness_auth.web.cookies import Cookies
from uness_auth.web.http import Cookie


VALUE = "x" * 43
OTHER = "y" * 43
DAYS = 24 * 3600

SECURE = Cookies(Site(base_url="https://portail.example.fr"), Policy.uness())
PLAIN = Cookies(Site(base_url="http://localhost:8000"), Policy.uness())
NAME = "__Host-uness-session"
SHAPES = {
    "browser": re.compile("[A-Za-z0-9_-]{22}"),
    "session": TOKEN_SHAPE,
    "device": COOKIE_SHAPE,
}


def signed_in(*, is_remembered: bool) -> SignedIn:
    """
    A sign-in whose token is VALUE.
    """
    return SignedIn(account_id="1", session_token=VALUE, is_remembered=is_remembered)


class TestName:
    def test_with_https(self) -> None:
        """
        Over https browsers hold the cookie to this host, by its name.
        """
        assert NAME == SECURE.name("session")
        assert "__Host-uness-browser" == SECURE.name("browser")

    def test_on_a_loopback_address(self) -> None:
        """
        Without https the prefix would make browsers drop it.
        """
        assert "uness-session" == PLAIN.name("session")
        assert "uness-browser" == PLAIN.name("browser")


class TestRead:
    @pytest.mark.parametrize(
        "header",
        [
            f"{NAME}={VALUE}",
            f"a=b; {NAME}={VALUE}; c=d",
            f"{NAME}={VALUE};a=b",
            f" {NAME}={VALUE} ",
            f";;; {NAME}={VALUE};",
            f"{NAME}={VALUE}; {NAME}={VALUE}",
        ],
    )
    def test_ours(self, header: str) -> None:
        """
        A cookie of our name and shape is read, wherever it stands; twice the same is
        one.
        """
        assert VALUE == SECURE.read(header, "session")

    @pytest.mark.parametrize(
        "header",
        [
            "",
            NAME,
            f"{NAME}=",
            f"={NAME}={VALUE}",
            f"=={NAME}={VALUE}",
            f"\u2000{NAME}={VALUE}",
            f"\xa0{NAME}={VALUE}",
            f"\t{NAME}={VALUE}",
            f"\x00{NAME}={VALUE}",
            f"{NAME}\u2000={VALUE}",
            f"{NAME} ={VALUE}",
            f"{NAME}= {VALUE}",
            f'{NAME}="{VALUE}"',
            f"$Version=1, {NAME}={VALUE}",
            f'$Version=1; {NAME}="{VALUE}"; $Path=/',
            f"$Version=1,{NAME}={VALUE}",
            f"a=b, {NAME}={VALUE}",
            f'a="; {NAME}={VALUE}"',
            f"{NAME.lower()}={VALUE}",
            f"{NAME.upper()}={VALUE}",
            f"uness-session={VALUE}",
            f"__Secure-uness-session={VALUE}",
            f"__Host-__Host-uness-session={VALUE}",
            f"{NAME}x={VALUE}",
            f"{NAME}={VALUE}x",
            f"{NAME}={VALUE[1:]}",
            f"{NAME}={VALUE[1:]}=",
            f"{NAME}={VALUE[1:]}é",
            f"{NAME}={VALUE[1:]}\u0661",
            f"{NAME}={VALUE}\n",
            f"{NAME}={VALUE}\\",
            f"{NAME}=%78{VALUE[1:]}",
            f"{NAME}={VALUE}; {NAME}={OTHER}",
            f"{NAME}={OTHER}; {NAME}={VALUE}",
            f"{NAME}={VALUE}; {NAME}=",
            f"{NAME}=bad; {NAME}={VALUE}",
            f"{NAME}={'x' * 8_000}",
        ],
    )
    def test_planted(self, header: str) -> None:
        """
        P43: an odd name, an odd value or two values are nobody's cookie.
        """
        assert "" == SECURE.read(header, "session")

    def test_the_prefix_is_not_optional(self) -> None:
        """
        P43: a plain name, which any subdomain may set, is nothing over https; nor is
        the prefix anything on a loopback address.
        """
        assert "" == SECURE.read(f"uness-session={VALUE}", "session")
        assert "" == PLAIN.read(f"{NAME}={VALUE}", "session")
        assert VALUE == PLAIN.read(f"uness-session={VALUE}", "session")

    def test_each_has_its_own_shape(self) -> None:
        """
        A session token is no browser's value, nor the other way round.
        """
        browser = "b" * 22

        assert "" == SECURE.read(f"__Host-uness-browser={VALUE}", "browser")
        assert browser == SECURE.read(f"__Host-uness-browser={browser}", "browser")
        assert "" == SECURE.read(f"{NAME}={browser}", "session")

    @given(st.text(), st.sampled_from(["browser", "session", "device"]))
    def test_any_text(self, header: str, what: str) -> None:
        """
        No header raises, and what is read is empty or of our shape.
        """
        value = SECURE.read(header, what)

        assert value == "" or SHAPES[what].fullmatch(value)

    @given(
        st.lists(
            st.sampled_from(["browser", "session", "device"]).map("uness-{}".format)
            | st.sampled_from(["=", ";", "; ", " ", "__Host-", '"', ",", "$Version=1"])
            | st.sampled_from(["b" * 22, VALUE, "%62", "\x00", "\u2000", "é"]),
            max_size=30,
        ).map("".join)
    )
    def test_pieces_of_ours(self, header: str) -> None:
        """
        However names and values are put together, nothing is taken that does not stand
        there whole, under its name to the letter.
        """
        for what, shape in SHAPES.items():
            value = PLAIN.read(header, what)
            pairs = [one.strip(" ") for one in header.split(";")]

            assert value == "" or f"uness-{what}={value}" in pairs
            assert value == "" or shape.fullmatch(value)


class TestNewBrowser:
    def test_random_and_kept(self) -> None:
        """
        128 random bits, half a year; what was made is what is read back.
        """
        one, other = SECURE.new_browser(), SECURE.new_browser()

        assert one.cookie_value != other.cookie_value
        assert one.cookie_value == SECURE.read(
            f"{one.name}={one.cookie_value}", "browser"
        )
        assert 180 * DAYS == one.max_age


class TestSession:
    @pytest.mark.parametrize("cookies", [SECURE, PLAIN], ids=["https", "http"])
    def test_ends_with_the_browser(self, cookies: Cookies) -> None:
        """
        Without « Se souvenir de moi » the cookie has no age of its own.
        """
        assert Cookie(
            name=cookies.name("session"),
            cookie_value=VALUE,
            max_age=None,
            is_secure=cookies is SECURE,
        ) == cookies.session(signed_in(is_remembered=False))

    def test_remembered(self) -> None:
        """
        With it the cookie lives as long as the longest session.
        """
        assert 30 * DAYS == SECURE.session(signed_in(is_remembered=True)).max_age


class TestNoSession:
    @pytest.mark.parametrize("cookies", [SECURE, PLAIN], ids=["https", "http"])
    def test_same_attributes(self, cookies: Cookies) -> None:
        """
        A deletion has name and attributes of what it deletes, or browsers keep it.
        """
        alive, dead = (
            cookies.session(signed_in(is_remembered=True)),
            cookies.no_session(),
        )

        assert (alive.name, alive.is_secure) == (dead.name, dead.is_secure)
        assert ("", 0) == (dead.cookie_value, dead.max_age)
