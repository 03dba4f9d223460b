"""
A store or a mailer that is down lets nobody in and makes no page lie.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest

from uness_auth.errors import StorageError
from uness_auth.storage.memory import MemoryStorage
from uness_auth.web.http import SECURITY_HEADERS
from uness_auth.web.routes import ROUTES


if TYPE_CHECKING:
    from tests.unit.web.conftest import Portal

CAMILLE = "camille.durand@univ-exemple.fr"
NADIA = "nadia.benali@chu-exemple.fr"
NOBODY = "personne@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
OTHER_PASSWORD = "Pile-Correcte8"
MINUTE = timedelta(minutes=1)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")

Make = Callable[..., "Portal"]
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


class Down:
    """
    A store that cannot be reached.
    """

    for_development_only: ClassVar[bool] = True

    def __getattr__(self, name: str) -> Any:
        """
        Fail, whatever is asked.
        """
        if name.startswith("_") or name == "joins":
            raise AttributeError(name)

        def fail(*_arguments: object) -> None:
            raise StorageError(name)

        return fail


def rows(portal: Portal, name: str) -> dict[str, object]:
    """
    One of the stores.
    """
    found = portal.contents()[name]
    assert isinstance(found, dict)
    return found


class TestStoreDown:
    @pytest.mark.parametrize(
        ("store", "name"),
        [
            ("accounts", "identify"),
            ("accounts", "ask_link"),
            ("accounts", "password"),
            ("accounts", "ask_code"),
            ("code_challenges", "ask_code"),
            ("code_challenges", "confirm_code"),
            ("sessions", "password"),
            ("counters", "identify"),
            ("counters", "ask_link"),
            ("counters", "password"),
            ("counters", "ask_code"),
            ("counters", "confirm_code"),
        ],
    )
    def test_fails_closed(self, make_portal: Make, store: str, name: str) -> None:
        """
        A step that needs a store that is down answers 503 with Retry-After, lets
        nobody in and mails nothing.
        """
        portal = make_portal()
        portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        broken = attrs.evolve(portal.storage.stores, **{store: Down()})
        browser = make_portal(stores=broken, mailer=portal.outbox).browser()
        browser.get("identify")
        mails = len(portal.outbox.messages)
        answer = browser.post(
            name,
            email=CAMILLE,
            username=CAMILLE,
            password=PASSWORD,
            code="123456",
        )

        assert (503, "store-failed") == (answer.status, browser.page)
        assert "30" == dict(answer.headers)["Retry-After"]
        assert set(SECURITY_HEADERS) <= set(answer.headers)
        assert "uness-session" not in browser.cookies
        assert mails == len(portal.outbox.messages)

    def test_nobody_is_taken_for_signed_in(self, make_portal: Make) -> None:
        """
        Without the session store there is no answer to who this is.
        """
        stores = attrs.evolve(MemoryStorage().stores, sessions=Down())
        portal = make_portal(stores=stores)
        browser = portal.browser()
        browser.cookies["uness-session"] = "s" * 43
        answer = browser.get("identify")

        assert (503, "store-failed") == (answer.status, browser.page)
        with pytest.raises(StorageError):
            portal.site.resume(browser.request())


class TestMailDown:
    @pytest.mark.parametrize("name", ["identify", "ask_link", "ask_code"])
    def test_no_lie(self, portal: Portal, name: str) -> None:
        """
        Where the mail could not be handed over the page says that, with Retry-After;
        the budget is as before, and the next try sends it (Law 9).
        """
        portal.add() if name == "identify" else portal.add_with_password()
        portal.clock.tick(2 * MINUTE)
        browser = portal.browser()
        browser.get("identify")
        s1 = browser.answer
        portal.outbox.is_down = True
        answer = browser.post(name, email=CAMILLE, username=CAMILLE)
        assert (503, "mail-failed") == (answer.status, browser.page)
        assert "30" == dict(answer.headers)["Retry-After"]
        assert {} == rows(portal, "challenges")

        portal.outbox.is_down = False
        before = len(portal.outbox.messages)
        browser.answer = s1
        browser.post(name, email=CAMILLE, username=CAMILLE)
        assert browser.page in {"link-sent", "code-sign-in"}
        assert "" == browser.view.note
        assert before + 1 == len(portal.outbox.messages)

    def test_nothing_in_the_log(
        self, portal: Portal, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        P19: the log names the failure and neither address nor token, nor a traceback.
        """
        portal.add()
        portal.outbox.is_down = True
        with caplog.at_level("DEBUG"):
            portal.browser().identify()

        assert "a mail could not be handed over" in caplog.text
        for secret in (CAMILLE, "/link/", "Traceback"):
            assert secret not in caplog.text
