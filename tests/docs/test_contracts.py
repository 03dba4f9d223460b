"""
The page of the contracts says what the kit asks, test by test.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from uness_auth import ports
from uness_auth.testing import contracts


PAGE: Final = (
    Path(__file__).parents[2].joinpath("docs/reference/contracts.md").read_text("utf-8")
)
CONTRACTS: Final = [name for name in contracts.__all__ if name.endswith("Contract")]
SECTIONS: Final = dict(
    re.findall(
        r"autoclass:: uness_auth\.testing\.contracts\.(\w+Contract)\n"
        r"   :members: make[^\n]*\n```\n(.*?)(?=^## |\Z)",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
)


def rows_of(contract: str) -> list[tuple[str, str]]:
    """
    The names of a contract's tests, and the first paragraphs of their docstrings.
    """
    return [
        (name, " ".join((inspect.getdoc(test) or "").split("\n\n")[0].split()))
        for name, test in vars(getattr(contracts, contract)).items()
        if name.startswith("test_")
    ]


# No flow calls them: the page says so.
DOCTORS_OWN: Final = {"CheckedMailer", "TimedStore"}


class TestTables:
    def test_every_contract_has_its_section(self) -> None:
        """
        Whatever has tests to inherit is on the page.
        """
        assert {name for name in CONTRACTS if rows_of(name)} == SECTIONS.keys()

    @pytest.mark.parametrize("contract", SECTIONS)
    def test_every_test_has_its_row(self, contract: str) -> None:
        """
        The rows are the tests in their order, in the words of their docstrings.
        """
        rows = re.findall(
            r"^\| `(test_\w+)` \| (.*) \|$", SECTIONS[contract], re.MULTILINE
        )

        assert rows == rows_of(contract)

    def test_every_port_has_its_contract(self) -> None:
        """
        What an integrator may fill can be proven.
        """
        filled = {
            name
            for name, kind in vars(ports).items()
            if getattr(kind, "_is_protocol", False) and name != "Protocol"
        }

        assert {f"{name}Contract" for name in filled - DOCTORS_OWN} == SECTIONS.keys()


class TestAbilities:
    def test_every_ability_has_its_row(self) -> None:
        """
        The table has each ability, with the class that declares it.
        """
        told = re.findall(r"^\| `(supports_\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE)

        assert sorted(told) == sorted(
            (name, contract)
            for contract in CONTRACTS
            for name in vars(getattr(contracts, contract))
            if name.startswith("supports_")
        )


class TestVersion:
    def test_it_is_told(self) -> None:
        """
        The page says which version it describes.
        """
        assert f"The kit is at version {contracts.VERSION}.\n" in PAGE
