"""
The admin's own form is a way in beside ours: closed as the documentation says, it is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from tests.adapters.django import portal as kit
from tests.adapters.django.portal import DjangoBrowser, empty_database, installed
from uness_auth.django import checks
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.journeys import CAMILLE, PASSWORD, Portal, sign_in


USER: Any = get_user_model()
GUARDED = "tests.adapters.django.guarded_urls"
NO_ADMIN = "uness_auth.django.urls"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(name="inside")
def _inside(clock: FixedClock) -> Iterator[DjangoBrowser]:
    """
    A browser in which Camille is signed in, where the admin's form is closed.
    """
    empty_database()
    outbox = Outbox()
    with installed(outbox=outbox, clock=clock, urls=GUARDED):
        portal: Portal = kit.portal(outbox, clock)
        browser = portal.add_with_password()
        assert isinstance(browser, DjangoBrowser)
        sign_in(browser, CAMILLE, PASSWORD)
        yield browser


class TestClosed:
    @pytest.mark.usefixtures("inside")
    def test_a_stranger_is_led_to_our_pages(self) -> None:
        """
        Whoever is not signed in sees S1, and no other form takes a password.
        """
        stranger = DjangoBrowser()
        stranger.visit("/admin/")

        assert "/auth/" == stranger.path.partition("?")[0]

    def test_nobody_guesses_there(self, inside: DjangoBrowser) -> None:
        """
        P22: neither a stranger nor somebody who is signed in gets a password compared.
        """
        user = USER.objects.get(email=CAMILLE)
        body = f"username={user.get_username()}&password={PASSWORD}&next=/who"
        for cookies, status in (({}, 302), (inside.cookies, 405)):
            client = Client(SERVER_NAME="localhost")
            header = "; ".join(f"{name}={value}" for name, value in cookies.items())
            reply = kit.send_to(
                client,
                "POST",
                "/admin/login/",
                body.encode(),
                {"Content-Type": FORM, "Cookie": header},
            )
            assert status == reply.status_code

    def test_staff_gets_in_by_our_pages(self, inside: DjangoBrowser) -> None:
        """
        Who is a member of the staff and signed in on our pages sees the admin.
        """
        USER.objects.filter(email=CAMILLE).update(is_staff=True, is_superuser=True)
        inside.visit("/admin/")

        assert 200 == inside.reply.status
        assert "/admin/logout/" in inside.reply.body


class TestCheck:
    @pytest.mark.parametrize(
        ("urls", "expected"),
        [
            ("tests.adapters.django.portal_urls", True),
            (GUARDED, False),
            (NO_ADMIN, False),
        ],
    )
    def test_an_open_form_is_found(self, urls: str, expected: bool) -> None:
        """
        P22: Django's own view is told, wherever it hangs; a guarded one, and none, are
        not.
        """
        with override_settings(ROOT_URLCONF=urls):
            assert expected == checks._has_open_door()  # noqa: SLF001 - nothing else tells them apart

    def test_without_the_admin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A project without the admin is not asked to import it.
        """
        monkeypatch.setattr(apps, "is_installed", lambda _name: False)

        assert not checks._has_open_door()  # noqa: SLF001 - as above
