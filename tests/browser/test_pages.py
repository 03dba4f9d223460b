"""
Each page as it is looked at: axe, overflow, keyboard, script, pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    change_password,
    sign_in,
    start,
)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Mobile Safari/604.1"
WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")


def s1(portal: Portal) -> Any:
    browser = portal.browse()
    browser.visit("/auth/?next=/private")
    return browser


def s1_malformed(portal: Portal) -> Any:
    browser = portal.browse()
    start(browser, "camille.durand@")
    return browser


def s1_cookies(portal: Portal) -> Any:
    browser = portal.browse(takes_cookies=False)
    start(browser, CAMILLE)
    return browser


def s2(portal: Portal) -> Any:
    browser = portal.browse()
    start(browser, "prenom.nom-compose@etudiant.universite-exemple.fr")
    return browser


def s2_suggestion(portal: Portal) -> Any:
    browser = portal.browse()
    start(browser, "prenom.o'nom-compose+uness@etu.univ-lyno1.fr")
    return browser


def s3(portal: Portal) -> Any:
    portal.add()
    browser = portal.browse()
    start(browser, CAMILLE)
    return browser


def s3_again(portal: Portal) -> Any:
    browser = s3(portal)
    portal.clock.tick(timedelta(seconds=20))
    start(browser, CAMILLE)
    return browser


def s5(portal: Portal) -> Any:
    browser = s3(portal)
    browser.visit(portal.mailbox.link(CAMILLE))
    return browser


def s5_refused(portal: Portal) -> Any:
    browser = s5(portal)
    browser.fill(NEW, "Été long")
    browser.fill(AGAIN, "autre")
    browser.press("CRÉER")
    return browser


def s6(portal: Portal) -> Any:
    browser = s5(portal)
    browser.fill(NEW, PASSWORD)
    browser.fill(AGAIN, PASSWORD)
    browser.press("CRÉER")
    return browser


def s7(portal: Portal) -> Any:
    browser = portal.add_with_password()
    start(browser, CAMILLE)
    return browser


def s7_wrong(portal: Portal) -> Any:
    browser = s7(portal)
    browser.fill(CURRENT, OTHER_PASSWORD)
    browser.press("SE CONNECTER")
    return browser


def s7_any(portal: Portal) -> Any:
    browser = portal.browse()
    for number in range(31):
        start(browser, f"personne{number}@univ-exemple.fr")
    return browser


def s3_any(portal: Portal) -> Any:
    browser = s7_any(portal)
    browser.press("Première connexion ? Demandez un lien")
    return browser


def s8_any(portal: Portal) -> Any:
    browser = s7_any(portal)
    browser.press("RECEVOIR LE CODE")
    return browser


def s8(portal: Portal) -> Any:
    browser = s7(portal)
    browser.press("RECEVOIR LE CODE")
    return browser


def s8_wrong(portal: Portal) -> Any:
    browser = s8(portal)
    browser.fill(CODE, "12345")
    browser.press("SE CONNECTER")
    return browser


def s8_expired(portal: Portal) -> Any:
    browser = s8(portal)
    portal.clock.tick(timedelta(minutes=3))
    browser.fill(CODE, portal.mailbox.code(CAMILLE))
    browser.press("SE CONNECTER")
    return browser


def s8_again(portal: Portal) -> Any:
    browser = s8(portal)
    portal.clock.tick(timedelta(seconds=20))
    browser.press("Renvoyer le code")
    return browser


def code_gone(portal: Portal) -> Any:
    browser = s8(portal)
    portal.clock.tick(timedelta(minutes=16))
    browser.press("Renvoyer le code")
    return browser


def throttled(portal: Portal) -> Any:
    browser = s7(portal)
    for _ in range(6):
        start(browser, CAMILLE)
        browser.fill(CURRENT, OTHER_PASSWORD)
        browser.press("SE CONNECTER")
    return browser


def mail_failed(portal: Portal) -> Any:
    portal.add()
    portal.break_mail(True)
    browser = portal.browse()
    start(browser, CAMILLE)
    return browser


def link_expired(portal: Portal) -> Any:
    browser = s3(portal)
    portal.clock.tick(timedelta(hours=25))
    browser.visit(portal.mailbox.link(CAMILLE))
    return browser


def link_used(portal: Portal) -> Any:
    browser = s6(portal)
    browser.visit(portal.mailbox.link(CAMILLE))
    return browser


def link_invalid(portal: Portal) -> Any:
    browser = s3(portal)
    browser.visit(portal.mailbox.link(CAMILLE)[:-3])
    return browser


def not_found(portal: Portal) -> Any:
    browser = portal.browse()
    browser.visit("/auth/nowhere")
    return browser


def signed_out(portal: Portal) -> Any:
    browser = s7(portal)
    browser.fill(CURRENT, PASSWORD)
    browser.press("SE CONNECTER")
    browser.visit("/private")
    browser.press("Se déconnecter")
    return browser


def signed_in(portal: Portal, *, is_remembered: bool = False) -> Any:
    browser = portal.add_with_password()
    for agent in (FIREFOX, SAFARI, "curl"):
        other: Any = portal.browse()
        other.page.set_extra_http_headers({"User-Agent": agent})
        sign_in(other, CAMILLE, PASSWORD)
        portal.clock.tick(timedelta(minutes=2))
    sign_in(browser, CAMILLE, PASSWORD, is_remembered=is_remembered)
    return browser


def sessions(portal: Portal) -> Any:
    browser = signed_in(portal)
    browser.visit("/auth/account/sessions")
    return browser


def sessions_remembered(portal: Portal) -> Any:
    browser = signed_in(portal, is_remembered=True)
    browser.visit("/auth/account/sessions")
    return browser


def sessions_alone(portal: Portal) -> Any:
    browser = sessions(portal)
    browser.press("Fermer toutes les autres sessions")
    return browser


def account_password(portal: Portal) -> Any:
    browser = signed_in(portal)
    browser.visit("/auth/account/password")
    return browser


def account_password_refused(portal: Portal) -> Any:
    browser = account_password(portal)
    change_password(browser, PASSWORD, "Été long", "autre")
    return browser


def account_password_wrong(portal: Portal) -> Any:
    browser = account_password(portal)
    change_password(browser, OTHER_PASSWORD, OTHER_PASSWORD)
    return browser


def account_password_waits(portal: Portal) -> Any:
    browser = account_password(portal)
    while browser.status != 429:
        change_password(browser, "Faux-Essai99", OTHER_PASSWORD)
    return browser


def account_password_changed(portal: Portal) -> Any:
    browser = account_password(portal)
    change_password(browser, PASSWORD, OTHER_PASSWORD)
    return browser


def account_no_password(portal: Portal) -> Any:
    browser = s3_any(portal)
    portal.add()
    start(browser, CAMILLE)
    browser.press("RECEVOIR LE CODE")
    browser.fill(CODE, portal.mailbox.code(CAMILLE))
    browser.press("SE CONNECTER")
    browser.visit("/auth/account/password")
    return browser


def again(portal: Portal) -> Any:
    browser = signed_in(portal, is_remembered=True)
    browser.visit("/notes")
    return browser


def again_wrong(portal: Portal) -> Any:
    browser = again(portal)
    browser.fill(CURRENT, OTHER_PASSWORD)
    browser.press("Confirmer")
    return browser


def again_without_password(portal: Portal) -> Any:
    browser = account_no_password(portal)
    portal.clock.tick(timedelta(minutes=11))
    browser.visit("/notes")
    return browser


SCREENS: tuple[Callable[[Portal], Any], ...] = (
    s1,
    s1_malformed,
    s1_cookies,
    s2,
    s2_suggestion,
    s3,
    s3_again,
    s5,
    s5_refused,
    s6,
    s7,
    s7_wrong,
    s7_any,
    s3_any,
    s8_any,
    s8,
    s8_wrong,
    s8_expired,
    s8_again,
    code_gone,
    throttled,
    mail_failed,
    link_expired,
    link_used,
    link_invalid,
    not_found,
    signed_out,
    sessions,
    sessions_remembered,
    sessions_alone,
    account_password,
    account_password_refused,
    account_password_wrong,
    account_password_waits,
    account_password_changed,
    account_no_password,
    again,
    again_wrong,
    again_without_password,
)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
class TestEveryPage:
    """
    What holds of each page there is.
    """

    def test_axe_finds_nothing(
        self, screen: Callable[[Portal], Any], open_portal: Any, artefacts: Any
    ) -> None:
        """
        axe is content at 320 and 1280 px, light and dark, and nothing overflows.
        """
        axe = pytest.importorskip(
            "axe_playwright_python.sync_playwright",
            reason="a browser test: install axe-playwright-python",
        )
        page = screen(open_portal()).page
        found = []

        for width in WIDTHS:
            for scheme in SCHEMES:
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                name = f"{screen.__name__}-{width}-{scheme}.png"
                page.screenshot(path=artefacts / name, full_page=True)
                report = axe.Axe().run(page)
                found += [
                    (name, one["id"], one["nodes"][0]["html"])
                    for one in report.response["violations"]
                ]
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    found.append((name, "overflow", ""))

        assert [] == found


class TestScript:
    """
    What the small script adds, and nothing else.
    """

    def test_rules_turn_green_while_typing(self, open_portal: Any) -> None:
        """
        Each rule is marked as it is met; what is forbidden turns red at once.
        """
        page = s5(open_portal()).page
        field = page.get_by_label(NEW, exact=True)

        field.fill("Abcdef1")
        assert 3 == page.locator(".uness-rules li.is-met").count() - 1
        field.fill("Abcdef1!")
        assert 6 == page.locator(".uness-rules li.is-met").count()
        field.fill("Abcdef1! é")

        assert 1 == page.locator(".uness-rules li.is-unmet").count()

    def test_a_password_can_be_shown(self, open_portal: Any) -> None:
        """
        « Afficher » shows it, « Masquer » hides it, and sending hides it too.
        """
        page = s7(open_portal()).page
        field = page.locator("#password")
        button = page.locator("[data-reveal]")

        button.click()
        assert "text" == field.get_attribute("type")
        button.click()

        assert "password" == field.get_attribute("type")

    def test_nothing_is_broken_or_blocked(self, open_portal: Any) -> None:
        """
        The content security policy blocks nothing of ours, and no script fails.
        """
        browser = open_portal().browse()
        said: list[str] = []
        browser.page.on("console", lambda message: said.append(message.text))
        browser.page.on("pageerror", lambda error: said.append(str(error)))
        portal = open_portal()
        portal.add()
        start(browser, CAMILLE)
        browser.visit(portal.mailbox.link(CAMILLE))
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")

        assert [] == said


class TestKeyboard:
    """
    Everything works without a mouse.
    """

    def test_sign_in_by_keyboard_alone(self, open_portal: Any) -> None:
        """
        The field has the focus, Enter sends, and an error takes the focus.
        """
        portal = open_portal()
        browser = portal.add_with_password()
        page = browser.page
        browser.visit("/auth/?next=/private")

        page.locator("#email:focus").wait_for()
        page.keyboard.type(CAMILLE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.locator("#password:focus").wait_for()
        page.keyboard.type(OTHER_PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.locator("[role=alert]:focus").wait_for()
        page.keyboard.press("Tab")
        with_focus = page.evaluate("document.activeElement.getAttribute('href')")
        assert "#password" == with_focus
        page.keyboard.press("Enter")
        page.locator("#password:focus").wait_for()
        page.keyboard.type(PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")

        assert "/private" == browser.path


class TestReferrer:
    """
    The link's token stays on its page.
    """

    def test_no_referer_holds_the_token(self, open_portal: Any) -> None:
        """
        Neither our own style sheet nor another page is told the token.
        """
        portal = open_portal()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        link = portal.mailbox.link(CAMILLE)
        token = link.rpartition("/")[2]
        sent: list[str] = []
        browser.page.on(
            "request", lambda request: sent.append(request.headers.get("referer", ""))
        )

        browser.visit(link)
        browser.follow("Annuler")

        assert [] == [referer for referer in sent if token in referer]
        assert sent
