"""
Passwords: the budgets of an account and of a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tests.unit.interleavings.desk import (
    OLD,
    Desk,
)
from tests.unit.interleavings.scenarios import (
    HERE,
    Runs,
    count,
    failures,
    history,
    no_errors,
    password_is,
    scenario,
    signs_in,
)
from tests.unit.interleavings.walk import Race, holds
from uness_auth import Policy, ThrottlePolicy
from uness_auth.outcomes import (
    AddressUnknown,
    AskAnyWay,
    SignedIn,
    Throttled,
    WrongPassword,
)
from uness_auth.policy import Budget


def _passwords(desk: Desk, who: Mapping[str, str], *, failed: int) -> Race:
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    for _ in range(failed):
        assert WrongPassword() == signs_in(desk, "Faux-2026")()
    # Four failures cost nothing; the fifth starts a wait.
    left = desk.auth.policy.throttle.free_passwords + 1 - failed

    def check(runs: Runs) -> None:
        no_errors(runs)
        wrong = count(runs, WrongPassword)
        right = count(runs, SignedIn)
        compared = sum(run.compared for run in runs.values())
        holds("comparisons", wrong + right, compared)
        if right == 0:
            holds("comparisons beyond the tries", 0, max(0, compared - left))
        if OLD not in who.values():
            holds("comparisons", min(left, len(who)), compared)
        if right and left == 1:
            # Whatever else was compared came after the success, not beside it.
            holds("failures since the success", wrong, history(desk).in_a_row)
        holds("failures that are counted", failed + wrong, failures(desk))
        holds("sessions", right, len(desk.rows.sessions))
        password_is(desk, OLD)

    flows = {name: signs_in(desk, password) for name, password in who.items()}
    return Race(flows=flows, check=check)


@scenario(orders=1_168)
def two_wrong_passwords_with_one_try_left(desk: Desk) -> Race:
    """
    One is compared, and the other waits.
    """
    return _passwords(desk, {"first": "Faux-1", "second": "Faux-2"}, failed=4)


@scenario(orders=167_998_740)
def three_wrong_passwords_with_two_tries_left(desk: Desk) -> Race:
    """
    Two are compared, and the third waits.
    """
    who = {"first": "Faux-1", "second": "Faux-2", "third": "Faux-3"}
    return _passwords(desk, who, failed=3)


@scenario(orders=14_256)
def a_wrong_and_the_right_password_with_one_try_left(desk: Desk) -> Race:
    """
    The wrong one is compared only if it came first, or after the right one.
    """
    return _passwords(desk, {"guess": "Faux-1", "right": OLD}, failed=4)


@scenario(orders=22_680)
def a_wrong_and_the_right_password(desk: Desk) -> Race:
    """
    What the right one gives back is its own: the wrong one stays counted.
    """
    return _passwords(desk, {"guess": "Faux-1", "right": OLD}, failed=0)


@scenario(orders=610_972)
def two_right_passwords(desk: Desk) -> Race:
    """
    Both sign in, and nothing counts as a failure.
    """
    return _passwords(desk, {"first": OLD, "second": OLD}, failed=0)


@scenario(orders=7_809_312)
def a_network_with_two_tries_left(desk: Desk) -> Race:
    """
    Of three wrong passwords from one network, for three addresses, two are compared.
    """
    policy = ThrottlePolicy(network_passwords=Budget(2, timedelta(minutes=10)))
    _ = desk.open(Policy.uness(throttle=policy))

    def check(runs: Runs) -> None:
        no_errors(runs)
        compared = sum(run.compared for run in runs.values())
        holds("comparisons within the budget", 2, compared)
        holds("comparisons", count(runs, WrongPassword), compared)
        holds("refusals", 1, count(runs, Throttled))

    flows = {
        name: signs_in(desk, "Faux-2026", address=f"{name}@univ-exemple.fr")
        for name in ("anna", "ben", "chloe")
    }
    return Race(flows=flows, check=check)


@scenario(orders=1_081_836)
def a_network_that_asks_for_unknown_addresses(desk: Desk) -> Race:
    """
    Of three unknown addresses with two to be told, two are told.
    """
    policy = ThrottlePolicy(network_unknown=Budget(2, timedelta(minutes=10)))
    _ = desk.open(Policy.uness(throttle=policy))

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("addresses that are told", 2, count(runs, AddressUnknown))
        holds("others", 1, count(runs, AskAnyWay))

    flows = {
        name: lambda name=name: desk.auth.identify.begin(
            f"{name}@univ-exemple.fr", HERE
        )
        for name in ("anna", "ben", "chloe")
    }
    return Race(flows=flows, check=check)
