"""
What is held about one person: all of it is told, and nothing of it outlives an erasure.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from uness_auth import Site, StorageError, UnessAuth
from uness_auth.addresses import AddressFault
from uness_auth.events import EventKind
from uness_auth.keys import token_digest
from uness_auth.model import Account, Client, Session
from uness_auth.outcomes import (
    AccountAdded,
    AccountErased,
    AddressMalformed,
    AddressUnknown,
    ChallengeGone,
    CodeSent,
    LinkSent,
    LinkUsed,
    NotSignedIn,
    PasswordSet,
    PersonalDataGathered,
    SignedIn,
    WrongPassword,
)
from uness_auth.storage.memory import MemoryRegistry, MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


CAMILLE, SACHA = "camille@univ-exemple.fr", "sacha@univ-exemple.fr"
GOOD = "Velo-Tandem-2026"
HERE = Client(network="192.0.2.7", browser_digest=token_digest("b" * 43))


@attrs.define
class Life:
    """
    A site where two people have signed in, and one of them is to be forgotten.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    outbox: Outbox = attrs.field(factory=Outbox)
    log: EventLog = attrs.field(factory=EventLog)

    def auth(self, **stores: Any) -> UnessAuth:
        """
        Wire it, with these stores in the place of its own.
        """
        return UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=attrs.evolve(self.storage.stores, **stores),
            mailer=self.outbox,
            hashing=FastHashing(),
            keys=["a-key-of-the-tests-0123456789abcdefgh"],
            clock=self.clock,
            subscribers=[self.log],
        )

    def lived(self, auth: UnessAuth, address: str, account_id: str = "") -> str:
        """
        Create a password, mistype it once and sign in; return the session's token.
        """
        added = auth.provisioning.add(address, account_id=account_id)
        assert isinstance(added, AccountAdded)
        assert isinstance(auth.identify.begin(address, HERE), LinkSent)
        token = self.outbox.link(address).rpartition("/")[2]
        done = auth.password_link.set_password(token, GOOD, GOOD, HERE)
        assert isinstance(done, PasswordSet)
        wrong = auth.password_sign_in.sign_in(
            address, "Faux", HERE, is_remembered=False
        )
        assert isinstance(wrong, WrongPassword)
        signed_in = auth.password_sign_in.sign_in(
            address, GOOD, HERE, is_remembered=False
        )
        assert isinstance(signed_in, SignedIn)
        return signed_in.session_token


@pytest.fixture(name="life")
def _life(clock: FixedClock) -> Life:
    """
    A site with nobody in it.
    """
    return Life(clock)


def gathered(auth: UnessAuth, address: str = CAMILLE) -> dict[str, Any]:
    """
    Return what is told, as a program would read it.
    """
    answer = auth.provisioning.export(address)
    assert isinstance(answer, PersonalDataGathered)
    assert address == answer.address
    read: dict[str, Any] = json.loads(json.dumps(answer.data))
    return read


