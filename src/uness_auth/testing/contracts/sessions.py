"""
What every session store does, and what those do that join.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final, Protocol

import attrs

from ...model import Account, Session
from ...ports import Accounts, JoinedSessions, Sessions
from .accounts import ACCOUNT, LOOK_ALIKES, NEW, ODD
from .accounts import OTHER as OTHER_ACCOUNT
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


SESSION: Final = Session(
    digest="c0" * 32,
    account_id=ACCOUNT.id,
    credential_version=ACCOUNT.credential_version,
    opened_at=NOW - timedelta(hours=1),
    last_seen_at=NOW,
    is_remembered=True,
    authenticated_at=NOW - timedelta(minutes=30),
    browser="Firefox, Windows",
    network="192.0.2.0/24",
)
OTHER: Final = attrs.evolve(
    SESSION,
    digest="c1" * 32,
    account_id=OTHER_ACCOUNT.id,
    is_remembered=False,
    authenticated_at=None,
    browser="",
    network="",
)
# 64 characters, of up to four bytes each: nothing is cut, trimmed, folded or unescaped.
_LONG_TEXT: Final = (
    " \u00c9pi\u0301phanie 9.1 \"'%_\\ \u674e\U0001f98a".ljust(63, "\u20ac") + " "
)
_CLOSE: Final = methodcaller("close", SESSION.digest)


class SessionsContract(StoreContract[Sessions], ABC):
    """
    What every `uness_auth.ports.Sessions` does.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (SESSION.digest,)

    @abstractmethod
    def make(self) -> Sessions:
        """
        Return an empty store.
        """

    def test_session_comes_back_whole(self) -> None:
        """
        A session comes back by its digest with every field as it was.
        """
        store = self._holding(SESSION, OTHER)

        assert SESSION == store.by_digest(SESSION.digest)
        assert OTHER == store.by_digest(OTHER.digest)

    def test_long_texts_come_back_whole(self) -> None:
        """
        Browser and network may have 64 characters, whatever these are.
        """
        long = attrs.evolve(SESSION, browser=_LONG_TEXT, network=_LONG_TEXT[::-1])
        store = self._holding(long)

        assert 64 == len(_LONG_TEXT)
        assert long == store.by_digest(long.digest)

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, to the second.
        """
        found = self._holding(SESSION).by_digest(SESSION.digest)

        assert found is not None
        assert is_utc(found.opened_at)
        assert is_utc(found.last_seen_at)
        assert found.authenticated_at is not None
        assert is_utc(found.authenticated_at)
        assert SESSION.opened_at == found.opened_at

    def test_zones_are_understood(self) -> None:
        """
        Instants given in another time zone come back as the instants that they are.
        """
        foreign = attrs.evolve(
            SESSION,
            opened_at=ELSEWHERE,
            last_seen_at=ELSEWHERE,
            authenticated_at=ELSEWHERE,
        )
        store = self._holding(foreign)

        assert foreign == store.by_digest(SESSION.digest)
        assert store.touch(SESSION.digest, ELSEWHERE + MINUTE)
        assert store.by_digest(SESSION.digest) == attrs.evolve(
            foreign, last_seen_at=NOW + MINUTE
        )

    def test_seconds_are_not_rounded(self) -> None:
        """
        An instant with microseconds comes back as the same second, never as the next.
        """
        late = attrs.evolve(SESSION, opened_at=NOW + LATE, authenticated_at=NOW + LATE)
        store = self._holding(late)
        assert store.touch(SESSION.digest, NOW + LATE)

        found = store.by_digest(SESSION.digest)

        assert found is not None
        assert found.authenticated_at is not None
        assert [NOW] * 3 == [
            second(at)
            for at in (found.opened_at, found.last_seen_at, found.authenticated_at)
        ]

    def test_unknown_session(self) -> None:
        """
        A digest nobody stored is None, is not touched and is not closed.
        """
        store = self._holding(OTHER)

        assert store.by_digest(SESSION.digest) is None
        assert store.by_digest(OTHER.digest.upper()) is None
        assert not store.touch(SESSION.digest, NOW)
        assert not store.close(SESSION.digest)

    def test_touched(self) -> None:
        """
        A touch moves `last_seen_at` of that session and nothing else.
        """
        store = self._holding(SESSION, OTHER)

        assert store.touch(SESSION.digest, NOW + MINUTE)
        assert store.by_digest(SESSION.digest) == attrs.evolve(
            SESSION, last_seen_at=NOW + MINUTE
        )
        assert OTHER == store.by_digest(OTHER.digest)

    def test_touch_never_moves_back(self) -> None:
        """
        A touch that comes late finds the session, and leaves the later time.
        """
        store = self._holding(SESSION)

        assert store.touch(SESSION.digest, NOW - MINUTE)
        assert SESSION == store.by_digest(SESSION.digest)

    def test_touched_twice_is_found(self) -> None:
        """
        A touch that changes nothing is True: the session is open.

        A database may count the rows that it changed rather than those that it found.
        """
        store = self._holding(SESSION)

        assert store.touch(SESSION.digest, SESSION.last_seen_at)
        assert SESSION == store.by_digest(SESSION.digest)

    def test_the_latest_touch_stays(self) -> None:
        """
        Of 16 concurrent touches the latest stays, whichever came last.
        """
        store = self._holding(SESSION)
        latest_first = [NOW + n * SECOND for n in range(16, 0, -1)]

        touched = self.together(
            [partial(store.touch, SESSION.digest, at) for at in latest_first]
        )

        found = store.by_digest(SESSION.digest)
        assert [True] * 16 == touched
        assert found is not None
        assert latest_first[0] == found.last_seen_at

    def test_touch_revives_nothing(self) -> None:
        """
        A closed session is not touched and does not come back.
        """
        store = self._holding(SESSION)
        assert store.close(SESSION.digest)

        assert not store.touch(SESSION.digest, NOW + MINUTE)
        assert store.by_digest(SESSION.digest) is None

    def test_touch_at_the_same_moment_revives_nothing(self) -> None:
        """
        A session that is closed beside 15 touches is closed.
        """
        store = self._holding(SESSION)
        touch = partial(store.touch, SESSION.digest, NOW + MINUTE)

        answers = self.together(
            [touch] * 7 + [partial(store.close, SESSION.digest)] + [touch] * 8
        )

        assert answers[7]
        assert store.by_digest(SESSION.digest) is None

    def test_closed_once(self) -> None:
        """
        A session is closed by one call; the other sessions stay open.
        """
        store = self._holding(SESSION, OTHER)

        assert store.close(SESSION.digest)
        assert not store.close(SESSION.digest)
        assert store.by_digest(SESSION.digest) is None
        assert OTHER == store.by_digest(OTHER.digest)

    def test_close_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls exactly one closes the session.
        """
        store = self._holding(SESSION)

        won = self.together([partial(store.close, SESSION.digest)] * 16)

        assert 1 == won.count(True)

    def test_purged_when_long_unseen(self) -> None:
        """
        A purge removes what was last seen before, not at that very second.
        """
        self.need("supports_purge")
        store = self._holding(SESSION, attrs.evolve(OTHER, last_seen_at=NOW + MINUTE))

        assert 0 == store.purge(NOW, 10)
        assert 1 == store.purge(NOW + SECOND, 10)
        assert 0 == store.purge(NOW + SECOND, 10)
        assert store.by_digest(SESSION.digest) is None
        assert store.by_digest(OTHER.digest) is not None

    def test_purge_stops_at_the_limit(self) -> None:
        """
        A purge removes no more than it was told to.
        """
        self.need("supports_purge")
        store = self._holding(
            *(attrs.evolve(SESSION, digest=f"{n:064x}") for n in range(5))
        )

        assert [2, 2, 1, 0] == [store.purge(NOW + SECOND, 2) for _ in range(4)]

    def test_purges_count_each_once(self) -> None:
        """
        Of purges at the same moment each counts what it removed itself.
        """
        self.need("supports_purge")
        store = self._holding(
            *(attrs.evolve(SESSION, digest=f"{n:064x}") for n in range(20))
        )

        removed = self.together([partial(store.purge, NOW + SECOND, 4)] * 8)

        assert 20 == sum(removed) + store.purge(NOW + SECOND, 100)

    def test_close_has_one_winner_among_processes(self) -> None:
        """
        Of processes that close one session exactly one does.
        """
        _ = self._holding(SESSION)

        won = self.in_processes(*[[_CLOSE]] * PROCESSES)

        assert 1 == won.count([True])

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was read before is read anew: another process may have closed it.
        """
        store = self._holding(SESSION, OTHER)
        assert SESSION == store.by_digest(SESSION.digest)
        assert OTHER == store.by_digest(OTHER.digest)

        [done] = self.in_processes(
            [_CLOSE, methodcaller("touch", OTHER.digest, NOW + MINUTE)]
        )

        assert [True, True] == done
        assert store.by_digest(SESSION.digest) is None
        assert store.by_digest(OTHER.digest) == attrs.evolve(
            OTHER, last_seen_at=NOW + MINUTE
        )

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was answered is written, though the process ended at that moment.
        """
        store = self._holding(SESSION)

        _ = self.in_processes([_CLOSE, methodcaller("add", OTHER)])

        assert store.by_digest(SESSION.digest) is None
        assert OTHER == store.by_digest(OTHER.digest)
        assert store.close(OTHER.digest)

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(
            add=(SESSION,),
            by_digest=(SESSION.digest,),
            touch=(SESSION.digest, NOW),
            close=(SESSION.digest,),
            purge=(NOW, 10),
        )

    def _holding(self, *sessions: Session) -> Sessions:
        store = self.make()
        for session in sessions:
            store.add(session)
        return store


