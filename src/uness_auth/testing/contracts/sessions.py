"""
What every session store does, and what those do that join.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import attrs

from ...model import Account, Session
from ...ports import Accounts, JoinedSessions, Sessions
from .accounts import ACCOUNT
from .accounts import OTHER as OTHER_ACCOUNT
from .base import MINUTE, NOW, SECOND, StoreContract, is_utc


SESSION: Final = Session(
    digest="c0" * 32,
    account_id=ACCOUNT.id,
    credential_version=ACCOUNT.credential_version,
    opened_at=NOW - timedelta(hours=1),
    last_seen_at=NOW,
    is_remembered=True,
)
OTHER: Final = attrs.evolve(SESSION, digest="c1" * 32, is_remembered=False)


class SessionsContract(StoreContract[Sessions], ABC):
    """
    What every `uness_auth.ports.Sessions` does.

    Subclass it in your test suite and build an empty store in `make`.
    """

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

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, to the second.
        """
        found = self._holding(SESSION).by_digest(SESSION.digest)

        assert found is not None
        assert is_utc(found.opened_at)
        assert is_utc(found.last_seen_at)
        assert SESSION.opened_at == found.opened_at

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
        store = self._holding(
            *(attrs.evolve(SESSION, digest=f"{n:064x}") for n in range(5))
        )

        assert [2, 2, 1, 0] == [store.purge(NOW + SECOND, 2) for _ in range(4)]

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
        sessions.add(OTHER)
        sessions.add(SESSION)

        assert (SESSION, ACCOUNT) == sessions.with_account(SESSION.digest)

    def test_none_without_either(self) -> None:
        """
        No session, a closed one, or one without its account is None.
        """
        sessions, _ = self.make(OTHER_ACCOUNT)
        sessions.add(SESSION)
        sessions.add(attrs.evolve(OTHER, account_id=OTHER_ACCOUNT.id))
        assert sessions.close(OTHER.digest)

        assert sessions.with_account("ff" * 32) is None
        assert sessions.with_account(SESSION.digest) is None
        assert sessions.with_account(OTHER.digest) is None

    def test_changes_are_seen_at_once(self) -> None:
        """
        A version that moved is seen by the next look, so that the session is void.
        """
        sessions, accounts = self.make(ACCOUNT)
        sessions.add(SESSION)
        _ = sessions.with_account(SESSION.digest)
        assert accounts.set_password(ACCOUNT.id, "new", ACCOUNT.credential_version)

        found = sessions.with_account(SESSION.digest)

        assert found is not None
        assert ACCOUNT.credential_version + 1 == found[1].credential_version
