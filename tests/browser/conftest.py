"""
A portal on real HTTP with a real SMTP server, and a real browser to walk it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.browser import hosts
from uness_auth import UnessAuth
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.testing import FixedClock
from uness_auth.testing.browser import tidy
from uness_auth.testing.journeys import Portal


BINARIES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Every name is this machine's: no test reaches anybody else.
    "--host-resolver-rules=MAP * 127.0.0.1",
]
ARTEFACTS = Path("artefacts")
SECONDS = 10


class MailServer(Controller):
    """
    A real SMTP server that keeps what it gets, or refuses while `is_down`.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.is_down = False
        super().__init__(self, hostname="127.0.0.1", port=0)

    def _trigger_server(self) -> None:
        # aiosmtpd believes that port 0 is its port.
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it has no types

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """
        Keep the mail.
        """
        if self.is_down:
            return "451 try again later"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert [str(mail["To"])] == envelope.rcpt_tos
        self.mails.append(mail)
        return "250 kept"

    def texts(self, address: str) -> list[str]:
        """
        Return the text parts of the mails to *address*.
        """
        bodies = [
            mail.get_body(("plain",)) for mail in self.mails if mail["To"] == address
        ]
        # A mail travels with CRLF; a mail reader shows lines.
        return [
            "\n".join(str(body.get_content()).splitlines())
            for body in bodies
            if body is not None
        ]

    def count(self, address: str, /) -> int:
        """
        Return how many mails *address* has got.
        """
        return len(self.texts(address))

    def last_text(self, address: str, /) -> str:
        """
        Return the text of the last mail to *address*.
        """
        return self.texts(address)[-1]

    def link(self, address: str, /) -> str:
        """
        Return the last link mailed to *address*.
        """
        return self._last(address, r"https?://\S+/link/\S+")

    def code(self, address: str, /) -> str:
        """
        Return the last code mailed to *address*.
        """
        return self._last(address, r"(?m)^\d{6}$")

    def _last(self, address: str, pattern: str) -> str:
        found = [re.search(pattern, text) for text in self.texts(address)]
        return next(one.group() for one in reversed(found) if one)


class PageBrowser:
    """
    The abstract browser, in Chromium.
    """

    def __init__(self, context: Any, base_url: str, *, takes_cookies: bool) -> None:
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.base_url = base_url
        self.statuses: list[int] = []
        self._takes_cookies = takes_cookies
        self.page.on("response", self._note)

    @property
    def title(self) -> str:
        """
        The document's title, spaces tidied.
        """
        return tidy(self.page.title())

    @property
    def text(self) -> str:
        """
        The words on the page, spaces tidied.
        """
        return tidy(self.page.inner_text("body"))

    @property
    def path(self) -> str:
        """
        The path where one is, with its query.
        """
        return str(self.page.url).removeprefix(self.base_url)

    @property
    def status(self) -> int:
        """
        The status of the last document.
        """
        return self.statuses[-1]

    def visit(self, url: str, /) -> None:
        """
        Go to an address, or to a path of the site.
        """
        self._forget()
        self.page.goto(self.base_url + url if url.startswith("/") else url)

    def follow(self, words: str, /) -> None:
        """
        Follow the link that reads *words*.
        """
        self._forget()
        self._leave(self.page.get_by_role("link", name=words, exact=True))

    def fill(self, label: str, text: str, /) -> None:
        """
        Type into the field with this label.
        """
        self.page.get_by_label(label, exact=True).fill(text)

    def check(self, label: str, /) -> None:
        """
        Tick the box with this label.
        """
        self.page.get_by_label(label, exact=True).check()

    def value(self, label: str, /) -> str:
        """
        Return what the field with this label holds.
        """
        return str(self.page.get_by_label(label, exact=True).input_value())

    def press(self, words: str, /) -> None:
        """
        Press the button that reads *words*.
        """
        self._forget()
        self._leave(self.page.get_by_role("button", name=words, exact=True))

    def _leave(self, target: Any) -> None:
        with self.page.expect_navigation():
            target.click()

    def _forget(self) -> None:
        if not self._takes_cookies:
            self.context.clear_cookies()

    def _note(self, response: Any) -> None:
        if response.request.is_navigation_request():
            self.statuses.append(response.status)


@pytest.fixture(name="chromium", scope="session")
def _chromium() -> Iterator[Any]:
    """
    A real Chromium; without one the tests say so.
    """
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="a browser test: install playwright"
    )
    binary = next(filter(None, map(shutil.which, BINARIES)), None)
    if binary is None:
        pytest.skip("a browser test: install chromium-headless-shell or chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=binary, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(name="mail_server")
def _mail_server() -> Iterator[MailServer]:
    """
    A real SMTP server on a port of its own.
    """
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(name="framework")
def _framework() -> str:
    """
    What the portal is built with, unless a test says otherwise.
    """
    return "flask"


@pytest.fixture(name="served")
def _served(
    mail_server: MailServer, tmp_path: Path, chromium: Any, framework: str
) -> Iterator[tuple[UnessAuth, FixedClock, str]]:
    """
    A portal on real HTTP, with a real database file.
    """
    clock = FixedClock()
    wishes = hosts.Wishes(
        database=tmp_path / "portal.db",
        mailer=SMTPMailer.from_url(f"smtp://127.0.0.1:{mail_server.port}"),
        clock=clock,
    )
    with hosts.FRAMEWORKS[framework](wishes) as (auth, base_url):
        yield auth, clock, base_url


@pytest.fixture(name="open_portal")
def _open_portal(
    chromium: Any,
    mail_server: MailServer,
    served: tuple[UnessAuth, FixedClock, str],
    request: pytest.FixtureRequest,
) -> Iterator[Any]:
    """
    Make the portal, with browsers that have the options given; keep a picture of where
    each ended.
    """
    auth, clock, base_url = served
    browsers: list[PageBrowser] = []

    def open_portal(**options: Any) -> Portal:
        def browse(
            *,
            language: str = "fr",
            takes_cookies: bool = True,
            sharing: PageBrowser | None = None,
        ) -> PageBrowser:
            context = (
                sharing.context
                if sharing
                else chromium.new_context(
                    locale=language.split(",", maxsplit=1)[0], **options
                )
            )
            browser = PageBrowser(context, base_url, takes_cookies=takes_cookies)
            browsers.append(browser)
            return browser

        def break_mail(is_down: bool) -> None:
            mail_server.is_down = is_down

        return Portal(
            auth=auth,
            clock=clock,
            mailbox=mail_server,
            browse=browse,
            break_mail=break_mail,
        )

    yield open_portal
    folder = ARTEFACTS / "journeys"
    for number, browser in enumerate(browsers):
        name = re.sub(r"\W+", "-", request.node.nodeid.partition("::")[2])
        browser.page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)
    for browser in browsers:
        browser.context.close()


@pytest.fixture(name="artefacts", scope="session")
def _artefacts() -> Path:
    """
    Where pictures are kept.
    """
    folder = ARTEFACTS / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
