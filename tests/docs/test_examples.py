"""
The examples in the documentation run, and say what they say they say.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from uness_auth.storage.redis import RedisStorage
from uness_auth.storage.sql import SQLStorage


ROOT = Path(__file__).parents[2]
# One parser for doctests and plain code; a page is one namespace, read top to bottom.
SYBIL = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], path=str(ROOT))
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "_build" not in page.parts and list(SYBIL.parse(page).examples())
]


# What a reader is told to save, and where.
SAVED: Final = re.compile(
    r"[Ss]ave this as `([^`]+)`:\n\n(?:<!-- skip: next -->\n\n)?"
    r"```\w+\n(.*?)^```",
    re.DOTALL | re.MULTILINE,
)

# What a reader is told to add to a file that another program made.
ADDED: Final = re.compile(
    r"Add this at the end of `([^`]+)`:\n\n(?:<!-- skip: next -->\n\n)?"
    r"```\w+\n(.*?)^```",
    re.DOTALL | re.MULTILINE,
)


# What an operator would set.
OPERATOR: Final = {
    "SMTP_URL": "smtp://localhost:2525",
    "UNESS_AUTH_KEYS": secrets.token_urlsafe(48),
}


def databases_in(names: Mapping[str, object]) -> dict[int, SQLStorage | RedisStorage]:
    """
    The databases among what a page made, by identity.
    """
    return {
        id(one): one
        for one in names.values()
        if isinstance(one, SQLStorage | RedisStorage)
    }


def forget(folder: Path) -> None:
    """
    Forget the modules that were imported from *folder*.
    """
    for name, module in [*sys.modules.items()]:
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def save_files(page: Path, folder: Path) -> None:
    """
    Save what the page says to save, as its reader would; what belongs at the end of
    another file, beside it, under its name and ``.end``.
    """
    words = page.read_text("utf-8")
    added = [(f"{name}.end", text) for name, text in ADDED.findall(words)]
    for name, text in [*SAVED.findall(words), *added]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class TestExamples:
    def test_there_are_some(self) -> None:
        """
        The search finds pages with examples, or the test below would prove nothing.
        """
        assert ROOT / "docs/reference/policy.md" in PAGES

    @pytest.mark.parametrize(
        "page", PAGES, ids=lambda page: str(page.relative_to(ROOT))
    )
    def test_they_run(
        self,
        page: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest,
    ) -> None:
        """
        Every example of the page runs, in the order in which it is read.
        """
        # Whatever files and modules they make are theirs.
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        for name, value in OPERATOR.items():
            monkeypatch.setenv(name, value)
        # The browser's hosts may have set it in this process; no operator does.
        monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)
        if "REDIS_URL" in page.read_text("utf-8"):
            monkeypatch.setenv("REDIS_URL", request.getfixturevalue("valkey_url"))
        save_files(page, tmp_path)
        document = SYBIL.parse(page)
        # A module that is not there: Flask then looks beside us for templates.
        document.namespace["__name__"] = "example_portal"
        databases: dict[int, SQLStorage | RedisStorage] = {}
        try:
            for example in document.examples():
                example.evaluate()
                # Noted one by one: a page may use a name twice.
                databases |= databases_in(document.namespace)
        finally:
            for database in databases.values():
                database.close()
            forget(tmp_path)
