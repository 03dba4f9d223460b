"""
The examples in the documentation run, and say what they say they say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser


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
    r"[Ss]ave this as `([^`]+)`:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE
)


def save_files(page: Path, folder: Path) -> None:
    """
    Save what the page says to save, as its reader would.
    """
    for name, text in SAVED.findall(page.read_text("utf-8")):
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
        self, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Every example of the page runs, in the order in which it is read.
        """
        # Whatever files they make are theirs.
        monkeypatch.chdir(tmp_path)
        save_files(page, tmp_path)
        document = SYBIL.parse(page)
        # A module that is not there: Flask then looks beside us for templates.
        document.namespace["__name__"] = "example_portal"
        for example in document.examples():
            example.evaluate()
