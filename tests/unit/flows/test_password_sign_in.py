"""
S7: a password, compared at a cost, within budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import pytest

from uness_auth import (
    HashingError,
    HashingPolicy,
    Policy,
    StorageError,
    ThrottlePolicy,
    UnessAuth,
)
from uness_auth.addresses import AddressFault
from uness_auth.events import EventKind
from uness_auth.model import Account, Client
from uness_auth.outcomes import (
    AddressMalformed,
    Busy,
    NothingTyped,
    NotSignedIn,
    PasswordAnswer,
    PasswordSet,
    PasswordSuspended,
    Resumed,
    Scope,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongPassword,
)
from uness_auth.passwords import HashingSlots
from uness_auth.policy import Budget
from uness_auth.site_guard import WindowTaken
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox
from uness_auth.throttle import Spender


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
EMMANUEL = "emmanuel@univ-exemple.fr"
NOBODY = "nobody@univ-exemple.fr"
RIGHT = "Sport-2026"


def sign_in(
    auth: UnessAuth,
    password: str = RIGHT,
    *,
    address: str = DOMINIQUE,
    client: Client = HERE,
    is_remembered: bool = False,
) -> object:
    """
    Try a password, Dominique's own unless told otherwise.
    """
    return auth.password_sign_in.sign_in(
        address, password, client, is_remembered=is_remembered
    )


def dominique(storage: MemoryStorage) -> Account:
    """
    Return the account as it is stored.
    """
    account = storage.accounts.by_id("dominique")
    assert account is not None
    return account


def suspending(in_a_row: int = 3) -> Policy:
    """
    Return the policy with a short run.
    """
    return Policy.uness(throttle=ThrottlePolicy(passwords_in_a_row=in_a_row))


def costs_of_network(auth: UnessAuth, policy: ThrottlePolicy) -> int:
    """
    Return how much of its passwords' budget the network has spent.
    """
    left = 0
    while isinstance(
        auth.password_sign_in.guard.site.take_network(Scope.NETWORK_PASSWORDS, HERE),
        WindowTaken,
    ):
        left += 1
    return policy.network_passwords.most - left


class OldHashing(FastHashing):
    """
    A hasher whose parameters have changed since some hashes were made.
    """

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Read old hashes too.
        """
        return super().verify(password_hash.replace("old:", "clear:"), password)


class Overtaken(HashingSlots):
    """
    Slots in which something happens while one waits.
    """

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(HashingPolicy())
        self.meanwhile = meanwhile

    @contextmanager
    def take(self) -> Iterator[bool]:
        """
        Let it happen, and give the slot.
        """
        self.meanwhile()
        with super().take() as is_taken:
            yield is_taken


def sign_in_late(auth: UnessAuth, slots: HashingSlots) -> PasswordAnswer:
    """
    Sign in through slots of one's own.
    """
    flow = auth.password_sign_in
    check = attrs.evolve(flow.password_check, slots=slots)
    late = attrs.evolve(flow, password_check=check)
    return late.sign_in(DOMINIQUE, RIGHT, HERE, is_remembered=False)


