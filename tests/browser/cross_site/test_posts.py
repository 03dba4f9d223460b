"""
Forms of ours that other sites post, and windows that they open.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.cross_site.attacker import (
    NEIGHBOUR,
    WAYS,
    Attacker,
    form,
    submit,
)
from tests.browser.cross_site.people import (
    accomplice,
    assert_is_camilles,
    assert_is_nobodys,
    cookies,
    form_value,
    own_fields,
    session,
    victim,
)
from uness_auth.testing.browser import tidy
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NADIA,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    Portal,
    sign_in,
    start,
)
from uness_auth.web.routes import ROUTES


FORMS = [
    f"/auth/{one.path}"
    for one in ROUTES
    if "POST" in one.handlers and not one.is_csrf_exempt
]


class TestEveryForm:
    @pytest.mark.parametrize("way", WAYS)
    def test_is_refused(
        self, portal: Portal, attacker: Attacker, mail_server: Any, way: str
    ) -> None:
        """
        P47: whatever is posted from elsewhere, a value that fits the attacker's own
        browser in it, is refused, and neither cookie, mail nor session comes of it.
        """
        fields = own_fields(accomplice(portal))
        browser = victim(portal)
        before, mails = cookies(browser), len(mail_server.mails)

        for path in FORMS:
            url = browser.base_url + path
            WAYS[way](browser.page, attacker, url, fields)
            assert 403 == browser.status, path
            assert before == cookies(browser), path

        assert mails == len(mail_server.mails)
        assert_is_camilles(browser)

    def test_nobody_is_signed_in_as_somebody_else(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        P47: a visitor who is not signed in is not made the attacker, by password or by
        code, and what they had begun goes on.
        """
        home = accomplice(portal)
        browser: Any = portal.add_with_password()
        start(browser, CAMILLE)
        password = own_fields(home)
        home.press("RECEVOIR LE CODE")
        challenge = home.page.locator("input[name=challenge]").first.input_value()
        typed = {"code": portal.mailbox.code(NADIA), "challenge": challenge}
        code = {**form_value(home), **typed}

        tab = browser.context.new_page()
        for post in WAYS.values():
            post(tab, attacker, f"{browser.base_url}/auth/password", password)
            post(tab, attacker, f"{browser.base_url}/auth/code/confirm", code)
            assert "" == session(browser)

        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")
        assert_is_camilles(browser)

    def test_a_neighbour_brings_cookies(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        P47: cookies that another host of the site sets for all of it, to fit the form
        it posts, do not make that form ours.
        """
        home = accomplice(portal)
        browser: Any = portal.browse()
        tossed = [
            f"{name.removeprefix('__Host-')}={value}; Domain=univ-exemple.fr; Path=/"
            for name, value in cookies(home).items()
        ]
        url = f"{browser.base_url}/auth/password"
        page = form(url, own_fields(home))

        browser.page.goto(attacker.show(page, host=NEIGHBOUR, cookies=tossed))
        submit(browser.page, browser.page.main_frame)

        assert 403 == browser.status
        assert "" == session(browser)
        assert_is_nobodys(browser)

    def test_a_form_of_before_the_sign_in(self, portal: Portal) -> None:
        """
        P47: the form's value changes at sign-in: what another tab showed before is too
        old, and says so.
        """
        home = accomplice(portal)
        browser: Any = portal.add_with_password()
        other: Any = portal.browse(sharing=browser)
        start(other, CAMILLE)
        value = form_value(other)
        sign_in(browser, CAMILLE, PASSWORD)

        other.fill(CURRENT, PASSWORD)
        other.press("SE CONNECTER")

        assert 403 == other.status
        assert_is_camilles(browser)
        assert value != form_value(browser) != form_value(home)

    def test_a_code_that_waits_goes_on_waiting(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        A post from another site takes nobody's browser cookie away: the code that was
        asked for before still signs in.
        """
        browser: Any = portal.add_with_password()
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")

        tab = browser.context.new_page()
        WAYS["stranger"](tab, attacker, f"{browser.base_url}/auth/", {"email": NADIA})

        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")
        assert_is_camilles(browser)


class TestTheLinksForm:
    def test_touches_nobody_else(self, portal: Portal, attacker: Attacker) -> None:
        """
        Whoever knows a link needs no victim: posted from elsewhere it sets the
        attacker's own password, and the victim stays who they are.
        """
        browser = victim(portal)
        before = cookies(browser)
        portal.add(NADIA, name="Nadia Benali")
        start(portal.browse(), NADIA)
        link = portal.mailbox.link(NADIA)

        fields = {"password": OTHER_PASSWORD, "confirmation": OTHER_PASSWORD}
        WAYS["stranger"](browser.page, attacker, link, fields)

        assert before == cookies(browser)
        assert_is_camilles(browser)
        home: Any = portal.browse()
        sign_in(home, NADIA, OTHER_PASSWORD)
        home.visit("/private")
        assert "Bonjour Nadia Benali" in home.text

    def test_signs_nobody_in(self, portal: Portal, attacker: Attacker) -> None:
        """
        P47: a victim who is led to the attacker's link and fills it in is nobody
        afterwards.
        """
        portal.add(NADIA, name="Nadia Benali")
        start(portal.browse(), NADIA)
        browser: Any = portal.browse()
        browser.page.goto(
            attacker.show(f'<a href="{portal.mailbox.link(NADIA)}">x</a>')
        )

        browser.follow("x")
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")

        assert browser.title.startswith("Mot de passe enregistré")
        assert_is_nobodys(browser)


class TestAddresses:
    @pytest.mark.unheard(
        "because the attacker writes a password of theirs into an address"
    )
    def test_nothing_happens_by_following_them(
        self, portal: Portal, attacker: Attacker
    ) -> None:
        """
        P48: pictures, frames and links to every address, with all that a form would
        send, sign nobody in or out.
        """
        fields = own_fields(accomplice(portal))
        browser = victim(portal)
        query = "&".join(f"{name}={value}" for name, value in fields.items())
        urls = [f"{browser.base_url}{path}?{query}" for path in FORMS]
        before = cookies(browser)

        pictures = "".join(f'<img src="{url}">' for url in urls)
        browser.page.goto(attacker.show(pictures))
        browser.page.wait_for_load_state("networkidle")
        for url in urls:
            browser.page.goto(attacker.show(f'<a href="{url}">x</a>'))
            browser.follow("x")

        assert before == cookies(browser)
        assert_is_camilles(browser)


class TestWindows:
    def test_an_opener_is_cut_off(self, portal: Portal, attacker: Attacker) -> None:
        """
        The page that opens ours in a window can neither watch nor steer it.
        """
        browser: Any = portal.browse()
        url = f"{browser.base_url}/auth/"
        action = form(f"{browser.base_url}/auth/password", {}, more='target="w"')
        browser.page.goto(attacker.show(action))

        with browser.context.expect_page() as opening:
            browser.page.evaluate(f"window.w = window.open('{url}', 'w')")
        opening.value.wait_for_load_state()

        assert browser.page.evaluate("window.w.closed")
        assert opening.value.evaluate("window.opener === null")
        with browser.context.expect_page() as another:
            browser.page.evaluate("document.forms[0].submit()")
        assert opening.value != another.value
        assert tidy(opening.value.title()).startswith("Bienvenue !")
