"""
The walk is held to the plain one, which follows each order alone, and to real threads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import count
from threading import Semaphore, Thread, current_thread
from typing import Any, Final, cast

import pytest

from tests.unit.interleavings.crashes import fails
from tests.unit.interleavings.desk import Call, Desk, Run, drawing_for
from tests.unit.interleavings.scenarios import SCENARIOS
from tests.unit.interleavings.test_interleavings import walker
from tests.unit.interleavings.walk import Race, RaceError, Situation, Walker, holds


pytestmark = pytest.mark.once
# So many orders can be followed one by one.
FEW: Final = 1_000
SMALL: Final = [one.name for one in SCENARIOS.values() if one.orders <= FEW]
# Of two flows each, with no call that fails.
IN_THREADS: Final = (
    "two posts of one link",
    "disabling and a link",
    "disabling and a password",
    "disabling and a code",
    "two wrong codes with one attempt left",
)


def each_order(
    walk: Walker, situation: Situation, steps: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Situation]]:
    """
    Follow every order by itself, from here to its end.
    """
    if walk.is_over(situation):
        yield steps, situation
        return
    for step, then in walk.moves(situation):
        yield from each_order(walk, then, (*steps, step))


class Conductor:
    """
    Lets real threads go on one by one, each from one call to its next.
    """

    def __init__(self, flows: Mapping[str, Callable[[], object]]) -> None:
        self.answers: dict[str, object] = {}
        self._flows = flows
        self._stopped = Semaphore(0)
        self._may_go = {name: Semaphore(0) for name in flows}

    def stop(self, call: Call) -> object:
        """
        Wait for one's turn, then make the call.
        """
        self._stopped.release()
        assert self._may_go[current_thread().name].acquire(timeout=10)
        return call.made()

    def conduct(self, order: list[str]) -> None:
        """
        Start every flow, and let them make their calls in this order.
        """
        threads = [
            Thread(target=self._play, name=name, daemon=True) for name in self._flows
        ]
        for thread in threads:
            thread.start()
            assert self._stopped.acquire(timeout=10)
        for name in order:
            self._may_go[name].release()
            assert self._stopped.acquire(timeout=10)
        for thread in threads:
            thread.join(10)

    def _play(self) -> None:
        name = current_thread().name
        self.answers[name] = self._flows[name]()
        self._stopped.release()


def without_what_is_drawn(state: Hashable) -> Hashable:
    """
    Return what no drawn token is part of: accounts, addresses and counters.
    """
    accounts, ids, _, _, counters, _ = cast("Any", state)
    return accounts, ids, counters


class TestWalk:
    @pytest.mark.parametrize("name", SMALL)
    def test_leaves_nothing_out(self, name: str) -> None:
        """
        Followed one by one, the orders are as many, all different, and end alike.
        """
        walk = walker(Desk(), name)
        orders = list(each_order(walk, walk.start))
        walked = walker(Desk(), name).walk()

        assert walked.orders == len(orders)
        assert len(orders) == len({steps for steps, _ in orders})
        ends = {
            tuple((str(one.run.answer), one.run.events) for one in end.positions)
            for _, end in orders
        }
        assert ends == {cast("Any", one)[1] for one in walked.endings}

    @pytest.mark.parametrize("name", IN_THREADS)
    def test_threads_do_the_same(self, name: str) -> None:
        """
        Real threads, held to each order, answer and leave behind what the walk says.
        """
        walk = walker(Desk(), name)
        for steps, end in each_order(walk, walk.start):
            desk = Desk()
            with drawing_for("whoever came before"):
                race = SCENARIOS[name].race(desk)
            conductor = Conductor(race.flows)
            desk.outside_a_run = conductor.stop
            conductor.conduct([step.partition(":")[0] for step in steps])

            wanted = [type(one.run.answer) for one in end.positions]
            assert wanted == [type(conductor.answers[flow]) for flow in race.flows]
            left = without_what_is_drawn(desk.state())
            assert without_what_is_drawn(end.state) == left

    def test_tells_the_shortest_order(self) -> None:
        """
        A race that is lost in some orders only is told with the shortest of them.
        """
        desk = Desk()
        auth = desk.open()

        def read(times: int) -> Callable[[], object]:
            counters = auth.code_sign_in.guard.counters
            return lambda: tuple(counters.read("a" * 64) for _ in range(times))

        def reads_after_the_writer() -> object:
            counters: Any = auth.code_sign_in.guard.counters
            return read(3)() if counters.read("b" * 64) else read(1)()

        def write() -> object:
            counters = auth.code_sign_in.guard.counters
            return counters.swap("b" * 64, None, "x", desk.clock())

        def check(runs: Mapping[str, Run]) -> None:
            holds("the writer is late", (None,), runs["reader"].answer)

        race = Race(
            flows={"reader": reads_after_the_writer, "writer": write}, check=check
        )
        with pytest.raises(RaceError) as found:
            _ = Walker(desk, race).walk()

        assert str(found.value).splitlines() == [
            "the writer is late: expected (None,), got (None, None, None)",
            "in this order:",
            "  writer: Counters.swap -> True",
            "  reader: Counters.read -> <str>",
            *["  reader: Counters.read -> None"] * 3,
        ]

    def test_one_trouble_an_order(self) -> None:
        """
        Of a flow of N calls, 3 N orders meet a trouble, and one meets none.
        """
        desk = Desk()
        counters = desk.open().code_sign_in.guard.counters

        def reads() -> object:
            return tuple(counters.read("a" * 64) for _ in range(4))

        race = Race(flows={"reader": reads}, check=lambda runs: None, troubles=fails)

        assert 13 == Walker(desk, race).walk().orders

    def test_flow_that_draws_otherwise(self) -> None:
        """
        A flow that is no function of the answers it gets is refused, not walked.
        """
        desk = Desk()
        counters = desk.open().code_sign_in.guard.counters
        numbers = count()

        def reads() -> object:
            return tuple(counters.read(f"{next(numbers):064x}") for _ in range(2))

        race = Race(flows={"reader": reads}, check=lambda runs: None)
        with pytest.raises(AssertionError, match="was made before, and now"):
            _ = Walker(desk, race).walk()
