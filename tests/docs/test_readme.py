"""
The ten lines of the README are a whole sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask

from uness_auth.storage.sql import SQLStorage
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import AGAIN, CAMILLE, NEW, PASSWORD, sign_in, start


ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
BASE_URL: Final = "http://localhost:5000"


@pytest.fixture(name="example")
def _example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mapping[str, Any]]:
    """
    What the example makes, in a folder of its own.
    """
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(
        r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    names: dict[str, Any] = {"__name__": "example_portal"}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - our own README
    yield names
    storage = names["storage"]
    assert isinstance(storage, SQLStorage)
    storage.close()


def browser_of(app: Flask) -> HtmlBrowser:
    """
    A browser whose requests go through the app's test client.
    """
    client = app.test_client(use_cookies=False)

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = client.open(
            path, base_url=BASE_URL, method=method, data=body, headers=dict(headers)
        )
        return Reply(
            status=answer.status_code,
            headers=tuple(answer.headers.items()),
            body=answer.text,
        )

    return HtmlBrowser(send, BASE_URL)


class TestExample:
    def test_from_the_first_mail_to_the_page(
        self, example: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        The page asks for a sign-in, the mail is on the screen, and its link leads in.
        """
        browser = browser_of(example["app"])
        browser.visit("/")
        assert browser.title.startswith("Bienvenue !")

        start(browser, CAMILLE)
        [link] = re.findall(r"http://\S+/link/\S+", capsys.readouterr().out)
        browser.visit(link)
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        sign_in(browser, CAMILLE, PASSWORD)

        assert "/" == browser.path
        assert "Bonjour Camille" in browser.text

    def test_it_may_be_started_again(self, example: Mapping[str, Any]) -> None:
        """
        A second start finds database and account, and leaves them as they are.
        """
        again = example["auth"].provisioning.add(CAMILLE, display_name="Somebody else")

        assert "Camille" == again.account.display_name


class TestPicture:
    def test_it_is_there_and_small(self) -> None:
        """
        Every picture of the README is in the repository, under 120 kB each.
        """
        pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text("utf-8"))

        assert pictures
        for picture in pictures:
            assert 0 < (ROOT / picture).stat().st_size < 120_000
