"""
Every order of the calls that flows make at once, and of the calls that fail.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.unit.interleavings import closing, codes, crashes, links, mails, passwords
from tests.unit.interleavings.desk import Desk, drawing_for
from tests.unit.interleavings.planted import PLANTED, Planted
from tests.unit.interleavings.scenarios import SCENARIOS
from tests.unit.interleavings.walk import RaceError, Walker


pytestmark = pytest.mark.once
# In the order in which the documentation tells of them.
MODULES: Final = (links, codes, passwords, mails, closing, crashes)


def walker(desk: Desk, name: str) -> Walker:
    """
    Return the walker of a race that is about to start.
    """
    with drawing_for("whoever came before"):
        race = SCENARIOS[name].race(desk)
    return Walker(desk, race)


class TestEveryOrder:
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_what_must_hold_holds(self, name: str) -> None:
        """
        What a race states holds in each of its orders, of which there are so many.
        """
        walk = walker(Desk(), name).walk()

        assert SCENARIOS[name].orders == walk.orders

    def test_none_is_left_out(self) -> None:
        """
        The races of every module are walked.
        """
        modules = {one.race.__module__ for one in SCENARIOS.values()}

        assert {module.__name__ for module in MODULES} == modules


class TestPlantedFaults:
    @pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
    def test_found(self, planted: Planted) -> None:
        """
        A fault that needs one order to show is found, and told with that order.
        """
        desk = Desk(planted.plant, planted.replant)
        with pytest.raises(RaceError) as found:
            _ = walker(desk, planted.race).walk()
        complaint, _, order = str(found.value).partition("\nin this order:\n")

        assert complaint.startswith(planted.says)
        assert all(" -> " in step for step in order.splitlines())
        assert order
