"""
The contracts reject what has a planted fault, each by the name of a test.

Every test of every contract has at least one fault in ``faulty`` that it rejects: a
test that finds nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.contract.faulty import (
    accounts,
    code_challenges,
    counters,
    events,
    mailers,
    on_file,
    order_queues,
    out_of_reach,
    password_hashing,
    registry,
    session_lists,
    sessions,
)
from tests.contract.faulty.planting import Planted
from uness_auth.testing import contracts


# Fault by fault, the tests that reject it: see `Planted.rejected_by`.
PLANTED: Final = [
    *accounts.PLANTED,
    *registry.PLANTED,
    *code_challenges.PLANTED,
    *sessions.PLANTED,
    *session_lists.PLANTED,
    *counters.PLANTED,
    *events.PLANTED,
    *password_hashing.PLANTED,
    *mailers.PLANTED,
    *order_queues.PLANTED,
    *on_file.PLANTED,
    *out_of_reach.PLANTED,
]
FAULTLESS: Final = [*on_file.FAULTLESS, *out_of_reach.FAULTLESS]
# Those with tests of their own; the others are their bases.
CONTRACTS: Final = [
    found
    for name in contracts.__all__
    if isinstance(found := getattr(contracts, name), type)
    and any(one.startswith("test_") for one in vars(found))
]


def pairs(faults: list[Planted]) -> list[Any]:
    """
    Each fault with each of the tests that it names.
    """
    return [
        pytest.param(fault, test, id=f"{fault.name}-{test}")
        for fault in faults
        for test in fault.rejected_by
    ]


def names_of(contract: type) -> Iterator[str]:
    """
    Return the names of the tests of a contract.
    """
    return (name for name in vars(contract) if name.startswith("test_"))


class TestContracts:
    @pytest.mark.parametrize(("fault", "test"), pairs(PLANTED))
    def test_fault_is_rejected(self, fault: Planted, test: str, tmp_path: Path) -> None:
        """
        The test that should find the fault finds it.
        """
        with fault.bound(tmp_path) as contract, pytest.raises(AssertionError):
            getattr(contract, test)()

    @pytest.mark.parametrize(("store", "test"), pairs(FAULTLESS))
    def test_nothing_else_is_rejected(
        self, store: Planted, test: str, tmp_path: Path
    ) -> None:
        """
        The same store without the fault passes: it was the fault that was found.
        """
        with store.bound(tmp_path) as contract:
            getattr(contract, test)()

    @pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.__name__)
    def test_every_test_finds_a_fault(self, contract: type) -> None:
        """
        No test of a contract is without a fault that it rejects.
        """
        found = {
            test
            for fault in PLANTED
            if fault.contract is contract
            for test in fault.rejected_by
        }

        assert set(names_of(contract)) == found

    @pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.__name__)
    def test_every_test_says_what_it_wants(self, contract: type) -> None:
        """
        The docstrings print as the specification.
        """
        silent = [
            name for name in names_of(contract) if not vars(contract)[name].__doc__
        ]

        assert [] == silent

    def test_faults_have_names_of_their_own(self) -> None:
        """
        A fault is known by its name.
        """
        names = [fault.name for fault in PLANTED]

        assert len(names) == len(set(names))
