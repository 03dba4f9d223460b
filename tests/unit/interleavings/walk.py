"""
Walks every order in which several flows can make their calls.

A flow is a function of the answers that it gets: time stands, and ids are drawn alike
(`Desk.call` holds it to that).  So a flow that stands before a call needs no thread to
stand in.  It is begun again with the answers so far, up to the next call, and only
once for each list of answers: after that its `Position` is looked up.

Two orders that have brought every flow to the same position, over the same stored
rows, have the same future, whatever came first.  They are one `Situation` from there
on, and it is walked once and counted as often as there are orders that lead to it.
Nothing is left out by this and nothing is sampled: what is counted are whole orders,
and every one of them passes through situations that were all walked.
`test_walk.py` holds the walk to the plain one, which follows each order by itself, and
to real threads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

import attrs

from tests.unit.interleavings.desk import (
    Answer,
    Answered,
    Call,
    Desk,
    Died,
    Given,
    Raised,
    Run,
    drawing_for,
)
from uness_auth import MailError, StorageError


@attrs.frozen
class Trouble:
    """
    What may become of a call besides its answer.

    Attributes:
        is_done: Whether the call took effect all the same.
    """

    answer: Answer
    is_done: bool


def no_trouble(_call: Call) -> Iterable[Trouble]:
    """
    Let every call be answered.
    """
    return ()


@attrs.frozen(kw_only=True)
class Race:
    """
    Flows that start together, and what must hold when all have ended.

    Attributes:
        flows: By the names that a schedule calls them.

        check: Raises `RaceError`.  It may use the site as anybody could, then and later.

        troubles: What may happen to a call; one call of an order meets one trouble.
    """

    flows: Mapping[str, Callable[[], object]]
    check: Callable[[Mapping[str, Run]], None]
    troubles: Callable[[Call], Iterable[Trouble]] = no_trouble


class RaceError(AssertionError):
    """
    Something that must hold in every order does not.
    """


def holds(what: str, expected: object, actual: object) -> None:
    """
    Raise `RaceError` where *actual* is not what is expected.
    """
    if expected != actual:
        msg = f"{what}: expected {expected}, got {actual}"
        raise RaceError(msg)


@attrs.frozen(kw_only=True)
class Walk:
    """
    What was walked.

    Attributes:
        orders: How many whole orders of calls there are, troubles included.

        situations: How many different situations they lead through.

        endings: How the flows may end: rows, answers and events.
    """

    orders: int
    situations: int
    endings: frozenset[Hashable]


@attrs.define(eq=False)
class Position:
    """
    A flow before a call, or at its end.
    """

    run: Run
    given: Given
    following: dict[Answer, Position] = attrs.field(factory=dict)


@attrs.frozen
class Situation:
    """
    What everything that may still happen depends on.
    """

    state: Hashable
    positions: tuple[Position, ...]
    may_fail: bool


@attrs.define(eq=False)
class Trail:
    """
    How many ways lead to a situation, and the first of them.
    """

    orders: int
    before: Trail | None = None
    step: str = ""

    def steps(self) -> list[str]:
        """
        Return the steps, first to last.
        """
        return [] if self.before is None else [*self.before.steps(), self.step]


class Walker:
    """
    Walks the orders of one race.
    """

    def __init__(self, desk: Desk, race: Race) -> None:
        self._desk = desk
        self._race = race
        self._names = tuple(race.flows)
        self._ends: dict[Hashable, Position] = {}
        self.start = Situation(
            desk.state(),
            tuple(self._arrive(name, ()) for name in self._names),
            may_fail=True,
        )

    def walk(self) -> Walk:
        """
        Walk all orders, the shortest first.

        Raises:
            RaceError: With the shortest order that breaks what must hold.
        """
        orders = situations = 0
        endings: set[Hashable] = set()
        layer = {self.start: Trail(1)}
        while layer:
            situations += len(layer)
            following: dict[Situation, Trail] = {}
            for situation, trail in layer.items():
                if not self.is_over(situation):
                    for step, then in self.moves(situation):
                        known = following.setdefault(then, Trail(0, trail, step))
                        known.orders += trail.orders
                    continue
                self.check(situation, trail.steps())
                orders += trail.orders
                endings.add(self.ending(situation))
            layer = following
        return Walk(orders=orders, situations=situations, endings=frozenset(endings))

    def moves(self, situation: Situation) -> Iterator[tuple[str, Situation]]:
        """
        Return every step that can be the next, and where it leads.
        """
        for index, position in enumerate(situation.positions):
            if position.run.call is None:
                continue
            self._desk.restore(situation.state)
            answer = _answer(position.run.call)
            yield self._move(situation, index, answer, may_fail=situation.may_fail)
            if situation.may_fail:
                for trouble in self._race.troubles(position.run.call):
                    self._desk.restore(situation.state)
                    if trouble.is_done:
                        _ = _answer(position.run.call)
                    step, then = self._move(
                        situation, index, trouble.answer, may_fail=False
                    )
                    yield f"{step}{', and it was done' * trouble.is_done}", then

    def is_over(self, situation: Situation) -> bool:
        """
        Say whether every flow is at its end.
        """
        return all(one.run.call is None for one in situation.positions)

    def ending(self, situation: Situation) -> Hashable:
        """
        Return what is left at the end: rows, answers and events.
        """
        return (
            situation.state,
            tuple((str(one.run.answer), one.run.events) for one in situation.positions),
        )

    def check(self, situation: Situation, steps: list[str]) -> None:
        """
        Check what must hold at the end.
        """
        self._desk.restore(situation.state)
        now = self._desk.clock.now
        runs = [position.run for position in situation.positions]
        try:
            with drawing_for("whoever comes later"):
                self._race.check(dict(zip(self._names, runs, strict=True)))
        except RaceError as exc:
            order = "\n".join(f"  {step}" for step in steps)
            msg = f"{exc}\nin this order:\n{order}"
            raise RaceError(msg) from None
        finally:
            self._desk.clock.now = now

    def _move(
        self, situation: Situation, index: int, answer: Answer, *, may_fail: bool
    ) -> tuple[str, Situation]:
        position = situation.positions[index]
        name = self._names[index]
        then = position.following.get(answer)
        state = self._desk.state()
        if then is None:
            assert position.run.call is not None
            given = (*position.given, (position.run.call, answer))
            then = position.following[answer] = self._arrive(name, given)
        positions = list(situation.positions)
        positions[index] = then
        call = position.run.call
        step = f"{name}: {call.name if call else ''} -> {answer}"
        return step, Situation(state, tuple(positions), may_fail)

    def _arrive(self, name: str, given: Given) -> Position:
        if given and isinstance(given[-1][1], Died):
            heard = self._desk.run(name, self._race.flows[name], given[:-1])
            run = attrs.evolve(heard, call=None, answer=Died())
        else:
            run = self._desk.run(name, self._race.flows[name], given)
        here = Position(run, given)
        # At its end a flow is what it answered, however it came there.
        return here if run.call else self._ends.setdefault((name, run), here)


def _answer(call: Call) -> Answer:
    try:
        return Answered(call.perform())
    except (StorageError, MailError) as exc:
        return Raised(type(exc), str(exc))
