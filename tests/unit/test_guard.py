"""
The guard: budgets that are exact whoever asks, and a store that cannot be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import attrs
import pytest

from tests.unit.guards import (
    CODE,
    FIRST,
    HERE,
    RESET,
    THERE,
    Desk,
    at_once,
    spender,
)
from uness_auth.errors import StorageError
from uness_auth.events import EventKind
from uness_auth.guard import MailRefused, Taken
from uness_auth.model import Account, Client
from uness_auth.outcomes import PasswordSuspended, Scope, Throttled
from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Budget, ThrottlePolicy
from uness_auth.ports import Counters
from uness_auth.storage.memory import MemoryStorage


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
        P30: without its counters no question of the guard has an answer.
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


class TestDecoys:
    def test_decoy_ids(self, desk: Desk) -> None:
        """
        An unknown address has one decoy, which looks like nobody and tells nothing.
        """
        decoy = desk.guard.decoy_id("nobody@example.fr")

        assert decoy == desk.guard.decoy_id("nobody@example.fr")
        assert decoy != desk.guard.decoy_id("somebody@example.fr")
        assert len(decoy) <= 64
        assert "nobody" not in decoy


class TestKnownDevice:
    """
    P32: strangers cannot keep an account's owner out.
    """

    OWN = spender("42", device_id="d" * 22)

    def test_who_spends(self, desk: Desk) -> None:
        """
        A browser that the account knows under its version spends budgets of its own.
        """
        account = Account(
            id="42",
            address="camille@example.fr",
            credential_version=7,
            created_at=desk.clock(),
        )
        cookie = desk.guard.devices.joined("", "42", 7, desk.clock())
        here = attrs.evolve(HERE, device=cookie)
        moved = attrs.evolve(account, credential_version=8)

        assert desk.guard.spender("42", account, here).is_known_device
        assert not desk.guard.spender("42", moved, here).is_known_device
        assert not desk.guard.spender("42", account, HERE).is_known_device
        assert not desk.guard.spender("decoy-1", None, here).is_known_device

    def test_password_goes_on_while_strangers_guess(self, desk: Desk) -> None:
        """
        A wait that strangers caused is not the known device's.
        """
        desk.fail(12)

        assert isinstance(desk.guard.look_password(spender("42")), Throttled)
        assert desk.guard.look_password(self.OWN) is None
        assert isinstance(desk.guard.take_password(self.OWN), Taken)

    def test_password_has_ten_a_day(self, desk: Desk) -> None:
        """
        Ten wrong ones a day from one device, waits between them, all from one network.
        """
        for _ in range(10):
            answer = desk.guard.take_password(self.OWN)
            if isinstance(answer, Throttled):
                desk.clock.now = answer.until
                answer = desk.guard.take_password(self.OWN)
            assert isinstance(answer, Taken)
        start = desk.clock()
        desk.clock.tick(2 * HOUR)
        answer = desk.guard.take_password(self.OWN)

        assert isinstance(answer, Throttled)
        assert start + 20 * HOUR < answer.until <= start + DAY
        assert isinstance(desk.guard.take_password(spender("42")), Taken)

    def test_devices_do_not_share(self, desk: Desk) -> None:
        """
        Each device of the account, and each account of the device, has its own.
        """
        for _ in range(5):
            assert isinstance(desk.guard.take_password(self.OWN), Taken)

        assert isinstance(desk.guard.look_password(self.OWN), Throttled)
        for other in (spender("42", device_id="e"), spender("43", device_id="d" * 22)):
            assert desk.guard.look_password(other) is None

    def test_run_suspends_there_too(self) -> None:
        """
        A stolen laptop has no more tries in a row than strangers have.
        """
        desk = Desk(ThrottlePolicy(passwords_in_a_row=2))
        taken = [desk.guard.take_password(self.OWN) for _ in range(3)]
        assert all(isinstance(one, Taken) for one in taken)
        _, second, third = [one for one in taken if isinstance(one, Taken)]

        assert desk.guard.suspends(second)
        assert desk.guard.is_suspended(third)
        assert PasswordSuspended() == desk.guard.look_password(self.OWN)

    def test_success_ends_both_waits(self, desk: Desk) -> None:
        """
        The owner's success ends the account's wait and the device's, not the days'.
        """
        desk.fail(5)
        for _ in range(5):
            assert isinstance(desk.guard.take_password(self.OWN), Taken)
        desk.guard.end_wait(self.OWN)

        for whose, left in ((spender("42"), 12 - 5), (self.OWN, 10 - 5)):
            assert desk.guard.look_password(whose) is None
            for _ in range(left):
                assert isinstance(desk.guard.take_password(whose), Taken)
                desk.guard.end_wait(whose)
            assert isinstance(desk.guard.look_password(whose), Throttled)

    def test_codes_are_its_own(self, desk: Desk) -> None:
        """
        Ten codes a day, whatever strangers tried, and from one network.
        """
        while isinstance(desk.guard.take_code(spender("42")), Taken):
            pass
        answers = [desk.guard.take_code(self.OWN) for _ in range(11)]

        assert isinstance(answers.pop(), Throttled)
        assert all(isinstance(one, Taken) for one in answers)

    def test_mails_are_its_own(self, desk: Desk) -> None:
        """
        Strangers who asked for mails all day do not pause the owner's.
        """
        for kind in (RESET, CODE):
            while isinstance(desk.guard.take_mail(spender("42"), kind), Taken):
                pass
            assert isinstance(desk.guard.take_mail(self.OWN, kind), Taken)

    def test_mails_are_ten_a_day(self, desk: Desk) -> None:
        """
        Links a minute apart at least, ten a day; codes ten a day.
        """
        assert isinstance(desk.guard.take_mail(self.OWN, RESET), Taken)
        assert isinstance(desk.guard.take_mail(self.OWN, RESET), MailRefused)
        for _ in range(9):
            desk.clock.tick(MINUTE)
            assert isinstance(desk.guard.take_mail(self.OWN, RESET), Taken)
        desk.clock.tick(HOUR)
        assert isinstance(desk.guard.take_mail(self.OWN, RESET), MailRefused)

        codes = [desk.guard.take_mail(self.OWN, CODE) for _ in range(11)]
        assert isinstance(codes.pop(), MailRefused)
        assert all(isinstance(one, Taken) for one in codes)

    def test_events_say_whose(self, desk: Desk) -> None:
        """
        The helpdesk reads which account waits; a decoy is nobody's.
        """
        decoy = desk.guard.decoy_id("nobody@example.fr")
        for account_id in ("42", decoy):
            for _ in range(5):
                desk.guard.take_password(spender(account_id))
            assert isinstance(desk.guard.look_password(spender(account_id)), Throttled)

        assert ["42", ""] == [one.account_id for one in desk.log.events]


ODD_IDS = [
    "a",
    "b",
    "a:b",
    "a: b",
    "a b",
    "a\nb",
    "a\r\nb",
    "passwords:a",
    "a\x1fb",
    "a\x00b",
    "A",
    "é",
    "e\u0301",
    "x" * 300,
    "x" * 299 + "y",
    "x" * 4_000,
    "",
]


class TestKeys:
    def test_no_two_accounts_share_a_counter(self) -> None:
        """
        P59: whatever is in their ids, each account has its own waits and mails.
        """
        desk = Desk()
        for account_id in ODD_IDS:
            desk.fail(5, account_id=account_id)
            assert isinstance(desk.guard.take_mail(spender(account_id), CODE), Taken)
            assert isinstance(desk.guard.take_code(spender(account_id)), Taken)
            for other in ODD_IDS[ODD_IDS.index(account_id) + 1 :]:
                assert desk.guard.look_password(spender(other, THERE)) is None

    def test_keys_are_short_and_plain(self) -> None:
        """
        P59: the key of a counter is hexadecimal, of one length, whatever it is for.
        """
        seen = Keys(MemoryStorage().counters)
        desk = Desk(counters=seen)
        for account_id in ODD_IDS:
            _ = desk.guard.take_password(
                spender(account_id, Client(network=account_id))
            )
            _ = desk.guard.take_mail(spender(account_id), FIRST)
            _ = desk.guard.site.take_network(
                Scope.NETWORK_CODES, Client(network=account_id)
            )

        # A password, a mail and a network for each; the mail's network is HERE's tag.
        assert 3 * len(ODD_IDS) == len(seen.keys)
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in seen.keys)


class TestHold:
    LASTING = timedelta(minutes=10)

    def test_one_of_many(self) -> None:
        """
        Of any number that come at once one holds the account.
        """
        desk = Desk()
        held = at_once(lambda: desk.guard.hold("invitation", "42", self.LASTING))

        assert 1 == len([one for one in held if one is not None])

    def test_until_it_is_let_go(self) -> None:
        """
        Let go, or left for as long as it lasts, it is the next one's; for another
        purpose and of another account it always is.
        """
        desk = Desk()
        hold, tick = desk.guard.hold, desk.clock.tick
        held = hold("invitation", "42", self.LASTING)
        assert held is not None
        assert hold("invitation", "42", self.LASTING) is None
        assert hold("invitation", "43", self.LASTING) is not None
        assert hold("other", "42", self.LASTING) is not None
        desk.guard.let_go(held)
        assert hold("invitation", "42", self.LASTING) is not None
        tick(self.LASTING - timedelta(seconds=1))
        assert hold("invitation", "42", self.LASTING) is None
        tick()
        assert hold("invitation", "42", self.LASTING) is not None

    def test_let_go_late(self) -> None:
        """
        Whoever held it before takes it from nobody.
        """
        desk = Desk()
        late = desk.guard.hold("invitation", "42", self.LASTING)
        assert late is not None
        desk.clock.tick(self.LASTING)
        assert desk.guard.hold("invitation", "42", self.LASTING) is not None
        desk.guard.let_go(late)

        assert desk.guard.hold("invitation", "42", self.LASTING) is None

    def test_by_a_clock_that_was_ahead(self) -> None:
        """
        Nobody holds it longer than it may last.
        """
        desk = Desk()
        desk.clock.tick(timedelta(days=1))
        assert desk.guard.hold("invitation", "42", self.LASTING) is not None
        desk.clock.tick(timedelta(days=-1))

        assert desk.guard.hold("invitation", "42", self.LASTING) is not None

    def test_something_else(self) -> None:
        """
        A counter of another's is no hold.
        """
        desk = Desk()
        held = desk.guard.hold("invitation", "42", self.LASTING)
        assert held is not None
        assert desk.counters.swap(held.key, held.text, "soon", desk.clock.now)

        with pytest.raises(StorageError):
            desk.guard.hold("invitation", "42", self.LASTING)


@attrs.define
class Keys:
    """
    Counters that note under which keys they were asked.
    """

    real: Counters
    keys: set[str] = attrs.field(factory=set[str])

    def read(self, key: str, /) -> str | None:
        """
        Note, and read.
        """
        self.keys.add(key)
        return self.real.read(key)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Note, and swap.
        """
        self.keys.add(key)
        return self.real.swap(key, before, after, expires_at)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Note, and add.
        """
        self.keys.add(key)
        return self.real.add(key, delta, expires_at)

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Purge.
        """
        return self.real.purge(before, limit)
