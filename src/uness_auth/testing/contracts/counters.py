"""
What every counter store does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from operator import methodcaller
from typing import ClassVar, Final

from ...ports import Counters
from .base import ELSEWHERE, MINUTE, NOW, PROCESSES, SECOND, StoreContract


KEY: Final = "5e" * 32
OTHER: Final = "5f" * 32
SOON: Final = NOW + MINUTE
TEXT: Final = "1764000000 1764000065"
_ADD: Final = methodcaller("add", OTHER, 1, SOON)


class CountersContract(StoreContract[Counters], ABC):
    """
    What every `uness_auth.ports.Counters` does.

    Subclass it in your test suite and build an empty store in `make`.
    """

    secrets: ClassVar[tuple[str, ...]] = (KEY, TEXT)

    @abstractmethod
    def make(self) -> Counters:
        """
        Return an empty store.
        """

    def test_nothing_stands_at_first(self) -> None:
        """
        A key nobody wrote reads None.
        """
        assert self.make().read(KEY) is None

    def test_first_text(self) -> None:
        """
        Where nothing stands a text is written, once, under its own key.
        """
        store = self.make()

        assert store.swap(KEY, None, "first", SOON)
        assert not store.swap(KEY, None, "second", SOON)
        assert "first" == store.read(KEY)
        assert store.read(OTHER) is None

    def test_empty_text_is_a_text(self) -> None:
        """
        An empty text stands like any other; it is not nothing.
        """
        store = self._holding("")

        assert "" == store.read(KEY)
        assert not store.swap(KEY, None, "first", SOON)
        assert store.swap(KEY, "", "second", SOON)

    def test_swapped(self) -> None:
        """
        A text is swapped for another where it stands.
        """
        store = self._holding("one", "one")

        assert store.swap(KEY, "one", "two", SOON)
        assert "two" == store.read(KEY)
        assert "one" == store.read(OTHER)

    def test_swapped_for_the_same(self) -> None:
        """
        A text may be swapped for itself: it stands.

        A database may count the rows that it changed rather than those that it found.
        """
        store = self._holding("one")

        assert store.swap(KEY, "one", "one", SOON)
        assert "one" == store.read(KEY)

    def test_stale_text_is_not_swapped(self) -> None:
        """
        Where another text stands nothing is written.
        """
        store = self._holding("two")

        assert not store.swap(KEY, "one", "three", SOON)
        assert "two" == store.read(KEY)

    def test_text_is_not_swapped_for_nothing(self) -> None:
        """
        Where nothing stands no text is swapped, and none appears.
        """
        store = self.make()

        assert not store.swap(KEY, "one", "two", SOON)
        assert store.read(KEY) is None

    def test_texts_are_compared_exactly(self) -> None:
        """
        Another case or a trailing space is another text.
        """
        store = self._holding("state")

        assert not store.swap(KEY, "STATE", "other", SOON)
        assert not store.swap(KEY, "state ", "other", SOON)
        assert "state" == store.read(KEY)

    def test_long_texts_stay_whole(self) -> None:
        """
        4,000 characters come back whole and are compared to the last.

        Quotes, backslashes, line ends and a space at the end are among them.
        """
        long = "\n" + "".join(chr(32 + n % 95) for n in range(3_998)) + " "
        store = self._holding(long)

        assert long == store.read(KEY)
        assert not store.swap(KEY, long[:-1], "short", SOON)
        assert not store.swap(KEY, long[:-1] + "\x7f", "short", SOON)
        assert store.swap(KEY, long, "short", SOON)

    def test_first_text_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls exactly one writes where nothing stands.
        """
        store = self.make()
        texts = [f"text {n}" for n in range(16)]

        won = self.together([partial(store.swap, KEY, None, t, SOON) for t in texts])

        assert 1 == won.count(True)
        assert texts[won.index(True)] == store.read(KEY)

    def test_swap_has_one_winner(self) -> None:
        """
        Of 16 concurrent calls with one text before exactly one swaps it.
        """
        store = self._holding("before")
        texts = [f"text {n}" for n in range(16)]

        won = self.together(
            [partial(store.swap, KEY, "before", text, SOON) for text in texts]
        )

        assert 1 == won.count(True)
        assert texts[won.index(True)] == store.read(KEY)

    def test_numbers_start_at_zero(self) -> None:
        """
        A new key counts from zero, up and down, alone.
        """
        store = self.make()

        assert [1, 2, 1, 2] == [store.add(KEY, n, SOON) for n in (1, 1, -1, 1)]
        assert 1 == store.add(OTHER, 1, SOON)

    def test_none_only_looks(self) -> None:
        """
        Adding none returns the number as it stands, and changes nothing.
        """
        store = self.make()

        assert [0, 1, 1, 2] == [store.add(KEY, n, SOON) for n in (0, 1, 0, 1)]

    def test_numbers_never_fall_below_zero(self) -> None:
        """
        Down from zero is zero, for a new key too.
        """
        store = self.make()

        assert [0, 1, 0, 0, 1] == [store.add(KEY, n, SOON) for n in (-1, 1, -1, -1, 1)]

    def test_no_call_is_lost(self) -> None:
        """
        Of 400 calls of one up from 8 threads each sees a number of its own.
        """
        store = self.make()

        def add_many() -> list[int]:
            return [store.add(KEY, 1, SOON) for _ in range(50)]

        seen = self.together([add_many] * 8)

        assert list(range(1, 401)) == sorted(n for one in seen for n in one)

    def test_what_is_given_back_is_given_back(self) -> None:
        """
        Ups and downs of 8 threads end where they began.
        """
        store = self.make()
        _ = store.add(KEY, 1, SOON)

        def take_and_give_back() -> None:
            for _ in range(20):
                _ = store.add(KEY, 1, SOON)
                _ = store.add(KEY, -1, SOON)

        _ = self.together([take_and_give_back] * 8)

        assert 2 == store.add(KEY, 1, SOON)

    def test_purged_when_expired(self) -> None:
        """
        A purge removes texts and numbers that expired before, not at that very second.
        """
        self.need("supports_purge")
        store = self._holding("text")
        _ = store.add(OTHER, 1, SOON)

        assert 0 == store.purge(SOON, 10)
        assert 2 == store.purge(SOON + SECOND, 10)
        assert 0 == store.purge(SOON + SECOND, 10)
        assert store.read(KEY) is None
        assert 1 == store.add(OTHER, 1, SOON)

    def test_purge_stops_at_the_limit(self) -> None:
        """
        A purge removes no more than it was told to.
        """
        self.need("supports_purge")
        store = self.make()
        for n in range(5):
            _ = store.add(f"{n:064x}", 1, SOON)

        assert [2, 2, 1, 0] == [store.purge(SOON + SECOND, 2) for _ in range(4)]

    def test_a_later_call_keeps_longer(self) -> None:
        """
        A row that was written again lives until its new end.
        """
        self.need("supports_purge")
        store = self._holding("one")
        _ = store.add(OTHER, 1, SOON)
        _ = store.swap(KEY, "one", "two", SOON + MINUTE)
        _ = store.add(OTHER, 1, SOON + MINUTE)

        assert 0 == store.purge(SOON + MINUTE, 10)
        assert "two" == store.read(KEY)
        assert 3 == store.add(OTHER, 1, SOON + MINUTE)

    def test_an_earlier_end_keeps_no_shorter(self) -> None:
        """
        A number lives until the latest end that it was given, whoever counted last.
        """
        self.need("supports_purge")
        store = self.make()
        _ = store.add(KEY, 1, SOON + MINUTE)
        _ = store.add(KEY, 1, SOON)

        assert 0 == store.purge(SOON + MINUTE, 10)
        assert 3 == store.add(KEY, 1, SOON)

    def test_looks_leave_nothing(self) -> None:
        """
        Looking at a number creates no row, and keeps none longer.
        """
        self.need("supports_purge")
        store = self.make()

        _ = store.add(OTHER, 0, SOON)
        assert 0 == store.purge(SOON + SECOND, 10)

        _ = store.add(KEY, 1, SOON)
        _ = store.add(KEY, 0, SOON + MINUTE)
        assert 1 == store.purge(SOON + SECOND, 10)

    def test_zones_are_understood(self) -> None:
        """
        An end in another time zone is the instant that it names, to the second.
        """
        self.need("supports_purge")
        store = self.make()
        _ = store.add(KEY, 1, ELSEWHERE)
        _ = store.swap(OTHER, None, "text", ELSEWHERE)

        assert 0 == store.purge(ELSEWHERE, 10)
        assert 2 == store.purge(ELSEWHERE + SECOND, 10)

    def test_purges_count_each_once(self) -> None:
        """
        Of purges at the same moment each counts what it removed itself.
        """
        self.need("supports_purge")
        store = self.make()
        for n in range(20):
            _ = store.add(f"{n:064x}", 1, SOON)

        removed = self.together([partial(store.purge, SOON + SECOND, 4)] * 8)

        assert 20 == sum(removed) + store.purge(SOON + SECOND, 100)

    def test_swap_has_one_winner_among_processes(self) -> None:
        """
        Of processes with one text before exactly one swaps it.
        """
        store = self._holding("before")
        texts = [f"text {n}" for n in range(PROCESSES)]

        won = self.in_processes(
            *([methodcaller("swap", KEY, "before", text, SOON)] for text in texts)
        )

        assert 1 == won.count([True])
        assert texts[won.index([True])] == store.read(KEY)

    def test_no_call_is_lost_among_processes(self) -> None:
        """
        Of 75 calls of one up from 3 processes each sees a number of its own.
        """
        _ = self.make()

        seen = self.in_processes(*[[_ADD] * 25] * PROCESSES)

        assert list(range(1, 76)) == sorted(n for one in seen for n in one)

    def test_other_processes_are_seen_at_once(self) -> None:
        """
        What was read before is read anew: another process may have changed it.
        """
        store = self._holding("one")
        assert "one" == store.read(KEY)
        assert 1 == store.add(OTHER, 1, SOON)

        [done] = self.in_processes(
            [methodcaller("swap", KEY, "one", "two", SOON), _ADD]
        )

        assert [True, 2] == done
        assert "two" == store.read(KEY)
        assert 2 == store.add(OTHER, 0, SOON)

    def test_a_crash_takes_nothing_back(self) -> None:
        """
        What was answered is written, though the process ended at that moment.
        """
        store = self.make()

        _ = self.in_processes([methodcaller("swap", KEY, None, "text", SOON), _ADD])

        assert "text" == store.read(KEY)
        assert 2 == store.add(OTHER, 1, SOON)

    def test_out_of_reach_nothing_is_answered(self) -> None:
        """
        Without its database every method raises `uness_auth.errors.StorageError`.

        No secret that it was given is in the error.
        """
        assert {} == self.out_of_reach(
            read=(KEY,),
            swap=(KEY, None, TEXT, SOON),
            add=(KEY, 1, SOON),
            purge=(SOON, 10),
        )

    def _holding(self, text: str, other: str | None = None) -> Counters:
        store = self.make()
        assert store.swap(KEY, None, text, SOON)
        if other is not None:
            assert store.swap(OTHER, None, other, SOON)
        return store