class TestSignIn:
    @pytest.mark.parametrize("is_remembered", [False, True])
    def test_right(
        self, auth: UnessAuth, log: EventLog, *, is_remembered: bool
    ) -> None:
        """
        The right password opens a session, remembered if that was ticked.
        """
        answer = sign_in(
            auth, address=f" {DOMINIQUE.upper()}", is_remembered=is_remembered
        )

        assert isinstance(answer, SignedIn)
        assert ("dominique", is_remembered) == (
            answer.account_id,
            answer.is_remembered,
        )
        assert isinstance(auth.sessions.resume(answer.session_token), Resumed)
        assert answer.session_token not in repr(answer)
        assert [
            EventKind.PASSWORD_ACCEPTED,
            EventKind.SIGNED_IN,
            EventKind.NEW_DEVICE,
            EventKind.NOTICE_SENT,
        ] == log.kinds()

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            (DOMINIQUE, "wrong password"),
            (CAMILLE, "no password yet"),
            (EMMANUEL, "no account, or a closed one"),
            (NOBODY, "no account, or a closed one"),
        ],
    )
    def test_wrong_whatever_the_reason(
        self,
        auth: UnessAuth,
        log: EventLog,
        hashing: FastHashing,
        address: str,
        reason: str,
    ) -> None:
        """
        P33: all that can be wrong is one answer, one hash's work, and a private reason.
        """
        answer = sign_in(auth, "Faux-2026", address=address)

        assert WrongPassword() == answer
        assert 1 == hashing.decoys + hashing.verified
        assert reason == log.last(EventKind.PASSWORD_REFUSED).reason

    @pytest.mark.parametrize("address", [CAMILLE, EMMANUEL, NOBODY])
    def test_right_password_of_nobody(self, auth: UnessAuth, address: str) -> None:
        """
        Neither a disabled account's password nor an empty hash opens anything.
        """
        for password in (RIGHT, "clear:", "\0"):
            assert WrongPassword() == sign_in(auth, password, address=address)

    def test_nothing_typed(
        self, auth: UnessAuth, log: EventLog, hashing: FastHashing
    ) -> None:
        """
        An empty field is no attempt, however often; a blank is one.
        """
        answers = [sign_in(auth, "") for _ in range(50)]

        assert [NothingTyped()] * 50 == answers
        assert ([], 0) == (log.events, hashing.verified)
        assert WrongPassword() == sign_in(auth, " ")

    def test_malformed(self, auth: UnessAuth) -> None:
        """
        An address that is none is told before anything else.
        """
        assert AddressMalformed(fault=AddressFault.EMPTY) == sign_in(auth, address="")

    @pytest.mark.parametrize("password", ["\ud800", "\0" * 2_000, "é" * 4_000])
    def test_hostile_passwords(self, auth: UnessAuth, password: str) -> None:
        """
        No text is too odd to be simply wrong.
        """
        assert WrongPassword() == sign_in(auth, password)

    @pytest.mark.parametrize("address", [DOMINIQUE, CAMILLE, EMMANUEL, NOBODY])
    def test_throttled_hashes_nothing(
        self, auth: UnessAuth, clock: FixedClock, hashing: FastHashing, address: str
    ) -> None:
        """
        P22: after the fifth wrong one nothing is compared, not even the right one.
        """
        for _ in range(5):
            assert WrongPassword() == sign_in(auth, "Faux", address=address)
        until = clock() + timedelta(seconds=65)
        throttled = Throttled(scope=Scope.ACCOUNT_PASSWORDS, until=until)

        assert [throttled] * 20 == [
            sign_in(auth, RIGHT, address=address) for _ in range(20)
        ]
        assert 5 == hashing.decoys + hashing.verified

    def test_success_ends_the_wait(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        After the wait the right password gives all free tries back.
        """
        for _ in range(5):
            sign_in(auth, "Faux")
        clock.tick(timedelta(seconds=65))
        assert isinstance(sign_in(auth), SignedIn)

        assert [WrongPassword()] * 5 == [sign_in(auth, "Faux") for _ in range(5)]

    def test_network_budget(
        self, make_auth: Callable[..., UnessAuth], hashing: FastHashing
    ) -> None:
        """
        A network that failed enough is told so for every account, and costs none.
        """
        twice = ThrottlePolicy(network_passwords=Budget(2, timedelta(minutes=10)))
        auth = make_auth(policy=Policy.uness(throttle=twice))
        for address in (NOBODY, CAMILLE):
            assert WrongPassword() == sign_in(auth, "Faux", address=address)

        for _ in range(10):
            answer = sign_in(auth)
            assert isinstance(answer, Throttled)
            assert Scope.NETWORK_PASSWORDS is answer.scope
        assert 2 == hashing.decoys + hashing.verified
        elsewhere = attrs.evolve(HERE, network="198.51.100.1")
        assert isinstance(sign_in(auth, client=elsewhere), SignedIn)

    def test_success_costs_the_network_nothing(
        self, make_auth: Callable[..., UnessAuth]
    ) -> None:
        """
        A lecture hall may sign in all day behind one address.
        """
        once = ThrottlePolicy(network_passwords=Budget(1, timedelta(minutes=10)))
        auth = make_auth(policy=Policy.uness(throttle=once))

        for _ in range(30):
            assert isinstance(sign_in(auth), SignedIn)

    def test_busy_costs_nothing(
        self, make_auth: Callable[..., UnessAuth], log: EventLog, hashing: FastHashing
    ) -> None:
        """
        Where every slot is taken nothing is compared and no attempt is counted.
        """
        slots = HashingPolicy(
            memory_budget=64 * 1024 * 1024, queue_per_slot=0, longest_wait=timedelta(0)
        )
        auth = make_auth(policy=Policy.uness(hashing=slots))
        with auth.password_sign_in.password_check.slots.take() as is_taken:
            assert is_taken
            answers = [sign_in(auth, "Faux") for _ in range(50)]

        assert [Busy(retry_after=timedelta(seconds=1))] * 50 == answers
        assert ([], 0) == (log.events, hashing.verified)
        assert [WrongPassword()] * 5 == [sign_in(auth, "Faux") for _ in range(5)]

    def test_veto(self, make_auth: Callable[..., UnessAuth], log: EventLog) -> None:
        """
        The host may say no after the proof; no session is opened.
        """
        asked: list[Account] = []

        def nobody_may(account: Account) -> bool:
            asked.append(account)
            return False

        auth = make_auth(may_sign_in=nobody_may)

        assert WrongPassword() == sign_in(auth, "Faux")
        assert [] == asked
        assert SignInVetoed() == sign_in(auth)
        assert ["dominique"] == [account.id for account in asked]
        assert EventKind.SIGN_IN_VETOED is log.kinds()[-1]
        assert EventKind.SIGNED_IN not in log.kinds()

    def test_session_is_under_the_version_that_was_checked(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        A password changed while the old one was compared leaves no open session.
        """

        class Slow(FastHashing):
            def verify(self, password_hash: str, password: str, /) -> bool:
                version = dominique(storage).credential_version
                storage.accounts.set_password("dominique", "clear:new", version)
                return super().verify(password_hash, password)

        auth = make_auth(hashing=Slow())
        answer = sign_in(auth)

        assert isinstance(answer, SignedIn)
        assert NotSignedIn() == auth.sessions.resume(answer.session_token)

    def test_unreachable_counters_pass_nobody(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        P30: without its counters nobody signs in, and nothing is compared.
        """

        class Down:
            def read(self, key: str, /) -> str | None:
                raise StorageError

        hashing = FastHashing()
        down: Any = Down()
        stores = attrs.evolve(storage.stores, counters=down)
        auth = make_auth(stores=stores, hashing=hashing)

        with pytest.raises(StorageError):
            sign_in(auth)
        assert 0 == hashing.verified


class TestManyNetworks:
    def test_five_thousand_guesses(
        self, auth: UnessAuth, hashing: FastHashing, clock: FixedClock
    ) -> None:
        """
        P24: of 5,000 guesses in a day from 2,000 addresses 25 are compared, and the run
        of wrong ones is no longer than that.
        """
        for number in range(5_000):
            client = Client(network=f"198.18.{number % 2_000 // 250}.{number % 250}")
            _ = auth.password_sign_in.sign_in(
                DOMINIQUE, f"Faux-{number}", client, is_remembered=False
            )
            clock.tick(timedelta(seconds=17))

        assert 25 == auth.policy.throttle.passwords_per_day == hashing.verified
        assert 0 == hashing.decoys


class TestRehash:
    def old(self, storage: MemoryStorage) -> int:
        """
        Give Dominique a hash of other parameters; return the version.
        """
        version = dominique(storage).credential_version
        assert storage.accounts.rehash("dominique", f"old:{RIGHT}", version)
        return version

    def test_at_sign_in(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        The right password gets a new hash, and the version stays: sessions go on.
        """
        version = self.old(storage)
        auth = make_auth(hashing=OldHashing())
        answer = sign_in(auth)

        assert isinstance(answer, SignedIn)
        assert isinstance(auth.sessions.resume(answer.session_token), Resumed)
        assert (f"clear:{RIGHT}", version) == (
            dominique(storage).password_hash,
            dominique(storage).credential_version,
        )

    def test_wrong_password_rehashes_nothing(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        Only what was proven is hashed again.
        """
        self.old(storage)

        assert WrongPassword() == sign_in(make_auth(hashing=OldHashing()), "Faux")
        assert f"old:{RIGHT}" == dominique(storage).password_hash

    def test_never_brings_an_old_password_back(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        A rehash that overlaps a reset loses.
        """
        self.old(storage)

        class Slow(OldHashing):
            def hash(self, password: str, /) -> str:
                account = dominique(storage)
                if account.password_hash.startswith("old:"):
                    storage.accounts.set_password(
                        "dominique", "clear:new", account.credential_version
                    )
                return super().hash(password)

        sign_in(make_auth(hashing=Slow()))

        assert "clear:new" == dominique(storage).password_hash

    def test_failure_does_not_fail_the_sign_in(
        self,
        make_auth: Callable[..., UnessAuth],
        storage: MemoryStorage,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """
        A store that cannot write the new hash is logged, and the old one still serves.
        """
        self.old(storage)
        real = storage.accounts

        class ReadOnly:
            by_id, by_address = real.by_id, real.by_address

            def rehash(self, account_id: str, _: str, version: int, /) -> bool:
                msg = "read-only"
                raise StorageError(msg)

        read_only: Any = ReadOnly()
        stores = attrs.evolve(storage.stores, accounts=read_only)
        auth = make_auth(stores=stores, hashing=OldHashing())

        assert isinstance(sign_in(auth), SignedIn)
        assert "could not be upgraded" in caplog.text
        assert RIGHT not in caplog.text

    def test_no_memory_does_not_fail_the_sign_in(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        Where the new hash cannot be made, the old one still serves.
        """

        class NoMemory(OldHashing):
            def verify(self, password_hash: str, password: str, /) -> bool:
                return password_hash == f"old:{password}"

            def hash(self, password: str, /) -> str:
                raise HashingError(len(password))

        self.old(storage)
        auth = make_auth(hashing=NoMemory())

        assert isinstance(sign_in(auth), SignedIn)
        assert f"old:{RIGHT}" == dominique(storage).password_hash


class TestSuspension:
    @pytest.mark.parametrize("address", [DOMINIQUE, CAMILLE, EMMANUEL, NOBODY])
    def test_after_the_run(
        self, make_auth: Callable[..., UnessAuth], hashing: FastHashing, address: str
    ) -> None:
        """
        The last wrong one of the run says suspended, and all after it; of nobody too.
        """
        auth = make_auth(policy=suspending())
        answers = [sign_in(auth, "Faux", address=address) for _ in range(5)]

        assert [WrongPassword()] * 2 + [PasswordSuspended()] * 3 == answers
        assert 3 == hashing.verified + hashing.decoys

    def test_right_password_is_refused_too(
        self,
        make_auth: Callable[..., UnessAuth],
        storage: MemoryStorage,
        clock: FixedClock,
        log: EventLog,
    ) -> None:
        """
        A suspended password signs nobody in, however much later; it is told once.
        """
        auth = make_auth(policy=suspending())
        for _ in range(3):
            sign_in(auth, "Faux")
        clock.tick(timedelta(days=30))

        assert PasswordSuspended() == sign_in(auth)
        assert dominique(storage).is_password_suspended
        assert 1 == log.kinds().count(EventKind.PASSWORD_SUSPENDED)
        assert "the password is suspended" == log.events[-1].reason

    def test_sessions_and_other_ways_go_on(
        self,
        make_auth: Callable[..., UnessAuth],
        outbox: Outbox,
        storage: MemoryStorage,
    ) -> None:
        """
        P32: a stranger who fails signs nobody out; a link lifts the suspension.
        """
        auth = make_auth(policy=suspending())
        session = sign_in(auth)
        assert isinstance(session, SignedIn)
        for _ in range(3):
            sign_in(auth, "Faux")

        assert isinstance(auth.sessions.resume(session.session_token), Resumed)
        auth.password_link.request(DOMINIQUE, HERE)
        token = outbox.link(DOMINIQUE).rpartition("/")[2]
        new = "Velo-Tandem-2026"
        assert PasswordSet() == auth.password_link.set_password(token, new, new, HERE)
        assert not dominique(storage).is_password_suspended
        assert isinstance(sign_in(auth, new), SignedIn)

    def test_a_hundred_by_default(
        self, auth: UnessAuth, clock: FixedClock, storage: MemoryStorage
    ) -> None:
        """
        A hundred wrong ones in a row, as fast as the waits allow, take four days.
        """
        began, tries = clock(), 0
        while not dominique(storage).is_password_suspended:
            client = Client(network=f"192.0.2.{tries % 250}")
            match sign_in(auth, "Faux", client=client):
                case Throttled(until=until):
                    clock.now = until
                case WrongPassword() | PasswordSuspended():
                    tries += 1
                case other:
                    pytest.fail(f"{other} is none of the three")

        assert 100 == tries
        assert clock() - began > timedelta(days=3)

    def test_success_ends_the_run(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        Two wrong, one right, two wrong: no run of three.
        """
        auth = make_auth(policy=suspending())
        tried = [sign_in(auth, word) for word in ["F", "F", RIGHT, "F", "F", RIGHT]]

        assert PasswordSuspended() not in tried
        assert isinstance(tried[-1], SignedIn)

    def test_suspended_by_the_store_alone(
        self, auth: UnessAuth, storage: MemoryStorage, hashing: FastHashing
    ) -> None:
        """
        The account's own state suffices, whatever became of the counters.
        """
        version = dominique(storage).credential_version
        assert storage.accounts.disable_password("dominique", version)

        assert PasswordSuspended() == sign_in(auth)
        assert 0 == hashing.verified

    def test_beyond_the_run_nothing_is_compared(
        self, make_auth: Callable[..., UnessAuth], hashing: FastHashing
    ) -> None:
        """
        A try that others overtook while it waited for a slot is not compared.
        """
        auth = make_auth(policy=suspending(1))
        spender = Spender(account_id="dominique", client=HERE)
        assert auth.password_sign_in.guard.look_password(spender) is None

        overtaken = Overtaken(lambda: sign_in(auth, "Faux"))
        answer = sign_in_late(auth, overtaken)

        assert PasswordSuspended() == answer
        assert 1 == hashing.verified
        assert 1 == costs_of_network(auth, suspending(1).throttle)


class TestOvertaken:
    def test_wait_that_began_meanwhile(
        self, auth: UnessAuth, hashing: FastHashing
    ) -> None:
        """
        P31: a wait that began while one queued for a slot holds.
        """
        overtaken = Overtaken(
            lambda: [sign_in(auth, "Faux") for _ in range(5)],
        )
        answer = sign_in_late(auth, overtaken)

        assert isinstance(answer, Throttled)
        assert Scope.ACCOUNT_PASSWORDS is answer.scope
        assert 5 == hashing.verified
        assert 5 == costs_of_network(auth, ThrottlePolicy())
