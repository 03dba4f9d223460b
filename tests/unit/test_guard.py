"""
The guard: budgets that are exact whoever asks, and a store that cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar

import attrs
import pytest

from uness_auth.devices import Devices
from uness_auth.errors import StorageError
from uness_auth.events import Audit, EventKind
from uness_auth.guard import Guard, MailRefused, Taken
from uness_auth.keys import KeyRing
from uness_auth.model import Client, OrderKind
from uness_auth.outcomes import PasswordSuspended, Scope, Throttled
from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Budget, ThrottlePolicy
from uness_auth.ports import Counters
from uness_auth.site_guard import SiteGuard, WindowTaken
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock
from uness_auth.throttle import Spender


T = TypeVar("T")
KEYS = KeyRing(
    ["first-key-of-the-tests-0123456789abcdef"], base_url="https://a.example"
)
HERE = Client(network="192.0.2.7")
THERE = Client(network="2001:db8::/64")
CAMPUS = Client(network="198.51.100.1", is_trusted_network=True)
CODE, FIRST, RESET = OrderKind.CODE, OrderKind.FIRST_LINK, OrderKind.RESET_LINK


def spender(account_id: str, client: Client = HERE, device_id: str = "") -> Spender:
    """
    Return who spends: the account, or a device that it knows.
    """
    return Spender(account_id=account_id, client=client, device_id=device_id)


class Desk:
    """
    A guard, and everything around it.
    """

    def __init__(
        self, policy: ThrottlePolicy | None = None, counters: Counters | None = None
    ) -> None:
        self.clock = FixedClock()
        self.log = EventLog()
        self.counters = counters or MemoryStorage().counters
        self.policy = policy or ThrottlePolicy()
        self.guard = Guard(
            site=SiteGuard(
                counters=self.counters,
                policy=self.policy,
                keys=KEYS,
                clock=self.clock,
                audit=Audit(self.clock, [self.log]),
            ),
            counters=self.counters,
            policy=self.policy,
            keys=KEYS,
            devices=Devices(KEYS, self.policy),
            clock=self.clock,
        )

    def fail(self, times: int, client: Client = HERE, account_id: str = "42") -> None:
        """
        Spend so many wrong passwords, each as soon as it is allowed.
        """
        for _ in range(times):
            answer = self.guard.take_password(spender(account_id, client))
            if isinstance(answer, Throttled):
                self.clock.now = answer.until
                answer = self.guard.take_password(spender(account_id, client))
            assert isinstance(answer, Taken)


@attrs.define
class Meddled:
    """
    Counters in which somebody else is always first, so many times.
    """

    real: Counters
    times: int
    tries: int = 0

    def read(self, key: str, /) -> str | None:
        """
        Read.
        """
        return self.real.read(key)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Lose while it is somebody else's turn.
        """
        self.tries += 1
        if self.tries <= self.times:
            return False
        return self.real.swap(key, before, after, expires_at)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add.
        """
        return self.real.add(key, delta, expires_at)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Purge.
        """
        return self.real.purge(before, limit)


