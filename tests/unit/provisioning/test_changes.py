"""
One account at a time: every change voids what was valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from uness_auth import Policy, Site, UnessAuth
from uness_auth.addresses import AddressFault
from uness_auth.errors import StorageError
from uness_auth.events import EventKind
from uness_auth.model import Account
from uness_auth.outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AccountReaddressed,
    AddressMalformed,
    AddressUnknown,
)
from uness_auth.policy import AccountPolicy
from uness_auth.provisioning import Provisioning
from uness_auth.storage.memory import MemoryRegistry, MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


CAMILLE = "camille@example.fr"


@attrs.define
class Desk:
    """
    A registrar's desk.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    log: EventLog = attrs.field(factory=EventLog)
    outbox: Outbox = attrs.field(factory=Outbox)

    def provisioning(
        self, registry: Any = None, *, policy: Policy | None = None
    ) -> Provisioning:
        """
        Wire it, over the given registry.
        """
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=attrs.evolve(
                self.storage.stores, registry=registry or self.storage.registry
            ),
            mailer=self.outbox,
            hashing=FastHashing(),
            subscribers=[self.log],
            policy=policy,
            clock=self.clock,
        )
        return auth.provisioning

    def added(self, address: str = CAMILLE, account_id: str = "") -> Account:
        """
        Add an account.
        """
        answer = self.provisioning().add(address, account_id=account_id)
        assert isinstance(answer, AccountAdded)
        return answer.account


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    An empty one.
    """
    return Desk(clock)


class Renumbering:
    """
    A registry that gives ids of its own.
    """

    def __init__(self, registry: MemoryRegistry) -> None:
        self._registry = registry

    def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
        """
        Add the accounts under numbers.
        """
        for number, account in enumerate(accounts, 4711):
            _ = self._registry.apply([attrs.evolve(account, id=str(number))])
        return frozenset(account.id for account in accounts)


class TestAdd:
    def test_adds(self, desk: Desk) -> None:
        """
        An account begins without a password, under its canonical address.
        """
        answer = desk.provisioning().add(
            f" {CAMILLE.upper()} ",
            display_name="Camille",
            language="en",
            account_id="7",
        )

        assert isinstance(answer, AccountAdded)
        assert answer.account == desk.storage.accounts.by_address(CAMILLE)
        assert ("7", "Camille", "en", False) == (
            answer.account.id,
            answer.account.display_name,
            answer.account.language,
            answer.account.has_password,
        )
        assert desk.clock() == answer.account.created_at

    @pytest.mark.parametrize(
        "other",
        [
            "CAMILLE@EXAMPLE.FR",
            " camille@Example.fr\t",
            "\uff43amille@example.fr",
            "camille@example\u3002fr",
            '"camille"@example.fr',
            "camille@exampl\u0065\u0301.fr",
        ],
    )
    def test_two_spellings_are_one_account(self, desk: Desk, other: str) -> None:
        """
        P5: another spelling of an address is its account, or refused; never a second.
        """
        account = desk.added()
        answer = desk.provisioning().add(other)

        assert isinstance(answer, AccountExists | AddressMalformed)
        is_spelling = other.strip().lower() == CAMILLE
        assert is_spelling == isinstance(answer, AccountExists)
        assert [account] == list(desk.storage.registry.page("", 10))

    def test_ids_of_the_store(self, desk: Desk) -> None:
        """
        Where the store gives ids of its own, the answer and the event tell them.
        """
        registry = Renumbering(desk.storage.registry)
        answer = desk.provisioning(registry).add(CAMILLE)

        assert isinstance(answer, AccountAdded)
        assert "4711" == answer.account.id
        assert ["4711"] == [event.account_id for event in desk.log.events]
        assert [EventKind.ACCOUNT_CREATED] == desk.log.kinds()

    def test_own_ids_and_versions_are_random(self, desk: Desk) -> None:
        """
        Ids are 128 bits, versions 31: a deleted account's links fit no new one.
        """
        accounts = [desk.added(f"{number}@example.fr") for number in range(50)]

        assert {32} == {len(account.id) for account in accounts}
        assert 50 == len({account.id for account in accounts})
        assert len({account.credential_version for account in accounts}) > 45
        assert all(0 <= one.credential_version < 2**31 for one in accounts)

    def test_exists(self, desk: Desk) -> None:
        """
        An address, or an id, that is taken leaves its account as it is.
        """
        account = desk.added(account_id="7")
        again = desk.provisioning().add(CAMILLE, display_name="Other")
        same_id = desk.provisioning().add("other@example.fr", account_id="7")

        assert AccountExists(account=account) == again == same_id
        assert 1 == len(desk.log.events)

    def test_malformed(self, desk: Desk) -> None:
        """
        What is no address makes no account.
        """
        assert AddressMalformed(
            fault=AddressFault.INCOMPLETE
        ) == desk.provisioning().add("camille")

    def test_registry_that_breaks_its_contract(self, desk: Desk) -> None:
        """
        A registry that adds nothing for no reason is a fault of the store.
        """

        class Lazy:
            def apply(self, accounts: Sequence[Account], /) -> frozenset[str]:
                return frozenset()

        with pytest.raises(StorageError, match="added nothing"):
            desk.provisioning(Lazy()).add(CAMILLE)


class TestChange:
    @pytest.mark.parametrize(
        ("how", "kind", "is_disabled"),
        [
            ("disable", EventKind.ACCOUNT_DISABLED, True),
            ("enable", EventKind.ACCOUNT_ENABLED, False),
            ("sign_out", EventKind.SESSIONS_REVOKED, False),
        ],
    )
    def test_moves_the_version(
        self, desk: Desk, how: str, kind: EventKind, *, is_disabled: bool
    ) -> None:
        """
        Disabled, enabled, signed out: each voids what was valid, and is told.
        """
        account = desk.added()
        answer = getattr(desk.provisioning(), how)(CAMILLE.upper())

        assert answer == AccountChanged(
            account=attrs.evolve(
                account,
                credential_version=account.credential_version + 1,
                is_disabled=is_disabled,
            )
        )
        assert answer.account == desk.storage.accounts.by_address(CAMILLE)
        assert kind is desk.log.kinds()[-1]

    def test_sign_out_opens_no_disabled_account(self, desk: Desk) -> None:
        """
        To sign out everywhere does not enable.
        """
        desk.added()
        desk.provisioning().disable(CAMILLE)
        answer = desk.provisioning().sign_out(CAMILLE)

        assert isinstance(answer, AccountChanged)
        assert answer.account.is_disabled

    @pytest.mark.parametrize("how", ["disable", "enable", "sign_out"])
    def test_unknown_and_malformed(self, desk: Desk, how: str) -> None:
        """
        Nobody is changed by an address that is nobody's.
        """
        change = getattr(desk.provisioning(), how)

        assert AddressUnknown() == change("nobody@example.fr")
        assert AddressMalformed(fault=AddressFault.EMPTY) == change("")
        assert [] == desk.log.events

    def test_keeps_a_password_that_is_set_meanwhile(self, desk: Desk) -> None:
        """
        A password set between read and write is not written over.
        """
        desk.added(account_id="7")

        class Overtaken(MemoryRegistry):
            def replace(self, account: Account, version: int, /) -> bool:
                if not account.has_password:
                    assert desk.storage.accounts.set_password("7", "clear:x", version)
                return super().replace(account, version)

        registry = Overtaken(desk.storage.registry._rows)  # noqa: SLF001 - the same rows
        answer = desk.provisioning(registry).disable(CAMILLE)

        assert isinstance(answer, AccountChanged)
        assert ("clear:x", True) == (
            answer.account.password_hash,
            answer.account.is_disabled,
        )

    def test_contended(self, desk: Desk) -> None:
        """
        After eight tries the store is said to be at fault.
        """
        desk.added()

        class Losing:
            tries = 0

            def replace(self, account: Account, version: int, /) -> bool:
                self.tries += 1
                return False

        losing = Losing()
        with pytest.raises(StorageError, match="8 times"):
            desk.provisioning(losing).disable(CAMILLE)
        assert 8 == losing.tries

    @pytest.mark.parametrize("is_kept", [False, True])
    def test_the_old_password_comes_back_if_policy_says_so(
        self, desk: Desk, *, is_kept: bool
    ) -> None:
        """
        A year later nobody knows who else knows it.
        """
        account = desk.added()
        assert desk.storage.accounts.set_password(
            account.id, "clear:x", account.credential_version
        )
        policy = Policy.uness(account=AccountPolicy(reopened_with_password=is_kept))
        desk.provisioning().disable(CAMILLE)
        answer = desk.provisioning(policy=policy).enable(CAMILLE)

        assert isinstance(answer, AccountChanged)
        assert is_kept == answer.account.has_password


class TestReaddress:
    def test_voids_and_tells(self, desk: Desk) -> None:
        """
        The account is under its new address, without a password; the old address hears.
        """
        account = desk.added()
        assert desk.storage.accounts.set_password(
            account.id, "clear:x", account.credential_version
        )
        answer = desk.provisioning().readdress(CAMILLE, " Durand@Example.fr ")

        assert answer == AccountReaddressed(
            account=attrs.evolve(
                account,
                address="durand@example.fr",
                credential_version=account.credential_version + 2,
            ),
            is_told=True,
        )
        assert answer.account == desk.storage.accounts.by_address("durand@example.fr")
        assert [CAMILLE] == [to for to, _ in desk.outbox.messages]
        assert [EventKind.ACCOUNT_READDRESSED, EventKind.NOTICE_SENT] == (
            desk.log.kinds()[-2:]
        )

    def test_hides_the_new_address(self, desk: Desk) -> None:
        """
        Whoever reads the old mailbox learns where to ask, not whom to bother.
        """
        desk.added()
        desk.provisioning().readdress(CAMILLE, "durand@example.fr")
        text = desk.outbox.last_text(CAMILLE)

        assert "d…@example.fr" in text
        assert "durand@example.fr" not in text
        assert "https://sos.uness.fr/" in text

    def test_tells_the_owner_of_a_closed_account(self, desk: Desk) -> None:
        """
        A closed account stays closed, and its owner hears all the same.
        """
        desk.added()
        desk.provisioning().disable(CAMILLE)
        answer = desk.provisioning().readdress(CAMILLE, "durand@example.fr")

        assert isinstance(answer, AccountReaddressed)
        assert (True, True) == (answer.is_told, answer.account.is_disabled)

    def test_a_mail_server_that_is_down(self, desk: Desk) -> None:
        """
        What is done stays done, and the answer says that nobody was told.
        """
        desk.added()
        desk.outbox.is_down = True
        answer = desk.provisioning().readdress(CAMILLE, "durand@example.fr")

        assert isinstance(answer, AccountReaddressed)
        assert not answer.is_told
        assert EventKind.MAIL_FAILED is desk.log.kinds()[-1]

    def test_an_address_that_cannot_be_mailed(self, desk: Desk) -> None:
        """
        Nothing is written into a header that is no address, whoever stored it.
        """
        account = desk.added()
        odd = attrs.evolve(account, address="camille@example.fr, eve@example.fr")
        orders = desk.provisioning().orders

        assert not orders.tell_former_address(odd, "durand@example.fr")
        assert EventKind.MAIL_DROPPED is desk.log.kinds()[-1]

    def test_refused(self, desk: Desk) -> None:
        """
        Nobody gets an address that is another's, or none, and nobody is made.
        """
        desk.added()
        other = desk.added("durand@example.fr")
        readdress = desk.provisioning().readdress

        assert AccountExists(account=other) == readdress(CAMILLE, "DURAND@example.fr")
        assert AddressUnknown() == readdress("nobody@example.fr", "new@example.fr")
        for one, another in (("", CAMILLE), (CAMILLE, "")):
            assert AddressMalformed(fault=AddressFault.EMPTY) == readdress(one, another)
        assert [] == desk.outbox.messages

    def test_contended(self, desk: Desk) -> None:
        """
        After eight tries the store is said to be at fault.
        """
        desk.added()

        class Losing:
            def replace(self, account: Account, version: int, /) -> bool:
                return False

        with pytest.raises(StorageError, match="8 times"):
            desk.provisioning(Losing()).readdress(CAMILLE, "durand@example.fr")