class TestExport:
    def test_account_is_told_whole(self, life: Life) -> None:
        """
        Every field of the account is told but its hash, and whether there is one.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)

        told = gathered(auth)["account"]

        names = {field.name for field in attrs.fields(Account)}
        assert names - {"password_hash"} | {"has_password"} == set(told)
        assert (CAMILLE, True) == (told["address"], told["has_password"])
        assert life.clock().isoformat() == told["created_at"]

    def test_sessions_are_told(self, life: Life) -> None:
        """
        Every field of each session is told but its digest.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)
        _ = life.lived(auth, SACHA)

        [told] = gathered(auth)["sessions"]

        names = {field.name for field in attrs.fields(Session)}
        assert names - {"digest"} == set(told)
        assert "192.0.2.0/24" == told["network"]

    def test_events_are_told(self, life: Life) -> None:
        """
        Its own events are told, with their reasons, the newest first.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)
        _ = life.lived(auth, SACHA)

        told = gathered(auth)["events"]

        owner = life.storage.accounts.by_address(CAMILLE)
        assert owner is not None
        own = [one for one in life.log.events if one.account_id == owner.id]
        assert [one.kind for one in own][::-1] == [one["kind"] for one in told]
        assert {"c…@univ-exemple.fr"} == {one["address"] for one in told}
        assert "wrong password" in {one["reason"] for one in told}

    def test_throttles_are_told(self, life: Life) -> None:
        """
        When it failed and was mailed, as far as budgets remember it, is told.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)

        told = gathered(auth)["throttles"]

        assert {"passwords", "link mails"} == set(told)
        assert 0 == told["passwords"]["in_a_row"]
        assert [life.clock().isoformat()] == [
            one["at"] for one in told["link mails"]["entries"]
        ]

    def test_no_secret_is_told(self, life: Life) -> None:
        """
        Neither the hash, nor a digest, nor anything that signs in.
        """
        auth = life.auth()
        token = life.lived(auth, CAMILLE)

        told = json.dumps(gathered(auth))

        assert [] == [
            secret for secret in (GOOD, token, token_digest(token)) if secret in told
        ]

    def test_what_is_not_listed_is_said(self, life: Life) -> None:
        """
        Where a store cannot list them, sessions and events are said to be missing.
        """
        auth = life.auth(session_lists=None, events=None)
        _ = life.lived(auth, CAMILLE)

        bare, whole = gathered(auth), gathered(life.auth())

        assert ([], []) == (bare["sessions"], bare["events"])
        assert 2 == len(bare["not_listed"]) - len(whole["not_listed"])

    def test_nobody(self, life: Life) -> None:
        """
        Of an address that nobody has there is nothing to tell.
        """
        export = life.auth().provisioning.export

        assert AddressUnknown() == export(CAMILLE)
        assert AddressMalformed(fault=AddressFault.INCOMPLETE) == export("camille")


