"""
No source of the package does what standards warn of.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uness_auth


ROOT: Final = Path(inspect.getfile(uness_auth)).parent
TREES: Final = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}

# Text that becomes code, commands or objects.
EXECUTING: Final = frozenset({"eval", "exec", "compile", "__import__"})
UNSAFE_MODULES: Final = frozenset(
    {"dill", "marshal", "pickle", "shelve", "telnetlib", "xml", "yaml"}
)
COMMANDS: Final = frozenset({"subprocess", "pty", "commands"})
# What ASVS 5.0, appendix C, calls disallowed, or legacy and not for new designs.
WEAK_HASHES: Final = frozenset({"md4", "md5", "sha1", "sha224"})
# Redis names a script by this digest (EVALSHA); nothing is protected by it.
NAMES_OF_SCRIPTS: Final = "storage/redis/server.py"
# How long a step waits that lost to another: there is nothing to guess.
WAITS: Final = frozenset({"storage/sql/database.py", "django/storage/database.py"})


def imported() -> Iterator[tuple[str, str]]:
    """
    Every module that a source imports, by its first name.
    """
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((path, one.name.partition(".")[0]) for one in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield path, node.module.partition(".")[0]


def called() -> Iterator[tuple[str, str]]:
    """
    Every plain name and every attribute that a source uses.
    """
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield path, node.func.id
            elif isinstance(node, ast.Attribute):
                yield path, node.attr


class TestSources:
    def test_there_are_some(self) -> None:
        """
        The walk sees imports and calls, or the tests below would prove nothing.
        """
        assert ("codes.py", "hmac") in set(imported())
        assert ("codes.py", "sha256") in set(called())

    def test_no_text_becomes_code(self) -> None:
        """
        Nothing is evaluated, executed or compiled at run time.
        """
        names = {
            (path, node.func.id)
            for path, tree in TREES.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }

        assert set() == {one for one in names if one[1] in EXECUTING}

    def test_no_text_becomes_an_object(self) -> None:
        """
        No module is used that builds whatever object its input asks for.
        """
        assert set() == {one for one in imported() if one[1] in UNSAFE_MODULES}

    def test_no_command_is_run(self) -> None:
        """
        No program is started, but by the kit for tests, which starts Python itself.
        """
        assert set() == {
            one
            for one in imported()
            if one[1] in COMMANDS and not one[0].startswith("testing/")
        }
        assert set() == {one for one in called() if one[1] in {"system", "popen"}}

    def test_no_weak_hash(self) -> None:
        """
        MD5 and SHA-1 protect nothing.
        """
        found = {one for one in called() if one[1].lower() in WEAK_HASHES}

        assert {(NAMES_OF_SCRIPTS, "sha1")} == found

    def test_chance_comes_from_the_system(self) -> None:
        """
        What must not be guessed is made by `secrets`, and by nothing else.
        """
        weak = {path for path, name in imported() if name in {"random", "uuid"}}

        assert "secrets" in {name for _, name in imported()}
        assert weak == WAITS
