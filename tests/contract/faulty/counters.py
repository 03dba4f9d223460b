"""
Counter stores with planted faults.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from tests.contract.faulty.planting import (
    Meeting,
    local,
    planted_in,
    to_the_minute,
)
from uness_auth.storage.memory import (
    MemoryCounters,
    Rows,
)
from uness_auth.testing import contracts
from uness_auth.testing.contracts.base import SECOND


class FaultyCounters(MemoryCounters):
    contract: ClassVar = contracts.CountersContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()

    @classmethod
    def build(cls) -> MemoryCounters:
        return cls(Rows())

    def overwrite(self, key: str, after: str, expires_at: datetime) -> bool:
        swap = super().swap
        while not swap(key, self.read(key), after, expires_at):
            continue
        return True


class ReadsEmptyTexts(FaultyCounters):
    rejected_by = (
        "test_nothing_stands_at_first",
        "test_text_is_not_swapped_for_nothing",
    )

    def read(self, key: str, /) -> str | None:
        return super().read(key) or ""


class WritesFirstTextsAnywhere(FaultyCounters):
    rejected_by = ("test_first_text",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        before = self.read(key) if before is None else before
        return super().swap(key, before, after, expires_at)


class SharesKeys(FaultyCounters):
    rejected_by = ("test_swapped", "test_numbers_start_at_zero")

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        done = super().swap(key, before, after, expires_at)
        for other in [one for one in self._rows.counters if one != key]:
            _ = super().swap(other, self.read(other), after, expires_at)
        return done

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key[:8] and "", delta, expires_at)


class SwapsAnything(FaultyCounters):
    rejected_by = (
        "test_stale_text_is_not_swapped",
        "test_text_is_not_swapped_for_nothing",
    )

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        return super().swap(key, self.read(key), after, expires_at)


class FoldsTexts(FaultyCounters):
    rejected_by = ("test_texts_are_compared_exactly",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        known = self.read(key)
        if known is not None and before is not None:
            before = known if known.lower() == before.rstrip().lower() else before
        return super().swap(key, before, after, expires_at)


class CutsTexts(FaultyCounters):
    rejected_by = ("test_long_texts_stay_whole",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        return super().swap(key, before and before[:255], after[:255], expires_at)


class LooksThenWrites(FaultyCounters):
    rejected_by = ("test_first_text_has_one_winner",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        if self.read(key) is not None:
            return False
        self.meeting.wait()
        return self.overwrite(key, after, expires_at)


class LooksThenSwaps(FaultyCounters):
    rejected_by = ("test_swap_has_one_winner",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        if before is None:
            return super().swap(key, before, after, expires_at)
        if self.read(key) != before:
            return False
        self.meeting.wait()
        return self.overwrite(key, after, expires_at)


class CountsBelowZero(FaultyCounters):
    rejected_by = ("test_numbers_never_fall_below_zero",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta or 0, expires_at) or min(delta, 0)


class CountsLooks(FaultyCounters):
    rejected_by = ("test_none_only_looks",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta or 1, expires_at)


class LooksThenAddsUp(FaultyCounters):
    rejected_by = ("test_no_call_is_lost",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        before = super().add(key, 0, expires_at)
        self.meeting.wait()
        now = super().add(key, 0, expires_at)
        return super().add(key, before + delta - now, expires_at)


class LooksThenGivesBack(FaultyCounters):
    rejected_by = ("test_what_is_given_back_is_given_back",)

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.all_have_taken = Meeting(8)
        self.all_have_looked = Meeting(8)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        if delta > 0:
            return super().add(key, delta, expires_at)
        self.all_have_taken.wait()
        before = super().add(key, 0, expires_at)
        self.all_have_looked.wait()
        now = super().add(key, 0, expires_at)
        return super().add(key, before + delta - now, expires_at)


class PurgesWhatExpiresNow(FaultyCounters):
    rejected_by = ("test_purged_when_expired",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before + SECOND, limit)


class PurgesAllCounters(FaultyCounters):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(self, before: datetime, limit: int, /) -> int:
        return super().purge(before, 1_000)


class KeepsTheFirstEnd(FaultyCounters):
    rejected_by = ("test_a_later_call_keeps_longer",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        row = self._rows.counters.get(key)
        return super().add(key, delta, row.expires_at if row else expires_at)


class TakesEmptyTextsForNothing(FaultyCounters):
    rejected_by = ("test_empty_text_is_a_text",)

    def read(self, key: str, /) -> str | None:
        return super().read(key) or None


class CountsSwappedRows(FaultyCounters):
    rejected_by = ("test_swapped_for_the_same",)

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        return super().swap(key, before, after, expires_at) and before != after


class MovesTheEndBack(FaultyCounters):
    rejected_by = ("test_an_earlier_end_keeps_no_shorter",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        number = super().add(key, delta, expires_at)
        self._rows.counters[key].expires_at = expires_at
        return number


class LooksCreateRows(FaultyCounters):
    rejected_by = ("test_looks_leave_nothing",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        if delta == 0:
            _ = super().add(key, 1, expires_at)
            return super().add(key, -1, expires_at)
        return super().add(key, delta, expires_at)


class KeepsLocalEnds(FaultyCounters):
    rejected_by = ("test_zones_are_understood",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta, local(expires_at))


class CutsEnds(FaultyCounters):
    rejected_by = ("test_purged_when_expired",)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        return super().add(key, delta, to_the_minute(expires_at))


class CountsThenPurgesCounters(FaultyCounters):
    rejected_by = ("test_purges_count_each_once",)

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.all_have_counted = Meeting(8)

    def purge(self, before: datetime, limit: int, /) -> int:
        over = [one for one in self._rows.counters.values() if one.expires_at < before]
        self.all_have_counted.wait()
        _ = super().purge(before, limit)
        return len(over[:limit])


PLANTED: Final = planted_in(FaultyCounters)
