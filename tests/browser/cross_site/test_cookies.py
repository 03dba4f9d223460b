"""
Cookies that somebody planted, doubled or misspelt are nobody's.
"""

from __future__ import annotations

from typing import Any

from tests.browser.cross_site.attacker import NEIGHBOUR, Attacker
from tests.browser.cross_site.people import (
    accomplice,
    assert_is_camilles,
    assert_is_nobodys,
    cookies,
    plant,
    session,
    victim,
)
from uness_auth.testing.journeys import (
    CAMILLE,
    CURRENT,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    sign_in,
    start,
)


SITE = "univ-exemple.fr"
# How another host of the site would name a cookie so that it arrives as ours.
SPELLINGS = (
    "{name}={value}; Domain={site}; Path=/; Secure",
    "{name}={value}; Domain={site}; Path=/auth/; Secure",
    "{name}={value}; Path=/; Secure",
    "{plain}={value}; Domain={site}; Path=/; Secure",
    "{plain}={value}; Domain={site}; Path=/private; Secure",
    "={name}={value}; Domain={site}; Path=/; Secure",
    "=={name}={value}; Domain={site}; Path=/; Secure",
    "\u2000{name}={value}; Domain={site}; Path=/; Secure",
    "\xa0{name}={value}; Domain={site}; Path=/; Secure",
    "\t{name}={value}; Domain={site}; Path=/; Secure",
    "{name}\u2000={value}; Domain={site}; Path=/; Secure",
    "__secure-{plain}={value}; Domain={site}; Path=/; Secure",
    "__HOST-{plain}={value}; Domain={site}; Path=/; Secure",
    "__Host-__Host-{plain}={value}; Domain={site}; Path=/; Secure",
    "$Version=1,{name}={value}; Domain={site}; Path=/; Secure",
    "$Version=1; Domain={site}; Path=/; Secure",
    'a="; {name}={value}"; Domain={site}; Path=/; Secure',
    "a=b, {name}={value}; Domain={site}; Path=/; Secure",
    '{plain}="{value}"; Domain={site}; Path=/; Secure',
)


def planted(name: str, value: str) -> list[str]:
    """
    Return every spelling of a cookie, as the attacker's server sends it.
    """
    plain = name.removeprefix("__Host-")
    return [
        # HTTP's headers are bytes.
        one.format(name=name, plain=plain, value=value, site=SITE)
        .encode()
        .decode("latin-1")
        for one in SPELLINGS
    ]


class TestByANeighbour:
    def test_nobody_becomes_the_attacker(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        P43: the attacker's session, under every odd name that a host of the same site
        may set, is never adopted.
        """
        home = accomplice(portal)
        home.fill(CURRENT, OTHER_PASSWORD)
        home.press("SE CONNECTER")
        tossed = [one for pair in cookies(home).items() for one in planted(*pair)]
        browser: Any = portal.browse()

        browser.page.goto(attacker.show("", host=NEIGHBOUR, cookies=tossed))

        assert len(browser.context.cookies(browser.base_url)) > 1
        assert_is_nobodys(browser)
        browser.visit("/statement")
        assert browser.title.startswith("Bienvenue !")

    def test_the_victim_stays_who_they_are(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        P43: what a neighbour plants beside a real session neither replaces nor ends it.
        """
        home = accomplice(portal)
        home.fill(CURRENT, OTHER_PASSWORD)
        home.press("SE CONNECTER")
        tossed = [one for pair in cookies(home).items() for one in planted(*pair)]
        browser = victim(portal)
        own = session(browser)

        browser.page.goto(attacker.show("", host=NEIGHBOUR, cookies=tossed))

        assert_is_camilles(browser)
        assert own == session(browser)
        browser.press("Se déconnecter")
        assert_is_nobodys(browser)

    def test_signing_in_among_them(self, portal: Portal, attacker: Attacker) -> None:
        """
        P43: with all of them there one signs in as oneself.
        """
        home = accomplice(portal)
        tossed = [one for pair in cookies(home).items() for one in planted(*pair)]
        browser: Any = portal.add_with_password()
        browser.page.goto(attacker.show("", host=NEIGHBOUR, cookies=tossed))

        sign_in(browser, CAMILLE, PASSWORD)

        assert_is_camilles(browser)


class TestByTheBrowsersOwner:
    def test_values_of_no_shape_of_ours(self, portal: Portal) -> None:
        """
        Whatever is in our cookies, the answer is a sign-in page, and one signs in.
        """
        portal.add_with_password()
        for value in ("", "x", "x" * 43, "é" * 22, "x" * 4_000):
            browser: Any = portal.browse()
            start(browser, CAMILLE)
            names = {*cookies(browser), "__Host-uness-session", "__Host-uness-device"}
            plant(browser, dict.fromkeys(names, value))

            assert_is_nobodys(browser)
            assert 200 == browser.status
            sign_in(browser, CAMILLE, PASSWORD)
            assert_is_camilles(browser)
