"""
Whoever comes after somebody who signed out sees nothing of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from tests.browser import hosts
from uness_auth.testing.journeys import CAMILLE, PASSWORD, Portal, sign_in


@pytest.fixture(name="framework", params=list(hosts.FRAMEWORKS))
def _framework(request: pytest.FixtureRequest) -> str:
    """
    What the portal is built with: each in turn.
    """
    return str(request.param)


@pytest.fixture(name="portal")
def _portal(open_portal: Callable[..., Portal]) -> Portal:
    """
    The portal, with an account and its password.
    """
    return open_portal()


def back(browser: Any) -> None:
    """
    Press the button that goes back, and wait for what it shows.
    """
    before = browser.page.url
    # Not at once: the page that is asked to go must still answer.
    browser.page.evaluate("() => { setTimeout(() => history.back()); }")
    browser.page.wait_for_url(lambda url: url != before)


class TestBack:
    def test_after_signing_out(self, portal: Portal) -> None:
        """
        The private page is not shown again from the browser's own store.
        """
        browser: Any = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

        browser.press("Se déconnecter")
        back(browser)

        assert "Camille" not in browser.text
        assert browser.title.startswith("Bienvenue !")
        assert "/auth/?next=/private" == unquote(browser.path)

    def test_in_another_tab(self, portal: Portal) -> None:
        """
        Nor in a tab that had gone on from it before another one signed out.
        """
        browser: Any = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        tab: Any = portal.browse(sharing=browser)
        tab.visit("/private")
        assert "Bonjour Camille Durand" in tab.text
        tab.visit("/")
        browser.visit("/private")
        browser.press("Se déconnecter")

        back(tab)

        assert "Camille" not in tab.text
        assert tab.title.startswith("Bienvenue !")

    def test_to_what_was_typed(self, portal: Portal) -> None:
        """
        Nor a page before it; what was the answer to a form is refused.
        """
        browser: Any = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        browser.press("Se déconnecter")

        # S1 in the place of the private page, then the home page.
        for expected in ("/auth/?next=/private", "/"):
            back(browser)
            assert expected == unquote(browser.path)
            assert "Bonjour" not in browser.page.content()
        # S7 was the answer to a form, and is not kept.
        with pytest.raises(Exception, match="ERR_CACHE_MISS"):
            back(browser)

    def test_while_signed_in(self, portal: Portal) -> None:
        """
        Until then one may go back to it.
        """
        browser: Any = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        browser.visit("/")

        back(browser)

        assert "Bonjour Camille Durand" in browser.text
