"""
The reference of the Django adapter and of the command line, and the code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from django.test import RequestFactory

from tests.adapters.django.portal import installed
from uness_auth.cli.standalone import standalone
from uness_auth.django import checks, conf
from uness_auth.django.cli import project


DOCS = Path(__file__).parents[3] / "docs"
FLAGS = re.MULTILINE | re.DOTALL
PAGE = (DOCS / "reference/django.md").read_text("utf-8")


def first_cells(section: str) -> list[str]:
    """
    The first cells of the table below a heading, in their marks.
    """
    [text] = re.findall(
        rf"^## {section}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def commands(group: click.Group, before: str = "") -> list[str]:
    """
    Every command, with its groups and arguments.
    """
    found: list[str] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += commands(command, f"{before}{name} ")
        else:
            arguments = [
                (one.metavar or str(one.name).upper()).replace("]...", "…]")
                for one in command.params
                if isinstance(one, click.Argument)
            ]
            found.append(" ".join([f"{before}{name}", *arguments]))
    return found


class TestSettings:
    def test_every_name_has_its_row(self) -> None:
        """
        The table has every name of the dict, and no other.
        """
        assert sorted(conf.NAMES) == sorted(first_cells("Settings"))


class TestChecks:
    def test_every_check_has_its_row(self) -> None:
        """
        The table has every id that a check can have.
        """
        source = Path(checks.__file__).read_text("utf-8")
        ids = set(re.findall(r'"([EW]\d{3})"', source))
        told = {one.removeprefix("uness_auth.") for one in first_cells("Checks")}

        assert ids
        assert ids == told


class TestAskAgain:
    def test_the_example_runs(self) -> None:
        """
        The views of the guide can be made, and ask for a session of ours.
        """
        guide = (DOCS / "howto/ask-again.md").read_text("utf-8")
        [example] = re.findall(r"^## Django\n.*?^```\n(.*?)^```", guide, FLAGS)
        names: dict[str, Any] = {}
        exec(compile(example, "ask-again.md", "exec"), names)  # noqa: S102 - our own example
        with installed():
            asked = RequestFactory().get("/grades")
            answers = [
                view(asked) for view in (names["grades"], names["Grades"].as_view())
            ]

        assert ["http://localhost/auth/?next=%2Fgrades"] * 2 == [
            one["Location"] for one in answers
        ]


class TestCommands:
    def test_every_command_has_its_row(self) -> None:
        """
        The table has every command, with its arguments, and no other.
        """
        page = (DOCS / "reference/cli.md").read_text("utf-8").partition("\n## ")[0]
        listed = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)

        assert sorted({*commands(project), *commands(standalone)}) == sorted(listed)

    def test_every_option_of_the_own_door(self) -> None:
        """
        The table has every option of `uness-auth`, with its variable.
        """
        page = (DOCS / "reference/cli.md").read_text("utf-8")
        listed = re.findall(r"^\| `(--[\w-]+) \w+` \| `(\w+)` \|", page, re.MULTILINE)
        options = {
            str(one.opts[0]): str(one.envvar or "UNESS_AUTH_KEYS")
            for one in standalone.params
        }

        assert options == dict(listed)
