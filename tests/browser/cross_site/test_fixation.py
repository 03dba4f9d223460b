"""
Whatever was planted in a browser beforehand is worth nothing once somebody signs in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from tests.browser.cross_site.people import (
    accomplice,
    assert_is_camilles,
    assert_is_nobodys,
    cookies,
    form_value,
    plant,
    session,
)
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NADIA,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    create_password,
    sign_in,
    start,
)


def by_password(portal: Portal, browser: Any) -> None:
    """
    Sign in with the password.
    """
    create_password(portal, portal.browse(), CAMILLE, PASSWORD)
    start(browser, CAMILLE)
    browser.fill(CURRENT, PASSWORD)
    browser.press("SE CONNECTER")


def by_code(portal: Portal, browser: Any) -> None:
    """
    Sign in with a mailed code.
    """
    create_password(portal, portal.browse(), CAMILLE, PASSWORD)
    start(browser, CAMILLE)
    browser.press("RECEVOIR LE CODE")
    browser.fill(CODE, portal.mailbox.code(CAMILLE))
    browser.press("SE CONNECTER")


def by_link(portal: Portal, browser: Any) -> None:
    """
    Create the password from the mailed link, and sign in with it.
    """
    start(browser, CAMILLE)
    browser.visit(portal.mailbox.link(CAMILLE))
    browser.fill(NEW, PASSWORD)
    browser.fill(AGAIN, PASSWORD)
    browser.press("CRÉER")
    assert "Bonjour" not in browser.text
    sign_in(browser, CAMILLE, PASSWORD)


# Of one account, as far as anybody can tell from its shape.
DEVICE: Final = "A" * 22 + "20000" + "0" * 48
WAYS: Final[dict[str, Callable[[Portal, Any], None]]] = {
    "password": by_password,
    "code": by_code,
    "link": by_link,
}


@pytest.mark.parametrize("way", WAYS)
class TestFixation:
    def test_cookies_of_a_visitor(self, portal: Portal, way: str) -> None:
        """
        P40: who plants the cookies of a browser of their own, forms and all, holds
        nothing after the victim signed in: each has changed, the old ones open
        nothing, and the old form's value is refused.
        """
        home = accomplice(portal)
        home.fill(CURRENT, OTHER_PASSWORD)
        home.press("SE CONNECTER")
        home.visit("/private")
        home.press("Se déconnecter")
        start(home, NADIA)
        jar = dict(cookies(home))
        value = form_value(home)
        assert {"__Host-uness-browser", "__Host-uness-device"} <= jar.keys()
        portal.add()
        browser: Any = portal.browse()
        plant(browser, jar)

        WAYS[way](portal, browser)

        assert_is_camilles(browser)
        after = cookies(browser)
        assert {} == {name: one for name, one in after.items() if jar.get(name) == one}
        assert_is_nobodys(home)
        assert 403 == posted(browser, value)
        assert_is_camilles(browser)

    def test_a_session_that_is_planted(self, portal: Portal, way: str) -> None:
        """
        P40: the attacker's own session, with which they wait in the victim's browser,
        never becomes the victim's.
        """
        home = accomplice(portal)
        home.fill(CURRENT, OTHER_PASSWORD)
        home.press("SE CONNECTER")
        jar = dict(cookies(home))
        assert session(home)
        portal.add()
        browser: Any = portal.browse()
        # Whoever is signed in is led past S1: the victim is there already.
        browser.visit("/auth/")
        plant(browser, jar)
        leave_then(browser, lambda: WAYS[way](portal, browser))

        assert_is_camilles(browser)
        assert session(browser) != jar[next(n for n in jar if n.endswith("-session"))]
        home.visit("/private")
        assert "Camille" not in home.text

    def test_values_that_nobody_gave(self, portal: Portal, way: str) -> None:
        """
        P40: cookies of the right shape that the attacker made up are not adopted.
        """
        made_up = {
            "__Host-uness-session": "A" * 43,
            "__Host-uness-browser": "A" * 22,
            "__Host-uness-device": DEVICE,
        }
        portal.add()
        browser: Any = portal.browse()
        plant(browser, made_up)

        WAYS[way](portal, browser)

        assert_is_camilles(browser)
        assert {*made_up.values()}.isdisjoint(cookies(browser).values())
        stranger: Any = portal.browse()
        plant(stranger, made_up)
        assert_is_nobodys(stranger)


def leave_then(browser: Any, go_on: Callable[[], None]) -> None:
    """
    Sign out whoever is signed in, as a person would who is greeted by another's name.
    """
    browser.visit("/private")
    browser.press("Se déconnecter")
    go_on()


def posted(browser: Any, value: Mapping[str, str]) -> int:
    """
    Return the status of a form with *value*, sent from the portal's own page.
    """
    status: int = browser.page.evaluate(
        """async value => {
            const body = new URLSearchParams({...value, email: "a"});
            return (await fetch("/auth/", {method: "POST", body})).status;
        }""",
        dict(value),
    )
    return status
