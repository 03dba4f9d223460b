"""
Sites and apps to put them in, and a browser that goes through Flask's test client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from flask import Flask

from uness_auth import Site, UnessAuth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply


BASE_URL = "http://localhost"
CAMILLE = "camille.durand@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"


@attrs.frozen
class Sign:
    """
    A wired sign-in, and its outbox.
    """

    auth: UnessAuth
    outbox: Outbox


def browse(app: Flask, base_url: str = BASE_URL, **wishes: Any) -> HtmlBrowser:
    """
    Open a browser on *app*.
    """
    client = app.test_client(use_cookies=False)

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = client.open(
            path, method=method, data=body, headers=dict(headers), base_url=base_url
        )
        return Reply(
            status=answer.status_code,
            headers=tuple(answer.headers.items()),
            body=answer.text,
        )

    return HtmlBrowser(send, base_url, **wishes)


def sign_in(browser: HtmlBrowser, sign: Sign) -> None:
    """
    Have an account made, create its password and sign in.
    """
    if sign.auth.identify.directory.active(CAMILLE) is None:
        sign.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        _identify(browser)
        browser.visit(sign.outbox.link(CAMILLE))
        browser.fill("Entrez le mot de passe :*", PASSWORD)
        browser.fill("Confirmez le mot de passe :*", PASSWORD)
        browser.press("CRÉER")
    _identify(browser)
    browser.fill("Votre mot de passe Uness*", PASSWORD)
    browser.press("SE CONNECTER")


def _identify(browser: HtmlBrowser) -> None:
    browser.visit("/auth/")
    browser.fill("Votre adresse email*", CAMILLE)
    browser.press("SE CONNECTER")


@pytest.fixture(name="make_sign")
def _make_sign(clock: FixedClock) -> Callable[..., Sign]:
    """
    Wires a sign-in: ``make_sign(site=…)``.
    """

    def make(**wishes: Any) -> Sign:
        outbox = Outbox()
        given: dict[str, Any] = {
            "site": Site(base_url=BASE_URL),
            "stores": MemoryStorage().stores,
            "mailer": outbox,
            "hashing": FastHashing(),
            "clock": clock,
        }
        return Sign(UnessAuth(**{**given, **wishes}), outbox)

    return make


@pytest.fixture(name="sign")
def _sign(make_sign: Callable[..., Sign]) -> Sign:
    """
    A sign-in with no accounts.
    """
    return make_sign()


@pytest.fixture(name="browse")
def _browse() -> Callable[..., HtmlBrowser]:
    """
    Opens a browser on an app.
    """
    return browse


@pytest.fixture(name="sign_in")
def _sign_in() -> Callable[[HtmlBrowser, Sign], None]:
    """
    Signs a browser in.
    """
    return sign_in
