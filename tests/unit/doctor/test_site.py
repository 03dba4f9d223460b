"""
What the doctor says of keys, base URL, proxies and queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest

from tests.unit.doctor.conftest import local, online
from uness_auth import Site
from uness_auth.doctor import Finding, Severity
from uness_auth.doctor.site import (
    ENOUGH_PEOPLE,
    check_base_url,
    check_keys,
    check_proxies,
    check_queue,
)
from uness_auth.mailers.background import BackgroundQueue
from uness_auth.model import Client
from uness_auth.outcomes import AccountAdded
from uness_auth.storage.memory import MemoryStorage
from uness_auth.wiring import UnessAuth


NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS


def sign_in_from(auth: UnessAuth, *networks: str) -> None:
    """
    Let somebody else sign in from each network.
    """
    for number, network in enumerate(networks):
        added = auth.provisioning.add(f"a{number}@univ-exemple.fr")
        assert isinstance(added, AccountAdded)
        auth.sessions.open(
            added.account, Client(network=network), method="test", is_remembered=False
        )


def only(findings: Iterator[Finding]) -> Finding:
    """
    Return the one finding.
    """
    (finding,) = findings
    return finding


class TestKeys:
    def test_own(self, storage: MemoryStorage) -> None:
        """
        A key of one start's own does not last.
        """
        finding = only(check_keys(local(storage)))

        assert NOTE is finding.severity
        assert "keys new" in finding.mend

    @pytest.mark.parametrize(("count", "severity"), [(1, OK), (3, OK), (4, NOTE)])
    def test_count(
        self, storage: MemoryStorage, count: int, severity: Severity
    ) -> None:
        """
        Keys that were never taken out are told; their text never is.
        """
        keys = [f"planted-secret-{n}-abcdefghijklmnopqrstuv" for n in range(count)]
        auth = online(storage, keys=keys)
        finding = only(check_keys(auth))

        assert severity is finding.severity
        assert auth.keys.signing_id in finding.what
        assert f"{count} key" in finding.what
        assert "39 bytes" in finding.what
        assert "planted" not in repr(finding)


class TestBaseURL:
    @pytest.mark.parametrize(
        ("base_url", "severity"),
        [
            ("https://portail.example.fr", OK),
            ("https://portail", NOTE),
            ("https://192.0.2.7", NOTE),
            ("https://[2001:db8::7]", NOTE),
        ],
    )
    def test_online(
        self, storage: MemoryStorage, base_url: str, severity: Severity
    ) -> None:
        """
        A base URL that can be mailed to people is a full name.
        """
        site = Site(base_url=base_url, sender="ne-pas-repondre@univ-exemple.fr")
        auth = online(storage, site=site)

        assert severity is only(check_base_url(auth)).severity

    def test_this_machine(self, storage: MemoryStorage) -> None:
        """
        A loopback address is for whoever develops.
        """
        assert NOTE is only(check_base_url(local(storage))).severity


class TestProxies:
    @pytest.mark.parametrize(
        ("network", "severity"),
        [
            ("10.0.0.7", SERIOUS),
            ("127.0.0.1", SERIOUS),
            ("::1", SERIOUS),
            ("", SERIOUS),
            ("198.41.0.4", NOTE),
        ],
    )
    def test_one_network(
        self, storage: MemoryStorage, network: str, severity: Severity
    ) -> None:
        """
        A site whose every visitor has one address is told.
        """
        auth = online(storage)
        sign_in_from(auth, *[network] * ENOUGH_PEOPLE)
        finding = only(check_proxies(auth))

        assert severity is finding.severity
        assert "trusted_proxies" in finding.mend

    def test_many_networks(self, storage: MemoryStorage) -> None:
        """
        Visitors from here and there are as they should be.
        """
        auth = online(storage, trusted_proxies=["10.0.0.0/8"])
        sign_in_from(auth, *["198.41.0.4"] * ENOUGH_PEOPLE, "198.51.100.1")
        finding = only(check_proxies(auth))

        assert OK is finding.severity
        assert "10.0.0.0/8" in finding.what

    def test_few_people(self, storage: MemoryStorage) -> None:
        """
        Of too few people nothing can be said.
        """
        auth = online(storage)
        sign_in_from(auth, *["10.0.0.7"] * (ENOUGH_PEOPLE - 1))

        assert OK is only(check_proxies(auth)).severity

    def test_no_lists(self, storage: MemoryStorage) -> None:
        """
        Nor where the stores cannot list anything.
        """
        auth = online(storage)
        stores = attrs.evolve(auth.parts.stores, session_lists=None)

        assert OK is only(check_proxies(online(storage, stores=stores))).severity

    def test_a_large_site(self, storage: MemoryStorage) -> None:
        """
        However many accounts there are, the look ends.
        """
        auth = online(storage)
        sign_in_from(auth, *["10.0.0.7"] * ENOUGH_PEOPLE)
        finding = only(check_proxies(auth, timedelta(seconds=-1)))

        assert OK is finding.severity
        assert "too few people" in finding.what


class TestQueue:
    def test_with_and_without(self, storage: MemoryStorage) -> None:
        """
        Without a queue visitors wait for the mail server.
        """
        queue = BackgroundQueue()

        assert NOTE is only(check_queue(local(storage))).severity
        assert OK is only(check_queue(local(storage, queue=queue))).severity