class Down:
    """
    Counters that cannot be reached.
    """

    def read(self, key: str, /) -> str | None:
        """
        Fail.
        """
        raise StorageError

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Fail.
        """
        raise StorageError

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Fail.
        """
        raise StorageError

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Fail.
        """
        raise StorageError


class Garbage(Down):
    """
    Counters that hold what nobody here wrote.
    """

    def read(self, key: str, /) -> str | None:
        """
        Return nonsense.
        """
        return "[[], 0"


def at_once(call: Callable[[], T], times: int = 32) -> list[T]:
    """
    Call from so many threads that start together.
    """
    barrier = Barrier(times)

    def one(_: int) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture(name="desk")
def _desk() -> Desk:
    """
    A guard with the default policy.
    """
    return Desk()


class TestPasswords:
    def test_looking_costs_nothing(self, desk: Desk) -> None:
        """
        To look a hundred times spends nothing.
        """
        answers = {desk.guard.look_password(spender("42", HERE)) for _ in range(100)}

        assert {None} == answers
        assert 0 == len(desk.log.events)

    def test_wait_is_told_before_and_while_spending(self, desk: Desk) -> None:
        """
        After the fifth wrong one both ways say until when, and one event is written.
        """
        desk.fail(5)
        throttled = Throttled(
            scope=Scope.ACCOUNT_PASSWORDS, until=desk.clock() + timedelta(seconds=65)
        )

        assert throttled == desk.guard.look_password(spender("42", THERE))
        assert throttled == desk.guard.take_password(spender("42", HERE))
        assert [EventKind.THROTTLED] == desk.log.kinds()
        assert "account_passwords" == desk.log.last(EventKind.THROTTLED).method

    def test_accounts_do_not_share(self, desk: Desk) -> None:
        """
        The wait of one account is not another one's.
        """
        desk.fail(5)

        assert desk.guard.look_password(spender("43", HERE)) is None

    def test_forgiven_is_forgotten(self, desk: Desk) -> None:
        """
        After a success the account has its four free ones again.
        """
        desk.fail(4)
        taken = desk.guard.take_password(spender("42", HERE))
        assert isinstance(taken, Taken)
        desk.guard.forgive_password(taken)
        desk.fail(4)

        assert desk.guard.look_password(spender("42", HERE)) is None

    def test_forgiven_after_others_failed(self, desk: Desk) -> None:
        """
        A success ends the wait that others' failures began meanwhile.
        """
        taken = desk.guard.take_password(spender("42", HERE))
        assert isinstance(taken, Taken)
        desk.fail(4, THERE)
        assert isinstance(desk.guard.look_password(spender("42", HERE)), Throttled)
        desk.guard.forgive_password(taken)

        assert desk.guard.look_password(spender("42", HERE)) is None

    def test_forgiving_what_is_gone(self, desk: Desk) -> None:
        """
        A counter that was purged meanwhile needs no forgiving.
        """
        taken = desk.guard.take_password(spender("42", HERE))
        assert isinstance(taken, Taken)
        assert 1 == desk.counters.purge(desk.clock() + 400 * DAY, 10)
        desk.guard.forgive_password(taken)

        assert desk.guard.look_password(spender("42", HERE)) is None

    def test_end_wait(self, desk: Desk) -> None:
        """
        Proof of another kind ends the wait and the run; the day's failures stay.
        """
        desk.fail(5)
        desk.guard.end_wait(spender("42", HERE))
        assert desk.guard.look_password(spender("42", HERE)) is None
        desk.fail(7)
        desk.guard.end_wait(spender("42", HERE))

        assert isinstance(desk.guard.look_password(spender("42", HERE)), Throttled)
        assert desk.guard.look_password(spender("42", THERE)) is None

    def test_end_wait_of_nobody(self, desk: Desk) -> None:
        """
        Without a wait there is nothing to end, and nothing is written.
        """
        desk.guard.end_wait(spender("42", HERE))
        desk.guard.end_wait(spender("42", HERE))

        assert 0 == desk.counters.purge(desk.clock() + 400 * DAY, 10)

    def test_run_suspends(self) -> None:
        """
        The last wrong one of the run suspends, and looking says so from then on.
        """
        desk = Desk(ThrottlePolicy(passwords_in_a_row=3))
        answers = [desk.guard.take_password(spender("42", HERE)) for _ in range(4)]
        taken = [answer for answer in answers if isinstance(answer, Taken)]

        assert [False, False, True, True] == [desk.guard.suspends(t) for t in taken]
        assert [False] * 3 + [True] == [desk.guard.is_suspended(t) for t in taken]
        assert PasswordSuspended() == desk.guard.look_password(spender("42", HERE))

    def test_exact_under_threads(self, desk: Desk) -> None:
        """
        Of many who try at once five get to compare, on whatever network they are.
        """
        clients = [Client(network=f"192.0.2.{number}") for number in range(64)]
        barrier = Barrier(64)

        def take(client: Client) -> Taken | Throttled | StorageError:
            barrier.wait()
            try:
                return desk.guard.take_password(spender("42", client))
            except StorageError as exc:
                return exc

        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(take, clients))

        assert sum(isinstance(one, Taken) for one in answers) <= 5
        desk.fail(5)
        assert isinstance(desk.guard.look_password(spender("42", HERE)), Throttled)

    def test_clock_that_was_ahead(self, desk: Desk) -> None:
        """
        A wait written a year ahead is over an hour after somebody looked.
        """
        now = desk.clock()
        desk.clock.tick(365 * DAY)
        desk.fail(5)
        desk.clock.now = now
        told = desk.guard.look_password(spender("42", HERE))
        desk.clock.tick(HOUR)

        assert isinstance(told, Throttled)
        assert now + HOUR == told.until
        assert desk.guard.look_password(spender("42", HERE)) is None
        desk.fail(1)

    def test_mending_may_lose_a_race(self) -> None:
        """
        Who mends a state that somebody else changes reads it again before spending.
        """
        desk = Desk()
        now = desk.clock()
        desk.clock.tick(365 * DAY)
        desk.fail(4)
        desk.clock.now = now
        meddled = Meddled(desk.counters, times=2)
        guard = attrs.evolve(desk.guard, counters=meddled)

        assert isinstance(guard.take_password(spender("42", HERE)), Taken)
        assert 4 == meddled.tries


class TestContention:
    @pytest.mark.parametrize(("losses", "is_taken"), [(7, True), (8, False)])
    def test_eight_tries(self, losses: int, *, is_taken: bool) -> None:
        """
        The eighth swap may still win; after it the store is said to be unreachable.
        """
        desk = Desk(counters=Meddled(MemoryStorage().counters, losses))

        if is_taken:
            assert isinstance(desk.guard.take_code(spender("42", HERE)), Taken)
        else:
            with pytest.raises(StorageError, match="8 times"):
                desk.guard.take_code(spender("42", HERE))

    def test_giving_back_gives_up_as_well(self) -> None:
        """
        What cannot be given back within eight tries is an error, not a silence.
        """
        desk = Desk()
        taken = desk.guard.take_code(spender("42", HERE))
        assert isinstance(taken, Taken)
        meddled = Meddled(desk.counters, times=99)
        guard = attrs.evolve(desk.guard, counters=meddled)

        with pytest.raises(StorageError, match="8 times"):
            guard.give_back(taken)
        assert 8 == meddled.tries

    def test_unreachable_never_waves_through(self) -> None:
        """
        Without its counters no question of the guard has an answer.
        """
        guard = Desk(counters=Down()).guard
        questions: list[Callable[[], object]] = [
            lambda: guard.look_password(spender("42", HERE)),
            lambda: guard.take_password(spender("42", HERE)),
            lambda: guard.take_code(spender("42", HERE)),
            lambda: guard.take_mail(spender("42", HERE), CODE),
            lambda: guard.site.take_network(Scope.NETWORK_CODES, HERE),
            lambda: guard.site.may_tell(HERE),
            lambda: guard.site.take_unknown(HERE),
            lambda: guard.end_wait(spender("42", HERE)),
        ]

        for question in questions:
            with pytest.raises(StorageError):
                question()

    def test_corrupted_counter(self) -> None:
        """
        A counter that holds something else refuses, and says nothing of what it held.
        """
        guard = Desk(counters=Garbage()).guard

        with pytest.raises(StorageError, match="did not write"):
            guard.look_password(spender("42", HERE))
        with pytest.raises(StorageError, match="did not write"):
            guard.take_password(spender("42", HERE))
        with pytest.raises(StorageError, match="did not write"):
            guard.end_wait(spender("42", HERE))


class TestCodes:
    def test_ten_an_hour(self, desk: Desk) -> None:
        """
        The eleventh wrong code of an hour is not compared.
        """
        for _ in range(10):
            assert isinstance(desk.guard.take_code(spender("42", HERE)), Taken)

        assert Throttled(
            scope=Scope.ACCOUNT_CODES, until=desk.clock() + DAY
        ) == desk.guard.take_code(spender("42", HERE))
        assert Throttled(
            scope=Scope.ACCOUNT_CODES, until=desk.clock() + HOUR
        ) == desk.guard.take_code(spender("42", THERE))

    def test_given_back(self, desk: Desk) -> None:
        """
        A right code costs nothing, however often it is right.
        """
        for _ in range(50):
            taken = desk.guard.take_code(spender("42", HERE))
            assert isinstance(taken, Taken)
            desk.guard.give_back(taken)

    def test_given_back_under_others(self, desk: Desk) -> None:
        """
        What is given back is one's own, whatever others spent meanwhile.
        """
        mine = desk.guard.take_code(spender("42", HERE))
        assert isinstance(mine, Taken)
        desk.clock.tick()
        for _ in range(9):
            assert isinstance(desk.guard.take_code(spender("42", THERE)), Taken)
        desk.guard.give_back(mine)

        assert isinstance(desk.guard.take_code(spender("42", THERE)), Taken)
        assert isinstance(desk.guard.take_code(spender("42", HERE)), Throttled)

    def test_given_back_twice(self, desk: Desk) -> None:
        """
        To give back again takes nothing of others.
        """
        mine = desk.guard.take_code(spender("42", HERE))
        assert isinstance(mine, Taken)
        desk.guard.give_back(mine)
        desk.guard.give_back(mine)
        for _ in range(5):
            assert isinstance(desk.guard.take_code(spender("42", HERE)), Taken)
            assert isinstance(desk.guard.take_code(spender("42", THERE)), Taken)

        assert isinstance(desk.guard.take_code(spender("42", HERE)), Throttled)


class TestMails:
    def test_link_within_a_minute(self, desk: Desk) -> None:
        """
        A second link within a minute is refused, with both times.
        """
        sent_at = desk.clock()
        assert isinstance(desk.guard.take_mail(spender("42", HERE), FIRST), Taken)
        desk.clock.tick(20 * SECOND)

        assert MailRefused(
            sent_at=sent_at, until=sent_at + MINUTE
        ) == desk.guard.take_mail(spender("42", THERE), RESET)
        desk.clock.tick(40 * SECOND)
        assert isinstance(desk.guard.take_mail(spender("42", THERE), RESET), Taken)

    def test_codes_and_links_apart(self, desk: Desk) -> None:
        """
        A link does not keep a code from being mailed.
        """
        assert isinstance(desk.guard.take_mail(spender("42", HERE), FIRST), Taken)
        assert isinstance(desk.guard.take_mail(spender("42", HERE), CODE), Taken)

    def test_failed_mail_is_given_back(self, desk: Desk) -> None:
        """
        A mail that did not leave may be asked for again at once.
        """
        taken = desk.guard.take_mail(spender("42", HERE), FIRST)
        assert isinstance(taken, Taken)
        desk.guard.give_back(taken)

        assert isinstance(desk.guard.take_mail(spender("42", HERE), FIRST), Taken)

    def test_one_winner(self, desk: Desk) -> None:
        """
        Of many who ask for one account at once, one is mailed.
        """

        def take() -> object:
            try:
                return desk.guard.take_mail(spender("42", HERE), FIRST)
            except StorageError:
                return None

        assert 1 == sum(isinstance(one, Taken) for one in at_once(take))

    def test_given_back_before_it_is_told(self) -> None:
        """
        Where nothing is left of what refused, now stands for it.
        """
        desk = Desk(
            ThrottlePolicy(link_mails=(Budget(1, MINUTE),), for_development_only=True)
        )
        counters = Vanishing(desk.counters)
        guard = attrs.evolve(desk.guard, counters=counters)
        assert isinstance(guard.take_mail(spender("42", HERE), FIRST), Taken)
        counters.reads_left = 1
        refused = guard.take_mail(spender("42", HERE), FIRST)

        assert isinstance(refused, MailRefused)
        assert desk.clock() == refused.sent_at


@attrs.define
class Vanishing:
    """
    Counters whose texts vanish after so many reads.
    """

    real: Counters
    reads_left: int = 99

    def read(self, key: str, /) -> str | None:
        """
        Read, as long as there is something.
        """
        self.reads_left -= 1
        return self.real.read(key) if self.reads_left >= 0 else None

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Swap.
        """
        return self.real.swap(key, before, after, expires_at)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add.
        """
        return self.real.add(key, delta, expires_at)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Purge.
        """
        return self.real.purge(before, limit)


