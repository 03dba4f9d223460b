"""
Each flaw that peers had is on the page, with a test that carries its number.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import attrs
import pytest


ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/explanation/peer-flaws.md").read_text("utf-8")
# At the beginning of a docstring, or at its end, in brackets or not.
CARRIED: Final = re.compile(
    r"\A(P\d+(?:, P\d+)*): |(?:\A|[\s(])(P\d+(?:, P\d+)*)\)?\.?\Z"
)
# Why there is no test: said on the page, and followed by the reason.
DECLARED: Final = re.compile(r"\*(Next|Does not apply)\*: .{20,}")
NUMBERS: Final = [f"P{number}" for number in range(1, 61)]


@attrs.frozen(kw_only=True)
class Row:
    """
    One flaw, as the page tells of it.
    """

    number: str
    flaw: str
    here: str
    tests: tuple[str, ...]


def rows() -> list[Row]:
    """
    Return the rows of all tables, in their order.
    """
    found = re.findall(
        r"^\| (P\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", PAGE, re.MULTILINE
    )
    return [
        Row(
            number=number,
            flaw=flaw,
            here=here,
            tests=tuple(re.findall("`(.+?)`", cell)),
        )
        for number, flaw, here, cell in found
    ]


def numbers_of(node: ast.ClassDef | ast.FunctionDef) -> set[str]:
    """
    Return the numbers that a docstring carries.
    """
    found = CARRIED.search(ast.get_docstring(node) or "")
    return set((found[1] or found[2]).split(", ")) if found else set()


def carried() -> dict[str, set[str]]:
    """
    Return which tests carry each number, in their docstrings or their class's.
    """
    found: dict[str, set[str]] = {number: set() for number in NUMBERS}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for place in ast.walk(tree):
            if not isinstance(place, ast.Module | ast.ClassDef):
                continue
            whole = numbers_of(place) if isinstance(place, ast.ClassDef) else set()
            for node in place.body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    for number in whole | numbers_of(node):
                        found.setdefault(number, set()).add(node.name)
    return found


CARRIES: Final = carried()


class TestPage:
    def test_every_number_has_its_row(self) -> None:
        """
        The rows are the sixty, in their order, and say what and what holds.
        """
        assert NUMBERS == [row.number for row in rows()]
        assert [] == [
            row.number for row in rows() if len(row.flaw) < 30 or not row.here
        ]

    @pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
    def test_every_number_has_its_test(self, row: Row) -> None:
        """
        A test carries the number and is named, or the page says why there is none.
        """
        is_declared = DECLARED.search(row.here) is not None

        assert is_declared != bool(row.tests)
        assert is_declared != bool(CARRIES[row.number])
        assert set(row.tests) <= CARRIES[row.number]


class TestReader:
    def test_a_number_that_nobody_has(self) -> None:
        """
        No docstring carries a number that is not on the list.
        """
        assert set(NUMBERS) == set(CARRIES)
