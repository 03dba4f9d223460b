"""
The page that leads to a store of one's own says what is so.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from uness_auth import ports
from uness_auth.testing import contracts


ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples/custom_storage/storage.py"
PAGE: Final = (ROOT / "docs/howto/write-a-store.md").read_text("utf-8")
# They look, write what nobody has seen, or tidy up.
PLAIN: Final = {
    "Accounts.by_address",
    "Accounts.by_id",
    "CodeChallenges.add",
    "CodeChallenges.purge",
    "Counters.purge",
    "Events.add",
    "Events.of_account",
    "Events.purge",
    "Counters.read",
    "Registry.page",
    "SessionLists.of_account",
    "Sessions.add",
    "Sessions.by_digest",
    "Sessions.purge",
}
TREE: Final = ast.parse(EXAMPLE.read_text("utf-8"))


def cells(first: str) -> list[list[str]]:
    """
    The rows of the table whose first column is *first*.
    """
    table = re.findall(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert 1 == len(table)
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in table[0].splitlines()
    ]


def lines_of(node: ast.ClassDef) -> int:
    """
    How many lines a class is long, its decorators included.
    """
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    assert node.end_lineno is not None
    return node.end_lineno - first + 1


def run(folder: Path) -> tuple[int, str]:
    """
    Do in *folder* what the page says, and return how pytest ended and what it said.
    """
    [name, test] = re.findall(
        r"Save this as `(\w+\.py)`:\n.*?^```python\n(.*?)^```",
        PAGE,
        re.DOTALL | re.MULTILINE,
    )[0]
    (folder / name).write_text(test, encoding="utf-8")
    # A project of its own: this one's settings lie in a folder above where the folder
    # for temporary files lies in it, and would name the test's module as one of ours.
    (folder / "pytest.ini").touch()
    done = subprocess.run(  # noqa: S603 - the interpreter that runs this test
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        # As wide as the page, or the names would be cut.
        env={"COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode, done.stdout


class TestTheShortestWay:
    def test_all_is_green(self, tmp_path: Path) -> None:
        """
        The example with the test of the page passes, and nothing is skipped.
        """
        shutil.copy(EXAMPLE, tmp_path)

        status, said = run(tmp_path)

        assert 0 == status, said
        assert re.search(r"^\d+ passed in ", said, re.MULTILINE), said

    def test_failures_read_as_told(self, tmp_path: Path) -> None:
        """
        Without its collation the store fails by the names, and in the words, shown.
        """
        text = EXAMPLE.read_text("utf-8")
        folding = text.replace(
            "address TEXT NOT NULL UNIQUE", "address TEXT COLLATE NOCASE UNIQUE"
        )
        assert text != folding
        (tmp_path / "storage.py").write_text(folding, encoding="utf-8")

        status, said = run(tmp_path)

        shown = "".join(
            re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        )
        assert 1 == status
        assert shown
        assert [] == [line for line in shown.splitlines() if line not in said]
        assert shown.count("FAILED") == said.count("FAILED ")


class TestFigures:
    def test_lines(self) -> None:
        """
        Each port is as long as the page says, and so is what they share.
        """
        classes = {
            node.name.removeprefix("SQLite"): lines_of(node)
            for node in TREE.body
            if isinstance(node, ast.ClassDef) and node.name.startswith("SQLite")
        }
        del classes["Storage"]
        told = {row[0].strip("`"): int(row[3]) for row in cells("port")}
        shared = re.findall(r"is another (\d+)\.$", PAGE, re.MULTILINE)

        assert classes == told
        total = len(EXAMPLE.read_text("utf-8").splitlines())
        assert [str(total - sum(told.values()))] == shared


class TestStatements:
    def test_no_step_is_left_out(self) -> None:
        """
        Every method that decides something has its statement, and no other has.
        """
        told = set(re.findall(r"^\| `(\w+\.\w+)`", PAGE, re.MULTILINE))

        assert {
            f"{port}.{method}"
            for port in (
                # What the session store may fill besides has no class of its own.
                "SessionLists",
                *(row[0].strip("`") for row in cells("port")),
            )
            for method in vars(getattr(ports, port))
            if not method.startswith("_") and f"{port}.{method}" not in PLAIN
        } == told

    def test_statements_are_those_of_the_example(self) -> None:
        """
        What the page quotes stands in the example, but for what « … » leaves out.
        """
        texts = [
            " ".join(text.split()) for node in ast.walk(TREE) if (text := text_of(node))
        ]
        quoted = [re.findall("`([^`]+)`", row[1])[0] for row in cells("method")]

        assert quoted
        assert [] == [one for one in quoted if not any(is_in(one, t) for t in texts)]


def text_of(node: ast.AST) -> str:
    """
    The text that *node* is, with something in the place of what is put into it.
    """
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(one) or "something" for one in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def is_in(quoted: str, text: str) -> bool:
    """
    Whether *text* is *quoted* with something in the place of each « … ».
    """
    pattern = ".+".join(map(re.escape, quoted.split("…")))
    return re.fullmatch(pattern, text) is not None


class TestMistakes:
    @pytest.mark.parametrize(
        "name", re.findall(r"`(\w+Contract\.test_\w+)`", PAGE) or ["none"]
    )
    def test_named_tests_exist(self, name: str) -> None:
        """
        Each test that is said to find a mistake is in the kit.
        """
        contract, test = name.split(".")
        found: Any = getattr(contracts, contract)

        assert test in vars(found)

    def test_there_are_five(self) -> None:
        """
        Each of the five mistakes is found by something.
        """
        assert [True] * 5 == ["Contract.test_" in row[2] for row in cells("mistake")]

    def test_abilities_of_the_kit_are_told(self) -> None:
        """
        Whatever a contract lets a store declare is on the page.
        """
        told = re.findall(r"^\| `(supports_\w+) = ", PAGE, re.MULTILINE)
        known = {
            name
            for contract in contracts.__all__
            if contract.endswith("Contract")
            for kind in getattr(contracts, contract).__mro__
            for name in vars(kind)
            if name.startswith("supports_")
        }

        assert known
        assert sorted(known) == sorted(told)
