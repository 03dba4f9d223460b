"""
The site's guard: what networks share, and what the whole site shares.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs
import pytest

from tests.unit.guards import CAMPUS, HERE, THERE, Desk, at_once, spender
from uness_auth.errors import StorageError
from uness_auth.events import EventKind
from uness_auth.model import Client
from uness_auth.outcomes import Scope, Throttled
from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Budget, ThrottlePolicy
from uness_auth.site_guard import WindowTaken


@pytest.fixture(name="desk")
def _desk() -> Desk:
    """
    A desk under the default policy.
    """
    return Desk()


def strangers(number: int) -> Iterator[Client]:
    """
    Browsers that no account knows, each in a network of its own.
    """
    for one in range(number):
        yield Client(network=f"10.{one // 65_536}.{one // 256 % 256}.{one % 256}")


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


class TestHarvest:
    """
    Unknown addresses, asked for from everywhere.
    """

    def test_one_page_for_all(self) -> None:
        """
        After the site's budget no network is told any more, for as long as it says.
        """
        desk = Desk(ThrottlePolicy(site_unknown=Budget(5, 10 * MINUTE)))
        told = [desk.guard.site.take_unknown(one) for one in strangers(5)]

        assert [True] * 5 == told
        assert not desk.guard.site.may_tell(THERE)
        assert [EventKind.BREAKER_OPENED] == desk.log.kinds()
        desk.clock.tick(15 * MINUTE - SECOND)
        assert not desk.guard.site.may_tell(THERE)
        desk.clock.tick(SECOND)
        assert desk.guard.site.may_tell(THERE)

    def test_the_default(self, desk: Desk) -> None:
        """
        A thousand in ten minutes, from a thousand networks.
        """
        told = [desk.guard.site.take_unknown(one) for one in strangers(999)]

        assert all(told)
        assert desk.guard.site.may_tell(THERE)
        assert desk.guard.site.take_unknown(THERE)
        assert not desk.guard.site.may_tell(HERE)

    def test_exact_under_threads(self) -> None:
        """
        Of many who ask at once exactly the budget is told, and one event is written.
        """
        desk = Desk(ThrottlePolicy(site_unknown=Budget(7, 10 * MINUTE)))
        answers = at_once(lambda: desk.guard.site.take_unknown(HERE))

        assert 7 == sum(answers)
        assert [EventKind.BREAKER_OPENED] == desk.log.kinds()

    def test_a_death_between_count_and_pause(self) -> None:
        """
        Where the one that took the last died, the next begins the pause.
        """
        desk = Desk(ThrottlePolicy(site_unknown=Budget(2, 10 * MINUTE)))
        dying = attrs.evolve(desk.guard.site, counters=DiesBeforeItSwaps(desk))
        assert dying.take_unknown(HERE)
        with pytest.raises(StorageError):
            dying.take_unknown(HERE)

        assert desk.guard.site.may_tell(HERE)
        assert not desk.guard.site.take_unknown(HERE)
        assert not desk.guard.site.may_tell(THERE)

    def test_those_told_too_late_are_given_back(self) -> None:
        """
        Who was too late cost neither the network nor the site.
        """
        desk = Desk(ThrottlePolicy(site_unknown=Budget(1, 10 * MINUTE)))
        for _ in range(40):
            desk.guard.site.take_unknown(HERE)
        desk.clock.tick(15 * MINUTE)

        assert desk.guard.site.take_unknown(HERE)

    def test_clock_that_was_ahead(self) -> None:
        """
        A pause that a wrong clock wrote is none: nobody waits longer than it lasts.
        """
        desk = Desk(ThrottlePolicy(site_unknown=Budget(1, 10 * MINUTE)))
        now = desk.clock()
        desk.clock.tick(40 * DAY)
        assert desk.guard.site.take_unknown(HERE)
        assert not desk.guard.site.may_tell(HERE)
        desk.clock.now = now

        assert desk.guard.site.may_tell(HERE)

    @pytest.mark.parametrize("text", ["", "soon", "9" * 40, "1.5"])
    def test_corrupted_pause(self, text: str) -> None:
        """
        What this library did not write is an error, not an answer.
        """
        desk = Desk()
        site = attrs.evolve(desk.guard.site, counters=Says(desk, text))

        with pytest.raises(StorageError):
            site.may_tell(HERE)


class TestSiteCodes:
    """
    Wrong codes, tried from everywhere.
    """

    POLICY = ThrottlePolicy(site_codes=(Budget(3, HOUR), Budget(5, DAY)))

    def test_hour_then_day(self) -> None:
        """
        Three an hour, five a day: whichever is over first tells its own end.
        """
        desk = Desk(self.POLICY)
        take = desk.guard.site.take_code
        assert all(isinstance(take(spender("1")), tuple) for _ in range(3))
        first = take(spender("2", THERE))
        assert isinstance(first, Throttled)
        assert Scope.SITE_CODES is first.scope
        assert first == desk.guard.site.look_codes(spender("3"))
        assert desk.clock() < first.until <= desk.clock() + HOUR

        desk.clock.now = first.until
        assert desk.guard.site.look_codes(spender("3")) is None
        assert all(isinstance(take(spender("1")), tuple) for _ in range(2))
        second = take(spender("1"))
        assert isinstance(second, Throttled)
        assert desk.clock() < second.until <= desk.clock() + DAY
        assert [EventKind.BREAKER_OPENED] * 2 == desk.log.kinds()

    def test_the_default(self, desk: Desk) -> None:
        """
        A thousand an hour, over all accounts and networks.
        """
        take = desk.guard.site.take_code
        answers = [take(spender(f"{n}", one)) for n, one in enumerate(strangers(1_001))]

        assert isinstance(answers.pop(), Throttled)
        assert all(isinstance(one, tuple) for one in answers)

    def test_known_device_goes_on(self) -> None:
        """
        P32: its owner is let in while strangers have closed the way for all others.
        """
        desk = Desk(self.POLICY)
        for _ in range(9):
            desk.guard.site.take_code(spender("1"))
        own = spender("1", device_id="d")

        assert isinstance(desk.guard.site.take_code(spender("1")), Throttled)
        assert () == desk.guard.site.take_code(own)
        assert desk.guard.site.look_codes(own) is None

    def test_right_codes_are_given_back(self) -> None:
        """
        Only wrong codes count, in every window.
        """
        desk = Desk(self.POLICY)
        for _ in range(20):
            taken = desk.guard.site.take_code(spender("1"))
            assert isinstance(taken, tuple)
            desk.guard.site.give_back(taken)

        assert desk.guard.site.look_codes(spender("1")) is None
        assert [] == desk.log.events

    def test_exact_under_threads(self) -> None:
        """
        Of many who try at once exactly the budget goes on, and one event is written.
        """
        desk = Desk(self.POLICY)
        answers = at_once(lambda: desk.guard.site.take_code(spender("1")))

        assert 3 == sum(isinstance(one, tuple) for one in answers)
        assert [EventKind.BREAKER_OPENED] == desk.log.kinds()

    def test_refused_do_not_count(self) -> None:
        """
        The flood behind the budget does not lengthen the pause.
        """
        desk = Desk(self.POLICY)
        for _ in range(50):
            desk.guard.site.take_code(spender("1"))
        desk.clock.tick(HOUR)

        assert isinstance(desk.guard.site.take_code(spender("1")), tuple)


class TestAlarm:
    def test_once_a_window(self) -> None:
        """
        The alarm is raised once, and refuses nothing.
        """
        desk = Desk(ThrottlePolicy(site_passwords=Budget(3, HOUR)))
        for _ in range(2):
            for one in strangers(9):
                desk.guard.site.count_wrong_password(one)
            desk.clock.tick(HOUR)

        assert [EventKind.ALARM_RAISED] * 2 == desk.log.kinds()

    def test_once_under_threads(self) -> None:
        """
        However many are wrong at once, one alarm.
        """
        desk = Desk(ThrottlePolicy(site_passwords=Budget(3, HOUR)))
        _ = at_once(lambda: desk.guard.site.count_wrong_password(HERE))

        assert [EventKind.ALARM_RAISED] == desk.log.kinds()


class DiesBeforeItSwaps:
    """
    Counters of a process that dies before it swaps.
    """

    def __init__(self, desk: Desk) -> None:
        self.real = desk.counters

    def read(self, key: str, /) -> str | None:
        """
        Read.
        """
        return self.real.read(key)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Die.
        """
        raise StorageError

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


class Says(DiesBeforeItSwaps):
    """
    Counters in which somebody else wrote.
    """

    def __init__(self, desk: Desk, text: str) -> None:
        super().__init__(desk)
        self.text = text

    def read(self, key: str, /) -> str | None:
        """
        Say what was written.
        """
        return self.text
