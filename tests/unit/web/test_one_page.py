"""
Where one page serves every address, no page tells one from another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import pytest

from uness_auth import Policy
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import MailOrder
from uness_auth.policy import Budget, ThrottlePolicy
from uness_auth.web.http import Redirect
from uness_auth.web.routes import ROUTES


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NADIA = "nadia.benali@chu-exemple.fr"
NOBODY = "personne@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
MINUTE = timedelta(minutes=1)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")

Make = Callable[..., "Portal"]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


class Orders:
    """
    A queue that keeps what it is given until it is told to deliver.
    """

    def __init__(self) -> None:
        self.waiting: list[MailOrder] = []

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        self.waiting.append(order)


def masked(browser: Browser, address: str) -> str:
    """
    The last page, without what is random or the address itself.
    """
    answer = browser.answer
    if isinstance(answer, Redirect):
        return answer.location
    assert answer is not None
    view: dict[str, Any] = attrs.asdict(browser.view)
    for name in ("csrf_value", "challenge"):
        view.pop(name, None)
    shown = json.dumps([answer.status, answer.template, answer.retry_after, view])
    return shown.replace(address, "{address}").replace(quote(address), "{address}")


def walk(portal: Portal, address: str) -> Iterator[str]:
    """
    Everything that somebody can try with an address and no mailbox.
    """
    browser = portal.browser()

    def look() -> str:
        return masked(browser, address)

    browser.identify(address)
    yield look()
    s7 = browser.answer
    for _ in range(2):
        browser.answer = s7
        browser.post("ask_link", username=address)
        yield look()
    browser.answer = s7
    browser.post("ask_code", username=address)
    yield look()
    challenge = browser.view.challenge
    for wait in (0, 60):
        portal.clock.tick(timedelta(seconds=wait))
        browser.post("ask_code", challenge=challenge, username=address)
        yield look()
    browser.post("confirm_code", challenge=challenge, username=address)
    yield look()
    portal.clock.tick(4 * MINUTE)
    browser.post("confirm_code", challenge=challenge, username=address, code="1")
    yield look()
    portal.clock.tick(-4 * MINUTE)
    for _ in range(6):
        browser.answer = s7
        browser.post("confirm_code", challenge=challenge, username=address, code="1")
        yield look()
    browser.answer = s7
    browser.post("ask_code", challenge=challenge, username=address)
    yield look()
    for password in ["", "a" * 2_000, *[OTHER_PASSWORD] * 5]:
        browser.answer = s7
        browser.post("password", username=address, password=password, any="yes")
        yield look()


class TestOnePageForEverybody:
    @pytest.fixture(name="portal", params=["strict", "past the network's budget"])
    def _portal(self, make_portal: Make, request: pytest.FixtureRequest) -> Portal:
        """
        A site that tells nobody whether there is an account.
        """
        queue = Orders()
        if request.param == "strict":
            return make_portal(policy=Policy.strict(), queue=queue)
        budget = Budget(1, timedelta(days=1))
        policy = Policy.uness(throttle=ThrottlePolicy(network_unknown=budget))
        portal = make_portal(policy=policy, queue=queue)
        portal.browser().identify(NOBODY)
        return portal

    @pytest.mark.parametrize("state", ["password", "none yet", "disabled"])
    def test_says_the_same(self, portal: Portal, state: str) -> None:
        """
        P37: every page that can be reached without the mailbox is the same, word for
        word and status for status, for an account in any state and for no account.
        """
        account = portal.add()
        if state == "password":
            portal.storage.accounts.set_password(
                account.id, f"clear:{PASSWORD}", account.credential_version
            )
        elif state == "disabled":
            portal.auth.provisioning.disable(CAMILLE)
        start = portal.clock.now
        expected = list(walk(portal, "inconnu@univ-exemple.fr"))
        portal.clock.now = start

        assert expected == list(walk(portal, CAMILLE))

    def test_a_mail_server_that_refuses(self, make_portal: Make) -> None:
        """
        P35: under the strict policy every page is the same whether the mail server
        takes the mail, refuses it, or is never asked because there is no account.
        """
        told = []
        for is_down, address in ((False, CAMILLE), (True, CAMILLE), (True, NOBODY)):
            queue = BackgroundQueue(retry_waits=[timedelta(hours=1)])
            portal = make_portal(policy=Policy.strict(), queue=queue)
            portal.outbox.is_down = is_down
            portal.add()
            start = portal.clock.now
            told.append(list(walk(portal, address)))
            portal.clock.now = start
            queue.close()
            assert bool(portal.outbox.messages) == (not is_down)

        assert [told[0]] * 3 == told

    def test_the_walk_sees_a_difference(self, make_portal: Make) -> None:
        """
        Where unknown addresses are told, the same walk tells them apart.
        """
        portal = make_portal()
        portal.add_with_password()
        browser = portal.browser()
        browser.identify(CAMILLE)
        known = masked(browser, CAMILLE)
        browser.identify(NOBODY)

        assert known != masked(browser, NOBODY)
