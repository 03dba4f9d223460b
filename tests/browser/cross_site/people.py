"""
Who is attacked, and what the attacker has at home.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uness_auth.testing.journeys import (
    CAMILLE,
    NADIA,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    create_password,
    sign_in,
    start,
)


HIDDEN = 'input[type="hidden"][name^="csrf"]'


def victim(portal: Portal) -> Any:
    """
    Return the browser of Camille, who is signed in.
    """
    browser: Any = portal.add_with_password()
    sign_in(browser, CAMILLE, PASSWORD)
    assert_is_camilles(browser)
    return browser


def accomplice(portal: Portal) -> Any:
    """
    Return the attacker's own browser, at S7 for an account of their own.
    """
    portal.add(NADIA, name="Nadia Benali")
    create_password(portal, portal.browse(), NADIA, OTHER_PASSWORD)
    browser: Any = portal.browse()
    start(browser, NADIA)
    return browser


def own_fields(browser: Any) -> dict[str, str]:
    """
    Return what signs the attacker in, the form's own value included.
    """
    return {
        **form_value(browser),
        "email": NADIA,
        "username": NADIA,
        "password": OTHER_PASSWORD,
    }


def form_value(browser: Any) -> dict[str, str]:
    """
    Return name and value of the field that guards the forms of this page.
    """
    field = browser.page.locator(HIDDEN).first
    return {field.get_attribute("name"): field.get_attribute("value")}


def cookies(browser: Any) -> Mapping[str, str]:
    """
    Return the cookies that the browser has for the portal.
    """
    found = browser.context.cookies(browser.base_url)
    return {one["name"]: one["value"] for one in found}


def plant(browser: Any, jar: Mapping[str, str]) -> None:
    """
    Put cookies into a browser, as one who sits at it can.
    """
    browser.context.add_cookies(
        [
            {
                "name": name,
                "value": value,
                "url": browser.base_url,
                "secure": True,
                "httpOnly": True,
                "sameSite": "Lax",
            }
            for name, value in jar.items()
        ]
    )


def session(browser: Any) -> str:
    """
    Return the session's cookie, or the empty text.
    """
    return next((v for n, v in cookies(browser).items() if n.endswith("-session")), "")


def assert_is_camilles(browser: Any) -> None:
    """
    The browser shows Camille's own page.
    """
    browser.visit("/private")
    assert "Bonjour Camille Durand" in browser.text


def assert_is_nobodys(browser: Any) -> None:
    """
    The browser is asked to sign in.
    """
    browser.visit("/private")
    assert browser.title.startswith("Bienvenue !")
