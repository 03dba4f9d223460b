"""
The browser that needs no browser: what it reads, sends and keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import pytest

from uness_auth.testing.browser import HtmlBrowser, PageReader, Reply, tidy


BASE_URL = "http://localhost"
PAGE = """<!DOCTYPE html><title>Une\u00a0 page</title><br>
<p>Avant <a href="/b?x=1">le\u00a0lien</a></p></p>
<button type="button">Rien</button>
<form action="/envoi"><label for="a">Nom\u00a0:</label><input id="a" name="name" value="x">
<input type="checkbox" id="c" name="box" value="yes"><label for="c">Cocher</label>
<input type="hidden" value="sans nom"><button type="button">Afficher</button>
<button>Envoyer</button></form>
<form><input type="checkbox" name="on" value="1" checked><button>Ici</button></form>"""


@attrs.define
class Server:
    """
    A server that answers what it was told to, and keeps what it was asked.
    """

    replies: dict[str, Reply]
    asked: list[tuple[str, str, bytes, Mapping[str, str]]] = attrs.field(factory=list)

    def __call__(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """
        Answer.
        """
        self.asked.append((method, path, body, headers))
        return self.replies.get(path, Reply(status=200, body=PAGE))


@pytest.fixture(name="server")
def _server() -> Server:
    """
    A server whose every page is the same.
    """
    return Server({})


@pytest.fixture(name="browser")
def _browser(server: Server) -> HtmlBrowser:
    """
    A browser on that page.
    """
    browser = HtmlBrowser(server, BASE_URL)
    browser.visit("/a")
    return browser


class TestReading:
    def test_title_words_and_place(self, browser: HtmlBrowser) -> None:
        """
        Title, words, path and status are those of the last answer, spaces tidied.
        """
        assert "Une page" == browser.title
        assert browser.text.startswith("Avant le lien Rien Nom : Cocher")
        assert ("/a", 200) == (browser.path, browser.status)
        assert "a b" == tidy(" a\u00a0\n b ")

    def test_nothing_is_read_before_the_first_visit(self) -> None:
        """
        An empty page has no words and no forms.
        """
        page = PageReader("")

        assert ("", "", []) == (page.title, page.words, page.forms)

    def test_values(self, browser: HtmlBrowser) -> None:
        """
        A field is found by its label, and holds what was typed.
        """
        assert "x" == browser.value("Nom :")
        browser.fill("Nom :", "y")

        assert "y" == browser.value("Nom :")

    @pytest.mark.parametrize(
        ("act", "words"),
        [
            (
                lambda browser: browser.value("Adresse"),
                "no field is labelled 'Adresse'",
            ),
            (lambda browser: browser.press("Rien"), "no button reads 'Rien'"),
            (lambda browser: browser.follow("Là-bas"), "no link reads 'Là-bas'"),
        ],
    )
    def test_what_is_not_there(
        self, browser: HtmlBrowser, act: object, words: str
    ) -> None:
        """
        A label, button or link that is not on the page is told by its words.
        """
        assert callable(act)
        with pytest.raises(LookupError, match=words):
            act(browser)

    def test_a_label_outside_any_form(self) -> None:
        """
        A field that no form sends is not found.
        """
        page = PageReader('<label for="a">Nom</label><input id="a">')

        with pytest.raises(LookupError, match="no field"):
            page.labelled("Nom")


class TestSending:
    def test_a_form(self, browser: HtmlBrowser, server: Server) -> None:
        """
        A form sends what has a name; a box only if it is ticked.
        """
        browser.fill("Nom :", "é&")
        browser.press("Envoyer")
        browser.check("Cocher")
        browser.press("Envoyer")

        sent = [(method, path, body) for method, path, body, _ in server.asked[1:]]
        assert [
            ("POST", "/envoi", b"name=%C3%A9%26"),
            ("POST", "/envoi", b"name=x&box=yes"),
        ] == sent

    def test_a_form_without_an_action(
        self, browser: HtmlBrowser, server: Server
    ) -> None:
        """
        A form without an action goes to the page it stands on.
        """
        browser.press("Ici")

        assert ("POST", "/a", b"on=1") == server.asked[-1][:3]
        assert BASE_URL == server.asked[-1][3]["Origin"]

    def test_a_link(self, browser: HtmlBrowser) -> None:
        """
        A link is followed with its query.
        """
        browser.follow("le lien")

        assert "/b?x=1" == browser.path

    def test_redirects(self) -> None:
        """
        A redirect is followed by GET; one that leads away, or never ends, is told.
        """
        server = Server(
            {
                "/go": Reply(status=303, headers=(("Location", f"{BASE_URL}/there"),)),
                "/off": Reply(status=303, headers=(("Location", "//evil.example/"),)),
                "/loop": Reply(status=303, headers=(("location", "/loop"),)),
            }
        )
        browser = HtmlBrowser(server, BASE_URL)
        browser.visit("/go")
        assert "/there" == browser.path

        with pytest.raises(LookupError, match="leads away"):
            browser.visit("/off")
        with pytest.raises(LookupError, match="without end"):
            browser.visit("/loop")


class TestCookies:
    SET = Reply(
        status=200,
        headers=(("Set-Cookie", "a=1; Path=/"), ("set-cookie", "b=2; Max-Age=0")),
    )

    def test_kept_sent_and_deleted(self) -> None:
        """
        A cookie is kept and sent until it is deleted.
        """
        server = Server({"/set": self.SET})
        browser = HtmlBrowser(server, BASE_URL)
        browser.cookies["b"] = "old"

        browser.visit("/set")
        browser.visit("/")

        assert {"a": "1"} == browser.cookies
        assert "a=1" == server.asked[-1][3]["Cookie"]

    def test_blocked(self) -> None:
        """
        Who blocks cookies keeps none.
        """
        server = Server({"/set": self.SET})
        browser = HtmlBrowser(server, BASE_URL, takes_cookies=False)

        browser.visit("/set")
        browser.visit("/")

        assert {} == browser.cookies
        assert "Cookie" not in server.asked[-1][3]
