"""
What every store of code challenges does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final

import attrs

from ...model import CodeChallenge
from ...ports import CodeChallenges
from .accounts import ODD
from .base import (
    ELSEWHERE,
    LATE,
    MINUTE,
    NOW,
    PROCESSES,
    SECOND,
    StoreContract,
    is_utc,
    second,
)


CHALLENGE: Final = CodeChallenge(
    id="0f" * 16,
    account_id="4711",
    credential_version=2**31,
    key_id="1a2b3c4d",
    browser_digest="b7" * 32,
    sent_at=NOW,
    expires_at=NOW + 3 * MINUTE,
    window_ends_at=NOW + 15 * MINUTE,
    attempts_left=5,
)
OTHER: Final = attrs.evolve(
    CHALLENGE, id="1e" * 16, account_id=ODD.id, is_certain=False
)
_SPEND: Final = methodcaller("spend_attempt", CHALLENGE.id)
NEVER: Final = NOW - timedelta(days=1)


class CodeChallengesContract(StoreContract[CodeChallenges], ABC):
    """
    What every `uness_auth.ports.CodeChallenges` does.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (CHALLENGE.browser_digest,)

    @abstractmethod
    def make(self) -> CodeChallenges:
        """
        Return an empty store.
        """

    def test_challenge_comes_back_whole(self) -> None:
        """
        A challenge that is not due comes back with every field as it was.
        """
        store = self._holding(CHALLENGE, OTHER)

        assert (CHALLENGE, False) == _look(store)
        assert attrs.evolve(OTHER, attempts_left=4) == store.spend_attempt(OTHER.id)

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, to the second.
        """
        spent = self._holding(CHALLENGE).spend_attempt(CHALLENGE.id)

        assert spent is not None
        assert is_utc(spent.sent_at)
        assert is_utc(spent.expires_at)
        assert is_utc(spent.window_ends_at)
        assert CHALLENGE.sent_at == spent.sent_at

    def test_zones_are_understood(self) -> None:
        """
        Instants given in another time zone come back as the instants that they are.
        """
        foreign = attrs.evolve(
            CHALLENGE,
            sent_at=ELSEWHERE,
            expires_at=ELSEWHERE + 3 * MINUTE,
            window_ends_at=ELSEWHERE + 15 * MINUTE,
        )
        renewed = attrs.evolve(
            CHALLENGE, sent_at=NOW + MINUTE, expires_at=NOW + 4 * MINUTE
        )
        store = self._holding(foreign)

        assert (CHALLENGE, False) == _renew(store, ELSEWHERE - SECOND)
        assert (renewed, True) == _renew(store, ELSEWHERE, ELSEWHERE + MINUTE)
        assert (renewed, False) == _look(store)

    def test_seconds_are_not_rounded(self) -> None:
        """
        Instants with microseconds come back as the same seconds, never as the next.
        """
        late = attrs.evolve(
            CHALLENGE,
            sent_at=CHALLENGE.sent_at + LATE,
            expires_at=CHALLENGE.expires_at + LATE,
            window_ends_at=CHALLENGE.window_ends_at + LATE,
        )
        spent = self._holding(late).spend_attempt(CHALLENGE.id)

        assert spent is not None
        assert attrs.evolve(CHALLENGE, attempts_left=4) == attrs.evolve(
            spent,
            sent_at=second(spent.sent_at),
            expires_at=second(spent.expires_at),
            window_ends_at=second(spent.window_ends_at),
        )

    def test_unknown_challenge(self) -> None:
        """
        A challenge nobody added is neither renewed, nor spent, nor consumed.
        """
        store = self._holding(OTHER)

        assert _renew(store, NOW) is None
        for unknown in (CHALLENGE.id, OTHER.id.upper(), ""):
            assert store.spend_attempt(unknown) is None
            assert not store.consume(unknown)

    def test_attempts_run_out_exactly(self) -> None:
        """
        With five attempts five calls get the challenge, counting down; the sixth None.
        """
        store = self._holding(CHALLENGE, OTHER)

        spent = [store.spend_attempt(CHALLENGE.id) for _ in range(6)]

        assert spent == [
            *(attrs.evolve(CHALLENGE, attempts_left=left) for left in (4, 3, 2, 1, 0)),
            None,
        ]

    def test_attempts_run_out_exactly_at_the_same_moment(self) -> None:
        """
        With five attempts exactly five of 32 concurrent calls get the challenge.
        """
        store = self._holding(CHALLENGE)

        spent = self.together([partial(store.spend_attempt, CHALLENGE.id)] * 32)

        left = sorted(one.attempts_left for one in spent if one is not None)
        assert [0, 1, 2, 3, 4] == left

    def test_consumed_once(self) -> None:
        """
        A challenge is consumed by one call, and gone for every other.
        """
        store = self._holding(CHALLENGE)

        assert store.consume(CHALLENGE.id)
        assert not store.consume(CHALLENGE.id)
        assert store.spend_attempt(CHALLENGE.id) is None
        assert _look(store) is None

    def test_consume_has_one_winner(self) -> None:
        """
        Of 32 concurrent calls exactly one consumes the challenge.
        """
        store = self._holding(CHALLENGE)

        won = self.together([partial(store.consume, CHALLENGE.id)] * 32)

        assert 1 == won.count(True)

    def test_consumed_stays_consumed(self) -> None:
        """
        No attempt and no renewal at the same moment brings a challenge back.
        """
        store = self._holding(attrs.evolve(CHALLENGE, attempts_left=100))
        calls: list[Callable[[], object]] = [
            partial(store.spend_attempt, CHALLENGE.id),
            partial(_renew, store, NOW),
        ]

        _ = self.together(
            [*calls * 4, partial(store.consume, CHALLENGE.id), *calls * 4]
        )

        assert _look(store) is None

    def test_one_challenge_changes_alone(self) -> None:
        """
        What happens to one challenge does not happen to another.
        """
        store = self._holding(CHALLENGE, OTHER)

        _ = store.spend_attempt(CHALLENGE.id)
        _ = _renew(store, NOW)
        _ = store.consume(CHALLENGE.id)

        assert attrs.evolve(OTHER, attempts_left=4) == store.spend_attempt(OTHER.id)

    def test_renewed_when_due(self) -> None:
        """
        A renewed challenge has a new time of sending and of expiry, and is kept so.
        """
        store = self._holding(CHALLENGE)
        renewed = attrs.evolve(
            CHALLENGE, sent_at=NOW + MINUTE, expires_at=NOW + 4 * MINUTE
        )

        assert (renewed, True) == _renew(store, NOW)
        assert (renewed, False) == _look(store)

    def test_renewal_gives_no_attempt_back(self) -> None:
        """
        A challenge with one attempt left has one attempt left when it is renewed.
        """
        store = self._holding(attrs.evolve(CHALLENGE, attempts_left=2))
        _ = store.spend_attempt(CHALLENGE.id)
        _ = _renew(store, NOW)

        spent = store.spend_attempt(CHALLENGE.id)

        assert spent is not None
        assert 0 == spent.attempts_left

    def test_renewal_at_the_same_moment_gives_no_attempt_back(self) -> None:
        """
        Of 4 attempts spent beside 12 renewals none is forgotten.
        """
        store = self._holding(CHALLENGE)
        renewals = [
            partial(_renew, store, NOW + n * SECOND, NOW + MINUTE + n * SECOND)
            for n in range(12)
        ]
        spend = partial(store.spend_attempt, CHALLENGE.id)

        _ = self.together([*renewals[:6], *[spend] * 4, *renewals[6:]])

        spent = store.spend_attempt(CHALLENGE.id)
        assert spent is not None
        assert 0 == spent.attempts_left

    def test_due_to_the_second(self) -> None:
        """
        Sent at *not_sent_after* is due; sent a second later is not.
        """
        store = self._holding(CHALLENGE)

        assert (CHALLENGE, False) == _renew(store, CHALLENGE.sent_at - SECOND)
        due = _renew(store, CHALLENGE.sent_at)
        assert due is not None
        assert due[1]

    def test_window_ends_to_the_second(self) -> None:
        """
        At the end of its window a challenge is gone; a second before it is renewed.
        """
        store = self._holding(CHALLENGE)
        end = CHALLENGE.window_ends_at

        assert _renew(store, NOW, end) is None
        assert _renew(store, NEVER, end) is None
        renewed = _renew(store, NOW, end - SECOND)
        assert renewed is not None
        assert renewed[1]

    def test_expired_code_is_renewed(self) -> None:
        """
        A code that works no longer is sent again as long as its window is open.
        """
        store = self._holding(CHALLENGE)
        again = CHALLENGE.expires_at + MINUTE

        renewed = _renew(store, NOW, again)

        assert renewed is not None
        assert (again, True) == (renewed[0].sent_at, renewed[1])

    def test_spent_challenge_is_gone(self) -> None:
        """
        Without attempts left a challenge is neither renewed nor shown.
        """
        store = self._holding(attrs.evolve(CHALLENGE, attempts_left=1))
        _ = store.spend_attempt(CHALLENGE.id)

        assert _renew(store, NOW) is None
        assert _look(store) is None

    def test_renew_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls exactly one renews; the others see what it wrote.
        """
        store = self._holding(CHALLENGE)
        renewed = attrs.evolve(
            CHALLENGE, sent_at=NOW + MINUTE, expires_at=NOW + 4 * MINUTE
        )

        answers = self.together([partial(_renew, store, NOW)] * 16)

        assert 1 == answers.count((renewed, True))
        assert 15 == answers.count((renewed, False))

    def test_purged_after_the_window(self) -> None:
        """
        A purge removes what ended before, not what ends at that very second.
        """
        self.need("supports_purge")
        store = self._holding(CHALLENGE, attrs.evolve(OTHER, window_ends_at=NOW))

        assert 0 == store.purge(NOW, 10)
        assert 1 == store.purge(NOW + SECOND, 10)
        assert 0 == store.purge(NOW + SECOND, 10)
        assert store.spend_attempt(OTHER.id) is None
        assert store.spend_attempt(CHALLENGE.id) is not None

    def test_purge_stops_at_the_limit(self) -> None:
        """
        A purge removes no more than it was told to.
        """
        self.need("supports_purge")
        store = self._holding(
            *(attrs.evolve(CHALLENGE, id=f"{n:032x}") for n in range(5))
        )
        after = CHALLENGE.window_ends_at + SECOND

        assert [2, 2, 1, 0] == [store.purge(after, 2) for _ in range(4)]

    def test_purges_count_each_once(self) -> None:
        """
        Of purges at the same moment each counts what it removed itself.
        """
        self.need("supports_purge")
        store = self._holding(
            *(attrs.evolve(CHALLENGE, id=f"{n:032x}") for n in range(20))
        )
        after = CHALLENGE.window_ends_at + SECOND

        removed = self.together([partial(store.purge, after, 4)] * 8)

        assert 20 == sum(removed) + store.purge(after, 100)

    def test_attempts_run_out_exactly_among_processes(self) -> None:
        """
        Five attempts are five for all processes together.
        """
        _ = self._holding(CHALLENGE)

        spent = self.in_processes(*[[_SPEND] * 5] * PROCESSES)

        left = [one.attempts_left for made in spent for one in made if one is not None]
        assert [0, 1, 2, 3, 4] == sorted(left)

    def test_consume_has_one_winner_among_processes(self) -> None:
        """
        Of processes that consume one challenge exactly one does.
        """
        _ = self._holding(CHALLENGE)

        won = self.in_processes(*[[methodcaller("consume", CHALLENGE.id)]] * PROCESSES)

        assert 1 == won.count([True])

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was read before is read anew: another process may have changed it.
        """
        store = self._holding(CHALLENGE, OTHER)
        assert (CHALLENGE, False) == _look(store)
        assert store.spend_attempt(OTHER.id) is not None

        [[spent, consumed]] = self.in_processes(
            [_SPEND, methodcaller("consume", OTHER.id)]
        )

        assert (spent, False) == _look(store)
        assert consumed
        assert store.spend_attempt(OTHER.id) is None

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was answered is written, though the process ended at that moment.

        An attempt that was spent stays spent, whether its code was compared or not.
        """
        store = self._holding(CHALLENGE)
        soon = NOW + MINUTE

        _ = self.in_processes(
            [
                methodcaller("add", OTHER),
                methodcaller("renew", CHALLENGE.id, NOW, soon, soon + 3 * MINUTE),
                _SPEND,
            ]
        )

        renewed = attrs.evolve(
            CHALLENGE, attempts_left=4, sent_at=soon, expires_at=soon + 3 * MINUTE
        )
        assert (renewed, False) == _look(store)
        assert attrs.evolve(OTHER, attempts_left=4) == store.spend_attempt(OTHER.id)

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(
            add=(CHALLENGE,),
            renew=(CHALLENGE.id, NOW, NOW + MINUTE, NOW + 4 * MINUTE),
            spend_attempt=(CHALLENGE.id,),
            consume=(CHALLENGE.id,),
            purge=(NOW, 10),
        )

    def _holding(self, *challenges: CodeChallenge) -> CodeChallenges:
        store = self.make()
        for challenge in challenges:
            store.add(challenge)
        return store


def _renew(
    store: CodeChallenges, not_sent_after: datetime, sent_at: datetime = NOW + MINUTE
) -> tuple[CodeChallenge, bool] | None:
    return store.renew(CHALLENGE.id, not_sent_after, sent_at, sent_at + 3 * MINUTE)


def _look(store: CodeChallenges) -> tuple[CodeChallenge, bool] | None:
    # The port has no way to read; what is never due comes back as it is.
    return _renew(store, NEVER)