class JoiningSessions(Sessions, JoinedSessions, Protocol):
    """
    A session store that joins.
    """


class JoinedSessionsContract(StoreContract[JoiningSessions], ABC):
    """
    What every `uness_auth.ports.JoinedSessions` does, beside `SessionsContract`.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (SESSION.digest,)

    @abstractmethod
    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        """
        Return an empty session store, and the account store that holds *accounts*.
        """

    def test_joins_these_accounts(self) -> None:
        """
        The store says which account store it reads: this very object.
        """
        sessions, accounts = self.make()

        assert sessions.joins is accounts

    def test_session_comes_with_its_account(self) -> None:
        """
        Both come back with every field, the account being the session's own.
        """
        sessions, _ = self.make(OTHER_ACCOUNT, ACCOUNT)
        for session in (OTHER, SESSION):
            sessions.add(session)

        assert (SESSION, ACCOUNT) == sessions.with_account(SESSION.digest)
        assert (OTHER, OTHER_ACCOUNT) == sessions.with_account(OTHER.digest)

    def test_odd_accounts_come_with_their_sessions(self) -> None:
        """
        A session of an account with a long and odd id finds it.
        """
        self.need("supports_any_text")
        sessions, _ = self.make(ACCOUNT, ODD)
        odd = attrs.evolve(SESSION, account_id=ODD.id)
        sessions.add(odd)

        assert (odd, ODD) == sessions.with_account(odd.digest)

    def test_accounts_are_matched_exactly(self) -> None:
        """
        A session of one account never comes with that of a look-alike.
        """
        self.need("supports_any_text")
        sessions, _ = self.make(attrs.evolve(ACCOUNT, id="mike"))
        for n, account_id in enumerate(LOOK_ALIKES):
            one = attrs.evolve(SESSION, digest=f"{n:064x}", account_id=account_id)
            sessions.add(one)

        found = [sessions.with_account(f"{n:064x}") for n in range(len(LOOK_ALIKES))]

        assert found[0] is not None
        assert [None] * (len(LOOK_ALIKES) - 1) == found[1:]

    def test_states_come_along(self) -> None:
        """
        A disabled account comes with its session, so that the session can be refused.
        """
        disabled = attrs.evolve(ACCOUNT, is_disabled=True)
        sessions, _ = self.make(disabled)
        sessions.add(SESSION)

        assert (SESSION, disabled) == sessions.with_account(SESSION.digest)

    def test_none_without_either(self) -> None:
        """
        No session, a closed one, or one without its account is None.
        """
        sessions, _ = self.make(OTHER_ACCOUNT)
        sessions.add(SESSION)
        sessions.add(OTHER)
        assert sessions.close(OTHER.digest)

        assert sessions.with_account("ff" * 32) is None
        assert sessions.with_account(SESSION.digest) is None
        assert sessions.with_account(OTHER.digest) is None

    def test_changes_are_seen_at_once(self) -> None:
        """
        A version that moved is seen by the next look, so that the session is void.
        """
        sessions, _ = self.make(ACCOUNT)
        sessions.add(SESSION)
        assert (SESSION, ACCOUNT) == sessions.with_account(SESSION.digest)

        assert _set_password(sessions, account=ACCOUNT)

        assert (SESSION, NEW) == sessions.with_account(SESSION.digest)

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        A version that another process moved is seen by the next look.
        """
        sessions, _ = self.make(ACCOUNT, OTHER_ACCOUNT)
        sessions.add(SESSION)
        sessions.add(OTHER)
        assert (SESSION, ACCOUNT) == sessions.with_account(SESSION.digest)
        assert (OTHER, OTHER_ACCOUNT) == sessions.with_account(OTHER.digest)

        _ = self.in_processes(
            [
                partial(_set_password, account=ACCOUNT),
                methodcaller("close", OTHER.digest),
            ]
        )

        assert (SESSION, NEW) == sessions.with_account(SESSION.digest)
        assert sessions.with_account(OTHER.digest) is None

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database the join raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(with_account=(SESSION.digest,))


def _set_password(sessions: JoiningSessions, *, account: Account) -> bool:
    version = account.credential_version
    return sessions.joins.set_password(account.id, NEW.password_hash, version)
