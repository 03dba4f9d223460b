"""
The page on every order says which races were walked, and how many orders they have.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.unit.interleavings.planted import PLANTED
from tests.unit.interleavings.scenarios import SCENARIOS
from tests.unit.interleavings.test_interleavings import MODULES


PAGE: Final = (
    Path(__file__)
    .parents[2]
    .joinpath("docs/explanation/every-order.md")
    .read_text("utf-8")
)


class TestPage:
    def test_every_race_has_its_row(self) -> None:
        """
        The rows are the races in their order, each with the orders that its test counts.
        """
        rows = re.findall(r"^\| (.+) \| ([0-9,]+) \| (.+) \|$", PAGE, re.MULTILINE)
        wanted = [
            (one.name, f"{one.orders:,}", one.states)
            for module in MODULES
            for one in SCENARIOS.values()
            if one.race.__module__ == module.__name__
        ]

        assert wanted == rows

    def test_sums(self) -> None:
        """
        The numbers of the text are those of the tests.
        """
        orders = sum(one.orders for one in SCENARIOS.values())

        assert f"{len(SCENARIOS)} races, and {orders:,} orders were walked" in PAGE
        assert f"{len(PLANTED)} faults are planted" in PAGE
