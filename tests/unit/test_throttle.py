"""
Throttles: pure decisions, held against a model that counts on its fingers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Budget, ThrottlePolicy
from uness_auth.throttle import (
    Entry,
    History,
    Refused,
    Spent,
    forgive,
    mended,
    spend,
    spend_password,
    without,
)


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
POLICY = ThrottlePolicy()
HERE, THERE = "aaaaaaaa", "bbbbbbbb"
YEAR = 365 * DAY
INSTANTS = st.integers(0, 3 * 86_400).map(lambda more: NOW + timedelta(seconds=more))
HISTORIES = st.builds(
    History,
    entries=st.lists(
        st.builds(Entry, INSTANTS, st.sampled_from([HERE, THERE])), max_size=30
    ).map(tuple),
    in_a_row=st.integers(0, 120),
    wait_until=st.none() | INSTANTS,
)


def spent(decision: Spent | Refused) -> History:
    """
    Return the state after a try that may go on.
    """
    assert isinstance(decision, Spent)
    return decision.after


def refused(decision: Spent | Refused) -> datetime:
    """
    Return until when a try may not go on.
    """
    assert isinstance(decision, Refused)
    return decision.until


def wrong(times: int, now: datetime = NOW, network: str = HERE) -> History:
    """
    Return the state after so many wrong passwords, each as soon as it is allowed.
    """
    history = History()
    for _ in range(times):
        match spend_password(history, POLICY, now, network):
            case Refused(until=until):
                now = until
                history = spent(spend_password(history, POLICY, now, network))
            case Spent(after=after):
                history = after
    return history


class TestSpendPassword:
    def test_four_are_free(self) -> None:
        """
        Four wrong passwords start no wait.
        """
        assert wrong(4).wait_until is None
        assert 4 == wrong(4).in_a_row

    def test_fifth_starts_a_wait(self) -> None:
        """
        The fifth is compared, and the sixth waits 65 seconds.
        """
        history = wrong(5)
        until = NOW + timedelta(seconds=65)

        assert until == history.wait_until
        assert until == refused(spend_password(history, POLICY, NOW, THERE))
        assert until == refused(spend_password(history, POLICY, until - SECOND, THERE))
        assert 6 == spent(spend_password(history, POLICY, until, THERE)).in_a_row

    def test_waits_double_up_to_an_hour(self) -> None:
        """
        65 s, 130 s, 260 s … and never more than an hour.
        """
        waits = []
        for run in range(4, 15):
            after = spent(spend_password(History(in_a_row=run), POLICY, NOW, HERE))
            assert after.wait_until is not None
            waits.append(int((after.wait_until - NOW).total_seconds()))

        assert [65, 130, 260, 520, 1040, 2080, 3600, 3600, 3600, 3600, 3600] == waits

    @given(st.integers(5, 10**9))
    def test_no_run_is_too_long_for_a_wait(self, run: int) -> None:
        """
        A run of any length waits, and at most an hour.
        """
        after = spent(spend_password(History(in_a_row=run), POLICY, NOW, HERE))

        assert after.wait_until is not None
        assert NOW < after.wait_until <= NOW + HOUR

    def test_twenty_five_a_day(self) -> None:
        """
        The 26th wrong password of 24 hours waits until the first is a day old.
        """
        entries = tuple(
            Entry(NOW + index * MINUTE, HERE if index % 2 else THERE)
            for index in range(25)
        )
        history = History(entries=entries)
        now = NOW + HOUR

        assert NOW + DAY == refused(spend_password(history, POLICY, now, "cccccccc"))
        assert isinstance(spend_password(history, POLICY, NOW + DAY, "cccccccc"), Spent)

    def test_success_does_not_clear_the_day(self) -> None:
        """
        Whatever is forgiven, what others failed today still counts.
        """
        entries = tuple(Entry(NOW, f"{index:08x}") for index in range(25))
        history = forgive(History(entries=entries, in_a_row=9), NOW, "ffffffff")

        assert 0 == history.in_a_row
        assert NOW + DAY == refused(spend_password(history, POLICY, NOW, HERE))

    def test_one_network_gets_half(self) -> None:
        """
        A network that spent 12 of 25 is refused; another one goes on.
        """
        history = History(entries=(Entry(NOW, HERE),) * 12)

        assert NOW + DAY == refused(spend_password(history, POLICY, NOW, HERE))
        assert 13 == len(spent(spend_password(history, POLICY, NOW, THERE)).entries)


class TestSpend:
    def test_link_mails(self) -> None:
        """
        1 per minute, 3 per quarter of an hour, 5 per hour, 10 per day: by the second.
        """
        history, now, sent = History(), NOW, list[int]()
        while now < NOW + DAY + HOUR:
            # A network of its own each time: only the account's budget speaks here.
            network = f"{len(sent):08x}"
            match spend(history, POLICY.link_mails, now, network):
                case Spent(after=after):
                    history = after
                    sent.append(int((now - NOW).total_seconds()))
                    now += SECOND
                case Refused(until=until):
                    assert until > now
                    now = until

        minute, quarter, hour, day = 60, 900, 3_600, 86_400
        assert [0, minute, 2 * minute, quarter, quarter + minute] == sent[:5]
        assert [hour, hour + minute, hour + 2 * minute] == sent[5:8]
        assert [hour + quarter, hour + quarter + minute] == sent[8:10]
        assert [day, day + minute] == sent[10:12]

    def test_code_mails(self) -> None:
        """
        Five code mails an hour go at once, the sixth an hour after the first.
        """
        history = History()
        for index in range(5):
            history = spent(spend(history, POLICY.code_mails, NOW, f"{index:08x}"))

        assert NOW + HOUR == refused(spend(history, POLICY.code_mails, NOW, HERE))

    def test_codes(self) -> None:
        """
        Ten wrong codes an hour and twenty a day, over all challenges.
        """
        early = tuple(Entry(NOW, f"{index:08x}") for index in range(10))
        late = tuple(Entry(NOW + HOUR, f"{index:08x}") for index in range(10))

        assert NOW + HOUR == refused(
            spend(History(entries=early), POLICY.codes, NOW, HERE)
        )
        assert NOW + DAY == refused(
            spend(History(entries=early + late), POLICY.codes, NOW + 3 * HOUR, HERE)
        )

    def test_more_than_the_budget(self) -> None:
        """
        After a policy was lowered, one waits until few enough are left.
        """
        entries = tuple(Entry(NOW + index * MINUTE, HERE) for index in range(3))
        history, budget = History(entries=entries), (Budget(2, HOUR),)
        until = refused(spend(history, budget, NOW + 3 * MINUTE, HERE))

        assert NOW + MINUTE + HOUR == until
        assert isinstance(spend(history, budget, until, HERE), Spent)

    def test_half_of_one_is_one(self) -> None:
        """
        A budget of one a day still lets one network have it.
        """
        budget = (Budget(1, DAY),)
        history = spent(spend(History(), budget, NOW, HERE))

        assert NOW + DAY == refused(spend(history, budget, NOW, HERE))

    def test_shorter_budgets_are_not_halved(self) -> None:
        """
        Only the budget of a day is shared between networks.
        """
        history = History(entries=(Entry(NOW, HERE),) * 9)

        assert isinstance(spend(history, (Budget(10, HOUR),), NOW, HERE), Spent)

    def test_forgets_what_no_budget_looks_at(self) -> None:
        """
        A state holds no more entries than the budgets count: it is a short text.
        """
        history, now = History(), NOW
        for _ in range(400):
            now += MINUTE
            history = spent(spend(history, (Budget(10, 5 * MINUTE),), now, HERE))

        assert 5 == len(history.entries)

    def test_default_budgets_stay_short(self) -> None:
        """
        A full state under the default policy fits into a counter's 4,000 characters.
        """
        full = History(entries=(Entry(NOW, HERE),) * 25, in_a_row=99, wait_until=NOW)

        assert len(full.as_text()) < 1_000


class Model(RuleBasedStateMachine):
    """
    Passwords of one account, against a list of instants.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.history = History()
        self.failed: list[tuple[datetime, str]] = []
        self.run = 0
        self.free_at = NOW

    def may_try(self, network: str) -> bool:
        """
        Say what the policy's words say.
        """
        day = [who for at, who in self.failed if at > self.now - DAY]
        return self.now >= self.free_at and len(day) < 25 and day.count(network) < 12

    @rule(network=st.sampled_from([HERE, THERE, "cccccccc"]), is_right=st.booleans())
    def try_password(self, network: str, *, is_right: bool) -> None:
        """
        Try once; a right password gives its try back.
        """
        expected = self.may_try(network)
        decision = spend_password(self.history, POLICY, self.now, network)
        assert expected is isinstance(decision, Spent)
        if isinstance(decision, Refused):
            assert self.now < decision.until <= self.now + DAY
            return
        self.history = decision.after
        if is_right:
            self.history = forgive(self.history, self.now, network)
            self.run, self.free_at = 0, self.now
            return
        self.failed.append((self.now, network))
        self.run += 1
        if self.run > 4:
            wait = min(65 * 2 ** (self.run - 5), 3_600)
            self.free_at = self.now + timedelta(seconds=wait)

    @rule(
        by=st.sampled_from(
            [SECOND, 64 * SECOND, 65 * SECOND, 10 * MINUTE, HOUR, 7 * HOUR, DAY]
        )
    )
    def tick(self, by: timedelta) -> None:
        """
        Let time pass.
        """
        self.now += by

    @rule()
    def come_back_when_told(self) -> None:
        """
        Whoever comes back at the end of a wait is let in.
        """
        match spend_password(self.history, POLICY, self.now, "dddddddd"):
            case Refused(until=until):
                again = spend_password(self.history, POLICY, until, "dddddddd")
                assert isinstance(again, Spent)
            case Spent():
                pass

    @invariant()
    def survives_storage(self) -> None:
        """
        The stored text is the state.
        """
        assert self.history == History.from_text(self.history.as_text())
        assert len(self.history.as_text()) < 4_000