class TestNetworks:
    @pytest.mark.parametrize(
        ("scope", "most", "per"),
        [
            (Scope.NETWORK_PASSWORDS, 100, 10 * MINUTE),
            (Scope.NETWORK_CODES, 50, 10 * MINUTE),
            (Scope.NETWORK_MAILS, 600, HOUR),
        ],
    )
    def test_budget(self, desk: Desk, scope: Scope, most: int, per: timedelta) -> None:
        """
        A network has its budget, to the last, until its window ends.
        """
        answers = [desk.guard.site.take_network(scope, HERE) for _ in range(most + 1)]
        throttled = answers.pop()

        assert all(isinstance(one, WindowTaken) for one in answers)
        assert isinstance(throttled, Throttled)
        assert scope is throttled.scope
        assert desk.clock() < throttled.until <= desk.clock() + per
        assert isinstance(desk.guard.site.take_network(scope, THERE), WindowTaken)
        desk.clock.now = throttled.until
        assert isinstance(desk.guard.site.take_network(scope, HERE), WindowTaken)

    def test_campus(self, desk: Desk) -> None:
        """
        A trusted network has twenty times as much.
        """
        for _ in range(20 * 50):
            answer = desk.guard.site.take_network(Scope.NETWORK_CODES, CAMPUS)
            assert isinstance(answer, WindowTaken)

        assert isinstance(
            desk.guard.site.take_network(Scope.NETWORK_CODES, CAMPUS), Throttled
        )

    def test_exact_under_threads(self) -> None:
        """
        Of many who ask at once exactly the budget goes on, and one event is written.
        """
        desk = Desk(ThrottlePolicy(network_codes=Budget(7, 10 * MINUTE)))
        answers = at_once(
            lambda: desk.guard.site.take_network(Scope.NETWORK_CODES, HERE)
        )

        assert 7 == sum(isinstance(one, WindowTaken) for one in answers)
        assert [EventKind.THROTTLED] == desk.log.kinds()
        assert "192.0.2.0/24" == desk.log.events[0].network

    def test_refused_do_not_count(self) -> None:
        """
        Only what went on and failed counts: the flood behind it does not.
        """
        desk = Desk(ThrottlePolicy(network_codes=Budget(1, 10 * MINUTE)))
        taken = desk.guard.site.take_network(Scope.NETWORK_CODES, HERE)
        assert isinstance(taken, WindowTaken)
        for _ in range(100):
            desk.guard.site.take_network(Scope.NETWORK_CODES, HERE)
        desk.guard.site.give_back((taken,))

        assert isinstance(
            desk.guard.site.take_network(Scope.NETWORK_CODES, HERE), WindowTaken
        )

    def test_one_event_per_window(self) -> None:
        """
        Each window that is spent is told once, and the next one again.
        """
        desk = Desk(ThrottlePolicy(network_codes=Budget(1, 10 * MINUTE)))
        for _ in range(3):
            for _ in range(5):
                desk.guard.site.take_network(Scope.NETWORK_CODES, HERE)
            desk.clock.tick(10 * MINUTE)

        assert [EventKind.THROTTLED] * 3 == desk.log.kinds()


