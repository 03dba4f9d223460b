"""
No page of ours is shown inside another.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.cross_site.attacker import NEIGHBOUR, STRANGER, Attacker
from tests.browser.cross_site.people import victim
from uness_auth.testing.journeys import CAMILLE, NADIA, Portal, start
from uness_auth.web.routes import ROUTES


BLOCKED = "chrome-error://chromewebdata/"
PATHS = [f"/auth/{one.path}" for one in ROUTES if "{token}" not in one.path]


def shown(page: Any) -> list[str]:
    """
    Return where the frames of a page have ended.
    """
    page.wait_for_load_state("networkidle")
    return [frame.url for frame in page.frames[1:]]


class TestFraming:
    @pytest.mark.parametrize("host", [STRANGER, NEIGHBOUR])
    def test_by_another_origin(
        self, portal: Portal, attacker: Attacker, host: str
    ) -> None:
        """
        Neither a stranger nor a neighbour frames a page of somebody who is signed in,
        a link's page, or an error.
        """
        browser = victim(portal)
        portal.add(NADIA)
        start(portal.browse(), NADIA)
        urls = [portal.mailbox.link(NADIA)]
        urls += [f"{browser.base_url}{path}" for path in (*PATHS, "/auth/nothing")]
        frames = [f'<iframe src="{url}"></iframe>' for url in urls]
        frames += [f'<object data="{url}"></object>' for url in urls[:2]]

        browser.page.goto(attacker.show("".join(frames), host=host))

        # Whoever is signed in is led on from S1, to a page of the host's.
        ends = shown(browser.page)
        ours = [one for one in ends if "/auth/" in one]
        assert [] == ours
        assert BLOCKED in ends
        assert len(urls) <= len(ends)

    def test_by_the_portal_itself(self, portal: Portal) -> None:
        """
        Not even a page of the host's may: a flaw there must not look like a sign-in.
        """
        portal.add_with_password()
        browser: Any = portal.browse()
        browser.visit("/")

        browser.page.evaluate(
            """async () => {
                const frame = document.createElement("iframe");
                frame.src = "/auth/";
                const loaded = new Promise(done => { frame.onload = done; });
                document.body.append(frame);
                await loaded;
            }"""
        )

        assert [BLOCKED] == shown(browser.page)

    def test_a_frame_is_noticed(self, portal: Portal, attacker: Attacker) -> None:
        """
        The portal's own home page, which forbids nothing, is shown: so it would look.
        """
        browser: Any = portal.browse()
        home = f"{browser.base_url}/"

        browser.page.goto(attacker.show(f'<iframe src="{home}"></iframe>'))

        assert [home] == shown(browser.page)
        assert CAMILLE not in browser.text