TestModel = Model.TestCase


class TestForgive:
    def test_ends_wait_and_run(self) -> None:
        """
        A success ends the wait and the run, and its own try is no failure.
        """
        history = wrong(5)
        last = history.entries[-1]
        after = forgive(history, last.at, last.network)

        assert (0, None) == (after.in_a_row, after.wait_until)
        assert history.entries[:-1] == after.entries

    def test_without_takes_one(self) -> None:
        """
        Of two equal entries one is taken back, and of none, none.
        """
        history = History(entries=(Entry(NOW, HERE),) * 2)
        once = without(history, NOW, HERE)

        assert 1 == len(once.entries)
        assert once == without(once, NOW, THERE)
        assert History() == without(History(), NOW, HERE)


class TestMended:
    @given(HISTORIES, INSTANTS)
    def test_nothing_lies_ahead(self, history: History, now: datetime) -> None:
        """
        Whatever the clock did, no wait is over an hour and no budget over a day.
        """
        sound = mended(history, now, POLICY.longest_wait)

        assert all(one.at <= now for one in sound.entries)
        assert sound.wait_until is None or sound.wait_until <= now + HOUR
        match spend_password(sound, POLICY, now, HERE):
            case Refused(until=until):
                assert now < until <= now + DAY
            case Spent():
                pass

    @given(HISTORIES, INSTANTS)
    def test_sound_state_is_left_alone(self, history: History, now: datetime) -> None:
        """
        To mend again changes nothing, then or later.
        """
        sound = mended(history, now, POLICY.longest_wait)

        assert sound == mended(sound, now, POLICY.longest_wait)
        assert sound == mended(sound, now + HOUR, POLICY.longest_wait)

    def test_clock_that_was_a_year_ahead(self) -> None:
        """
        What was written a year ahead waits an hour from now, and no more.
        """
        history = mended(wrong(5, NOW + YEAR), NOW, POLICY.longest_wait)

        assert NOW + HOUR == refused(spend_password(history, POLICY, NOW, HERE))
        assert isinstance(spend_password(history, POLICY, NOW + HOUR, HERE), Spent)

    def test_clock_that_jumps_ahead(self) -> None:
        """
        A clock that jumps a year ahead finds nothing left of the day.
        """
        history = wrong(11)

        after = spent(spend_password(history, POLICY, NOW + YEAR, HERE))
        assert 1 == len(after.entries)
        assert 12 == after.in_a_row