class TestUnknown:
    def test_budget_then_one_page(self, desk: Desk) -> None:
        """
        Thirty unknown addresses are told, and then none for that network.
        """
        answers = [desk.guard.site.take_unknown(HERE) for _ in range(31)]

        assert [True] * 30 + [False] == answers
        assert not desk.guard.site.may_tell(HERE)
        assert desk.guard.site.may_tell(THERE)

    def test_asking_spends_nothing(self, desk: Desk) -> None:
        """
        Whoever gives known addresses only is told as long as they like.
        """
        answers = [desk.guard.site.may_tell(HERE) for _ in range(100)]

        assert [True] * 100 == answers

    def test_policy_that_never_tells(self) -> None:
        """
        Where unknown addresses are not told there is no budget to spend.
        """
        desk = Desk(ThrottlePolicy(tells_unknown=False))

        assert not desk.guard.site.may_tell(HERE)
        assert [] == desk.log.events

    def test_decoy_ids(self, desk: Desk) -> None:
        """
        An unknown address has one decoy, which looks like nobody and tells nothing.
        """
        decoy = desk.guard.decoy_id("nobody@example.fr")

        assert decoy == desk.guard.decoy_id("nobody@example.fr")
        assert decoy != desk.guard.decoy_id("somebody@example.fr")
        assert len(decoy) <= 64
        assert "nobody" not in decoy
