"""
What our pages tell of themselves to others, and to ourselves.
"""

from __future__ import annotations

from typing import Any

from tests.browser.cross_site.attacker import Attacker
from tests.browser.cross_site.people import assert_is_camilles
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CURRENT,
    NEW,
    PASSWORD,
    Portal,
    start,
)


class TestReferrer:
    def test_no_link_is_told(self, portal: Portal, attacker: Attacker) -> None:
        """
        P15: no request that a link's page makes or leads to names its token, not even
        for our own style sheet.
        """
        portal.add()
        start(portal.browse(), CAMILLE)
        browser: Any = portal.browse()
        link = portal.mailbox.link(CAMILLE)
        token = link.rpartition("/")[2]
        asked: list[tuple[str, str]] = []
        browser.page.on(
            "request",
            lambda one: asked.append((one.url, one.headers.get("referer", ""))),
        )

        browser.visit(link)
        browser.fill(NEW, "court")
        browser.press("CRÉER")
        browser.page.evaluate(f"location.href = {attacker.origin()!r}")
        browser.page.wait_for_url(f"{attacker.origin()}/**")

        assert [] == [one for one in asked if token in one[1]]
        assert any("/auth/static/uness.css" in url for url, _ in asked)
        path, headers = attacker.seen[0]
        assert "/" == path
        assert f"{browser.base_url}/" == headers["Referer"]

    def test_forms_say_where_they_come_from(self, portal: Portal) -> None:
        """
        P16: what keeps the token from others leaves our own forms their origin, without
        which they would be refused.
        """
        portal.add()
        browser: Any = portal.browse()
        origins: list[str] = []

        def note(one: object) -> None:
            if getattr(one, "method", "") == "POST":
                origins.append(getattr(one, "all_headers")()["origin"])  # noqa: B009

        browser.page.on("requestfinished", note)
        start(browser, CAMILLE)
        browser.visit(portal.mailbox.link(CAMILLE))
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        assert 200 == browser.status
        start(browser, CAMILLE)
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")

        assert_is_camilles(browser)
        assert [browser.base_url] * 4 == origins
