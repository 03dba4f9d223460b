"""
A portal of Django's for the tests: its settings, and a browser on its test client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import translation

from uness_auth.django.conf import get_auth
from uness_auth.ports import Stores
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import Portal


BASE_URL: Final = "http://localhost"
DJANGOS: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
OURS: Final = "uness_auth.django.middleware.SignInMiddleware"


def middleware(*more: str) -> list[str]:
    """
    The middleware of the tests' project, with ours, and *more* at its end.
    """
    names: list[str] = []
    for name in settings.MIDDLEWARE:
        names += [name, OURS] if name == DJANGOS else [name]
        if name.endswith("SessionMiddleware"):
            names.append("django.middleware.locale.LocaleMiddleware")
    return [*dict.fromkeys(names), *more]


class DjangoBrowser(HtmlBrowser):
    """
    A browser whose requests go through Django's test client, forgeries refused.
    """

    def __init__(self, **wishes: Any) -> None:
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            # The browser keeps the cookies.
            client.cookies.clear()
            return reply_of(send_to(client, method, path, body, headers))

        super().__init__(send, BASE_URL, **wishes)


def send_to(
    client: Client, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> Any:
    """
    Send one request, headers as they go over the wire.
    """
    others = dict(headers)
    kind = others.pop("Content-Type", "application/octet-stream")
    return client.generic(method, path, body, content_type=kind, headers=others)


def reply_of(response: Any) -> Reply:
    """
    Return Django's answer as a browser sees it.
    """
    cookies = [("Set-Cookie", one.OutputString()) for one in response.cookies.values()]
    return Reply(
        status=response.status_code,
        headers=(*response.items(), *cookies),
        body=response.content.decode(),
    )


@contextmanager
def installed(
    *,
    outbox: Any = None,
    clock: FixedClock | None = None,
    stores: Stores | None = None,
    urls: str = "tests.adapters.django.portal_urls",
    more: Mapping[str, Any] | None = None,
    **wishes: Any,
) -> Iterator[None]:
    """
    Let the tests' project have the sign-in: *wishes* go to ``UNESS_AUTH``.
    """
    given = {
        "BASE_URL": BASE_URL,
        "MAILER": outbox if outbox is not None else Outbox(),
        "HASHING": FastHashing(),
        "KEYS": ["a key of thirty-two bytes or more, made for tests alone"],
        **({"CLOCK": clock} if clock else {}),
        **({"STORES": stores} if stores else {}),
        **wishes,
    }
    with override_settings(
        **{
            "UNESS_AUTH": {k: v for k, v in given.items() if v is not None},
            "MIDDLEWARE": middleware(),
            "ROOT_URLCONF": urls,
            "LOGIN_URL": "uness_auth:identify",
            **(more or {}),
        }
    ):
        # What a request before chose for this thread.
        translation.deactivate()
        yield


def portal(outbox: Outbox, clock: FixedClock) -> Portal:
    """
    Return the portal that is installed.
    """

    def browse(sharing: DjangoBrowser | None = None, **wishes: Any) -> DjangoBrowser:
        browser = DjangoBrowser(**wishes)
        if sharing is not None:
            browser.cookies = sharing.cookies
        return browser

    def break_mail(is_down: bool) -> None:
        outbox.is_down = is_down

    return Portal(
        auth=get_auth(),
        clock=clock,
        mailbox=outbox,
        browse=browse,
        break_mail=break_mail,
    )


def empty_database() -> None:
    """
    Make the tables of the default database, or empty them.
    """
    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
