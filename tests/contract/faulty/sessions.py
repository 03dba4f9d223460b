"""
Session stores with planted faults, and those that join.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Crossing,
    Meeting,
    changing,
    local,
    naive,
    planted_in,
    rounded,
    to_the_minute,
)
from uness_auth.model import Account, Session
from uness_auth.storage.memory import (
    MemoryAccounts,
    MemoryRegistry,
    MemorySessions,
    Rows,
)
from uness_auth.testing import contracts
from uness_auth.testing.contracts.base import NOW, SECOND


LATEST: Final = NOW + 16 * SECOND  # in test_the_latest_touch_stays


class FaultySessions(MemorySessions):
    contract: ClassVar = contracts.SessionsContract

    def __init__(self, rows: Rows, joins: MemoryAccounts) -> None:
        super().__init__(rows, joins)
        self.meeting = Meeting()
        self.crossing = Crossing()

    @classmethod
    def build(cls) -> MemorySessions:
        rows = Rows()
        return cls(rows, MemoryAccounts(rows))

    def force(self, digest: str, **changes: Any) -> bool:
        self._rows.sessions[digest] = attrs.evolve(
            self._rows.sessions[digest], **changes
        )
        return True


class RemembersEverybody(FaultySessions):
    rejected_by = ("test_session_comes_back_whole",)

    def add(self, session: Session, /) -> None:
        super().add(attrs.evolve(session, is_remembered=True))


class NeverAsksAgain(FaultySessions):
    rejected_by = ("test_session_comes_back_whole",)

    def add(self, session: Session, /) -> None:
        at = session.authenticated_at or session.opened_at
        super().add(attrs.evolve(session, authenticated_at=at))


class ForgetsTheZoneOfProofs(FaultySessions):
    rejected_by = ("test_instants_are_utc",)

    def by_digest(self, digest: str, /) -> Session | None:
        found = super().by_digest(digest)
        if found is None or found.authenticated_at is None:
            return found
        return attrs.evolve(found, authenticated_at=naive(found.authenticated_at))


class CutsBrowsers(FaultySessions):
    rejected_by = ("test_long_texts_come_back_whole",)

    def add(self, session: Session, /) -> None:
        # As a column of 64 bytes would.
        cut = session.browser.encode()[:64].decode(errors="ignore")
        super().add(attrs.evolve(session, browser=cut))


class TrimsNetworks(FaultySessions):
    rejected_by = ("test_long_texts_come_back_whole",)

    def add(self, session: Session, /) -> None:
        super().add(attrs.evolve(session, network=session.network.rstrip()))


class ForgetsTheZoneOfSessions(FaultySessions):
    rejected_by = ("test_instants_are_utc", "test_session_comes_back_whole")

    def by_digest(self, digest: str, /) -> Session | None:
        found = super().by_digest(digest)
        return found and attrs.evolve(found, opened_at=naive(found.opened_at))


class FoldsDigests(FaultySessions):
    rejected_by = ("test_unknown_session",)

    def by_digest(self, digest: str, /) -> Session | None:
        return super().by_digest(digest.lower())


class TouchesEverybody(FaultySessions):
    rejected_by = ("test_touched",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        for other in self._rows.sessions:
            _ = super().touch(other, seen_at)
        return super().touch(digest, seen_at)


class TouchesBack(FaultySessions):
    rejected_by = ("test_touch_never_moves_back",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        return self.force(digest, last_seen_at=seen_at)


class TouchesLateInVain(FaultySessions):
    rejected_by = ("test_touch_never_moves_back",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        found = self.by_digest(digest)
        is_later = found is not None and found.last_seen_at < seen_at
        return is_later and super().touch(digest, seen_at)


class LastTouchStays(FaultySessions):
    rejected_by = ("test_the_latest_touch_stays",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        if seen_at == LATEST:
            with self.crossing.act():
                return super().touch(digest, seen_at)
        self.crossing.before_write()
        return self.force(digest, last_seen_at=seen_at)


class TouchRevives(FaultySessions):
    rejected_by = ("test_touch_revives_nothing", "test_unknown_session")

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        if not super().touch(digest, seen_at):
            self._rows.sessions[digest] = Session(
                digest=digest,
                account_id="",
                credential_version=0,
                opened_at=seen_at,
                last_seen_at=seen_at,
            )
        return True


class TouchesByWritingBack(FaultySessions):
    rejected_by = ("test_touch_at_the_same_moment_revives_nothing",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        found = self.by_digest(digest)
        if found is None:
            return False
        self.crossing.before_write()
        self._rows.sessions[digest] = attrs.evolve(found, last_seen_at=seen_at)
        return True

    def close(self, digest: str, /) -> bool:
        with self.crossing.act():
            return super().close(digest)


class ClosesNothing(FaultySessions):
    rejected_by = ("test_closed_once",)

    def close(self, digest: str, /) -> bool:
        return digest in self._rows.sessions


class LooksThenCloses(FaultySessions):
    rejected_by = ("test_close_has_one_winner",)

    def close(self, digest: str, /) -> bool:
        is_open = digest in self._rows.sessions
        self.meeting.wait()
        _ = super().close(digest)
        return is_open


class PurgesWhatWasSeenNow(FaultySessions):
    rejected_by = ("test_purged_when_long_unseen",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before + SECOND, limit)


class PurgesAllSessions(FaultySessions):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


class FaultyJoin(MemorySessions):
    contract: ClassVar = contracts.JoinedSessionsContract

    @classmethod
    def build(cls, *accounts: Account) -> tuple[MemorySessions, MemoryAccounts]:
        rows = Rows()
        store = MemoryAccounts(rows)
        _ = MemoryRegistry(rows).apply(accounts)
        return cls(rows, store), store


class JoinsOthers(FaultyJoin):
    rejected_by = ("test_joins_these_accounts",)

    @classmethod
    def build(cls, *accounts: Account) -> tuple[MemorySessions, MemoryAccounts]:
        store, _ = super().build(*accounts)
        return store, MemoryAccounts(Rows())


class JoinsAnyAccount(FaultyJoin):
    rejected_by = ("test_session_comes_with_its_account", "test_none_without_either")

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        found = self.by_digest(digest)
        if found is None:
            return None
        return found, next(iter(self._rows.accounts.values()))


class JoinsOnce(FaultyJoin):
    rejected_by = ("test_changes_are_seen_at_once",)
    known: tuple[Session, Account] | None = None

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        self.known = self.known or super().with_account(digest)
        return self.known


class CutsSecondsOfSessions(FaultySessions):
    rejected_by = ("test_session_comes_back_whole", "test_instants_are_utc")

    def by_digest(self, digest: str, /) -> Session | None:
        found = super().by_digest(digest)
        return found and changing(found, to_the_minute)


class KeepsLocalTimeOfSessions(FaultySessions):
    rejected_by = ("test_zones_are_understood",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        return super().touch(digest, local(seen_at))


class RoundsUpSessions(FaultySessions):
    rejected_by = ("test_seconds_are_not_rounded",)

    def by_digest(self, digest: str, /) -> Session | None:
        found = super().by_digest(digest)
        return found and changing(found, rounded)


class CountsTouchedRows(FaultySessions):
    rejected_by = ("test_touched_twice_is_found",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        before = self._rows.sessions.get(digest)
        return super().touch(digest, seen_at) and before != self._rows.sessions[digest]


class CountsThenPurgesSessions(FaultySessions):
    rejected_by = ("test_purges_count_each_once",)

    def __init__(self, rows: Rows, joins: MemoryAccounts) -> None:
        super().__init__(rows, joins)
        self.all_have_counted = Meeting(8)

    def purge(self, before: datetime, limit: int, /) -> int:
        over = [
            one for one in self._rows.sessions.values() if one.last_seen_at < before
        ]
        self.all_have_counted.wait()
        _ = super().purge(before, limit)
        return len(over[:limit])


class JoinsShortIds(FaultyJoin):
    rejected_by = ("test_odd_accounts_come_with_their_sessions",)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        session = self.by_digest(digest)
        if session is None:
            return None
        account = self.joins.by_id(session.account_id[:32])
        return None if account is None else (session, account)


class JoinsLookAlikes(FaultyJoin):
    rejected_by = ("test_accounts_are_matched_exactly",)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        session = self.by_digest(digest)
        if session is None:
            return None
        account = self.joins.by_id(session.account_id.strip().lower())
        return None if account is None else (session, account)


class JoinsOpenAccountsOnly(FaultyJoin):
    rejected_by = ("test_states_come_along",)

    def with_account(self, digest: str, /) -> tuple[Session, Account] | None:
        found = super().with_account(digest)
        return None if found is None or found[1].is_disabled else found


PLANTED: Final = planted_in(FaultySessions, FaultyJoin)
