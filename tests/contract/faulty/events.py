"""
Stores of events with planted faults.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import attrs

from tests.contract.faulty.planting import (
    Meeting,
    changing,
    local,
    naive,
    planted_in,
    rounded,
)
from uness_auth.errors import StorageError
from uness_auth.events import Event, EventKind
from uness_auth.storage.memory import MemoryEvents, Rows
from uness_auth.testing import contracts
from uness_auth.testing.contracts.base import NOW


class FaultyEvents(MemoryEvents):
    contract: ClassVar = contracts.EventsContract

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.meeting = Meeting()
        self.erased: set[str] = set()

    @classmethod
    def build(cls) -> MemoryEvents:
        return cls(Rows())

    @property
    def kept(self) -> list[Event]:
        """
        Every event, as they were added.
        """
        return list(self._rows.events)

    def keep(self, events: Sequence[Event]) -> None:
        """
        Keep these and no others.
        """
        self._rows.events.clear()
        self._rows.events.extend(events)

    def own(self, account_id: str) -> list[Event]:
        """
        The events of the account, as they were added.
        """
        return [one for one in self._rows.events if one.account_id == account_id]


class EventsWithoutNetworks(FaultyEvents):
    rejected_by = ("test_event_comes_back_whole",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add([attrs.evolve(one, network="") for one in events])


class KnowsTheKindsOfLastYear(FaultyEvents):
    rejected_by = ("test_every_kind_is_kept",)

    def add(self, events: Sequence[Event], /) -> None:
        known = list(EventKind)[:-1]
        super().add([one for one in events if one.kind in known])


class CutsReasons(FaultyEvents):
    rejected_by = ("test_long_texts_come_back_whole",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add([attrs.evolve(one, reason=one.reason[:255]) for one in events])


class EventsWithoutZones(FaultyEvents):
    rejected_by = ("test_instants_are_utc",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        return [changing(one, naive) for one in super().of_account(account_id, limit)]


class EventsByTheWallClock(FaultyEvents):
    rejected_by = ("test_zones_are_understood",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add([changing(one, local) for one in events])


class RoundsEvents(FaultyEvents):
    rejected_by = ("test_seconds_are_not_rounded",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add([changing(one, rounded) for one in events])


class EventsAsASet(FaultyEvents):
    rejected_by = ("test_the_same_may_happen_twice",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add([one for one in dict.fromkeys(events) if one not in self.kept])


class EventsAsTheyCame(FaultyEvents):
    rejected_by = ("test_newest_comes_first",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        return self.own(account_id)[::-1][:limit]


class AnyOrderWithinASecond(FaultyEvents):
    rejected_by = ("test_a_second_has_an_order",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        own = self.own(account_id)
        return sorted(own, key=lambda one: one.at, reverse=True)[:limit]


class ListsAllEvents(FaultyEvents):
    rejected_by = ("test_list_stops_at_the_limit",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        return super().of_account(account_id, 1_000)


class ListsTheFirstEvents(FaultyEvents):
    rejected_by = ("test_list_stops_at_the_limit",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        return self.own(account_id)[:limit][::-1]


class LimitsEverybodysEvents(FaultyEvents):
    rejected_by = ("test_one_account_is_listed",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        newest = sorted(self.kept, key=lambda one: one.at, reverse=True)[:limit]
        return [one for one in newest if one.account_id == account_id]


class ListsEventsOfLookAlikes(FaultyEvents):
    rejected_by = ("test_look_alikes_are_others",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        wanted = account_id.strip().lower()
        return [one for one in self.kept if one.account_id.strip().lower() == wanted][
            :limit
        ]


class ErasesLookAlikes(FaultyEvents):
    rejected_by = ("test_look_alikes_are_others",)

    def erase(self, account_id: str, /) -> int:
        alike = {account_id, account_id.upper()}
        return sum(super(ErasesLookAlikes, self).erase(one) for one in alike)


class EventsOfShortIds(FaultyEvents):
    rejected_by = ("test_odd_accounts_have_events",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add(
            [attrs.evolve(one, account_id=one.account_id[:32]) for one in events]
        )


class ListsNobodys(FaultyEvents):
    rejected_by = ("test_nobody_has_no_events",)

    def of_account(self, account_id: str, limit: int, /) -> Sequence[Event]:
        return self.own(account_id)[:limit]


class ErasesNobodys(FaultyEvents):
    rejected_by = ("test_nobody_has_no_events",)

    def erase(self, account_id: str, /) -> int:
        return super().erase(account_id) or len(self.own(account_id))


class AddsDefaults(FaultyEvents):
    rejected_by = ("test_nothing_is_added_for_nothing",)

    def add(self, events: Sequence[Event], /) -> None:
        nothing = Event(kind=EventKind.SIGNED_IN, at=NOW, account_id="4711")
        super().add(events or [nothing])


class AddsAsManyAsFit(FaultyEvents):
    rejected_by = ("test_many_are_added_at_once",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add(events[:999])


class AddsOneByOne(FaultyEvents):
    rejected_by = ("test_all_or_none_are_added",)

    def add(self, events: Sequence[Event], /) -> None:
        for event in events:
            if not event.reason.isprintable():
                msg = "no such character"
                raise StorageError(msg)
            super().add([event])


class CountsAndLeaves(FaultyEvents):
    rejected_by = ("test_erased_events_are_listed_no_more", "test_erased_once")

    def erase(self, account_id: str, /) -> int:
        return len(self.own(account_id))


class KeepsAddresses(FaultyEvents):
    rejected_by = ("test_erased_events_name_nobody",)

    def erase(self, account_id: str, /) -> int:
        own = self.own(account_id)
        self.keep(
            [
                attrs.evolve(one, account_id="") if one in own else one
                for one in self.kept
            ]
        )
        return len(own)


class EmptiesMethods(FaultyEvents):
    rejected_by = ("test_erased_events_name_nobody",)

    def erase(self, account_id: str, /) -> int:
        own = self.own(account_id)
        self.keep(
            [
                Event(kind=one.kind, at=one.at) if one in own else one
                for one in self.kept
            ]
        )
        return len(own)


class RemovesThem(FaultyEvents):
    rejected_by = ("test_erased_events_are_still_counted",)

    def erase(self, account_id: str, /) -> int:
        own = self.own(account_id)
        self.keep([one for one in self.kept if one not in own])
        return len(own)


class RemembersWhoIsErased(FaultyEvents):
    rejected_by = ("test_erased_once",)

    def erase(self, account_id: str, /) -> int:
        if account_id in self.erased:
            return 0
        self.erased.add(account_id)
        return super().erase(account_id)


class ErasesAPage(FaultyEvents):
    rejected_by = ("test_many_are_erased_in_one_call",)

    def erase(self, account_id: str, /) -> int:
        return min(super().erase(account_id), 1_000)


class CountsThenErases(FaultyEvents):
    rejected_by = ("test_each_is_erased_once",)

    def erase(self, account_id: str, /) -> int:
        count = len(self.own(account_id))
        self.meeting.wait()
        _ = super().erase(account_id)
        return count


class AddsByWritingBack(FaultyEvents):
    rejected_by = ("test_none_is_lost_among_threads",)

    def add(self, events: Sequence[Event], /) -> None:
        kept = self.kept
        self.meeting.wait()
        self.keep([*kept, *events])


class MixesWhatIsToldTogether(FaultyEvents):
    rejected_by = ("test_none_is_lost_among_threads",)

    def add(self, events: Sequence[Event], /) -> None:
        super().add(events[::-1])


class PurgesEveryKind(FaultyEvents):
    rejected_by = ("test_purge_by_kind",)

    def purge(
        self,
        kinds: Collection[EventKind],
        before: datetime,
        limit: int,
        /,
    ) -> int:
        return super().purge(frozenset(EventKind), before, limit)


class PurgesThatVerySecond(FaultyEvents):
    rejected_by = ("test_purge_keeps_what_is_young",)

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        late = before.replace(microsecond=1)
        return super().purge(kinds, late, limit)


class LimitsEachKind(FaultyEvents):
    rejected_by = ("test_purge_stops_at_the_limit",)

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        purge = super().purge
        return sum(purge({kind}, before, limit) for kind in kinds)


class CountsThenPurgesEvents(FaultyEvents):
    rejected_by = ("test_purges_share_the_work",)

    def purge(
        self, kinds: Collection[EventKind], before: datetime, limit: int, /
    ) -> int:
        count = sum(one.kind in kinds and one.at < before for one in self.kept)
        self.meeting.wait()
        _ = super().purge(kinds, before, limit)
        return min(count, limit)


def reading(fault: Any) -> type:
    """
    Return what a contract is offered that looks at all there is.
    """

    class Offers:
        def make(self) -> MemoryEvents:
            made: MemoryEvents = fault.build()
            self.made = made
            return made

        def read_all(self) -> Sequence[Event]:
            return list(self.made._rows.events)  # noqa: SLF001 - nothing else lists all

    return Offers


PLANTED: Final = [
    attrs.evolve(planted, offers=reading(fault))
    for planted, fault in zip(
        planted_in(FaultyEvents), FaultyEvents.__subclasses__(), strict=True
    )
]