class TestErase:
    def test_nothing_is_left(self, life: Life) -> None:
        """
        Account, sessions and what throttles remember are gone; events name nobody.
        """
        auth = life.auth()
        token = life.lived(auth, CAMILLE, "42")
        events = len(life.storage.events.of_account("42", 100))

        answer = auth.provisioning.erase(CAMILLE)

        # With the event that it was disabled.
        assert AccountErased(sessions=1, events=events + 1) == answer
        assert life.storage.accounts.by_address(CAMILLE) is None
        assert life.storage.accounts.by_id("42") is None
        assert NotSignedIn() == auth.sessions.resume(token)
        assert [] == list(life.storage.session_lists.of_account("42", 10))
        assert [] == list(life.storage.events.of_account("42", 100))
        kept = list(life.storage.events._rows.events)  # noqa: SLF001 - no port lists all
        assert {("", "", "", "")} == {
            (one.account_id, one.address, one.network, one.reason) for one in kept
        }
        assert EventKind.ACCOUNT_ERASED == kept[-1].kind

    def test_others_are_left_alone(self, life: Life) -> None:
        """
        Whoever else is there stays signed in, with all that is held about them.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)
        token = life.lived(auth, SACHA)
        before = gathered(auth, SACHA)

        assert isinstance(auth.provisioning.erase(CAMILLE), AccountErased)

        assert before == gathered(auth, SACHA)
        assert not isinstance(auth.sessions.resume(token), NotSignedIn)

    def test_links_and_codes_are_void(self, life: Life) -> None:
        """
        What was mailed before opens nothing afterwards.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)
        sent = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        code, link = life.outbox.code(CAMILLE), life.outbox.link(CAMILLE)

        assert isinstance(auth.provisioning.erase(CAMILLE), AccountErased)

        tried = auth.code_sign_in.confirm(sent.challenge_id, code, HERE)
        assert not isinstance(tried, SignedIn | ChallengeGone)
        opened = auth.password_link.open(link.rpartition("/")[2], HERE)
        assert LinkUsed(has_password=False) == opened
        last = life.log.events[-2:]
        assert {("", "")} == {(one.account_id, one.address) for one in last}

    def test_a_later_account_inherits_nothing(self, life: Life) -> None:
        """
        Created again, even under its old id, it has a history of its own.
        """
        auth = life.auth()
        token = life.lived(auth, CAMILLE, "42")
        assert isinstance(auth.provisioning.erase(CAMILLE), AccountErased)

        _ = auth.provisioning.add(CAMILLE, account_id="42")
        told = gathered(auth)

        assert [] == told["sessions"]
        assert ["account_created"] == [one["kind"] for one in told["events"]]
        assert {"entries": [], "in_a_row": 0, "wait_until": None} == told["throttles"][
            "link mails"
        ]
        assert NotSignedIn() == auth.sessions.resume(token)
        # A mail may be asked for at once, and there is no password.
        assert isinstance(auth.identify.begin(CAMILLE, HERE), LinkSent)

    def test_erased_once(self, life: Life) -> None:
        """
        What is erased is unknown afterwards, and no text that is no address is known.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE)
        assert isinstance(auth.provisioning.erase(CAMILLE), AccountErased)

        assert AddressUnknown() == auth.provisioning.erase(CAMILLE)
        assert AddressMalformed(
            fault=AddressFault.INCOMPLETE
        ) == auth.provisioning.erase("camille")

    def test_without_optional_stores(self, life: Life) -> None:
        """
        Where nothing lists sessions and nothing keeps events, the account goes all
        the same, and its sessions open nothing.
        """
        auth = life.auth(session_lists=None, events=None)
        token = life.lived(auth, CAMILLE)

        assert AccountErased(sessions=0, events=0) == auth.provisioning.erase(CAMILLE)
        assert NotSignedIn() == auth.sessions.resume(token)

    @pytest.mark.parametrize("at", ["close_others", "events", "registry"])
    def test_interrupted_is_begun_again(self, life: Life, at: str) -> None:
        """
        Wherever it broke off nobody comes in, and it can be done again to its end.
        """
        whole, stores = life.auth(), life.storage
        _ = life.lived(whole, CAMILLE, "42")
        broken = {
            "close_others": {"session_lists": Broken(stores.session_lists)},
            "events": {"events": Broken(stores.events)},
            "registry": {"registry": Broken(stores.registry)},
        }[at]

        with pytest.raises(StorageError):
            life.auth(**broken).provisioning.erase(CAMILLE)

        assert AddressUnknown() == whole.identify.begin(CAMILLE, HERE)
        again = whole.provisioning.erase(CAMILLE)
        assert isinstance(again, AccountErased)
        assert stores.accounts.by_address(CAMILLE) is None
        assert [] == list(stores.events.of_account("42", 100))

    def test_what_was_on_its_way_is_erased_too(self, life: Life) -> None:
        """
        What a request told between the sweep and the end names nobody either.
        """
        auth = life.auth()
        _ = life.lived(auth, CAMILLE, "42")
        late = life.log.events[-1]
        registry = Telling(
            life.storage.registry, lambda: life.storage.events.add([late])
        )

        _ = life.auth(registry=registry).provisioning.erase(CAMILLE)

        assert "42" == late.account_id
        assert [] == list(life.storage.events.of_account("42", 100))


@attrs.frozen
class Broken:
    """
    A store that can no longer erase or close.
    """

    store: Any

    def __getattr__(self, name: str) -> Any:
        if name in {"erase", "close_others"}:
            msg = "out of reach"
            raise StorageError(msg)
        return getattr(self.store, name)


@attrs.frozen
class Telling:
    """
    A registry that something else comes before.
    """

    registry: MemoryRegistry
    before: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.registry, name)

    def erase(self, account_id: str, /) -> bool:
        """
        Remove the account, a little late.
        """
        self.before()
        return self.registry.erase(account_id)
