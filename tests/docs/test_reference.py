"""
The reference and the code name the same things.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import attrs

from uness_auth.policy import Policy


DOCS = Path(__file__).parents[2] / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts]


def numbers() -> set[str]:
    """
    The names under which a page may print a policy's number.
    """
    return {
        f"{part.name}_{field.name}"
        for part in attrs.fields(Policy)
        for field in attrs.fields(type(getattr(Policy.uness(), part.name)))
    }


class TestNumbers:
    def test_pages_print_fields_that_exist(self) -> None:
        """
        A figure in a page is a field of a policy, or the page would print nothing.
        """
        printed = {
            (page.name, name)
            for page in PAGES
            for name in re.findall(r"\{\{ *(\w+) *\}\}", page.read_text("utf-8"))
        }

        assert printed
        assert set() == {
            (page, name) for page, name in printed if name not in numbers()
        }


class TestPolicies:
    def test_every_field_has_its_row(self) -> None:
        """
        The tables of the policies hold every field of each, in order, and no other.
        """
        text = (DOCS / "reference/policy.md").read_text("utf-8")
        listed = {
            heading: re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
            for heading, section in re.findall(
                r"^### `(\w+)`\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL
            )
        }

        assert {
            type(rules).__name__: [field.name for field in attrs.fields(type(rules))]
            for part in attrs.fields(Policy)
            for rules in [getattr(Policy.uness(), part.name)]
        } == listed


class TestColours:
    def test_every_property_is_told(self) -> None:
        """
        The guide names every custom property of the style sheet, and no other.
        """
        sheet = files("uness_auth") / "static/uness_auth/uness.css"
        guide = (DOCS / "howto/change-colours.md").read_text("utf-8")
        told = set(re.findall(r"--uness-[\w-]+", guide))

        assert set(re.findall(r"--uness-[\w-]+(?=:)", sheet.read_text("utf-8"))) == told


class TestDesign:
    def test_floors_are_those_that_the_linter_holds(self) -> None:
        """
        The table of floors has the rooms that are built, floor by floor.
        """
        text = (DOCS / "explanation/design.md").read_text("utf-8")
        told = re.findall(r"^\| \w[\w ]* \| (`.*) \|$", text, re.MULTILINE)
        project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
        layers = project["tool"]["importlinter"]["contracts"][0]["layers"]

        assert [
            sorted(re.findall(r"(?<!\()\b\w+\b(?!\))", layer)) for layer in layers
        ] == [sorted(re.findall(r"`(\w+)`", rooms)) for rooms in told]


class TestGlossary:
    def test_it_is_in_order(self) -> None:
        """
        The words of the glossary stand in the order of the alphabet.
        """
        text = (DOCS / "glossary.md").read_text("utf-8")
        words = re.findall(r"^(\w[^\n]*)\n: ", text, re.MULTILINE)

        assert words
        assert sorted(words, key=str.casefold) == words
