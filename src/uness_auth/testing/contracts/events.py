"""
What every store does that keeps events.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final

import attrs

from ...errors import StorageError
from ...events import ATTEMPTS, HISTORY, LONGEST_REASON, Event, EventKind
from ...ports import Events
from .accounts import ACCOUNT, LOOK_ALIKES, ODD
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


OWNER: Final = ACCOUNT.id
EVENT: Final = Event(
    kind=EventKind.SIGNED_IN,
    at=NOW,
    account_id=OWNER,
    address="c…@univ-exemple.fr",
    network="192.0.2.0/24",
    method="password",
    reason="a reason for the operator alone",
)
OTHER: Final = attrs.evolve(EVENT, account_id=OTHER_ACCOUNT.id)
NOBODYS: Final = attrs.evolve(EVENT, kind=EventKind.ADDRESS_UNKNOWN, account_id="")
BARE: Final = Event(kind=EventKind.MAIL_FAILED, at=NOW, account_id=OWNER)
# As they happened, the first of them first, all within one second.
IN_ONE_SECOND: Final = tuple(
    attrs.evolve(EVENT, kind=kind, method=f"{n}")
    for n, kind in enumerate(
        (
            EventKind.LINK_USED,
            EventKind.PASSWORD_SET,
            EventKind.NOTICE_SENT,
            EventKind.PASSWORD_ACCEPTED,
            EventKind.SIGNED_IN,
            EventKind.NEW_DEVICE,
        )
    )
)
MANY: Final = 40
# Nothing is cut, trimmed, folded or unescaped.
_ODD_TEXT: Final = " Épiphanie 9.1 \"'%_\\ 李\U0001f98a\n\t €  "

_ERASE: Final = methodcaller("erase", OWNER)


class EventsContract(StoreContract[Events], ABC):
    """
    What every `uness_auth.ports.Events` does.

    Subclass it in your test suite and build an empty store in `make`.

    Attributes:
        supports_reading_all: What was erased can be looked at: write `read_all`.
    """

    supports_reading_all: ClassVar[bool | str] = True
    secrets: ClassVar[tuple[str, ...]] = (EVENT.address, EVENT.network, EVENT.reason)

    @abstractmethod
    def make(self) -> Events:
        """
        Return an empty store.
        """

    def read_all(self) -> Sequence[Event]:
        """
        Return every event that the store which `make` returned last holds.

        As they were added, and by whatever way: the port itself has none, because nobody
        may list what is nobody's.
        """
        self._lacks("read_all()", "supports_reading_all")

    def test_event_comes_back_whole(self) -> None:
        """
        The events of an account come back with every field as it was.
        """
        store = self._holding(EVENT, attrs.evolve(BARE, at=NOW - MINUTE))

        assert [EVENT, attrs.evolve(BARE, at=NOW - MINUTE)] == [
            *store.of_account(OWNER, 10)
        ]

    def test_every_kind_is_kept(self) -> None:
        """
        An event of any kind is kept under its own.
        """
        events = [attrs.evolve(EVENT, kind=kind) for kind in EventKind]
        store = self._holding(*events)

        assert events[::-1] == list(store.of_account(OWNER, 2 * len(events)))

    def test_long_texts_come_back_whole(self) -> None:
        """
        Texts may be as long as the port allows, whatever characters they have.
        """
        long = attrs.evolve(
            EVENT,
            address=f"é…@{'a' * 200}.{'b' * 43}.fr",
            network="2001:db8:ffff::/48".ljust(64, "0"),
            method="m" * 64,
            reason=_ODD_TEXT.ljust(LONGEST_REASON - 1, "\U0001f98a") + " ",
        )
        store = self._holding(long)

        assert LONGEST_REASON == len(long.reason)
        assert [long] == list(store.of_account(OWNER, 10))

    def test_instants_are_utc(self) -> None:
        """
        Instants come back aware, in UTC, to the second.
        """
        [found] = self._holding(EVENT).of_account(OWNER, 10)

        assert is_utc(found.at)
        assert EVENT.at == found.at

    def test_zones_are_understood(self) -> None:
        """
        An instant given in another time zone comes back as the instant that it is.
        """
        store = self._holding(attrs.evolve(EVENT, at=ELSEWHERE))

        assert [NOW] == [one.at for one in store.of_account(OWNER, 10)]

    def test_seconds_are_not_rounded(self) -> None:
        """
        An instant with microseconds comes back as the same second, never as the next.
        """
        [found] = self._holding(attrs.evolve(EVENT, at=NOW + LATE)).of_account(OWNER, 1)

        assert NOW == second(found.at)

    def test_the_same_may_happen_twice(self) -> None:
        """
        Events that are equal in every field are as many as were added.
        """
        store = self._holding(EVENT, EVENT)
        store.add([EVENT])

        assert [EVENT] * 3 == list(store.of_account(OWNER, 10))

    def test_newest_comes_first(self) -> None:
        """
        Events are listed by when they happened, whatever was added last.
        """
        late, early = (attrs.evolve(EVENT, at=NOW + n * MINUTE) for n in (1, -1))
        store = self._holding(late)
        store.add([early, EVENT])

        assert [late, EVENT, early] == list(store.of_account(OWNER, 10))

    def test_a_second_has_an_order(self) -> None:
        """
        What happened within one second is listed in the order in which it was added.
        """
        store = self._holding(*IN_ONE_SECOND[:3])
        for event in IN_ONE_SECOND[3:]:
            store.add([event])

        assert list(IN_ONE_SECOND)[::-1] == list(store.of_account(OWNER, 10))

    def test_list_stops_at_the_limit(self) -> None:
        """
        No more are listed than were asked for: the newest of them.
        """
        events = [attrs.evolve(EVENT, at=NOW + n * SECOND) for n in range(5)]
        store = self._holding(*events)

        assert [events[:-6:-1][:n] for n in (1, 3, 5, 5)] == [
            list(store.of_account(OWNER, n)) for n in (1, 3, 5, 6)
        ]

    def test_one_account_is_listed(self) -> None:
        """
        The events of others, and of nobody, are not listed and take nobody's place.
        """
        others = [attrs.evolve(one, at=NOW + MINUTE) for one in (OTHER, NOBODYS)]
        store = self._holding(*others, EVENT)

        assert [EVENT] == list(store.of_account(OWNER, 1))

    def test_look_alikes_are_others(self) -> None:
        """
        Ids are compared byte by byte: case, accents and spaces count.
        """
        self.need("supports_any_text")
        alike = [attrs.evolve(EVENT, account_id=one) for one in LOOK_ALIKES]
        store = self._holding(*alike)

        assert [[one] for one in alike] == [
            list(store.of_account(one, 10)) for one in LOOK_ALIKES
        ]
        assert 1 == store.erase(LOOK_ALIKES[0])
        assert len(alike) - 1 == sum(
            len(store.of_account(one, 10)) for one in LOOK_ALIKES
        )

    def test_odd_accounts_have_events(self) -> None:
        """
        An id may be as long and as odd as the port allows.
        """
        self.need("supports_any_text")
        odd = attrs.evolve(EVENT, account_id=ODD.id)
        store = self._holding(odd)

        assert [odd] == list(store.of_account(ODD.id, 10))
        assert 1 == store.erase(ODD.id)

    def test_nobody_has_no_events(self) -> None:
        """
        Under the empty id, and one nobody has, nothing is listed and nothing erased.
        """
        store = self._holding(NOBODYS, EVENT)

        for nobody in ("", "nobody"):
            assert [] == list(store.of_account(nobody, 10))
            assert 0 == store.erase(nobody)
        assert [EVENT] == list(store.of_account(OWNER, 10))

    def test_nothing_is_added_for_nothing(self) -> None:
        """
        No event is none.
        """
        store = self._holding(EVENT)
        store.add([])

        assert [EVENT] == list(store.of_account(OWNER, 10))

    def test_many_are_added_at_once(self) -> None:
        """
        An import tells thousands in one call, and each is there.
        """
        events = [
            attrs.evolve(EVENT, account_id=f"{n % 7}", method=f"{n}")
            for n in range(2_500)
        ]
        store = self._holding(*events)

        for n in range(7):
            own = [one for one in events if one.account_id == f"{n}"]
            assert own[::-1] == list(store.of_account(f"{n}", len(events)))

    def test_all_or_none_are_added(self) -> None:
        """
        Where one event cannot be stored, none is; what is stored is stored whole.
        """
        # No database encodes a lone surrogate, and some end a text at a NUL.
        for odd in ("\ud800", "a\0b"):
            store = self.make()
            events = [EVENT, attrs.evolve(EVENT, reason=odd)]
            added: list[Event] = []

            with suppress(StorageError):
                store.add(events)
                added = events

            assert added[::-1] == list(store.of_account(OWNER, 10))

    def test_erased_events_are_listed_no_more(self) -> None:
        """
        After an erasure nothing is listed for the account, and others have theirs.
        """
        store = self._holding(EVENT, OTHER, BARE)

        assert 2 == store.erase(OWNER)
        assert [] == list(store.of_account(OWNER, 10))
        assert [OTHER] == list(store.of_account(OTHER.account_id, 10))

    def test_erased_events_name_nobody(self) -> None:
        """
        Of an erased event kind, instant and method are left, and of others all.
        """
        self.need("supports_reading_all")
        assert 1 == self._holding(OTHER, EVENT, NOBODYS).erase(OWNER)

        assert [
            OTHER,
            attrs.evolve(EVENT, account_id="", address="", network="", reason=""),
            NOBODYS,
        ] == list(self.read_all())

    def test_erased_events_are_still_counted(self) -> None:
        """
        What was erased stays until it is purged, by its kind and its time.
        """
        store = self._holding(EVENT, attrs.evolve(EVENT, at=NOW - MINUTE), BARE)
        assert 3 == store.erase(OWNER)

        assert 1 == store.purge({EVENT.kind}, NOW, 10)
        assert 1 == store.purge({EVENT.kind}, NOW + SECOND, 10)
        assert 1 == store.purge({BARE.kind}, NOW + SECOND, 10)

    def test_erased_once(self) -> None:
        """
        What is erased is not erased again; what happens later is.
        """
        store = self._holding(EVENT)
        assert 1 == store.erase(OWNER)

        assert 0 == store.erase(OWNER)
        store.add([EVENT])
        assert 1 == store.erase(OWNER)

    def test_many_are_erased_in_one_call(self) -> None:
        """
        However many there are, one call erases them and counts them.
        """
        store = self._holding(*[EVENT] * 1_200)

        assert 1_200 == store.erase(OWNER)
        assert [] == list(store.of_account(OWNER, 10))

    def test_each_is_erased_once(self) -> None:
        """
        Of 16 concurrent calls each counts what it erased itself.
        """
        store = self._holding(*[EVENT] * MANY)

        erased = self.together([partial(store.erase, OWNER)] * 16)

        assert MANY == sum(erased)

    def test_none_is_lost_among_threads(self) -> None:
        """
        Of 16 that tell at the same moment each is there, its own in their order.
        """
        store = self.make()
        told = [
            [attrs.evolve(EVENT, method=f"{n}-{m}") for m in range(3)]
            for n in range(16)
        ]

        _ = self.together([partial(store.add, events) for events in told])

        found = list(store.of_account(OWNER, 100))
        assert told == [
            [one for one in reversed(found) if one.method.startswith(f"{n}-")]
            for n in range(16)
        ]

    def test_purge_by_kind(self) -> None:
        """
        Events of the kinds given are purged, and no others.
        """
        self.need("supports_purge")
        events = [attrs.evolve(EVENT, kind=kind) for kind in EventKind]
        store = self._holding(*events)

        assert 0 == store.purge((), NOW + SECOND, 100)
        assert len(ATTEMPTS) == store.purge(ATTEMPTS, NOW + SECOND, 100)
        assert HISTORY == {one.kind for one in store.of_account(OWNER, 100)}

    def test_purge_keeps_what_is_young(self) -> None:
        """
        An event that happened at that very second, or later, is kept.
        """
        self.need("supports_purge")
        at = (NOW - SECOND, NOW, NOW + SECOND)
        store = self._holding(*(attrs.evolve(EVENT, at=one) for one in at))

        assert 1 == store.purge(HISTORY, NOW, 10)
        assert [NOW + SECOND, NOW] == [one.at for one in store.of_account(OWNER, 10)]

    def test_purge_stops_at_the_limit(self) -> None:
        """
        No more are purged than were asked for, over all the kinds together.
        """
        self.need("supports_purge")
        store = self._holding(*IN_ONE_SECOND, *IN_ONE_SECOND)

        assert [5, 5, 2, 0] == [store.purge(HISTORY, NOW + SECOND, 5) for _ in range(4)]

    def test_purges_share_the_work(self) -> None:
        """
        Of concurrent purges each counts what it removed itself.
        """
        self.need("supports_purge")
        store = self._holding(*[EVENT] * MANY)

        purged = self.together([partial(store.purge, HISTORY, NOW + SECOND, MANY)] * 8)

        assert MANY == sum(purged)

    def test_none_is_lost_among_processes(self) -> None:
        """
        What several processes tell at the same moment is there, all of it.
        """
        store = self._holding(BARE)

        _ = self.in_processes(
            *[[methodcaller("add", [EVENT, OTHER])] * 4 for _ in range(PROCESSES)]
        )

        assert 4 * PROCESSES == len(store.of_account(OTHER.account_id, 100))
        assert 4 * PROCESSES + 1 == len(store.of_account(OWNER, 100))

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was listed before is read anew: another process may have told, or erased.
        """
        store = self._holding(EVENT, OTHER)
        assert [EVENT] == list(store.of_account(OWNER, 10))
        assert [OTHER] == list(store.of_account(OTHER.account_id, 10))

        [done] = self.in_processes(
            [_ERASE, methodcaller("add", [BARE, attrs.evolve(OTHER, reason="later")])]
        )

        assert [1, None] == done
        assert [BARE] == list(store.of_account(OWNER, 10))
        assert 2 == len(store.of_account(OTHER.account_id, 10))

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was told is there, and what was erased is gone, though the process ended.
        """
        store = self._holding(EVENT)

        [done] = self.in_processes([_ERASE, methodcaller("add", [BARE])])

        assert [1, None] == done
        assert [BARE] == list(store.of_account(OWNER, 10))

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        Nothing of an event is in the error.
        """
        assert {} == self.out_of_reach(
            add=([EVENT],),
            of_account=(OWNER, 10),
            erase=(OWNER,),
            purge=(HISTORY, NOW, 10),
        )

    def _holding(self, *events: Event) -> Events:
        store = self.make()
        store.add(events)
        return store
