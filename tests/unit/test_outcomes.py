from __future__ import annotations

from types import UnionType
from typing import get_args

import attrs
import pytest

from uness_auth import outcomes
from uness_auth.outcomes import Outcome, SignedIn


# Not __subclasses__(): attrs leaves there the classes that it made slots for.
CLASSES = [
    one
    for one in vars(outcomes).values()
    if isinstance(one, type) and issubclass(one, Outcome) and one is not Outcome
]

ANSWERS = {
    name: set(get_args(union))
    for name, union in vars(outcomes).items()
    if isinstance(union, UnionType)
}


def made(outcome: type[Outcome]) -> Outcome:
    """
    Make one without its fields: what is asked of it here needs none.
    """
    return outcome.__new__(outcome)


class TestOutcome:
    @pytest.mark.parametrize("outcome", CLASSES, ids=lambda one: one.__name__)
    def test_it_is_neither_true_nor_false(self, outcome: type[Outcome]) -> None:
        """
        ``if outcome:`` is refused by name, whichever the outcome.
        """
        with pytest.raises(TypeError, match=f"^{outcome.__name__} is neither"):
            bool(made(outcome))

    @pytest.mark.parametrize("outcome", CLASSES, ids=lambda one: one.__name__)
    def test_it_is_frozen(self, outcome: type[Outcome]) -> None:
        """
        Nobody changes an answer once it was given.
        """
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made(outcome), "another", "x")  # noqa: B010 - no such field

    @pytest.mark.parametrize("outcome", CLASSES, ids=lambda one: one.__name__)
    def test_none_is_a_special_case(self, outcome: type[Outcome]) -> None:
        """
        A match by class means that class, and no other.
        """
        assert (Outcome,) == outcome.__bases__

    def test_only_signed_in_carries_a_session(self) -> None:
        """
        An ignored answer signs nobody in, and no repr shows the token.
        """
        token = "t0ken"
        shown = repr(SignedIn(account_id="7", session_token=token))

        carriers = [one for one in CLASSES if hasattr(one, "session_token")]
        assert [SignedIn] == carriers
        assert token not in shown


class TestAnswers:
    @pytest.mark.parametrize("name", sorted(ANSWERS))
    def test_they_are_made_of_outcomes(self, name: str) -> None:
        """
        Whatever a flow answers is an outcome.
        """
        assert set() == ANSWERS[name] - set(CLASSES)

    def test_every_outcome_answers_something(self) -> None:
        """
        An outcome that no question has is left over from a change.
        """
        assert set() == set(CLASSES) - set().union(*ANSWERS.values())