class TestText:
    def test_nothing_is_a_clean_slate(self) -> None:
        """
        No counter is no history.
        """
        assert History() == History.from_text(None)
        assert History().last_at is None

    @given(HISTORIES)
    def test_round_trip(self, history: History) -> None:
        """
        What is written is read.
        """
        text = history.as_text()

        assert text.isascii()
        assert history == History.from_text(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            "null",
            "{}",
            "[]",
            "7",
            '"abc"',
            "[[],0]",
            "[[],0,0,0]",
            "[[[1]],0,0]",
            '[[["x","y"]],0,0]',
            "[[1],0,0]",
            "[null,0,0]",
            "[[],null,0]",
            '[[],0,"soon"]',
            "[[],0,1e400]",
            "[[],0,99999999999999999999]",
            "[[],0,1" + "0" * 400 + "]",
            "[" * 4_000,
        ],
        ids=lambda text: text[:20],
    )
    def test_what_we_did_not_write(self, text: str) -> None:
        """
        Any other text is a ValueError, and no state by accident.
        """
        with pytest.raises(ValueError, match="not the state of a throttle"):
            History.from_text(text)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """
        Of hostile text nothing but a ValueError comes.
        """
        try:
            read = History.from_text(text)
        except ValueError:
            return
        assert attrs.has(type(read))

    def test_last_at(self) -> None:
        """
        The last entry says when something happened last.
        """
        history = History(entries=(Entry(NOW, HERE), Entry(NOW + HOUR, THERE)))

        assert NOW + HOUR == history.last_at
