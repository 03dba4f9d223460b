"""
What every store does that lists and closes the sessions of one account.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final, Protocol

import attrs

from ...model import Session
from ...ports import SessionLists, Sessions
from .accounts import LOOK_ALIKES, ODD
from .base import MINUTE, NOW, PROCESSES, StoreContract, is_utc
from .sessions import OTHER, SESSION


OWNER: Final = SESSION.account_id
SECOND_BROWSER: Final = attrs.evolve(
    SESSION,
    digest="c2" * 32,
    last_seen_at=NOW - MINUTE,
    is_remembered=False,
    authenticated_at=None,
    browser="Safari, iOS",
    network="2001:db8:1::/48",
)
THIRD_BROWSER: Final = attrs.evolve(
    SESSION, digest="c3" * 32, last_seen_at=NOW - 2 * MINUTE
)
# The last used first.
OWN: Final = (SESSION, SECOND_BROWSER, THIRD_BROWSER)
MANY: Final = 20

_CLOSE_OTHERS: Final = methodcaller("close_others", OWNER, SESSION.digest)


class ListedSessions(Sessions, SessionLists, Protocol):
    """
    A session store that lists.
    """


class SessionListsContract(StoreContract[ListedSessions], ABC):
    """
    What every `uness_auth.ports.SessionLists` does, beside `SessionsContract`.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (SESSION.digest,)

    @abstractmethod
    def make(self) -> ListedSessions:
        """
        Return an empty store, which is asked as either port.
        """

    def test_listed_sessions_come_back_whole(self) -> None:
        """
        The sessions of an account are listed with every field as it was.
        """
        store = self._holding(*OWN)

        assert _by_digest(OWN) == _by_digest(store.of_account(OWNER, 10))

    def test_instants_are_utc(self) -> None:
        """
        Instants are listed aware, in UTC; one that never was is None.
        """
        store = self._holding(*OWN)

        listed = store.of_account(OWNER, 10)

        assert len(OWN) == len(listed)
        assert [] == [
            one.digest
            for one in listed
            for at in (one.opened_at, one.last_seen_at, one.authenticated_at)
            if at is not None and not is_utc(at)
        ]
        assert [SECOND_BROWSER.digest] == [
            one.digest for one in listed if one.authenticated_at is None
        ]

    def test_last_used_comes_first(self) -> None:
        """
        The last used is listed first, whatever was opened or stored last.
        """
        opened_first = attrs.evolve(SESSION, opened_at=NOW - 1_000 * MINUTE)
        store = self._holding(THIRD_BROWSER, opened_first, SECOND_BROWSER)

        assert _digests(OWN) == _digests(store.of_account(OWNER, 10))

    def test_use_moves_it_up(self) -> None:
        """
        A touched session is listed before those that were used before it.
        """
        store = self._holding(*OWN)
        assert store.touch(THIRD_BROWSER.digest, NOW + MINUTE)

        listed = store.of_account(OWNER, 10)

        assert _digests([THIRD_BROWSER, SESSION, SECOND_BROWSER]) == _digests(listed)
        assert NOW + MINUTE == listed[0].last_seen_at

    def test_list_stops_at_the_limit(self) -> None:
        """
        No more are listed than were asked for: those that were used last.
        """
        store = self._holding(*reversed(OWN))

        assert [_digests(OWN[:n]) for n in (1, 2, 3, 3)] == [
            _digests(store.of_account(OWNER, n)) for n in (1, 2, 3, 4)
        ]

    def test_one_account_is_listed(self) -> None:
        """
        The sessions of others are not listed, and take nobody's place.
        """
        used_later = attrs.evolve(OTHER, last_seen_at=NOW + MINUTE)
        store = self._holding(used_later, *OWN)

        assert _digests(OWN) == _digests(store.of_account(OWNER, 3))
        assert _digests([OTHER]) == _digests(store.of_account(OTHER.account_id, 3))

    def test_void_ones_are_in_nobodys_way(self) -> None:
        """
        Those of another credential version may be listed; the others are, in their order.
        """
        void = attrs.evolve(
            SECOND_BROWSER, credential_version=SESSION.credential_version - 1
        )
        store = self._holding(THIRD_BROWSER, void, SESSION)

        listed = store.of_account(OWNER, 10)

        assert _digests([SESSION, THIRD_BROWSER]) == _digests(
            [one for one in listed if one.digest != void.digest]
        )

    def test_nobody_has_no_sessions(self) -> None:
        """
        For an account without sessions nothing is listed and nothing is closed.
        """
        store = self._holding(SESSION)

        assert [] == list(store.of_account(OTHER.account_id, 10))
        assert 0 == store.close_others(OTHER.account_id, "")
        assert SESSION == store.by_digest(SESSION.digest)

    def test_look_alikes_are_others(self) -> None:
        """
        Accounts whose ids some collation takes for one another share no session.
        """
        self.need("supports_any_text")
        people = [
            attrs.evolve(SESSION, digest=f"{n:064x}", account_id=account_id)
            for n, account_id in enumerate(LOOK_ALIKES)
        ]
        store = self._holding(*people)

        listed = [list(store.of_account(one, 100)) for one in LOOK_ALIKES]

        assert [[one] for one in people] == listed
        assert 1 == store.close_others(LOOK_ALIKES[0], "")
        assert [None, *people[1:]] == [store.by_digest(one.digest) for one in people]

    def test_odd_accounts_have_sessions(self) -> None:
        """
        The sessions of an account with a long and odd id are listed and closed.
        """
        self.need("supports_any_text")
        odd, *others = [attrs.evolve(one, account_id=ODD.id) for one in OWN]
        store = self._holding(odd, *others)

        assert _digests(OWN) == _digests(store.of_account(ODD.id, 10))
        assert len(others) == store.close_others(ODD.id, odd.digest)
        assert [odd] == list(store.of_account(ODD.id, 10))

    def test_others_are_closed(self) -> None:
        """
        All sessions of the account but one are gone; that one is as it was.
        """
        store = self._holding(*OWN, OTHER)

        assert 2 == store.close_others(OWNER, SESSION.digest)
        assert [SESSION, None, None] == [store.by_digest(one.digest) for one in OWN]
        assert [SESSION] == list(store.of_account(OWNER, 10))
        assert OTHER == store.by_digest(OTHER.digest)

    def test_void_ones_are_closed_too(self) -> None:
        """
        Sessions under any credential version are removed, and counted.
        """
        versions = (SESSION.credential_version - 1, SESSION.credential_version + 1)
        void = [
            attrs.evolve(SESSION, digest=f"{n:064x}", credential_version=version)
            for n, version in enumerate(versions)
        ]
        store = self._holding(SESSION, *void)

        assert 2 == store.close_others(OWNER, SESSION.digest)
        assert [None, None] == [store.by_digest(one.digest) for one in void]

    def test_closed_once(self) -> None:
        """
        What is closed is not closed again, and does not come back when it is used.
        """
        store = self._holding(*OWN)
        assert 2 == store.close_others(OWNER, SESSION.digest)

        assert 0 == store.close_others(OWNER, SESSION.digest)
        assert not store.touch(SECOND_BROWSER.digest, NOW + MINUTE)
        assert not store.close(THIRD_BROWSER.digest)
        assert [SESSION] == list(store.of_account(OWNER, 10))

    def test_nothing_is_kept_for_nothing(self) -> None:
        """
        Where the one to keep is nobody's, closed or another account's, all are closed.
        """
        store = self._holding(OTHER)
        for n, kept in enumerate(("", "ff" * 32, "D2" * 32, OTHER.digest)):
            for letter in "def":
                store.add(attrs.evolve(SESSION, digest=f"{letter}{n}" * 32))

            assert 3 == store.close_others(OWNER, kept)
            assert [] == list(store.of_account(OWNER, 10))
        assert OTHER == store.by_digest(OTHER.digest)

    def test_many_are_closed_in_one_call(self) -> None:
        """
        However many there are, one call closes them and counts them.
        """
        store = self._holding(SESSION, *_many(250))

        assert 250 == store.close_others(OWNER, SESSION.digest)
        assert [SESSION] == list(store.of_account(OWNER, 300))

    def test_each_is_counted_once(self) -> None:
        """
        Of 16 concurrent calls each counts what it removed itself.
        """
        store = self._holding(SESSION, *_many(MANY))

        closed = self.together(
            [partial(store.close_others, OWNER, SESSION.digest)] * 16
        )

        assert MANY == sum(closed)
        assert [SESSION] == list(store.of_account(OWNER, MANY))

    def test_none_is_closed_by_two(self) -> None:
        """
        A session that is signed out at the same moment is counted here or there.
        """
        many = _many(8)
        store = self._holding(SESSION, *many)
        calls: list[Callable[[], int]] = [
            partial(store.close_others, OWNER, SESSION.digest),
            *(partial(store.close, one.digest) for one in many),
        ]

        assert len(many) == sum(self.together(calls))
        assert [SESSION] == list(store.of_account(OWNER, MANY))

    def test_use_at_the_same_moment_revives_nothing(self) -> None:
        """
        Of sessions that are all used meanwhile the one to keep stays, as it was used.
        """
        many = _many(14)
        store = self._holding(SESSION, *many)

        touches = [
            partial(store.touch, one.digest, NOW + MINUTE) for one in [SESSION, *many]
        ]
        calls: list[Callable[[], int]] = [
            *touches[:8],
            partial(store.close_others, OWNER, SESSION.digest),
            *touches[8:],
        ]

        answers = self.together(calls)

        assert answers[0]
        assert len(many) == answers[8]
        assert [attrs.evolve(SESSION, last_seen_at=NOW + MINUTE)] == list(
            store.of_account(OWNER, MANY)
        )

    def test_two_browsers_may_close_each_other(self) -> None:
        """
        Where each of two keeps itself and both call, none is counted twice or revived.
        """
        store = self._holding(*OWN)

        closed = self.together(
            [
                partial(store.close_others, OWNER, SESSION.digest),
                partial(store.close_others, OWNER, SECOND_BROWSER.digest),
            ]
        )

        assert len(OWN) - len(store.of_account(OWNER, 10)) == sum(closed)
        assert store.by_digest(THIRD_BROWSER.digest) is None

    def test_each_is_counted_once_among_processes(self) -> None:
        """
        Of processes that close the same sessions each counts what it removed itself.
        """
        store = self._holding(SESSION, *_many(MANY))

        closed = self.in_processes(*[[_CLOSE_OTHERS]] * PROCESSES)

        assert MANY == sum(count for [count] in closed)
        assert [SESSION] == list(store.of_account(OWNER, MANY))

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was listed before is read anew: another process may have closed it.
        """
        store = self._holding(*OWN)
        assert _digests(OWN) == _digests(store.of_account(OWNER, 10))

        [done] = self.in_processes(
            [
                methodcaller("close", SESSION.digest),
                methodcaller("touch", THIRD_BROWSER.digest, NOW + MINUTE),
            ]
        )

        assert [True, True] == done
        assert _digests([THIRD_BROWSER, SECOND_BROWSER]) == _digests(
            store.of_account(OWNER, 10)
        )

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was counted is gone, though the process ended at that moment.
        """
        store = self._holding(*OWN)

        [done] = self.in_processes([_CLOSE_OTHERS])

        assert [2] == done
        assert [SESSION] == list(store.of_account(OWNER, 10))

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database either method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(
            of_account=(OWNER, 10),
            close_others=(OWNER, SESSION.digest),
        )

    def _holding(self, *sessions: Session) -> ListedSessions:
        store = self.make()
        for session in sessions:
            store.add(session)
        return store


def _many(count: int) -> list[Session]:
    return [attrs.evolve(SESSION, digest=f"{n:064x}") for n in range(count)]


def _digests(sessions: Sequence[Session]) -> list[str]:
    return [one.digest for one in sessions]


def _by_digest(sessions: Sequence[Session]) -> dict[str, Session]:
    return {one.digest: one for one in sessions}
