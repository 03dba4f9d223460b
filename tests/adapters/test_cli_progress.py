"""
The progress bar: drawn on a terminal, and nowhere else.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from uness_auth.cli.progress import progress


class Terminal(io.StringIO):
    """
    A stream that says whether it is one.
    """

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        """
        Say it.
        """
        return self.is_terminal


@pytest.fixture(name="drawn")
def _drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """
    Do four steps, and return what was drawn of them on standard error.
    """

    def drawn(*, is_terminal: bool, total: int = 4, is_quiet: bool = False) -> str:
        stream = Terminal(is_terminal=is_terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("Accounts", total, is_quiet=is_quiet) as advance:
            advance(1)
            advance(3)
        return stream.getvalue()

    return drawn


class TestProgress:
    def test_on_a_terminal(self, drawn: Callable[..., str]) -> None:
        """
        The bar has its label and comes to its end.
        """
        bar = drawn(is_terminal=True)

        assert "Accounts" in bar
        assert "100%" in bar

    @pytest.mark.parametrize(
        "given",
        [
            {"is_terminal": False},
            {"is_terminal": True, "is_quiet": True},
            {"is_terminal": True, "total": 0},
        ],
    )
    def test_quiet(self, drawn: Callable[..., str], given: dict[str, bool]) -> None:
        """
        Piped, asked for JSON, or with nothing to do, not a byte.
        """
        assert "" == drawn(**given)
