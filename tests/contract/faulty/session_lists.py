"""
Session stores that list and close with planted faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Crossing,
    Meeting,
    changing,
    naive,
    planted_in,
)
from uness_auth.model import Session
from uness_auth.storage.memory import MemoryAccounts, MemorySessions, Rows
from uness_auth.testing import contracts


class FaultyLists(MemorySessions):
    contract: ClassVar = contracts.SessionListsContract

    def __init__(self, rows: Rows, joins: MemoryAccounts) -> None:
        super().__init__(rows, joins)
        self.meeting = Meeting()
        self.crossing = Crossing()

    @classmethod
    def build(cls) -> MemorySessions:
        rows = Rows()
        return cls(rows, MemoryAccounts(rows))

    def others(self, account_id: str, kept: str) -> list[str]:
        """
        Return the digests of what is to be closed.
        """
        return [one.digest for one in self._of(account_id) if one.digest != kept]

    def drop(self, digests: Sequence[str]) -> int:
        """
        Remove these, whoever removed them meanwhile; return how many were named.
        """
        for digest in digests:
            _ = self._rows.sessions.pop(digest, None)
        return len(digests)


class ListsWithoutBrowsers(FaultyLists):
    rejected_by = ("test_listed_sessions_come_back_whole",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        listed = super().of_account(account_id, limit)
        return [attrs.evolve(one, browser="") for one in listed]


class ListsWithoutZones(FaultyLists):
    rejected_by = ("test_instants_are_utc",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        listed = super().of_account(account_id, limit)
        return [changing(one, naive) for one in listed]


class ListsNeverAsOnce(FaultyLists):
    rejected_by = ("test_instants_are_utc",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        return [
            attrs.evolve(one, authenticated_at=one.authenticated_at or one.opened_at)
            for one in super().of_account(account_id, limit)
        ]


class ListsByOpening(FaultyLists):
    rejected_by = ("test_last_used_comes_first",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        listed = super().of_account(account_id, 1_000)
        return sorted(listed, key=lambda one: one.opened_at, reverse=True)[:limit]


class ListsAsStored(FaultyLists):
    rejected_by = ("test_last_used_comes_first", "test_use_moves_it_up")

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        return self._of(account_id)[:limit]


class ListsAll(FaultyLists):
    rejected_by = ("test_list_stops_at_the_limit",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        return super().of_account(account_id, 1_000)


class LimitsThenSorts(FaultyLists):
    rejected_by = ("test_list_stops_at_the_limit",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        some = self._of(account_id)[:limit]
        return sorted(some, key=lambda one: one.last_seen_at, reverse=True)


class LimitsThenLooksWhose(FaultyLists):
    rejected_by = ("test_one_account_is_listed",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        everybody = sorted(
            self._rows.sessions.values(), key=lambda one: one.last_seen_at, reverse=True
        )
        return [one for one in everybody[:limit] if one.account_id == account_id]


class StopsAtAVoidOne(FaultyLists):
    rejected_by = ("test_void_ones_are_in_nobodys_way",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        listed = super().of_account(account_id, limit)
        for n, one in enumerate(listed):
            if one.credential_version != listed[0].credential_version:
                return listed[:n]
        return listed


class ListsEverybodyForNobody(FaultyLists):
    rejected_by = ("test_nobody_has_no_sessions",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        listed = super().of_account(account_id, limit)
        return listed or list(self._rows.sessions.values())[:limit]


class ClosesEverybody(FaultyLists):
    rejected_by = ("test_nobody_has_no_sessions", "test_others_are_closed")

    def close_others(self, account_id: str, kept: str, /) -> int:
        return self.drop([one for one in self._rows.sessions if one != kept])


class ListsLookAlikes(FaultyLists):
    rejected_by = ("test_look_alikes_are_others",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        return [
            one
            for one in self._rows.sessions.values()
            if one.account_id.strip().lower() == account_id.strip().lower()
        ][:limit]


class ClosesLookAlikes(FaultyLists):
    rejected_by = ("test_look_alikes_are_others",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        alike = {account_id, account_id.upper()}
        return sum(
            super(ClosesLookAlikes, self).close_others(one, kept) for one in alike
        )


class ListsShortIds(FaultyLists):
    rejected_by = ("test_odd_accounts_have_sessions",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Session]:
        return super().of_account(account_id[:32], limit)


class ClosesTheKeptToo(FaultyLists):
    rejected_by = ("test_others_are_closed",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        is_there = kept in self._rows.sessions
        return self.drop(self.others(account_id, "")) - is_there


class ClosesValidOnesOnly(FaultyLists):
    rejected_by = ("test_void_ones_are_closed_too",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        valid = self._rows.sessions[kept].credential_version
        return self.drop(
            [
                one
                for one in self.others(account_id, kept)
                if self._rows.sessions[one].credential_version == valid
            ]
        )


class MarksAsClosed(FaultyLists):
    rejected_by = ("test_closed_once",)

    def __init__(self, rows: Rows, joins: MemoryAccounts) -> None:
        super().__init__(rows, joins)
        self.closed: set[str] = set()

    def close_others(self, account_id: str, kept: str, /) -> int:
        new = [one for one in self.others(account_id, kept) if one not in self.closed]
        self.closed.update(new)
        return len(new)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        self.closed.discard(digest)
        return super().touch(digest, seen_at)


class KeepsAll(FaultyLists):
    rejected_by = ("test_nothing_is_kept_for_nothing",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        # As where a NULL is compared, or an inner SELECT finds none.
        return super().close_others(account_id, kept) if self.by_digest(kept) else 0


class KeepsLookAlikes(FaultyLists):
    rejected_by = ("test_nothing_is_kept_for_nothing",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        return super().close_others(account_id, kept.lower())


class ClosesAPage(FaultyLists):
    rejected_by = ("test_many_are_closed_in_one_call",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        return self.drop(self.others(account_id, kept)[:100])


class CountsThenCloses(FaultyLists):
    rejected_by = ("test_each_is_counted_once",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        others = self.others(account_id, kept)
        self.meeting.wait()
        return self.drop(others)


class CountsWhatIsSignedOut(FaultyLists):
    rejected_by = ("test_none_is_closed_by_two",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        others = self.others(account_id, kept)
        self.crossing.before_write()
        return self.drop(others)

    def close(self, digest: str, /) -> bool:
        with self.crossing.act():
            return super().close(digest)


class TouchesByWritingBackToLists(FaultyLists):
    rejected_by = ("test_use_at_the_same_moment_revives_nothing",)

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        found = self.by_digest(digest)
        if found is None:
            return False
        self.crossing.before_write()
        self._rows.sessions[digest] = attrs.evolve(found, last_seen_at=seen_at)
        return True

    def close_others(self, account_id: str, kept: str, /) -> int:
        with self.crossing.act():
            return super().close_others(account_id, kept)


class ClosesByWritingBack(FaultyLists):
    rejected_by = ("test_two_browsers_may_close_each_other",)

    def close_others(self, account_id: str, kept: str, /) -> int:
        others, rest = self.others(account_id, kept), self.by_digest(kept)
        self.meeting.wait()
        _ = self.drop(others)
        if rest is not None:
            self._rows.sessions[kept] = rest
        return len(others)


PLANTED: Final = planted_in(FaultyLists)
