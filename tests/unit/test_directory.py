"""
Who an address stands for, and when that is not told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pytest

from uness_auth.addresses import LONGEST_ADDRESS, AddressFault
from uness_auth.devices import Devices
from uness_auth.directory import Anybody, Directory, Found
from uness_auth.events import Audit
from uness_auth.guard import Guard
from uness_auth.keys import KeyRing
from uness_auth.model import Account, Client
from uness_auth.outcomes import AddressMalformed, AddressUnknown
from uness_auth.policy import AddressPolicy, Budget, ThrottlePolicy
from uness_auth.site_guard import SiteGuard
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock


KEYS = KeyRing(
    ["first-key-of-the-tests-0123456789abcdef"], base_url="https://a.example"
)
HERE = Client(network="192.0.2.7")
ONCE = ThrottlePolicy(network_unknown=Budget(1, timedelta(minutes=10)))


def account(name: str, created_at: datetime, *, is_disabled: bool = False) -> Account:
    """
    Return an account called *name*.
    """
    return Account(
        id=name,
        address=f"{name}@example.fr",
        credential_version=7,
        created_at=created_at,
        is_disabled=is_disabled,
    )


@pytest.fixture(name="log")
def _log() -> EventLog:
    """
    An empty log.
    """
    return EventLog()


@pytest.fixture(name="make")
def _make(clock: FixedClock, log: EventLog) -> Callable[..., Directory]:
    """
    Build a directory that knows the domains given.
    """

    def make(*domains: str) -> Directory:
        return _built(clock, log, domains)

    return make


@pytest.fixture(name="directory")
def _directory(make: Callable[..., Directory]) -> Directory:
    """
    Camille and a disabled Emmanuel, and one unknown address that is told.
    """
    return make("example.fr")


def _built(clock: FixedClock, log: EventLog, domains: tuple[str, ...]) -> Directory:
    storage = MemoryStorage()
    storage.registry.apply(
        [account("camille", clock()), account("emmanuel", clock(), is_disabled=True)]
    )
    audit = Audit(clock, [log])
    guard = Guard(
        site=SiteGuard(
            counters=storage.counters, policy=ONCE, keys=KEYS, clock=clock, audit=audit
        ),
        counters=storage.counters,
        policy=ONCE,
        keys=KEYS,
        devices=Devices(KEYS, ONCE),
        clock=clock,
    )
    return Directory(
        accounts=storage.accounts,
        guard=guard,
        policy=AddressPolicy(known_domains=domains),
        clock=clock,
        audit=audit,
    )


class TestFind:
    def test_found(self, directory: Directory) -> None:
        """
        A known address is an account, and costs the network nothing.
        """
        for _ in range(5):
            found = directory.find(" Camille@Example.FR ", HERE)

            assert isinstance(found, Found)
            assert "camille" == found.account.id

    def test_malformed_costs_nothing(self, directory: Directory) -> None:
        """
        What is no address is looked up nowhere.
        """
        for _ in range(5):
            assert AddressMalformed(fault=AddressFault.INCOMPLETE) == directory.find(
                "camille", HERE
            )
        assert isinstance(directory.find("nobody@example.fr", HERE), AddressUnknown)

    @pytest.mark.parametrize("name", ["camille", "emmanuel", "nobody"])
    def test_a_slip_in_a_known_domain(self, directory: Directory, name: str) -> None:
        """
        The known domain is suggested, whoever has the address that comes out.
        """
        assert AddressUnknown(suggestion=f"{name}@example.fr") == directory.find(
            f"{name}@exampie.fr", HERE
        )

    @pytest.mark.parametrize("domain", ["example.fr", "exempla.org"])
    def test_no_slip(self, directory: Directory, domain: str) -> None:
        """
        A domain that is known, or near none, has nothing suggested.
        """
        assert AddressUnknown() == directory.find(f"nobody@{domain}", HERE)

    def test_a_suggestion_is_no_longer_than_an_address(
        self, make: Callable[..., Directory]
    ) -> None:
        """
        What would be too long to be typed is not suggested.
        """
        longest = ".".join(["d" * 60] * 3) + ".fr"
        local = "a" * (LONGEST_ADDRESS - len(longest))
        directory = make(longest)

        assert AddressUnknown() == directory.find(f"{local}@{longest[1:]}", HERE)
        assert AddressUnknown(suggestion=f"{local[1:]}@{longest}") == make(
            longest
        ).find(f"{local[1:]}@{longest[1:]}", HERE)

    def test_unknown_then_anybody(self, directory: Directory) -> None:
        """
        Past the budget an unknown address is anybody's, and has the id of a decoy.
        """
        address = "nobody@example.fr"

        assert AddressUnknown() == directory.find(address, HERE)
        assert Anybody(
            address=address,
            account_id=directory.guard.decoy_id(address),
            account=None,
        ) == directory.find(address, HERE)

    def test_disabled_then_anybody(self, directory: Directory) -> None:
        """
        A disabled account is nobody's, but its budgets are its own as before: were they
        a decoy's, its waits would end on the day it is closed.
        """
        address = "emmanuel@example.fr"

        assert AddressUnknown() == directory.find(address, HERE)
        assert Anybody(
            address=address, account_id="emmanuel", account=None
        ) == directory.find(address, HERE)
        assert directory.anybody(address) == directory.find(address, HERE)

    def test_anybody_who_is_somebody(self, directory: Directory) -> None:
        """
        An account stays one when that is no longer told.
        """
        directory.find("nobody@example.fr", HERE)
        found = directory.find("camille@example.fr", HERE)

        assert isinstance(found, Anybody)
        assert found.account is not None
        assert "camille" == found.account_id == found.account.id

    def test_other_networks_are_told(self, directory: Directory) -> None:
        """
        What one network spent is not another one's.
        """
        there = attrs.evolve(HERE, network="198.51.100.1")
        directory.find("nobody@example.fr", HERE)

        assert AddressUnknown() == directory.find("nobody@example.fr", there)


class TestActive:
    def test_only_who_may_sign_in(self, directory: Directory) -> None:
        """
        A disabled account is nobody's, like an unknown address.
        """
        assert directory.active("camille@example.fr") is not None
        assert directory.active("emmanuel@example.fr") is None
        assert directory.active("nobody@example.fr") is None
