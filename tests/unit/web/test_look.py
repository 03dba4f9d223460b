"""
The style sheet, the script and the drawings, as files.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import uness_auth


FOLDER = Path(uness_auth.__file__).parent / "static" / "uness_auth"
FILES = sorted(FOLDER.iterdir())
CSS = (FOLDER / "uness.css").read_text(encoding="utf-8")
SCRIPT = (FOLDER / "password.js").read_text(encoding="utf-8")
SVG = "http://www.w3.org/2000/svg"


def properties(text: str) -> set[str]:
    """
    Return the names of the custom properties that *text* sets.
    """
    return set(re.findall(r"(--uness-[a-z-]+):", text))


class TestFiles:
    def test_are_all_there(self) -> None:
        """
        Each file that the pages name is in the folder, and no other.
        """
        assert [
            "done.svg",
            "icon.svg",
            "link.svg",
            "password.js",
            "plane.svg",
            "uness.css",
            "wait.svg",
        ] == [path.name for path in FILES]

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_ask_for_nothing_elsewhere(self, path: Path) -> None:
        """
        No file leads to another site, nor loads another file.
        """
        text = path.read_text(encoding="utf-8").replace(f'xmlns="{SVG}"', "")

        assert not re.search(r"(https?:)?//[a-z]|url\(|@import|\bimport\b|data:", text)
        assert not re.search(r"<script|\son[a-z]+=|<style|\sstyle=", text)

    @pytest.mark.parametrize(
        "path", [path for path in FILES if path.suffix == ".svg"], ids=lambda p: p.name
    )
    def test_drawings_are_whole(self, path: Path) -> None:
        """
        A drawing is XML that a browser takes as a picture, with its own size.
        """
        root = ET.parse(path).getroot()  # noqa: S314 - our own file

        assert f"{{{SVG}}}svg" == root.tag
        assert {"width", "height", "viewBox"} <= set(root.attrib)


class TestStyleSheet:
    def test_every_property_is_set(self) -> None:
        """
        Each custom property that is used has a value.
        """
        used = set(re.findall(r"var\((--uness-[a-z-]+)\)", CSS))

        assert used == properties(CSS)

    def test_dark_has_every_colour(self) -> None:
        """
        A colour of the light palette has its own value in the dark one.
        """
        light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
        colours = {
            name
            for name in properties(light)
            if re.search(rf"{name}: (#|0 1px)", light)
        }

        assert colours == properties(dark)

    @pytest.mark.parametrize(
        "query",
        [
            "prefers-color-scheme: dark",
            "prefers-reduced-motion: no-preference",
            "forced-colors: active",
            "max-width: 30rem",
        ],
    )
    def test_heeds_what_people_set(self, query: str) -> None:
        """
        Dark mode, reduced motion, forced colours and small screens are heeded.
        """
        assert f"@media ({query})" in CSS

    def test_touches_nothing_of_the_host(self) -> None:
        """
        Every rule but the properties begins at a class of ours.
        """
        plain = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
        selectors = re.findall(r"(?:^|[{}])\s*([^{}@;]+?)\s*\{", plain)
        parts = [
            part.strip()
            for selector in selectors
            for part in re.split(r",(?![^(]*\))", selector)
        ]

        assert {":root"} == {each for each in parts if not each.startswith(".uness")}


class TestScript:
    def test_is_strict(self) -> None:
        """
        Mistakes in the script are errors.
        """
        assert '"use strict";' in SCRIPT

    @pytest.mark.parametrize(
        "word",
        [
            "eval",
            "innerHTML",
            "fetch",
            "XMLHttpRequest",
            "Storage",
            "cookie",
            "WebSocket",
        ],
    )
    def test_only_shows(self, word: str) -> None:
        """
        The script sends nothing, keeps nothing and writes no markup.
        """
        assert word not in SCRIPT

    def test_holds_no_number_of_the_policy(self) -> None:
        """
        What is acceptable comes from the page: but for a pause in typing there is no
        number in the script.
        """
        code = re.sub(r"//.*", "", SCRIPT)

        assert {"0", "900"} == set(re.findall(r"\b\d+\b", code))
