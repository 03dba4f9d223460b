"""
Writing a difference: beside others, in short steps, and never more than was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import attrs
import pytest

from tests.unit.provisioning.desks import (
    WHO,
    Desk,
    counts,
    file,
    reasons,
    row,
)
from uness_auth import Policy
from uness_auth.errors import StorageError
from uness_auth.events import EventKind
from uness_auth.model import Account
from uness_auth.policy import AccountPolicy
from uness_auth.provisioning.imports import CHUNK
from uness_auth.storage.memory import MemoryAccounts, MemoryRegistry
from uness_auth.testing import FixedClock


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    An empty one.
    """
    return Desk(clock)


class OneByOne:
    """
    A registry with nothing but what every registry has.
    """

    def __init__(self, registry: MemoryRegistry) -> None:
        self.page = registry.page
        self.apply = registry.apply
        self.replace = registry.replace
        self.erase = registry.erase


class Interrupted(MemoryRegistry):
    """
    A registry that somebody is faster than, once: before what is written next.
    """

    meanwhile: Callable[[], object] | None = None

    def _interrupt(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add the accounts, too late.
        """
        self._interrupt()
        return super().apply(accounts)

    def replace_many(self, changes: Sequence[tuple[Account, int]], /) -> frozenset[str]:
        """
        Replace the accounts, too late.
        """
        self._interrupt()
        return super().replace_many(changes)


def interrupted(desk: Desk, meanwhile: Callable[[], object]) -> Any:
    """
    Return the desk's registry, with somebody who is faster.
    """
    registry = Interrupted(desk.storage.registry._rows)  # noqa: SLF001 - the same rows
    registry.meanwhile = meanwhile
    return registry


def beaten(desk: Desk, meanwhile: Callable[[], object], *rows: Any, **more: Any) -> Any:
    """
    Import a file while somebody is faster; return what was done.
    """
    provisioning = desk.provisioning(interrupted(desk, meanwhile))
    found = provisioning.difference(file(*rows), by=WHO, **more)
    return provisioning.apply(found)


class TestApply:
    @pytest.mark.parametrize("is_bulk", [True, False])
    def test_each_kind(self, desk: Desk, *, is_bulk: bool) -> None:
        """
        Written one by one or many at a time, it is the same.
        """
        desk.bring(
            *(row(n, f"p{n}", external_id=f"{n}") for n in range(2, 6)),
        )
        desk.provisioning().disable("p4@example.fr")
        desk.log.events.clear()
        registry = None if is_bulk else OneByOne(desk.storage.registry)
        provisioning = desk.provisioning(registry)
        steps: list[int] = []
        found = provisioning.difference(
            file(
                row(2, "p2", external_id="2", display_name="New"),
                row(3, "new", external_id="3"),
                row(4, "p4", external_id="4"),
                row(6, "p6", external_id="6"),
            ),
            by=WHO,
            readdress=1,
            close_missing=1,
        )
        done = provisioning.apply(found, on_progress=steps.append)

        assert done.counts == found.counts
        assert {
            "created": 1,
            "updated": 1,
            "readdressed": 1,
            "reopened": 1,
            "closed": 1,
        } == counts(done)
        assert len(found.changes) == sum(steps)
        assert sorted(
            [
                EventKind.ACCOUNT_CREATED,
                EventKind.ACCOUNT_CHANGED,
                EventKind.ACCOUNT_READDRESSED,
                EventKind.NOTICE_SENT,
                EventKind.ACCOUNT_ENABLED,
                EventKind.ACCOUNT_DISABLED,
                EventKind.IMPORT,
            ]
        ) == sorted(desk.log.kinds())
        assert ["p3@example.fr"] == [to for to, _ in desk.outbox.messages]

    def test_events(self, desk: Desk) -> None:
        """
        They say whose import it was and which fields changed, and no value of them.
        """
        desk.bring(row(2, "a"))
        desk.bring(row(2, "a", display_name="Secret", external_id="77"))
        changed, done = desk.log.events[-2:]

        assert ("import", "display_name, external_id") == (
            changed.method,
            changed.reason,
        )
        assert done.reason.startswith(f"of « {WHO} »: 0 created, 1 updated")
        assert "" == done.account_id

    def test_more_than_a_chunk(self, desk: Desk) -> None:
        """
        However many there are, each is written once.
        """
        people = [row(n, f"p{n}") for n in range(2 * CHUNK + 3)]

        assert {"created": len(people)} == counts(desk.bring(*people))
        named = [attrs.evolve(one, display_name="P") for one in people]
        assert {"updated": len(people)} == counts(desk.bring(*named))
        assert {"unchanged": len(people)} == counts(desk.bring(*named))

    def test_ids_of_the_store(self, desk: Desk) -> None:
        """
        Where the store gives ids of its own, events tell those.
        """

        class Renumbering(MemoryRegistry):
            def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
                for number, account in enumerate(accounts, 4711):
                    _ = super().apply([attrs.evolve(account, id=str(number))])
                return frozenset(account.id for account in accounts)

        registry = Renumbering(desk.storage.registry._rows)  # noqa: SLF001 - the same rows
        provisioning = desk.provisioning(registry)
        people = file(row(2, "a"), row(3, "b"))
        provisioning.apply(provisioning.difference(people))

        assert ["4711", "4712", ""] == [one.account_id for one in desk.log.events]

    @pytest.mark.parametrize("is_kept", [True, False])
    def test_the_old_password_comes_back_if_policy_says_so(
        self, desk: Desk, *, is_kept: bool
    ) -> None:
        """
        By default a new one is created.
        """
        desk.bring(row(2, "a"))
        desk.give_password("a")
        desk.provisioning().disable("a@example.fr")
        policy = Policy.uness(account=AccountPolicy(reopened_with_password=is_kept))
        provisioning = desk.provisioning(policy=policy)
        provisioning.apply(provisioning.difference(file(row(2, "a")), by=WHO))

        assert is_kept == desk.account("a").has_password

    def test_cut_short(self, desk: Desk) -> None:
        """
        What was written before a fault is written and told; the same file does the rest.
        """
        people = [row(n, f"p{n}") for n in range(CHUNK + 1)]

        class Failing(MemoryRegistry):
            def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
                if len(accounts) < CHUNK:
                    msg = "the disk is full"
                    raise StorageError(msg)
                return super().apply(accounts)

        provisioning = desk.provisioning(
            Failing(desk.storage.registry._rows)  # noqa: SLF001 - the same rows
        )
        found = provisioning.difference(file(*people), by=WHO)
        with pytest.raises(StorageError, match="the disk is full"):
            provisioning.apply(found)

        assert f"{CHUNK} created" in desk.log.events[-1].reason
        assert {"created": 1, "unchanged": CHUNK} == counts(desk.bring(*people))


class TestBesideOthers:
    def test_the_same_file_at_the_same_moment(self, desk: Desk) -> None:
        """
        Of imports of one file that run together each account is made by one.
        """
        people = [row(n, f"p{n}", external_id=f"{n}") for n in range(2, 60)]
        start = Barrier(4)

        def bring(_number: int) -> dict[str, int]:
            provisioning = desk.provisioning()
            found = provisioning.difference(file(*people), by=WHO)
            start.wait()
            return counts(provisioning.apply(found))

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(bring, range(4)))

        assert len(people) == sum(one.get("created", 0) for one in done)
        assert [len(people)] * 4 == [sum(one.values()) for one in done]
        assert len(people) == len(desk.everybody())

    def test_somebody_made_it(self, desk: Desk) -> None:
        """
        An account that was made meanwhile gets what the line says of it.
        """
        done = beaten(
            desk, lambda: desk.bring(row(2, "a")), row(2, "a", display_name="A")
        )

        assert {"updated": 1} == counts(done)
        assert "A" == desk.account("a").display_name

    def test_somebody_elses(self, desk: Desk) -> None:
        """
        Nor is an account of others that was made meanwhile touched.
        """
        done = beaten(desk, lambda: desk.bring(row(2, "a"), by="CHU"), row(2, "a"))

        assert {"rejected": 1} == counts(done)
        assert "« CHU »" in reasons(done)[2]

    def test_nothing_graver_than_was_shown(self, desk: Desk) -> None:
        """
        What was to be an update reopens, takes over and moves nobody.
        """
        desk.bring(row(2, "a", external_id="1"))
        changed = row(2, "a", external_id="1", display_name="A")

        def disable() -> None:
            desk.provisioning().disable("a@example.fr")

        assert "changed by others" in reasons(beaten(desk, disable, changed))[2]
        assert desk.account("a").is_disabled
        done = beaten(desk, lambda: desk.bring(row(2, "b"), by=""), row(2, "b"))
        assert "changed by others" in reasons(done)[2]
        assert "" == desk.account("b").provisioned_by

    def test_a_password_set_meanwhile_stays(self, desk: Desk) -> None:
        """
        Whoever creates their password while a file is written keeps it.
        """
        desk.bring(row(2, "a"), row(3, "b"))
        done = beaten(
            desk,
            lambda: desk.give_password("a"),
            row(2, "a", display_name="A"),
            row(3, "b", display_name="B"),
        )

        assert {"updated": 2} == counts(done)
        assert ("A", True) == (
            desk.account("a").display_name,
            desk.account("a").has_password,
        )

    def test_changed_between_the_look_and_the_write(self, desk: Desk) -> None:
        """
        What was changed since the difference was shown is not written over.
        """
        desk.bring(row(2, "a"), row(3, "b"))
        provisioning = desk.provisioning()
        found = provisioning.difference(
            file(row(2, "a", display_name="A"), columns=("email", "display_name")),
            by=WHO,
        )
        desk.bring(row(2, "a", language="en"))
        done = provisioning.apply(found)

        assert {"updated": 1} == counts(done)
        assert ("A", "en") == (
            desk.account("a").display_name,
            desk.account("a").language,
        )

    def test_erased_meanwhile(self, desk: Desk) -> None:
        """
        Nobody comes back who was erased.
        """
        desk.bring(row(2, "a"), row(3, "b"))
        provisioning = desk.provisioning()
        found = provisioning.difference(
            file(row(2, "a", display_name="A")), by=WHO, close_missing=1
        )
        for name in ("a", "b"):
            assert desk.storage.registry.erase(desk.account(name).id)
        done = provisioning.apply(found)

        assert {"rejected": 1} == counts(done)
        assert "is gone" in reasons(done)[2]

    def test_closed_meanwhile(self, desk: Desk) -> None:
        """
        Who is closed already is not closed again, and who is another's by now stays open.
        """
        desk.bring(row(2, "a"), row(3, "b"), row(4, "c"), row(5, "d"))
        provisioning = desk.provisioning()
        found = provisioning.difference(file(row(5, "d")), by=WHO, close_missing=3)
        desk.provisioning().disable("a@example.fr")
        other = attrs.evolve(desk.account("b"), provisioned_by="CHU")
        assert desk.storage.registry.replace(other, other.credential_version)
        desk.give_password("c")
        done = provisioning.apply(found)

        assert {"closed": 1, "unchanged": 1} == counts(done)
        assert (False, True) == (
            desk.account("b").is_disabled,
            desk.account("c").is_disabled,
        )

    def test_an_address_that_is_taken_meanwhile(self, desk: Desk) -> None:
        """
        Whoever was to move stays where they are, with their password.
        """
        desk.bring(row(2, "a", external_id="1"))
        desk.give_password("a")
        provisioning = desk.provisioning()
        found = provisioning.difference(
            file(row(2, "b", external_id="1")), by=WHO, readdress=1
        )
        desk.bring(row(2, "b"), by="CHU")
        done = provisioning.apply(found)

        assert {"rejected": 1} == counts(done)
        assert "changed by others" in reasons(done)[2]
        assert desk.account("a").has_password
        assert [] == desk.outbox.messages

    def test_an_external_id_that_is_taken_meanwhile(self, desk: Desk) -> None:
        """
        No two accounts of a registrar have one external id.
        """
        done = beaten(
            desk,
            lambda: desk.bring(row(2, "b", external_id="1")),
            row(2, "a", external_id="1"),
        )

        assert {"rejected": 1} == counts(done)
        assert "external_id" in reasons(done)[2]

    def test_lost_between_two_looks(self, desk: Desk) -> None:
        """
        An account that goes and comes as it is looked at is left to the next import.
        """

        class Blind(MemoryAccounts):
            def by_address(self, address: str, /) -> Account | None:
                return None

        desk.bring(row(2, "b"))
        accounts = Blind(desk.storage.registry._rows)  # noqa: SLF001 - the same rows
        registry = interrupted(desk, lambda: desk.bring(row(2, "a")))
        provisioning = desk.provisioning(registry, accounts)
        found = provisioning.difference(file(row(2, "a"), row(3, "c")), by=WHO)
        done = provisioning.apply(found)

        assert {"created": 1, "rejected": 1} == counts(done)
