"""
Links, and what may overlap with the post of one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.interleavings.desk import (
    NEW,
    OLD,
    Desk,
    names,
)
from tests.unit.interleavings.scenarios import (
    Runs,
    mailed_link,
    no_errors,
    no_session_works,
    password_is,
    posts,
    scenario,
    signs_in,
)
from tests.unit.interleavings.walk import Race, holds
from uness_auth import Policy, ThrottlePolicy
from uness_auth.events import EventKind
from uness_auth.outcomes import (
    PasswordSet,
    WrongPassword,
)


def _posts_of_one_link(desk: Desk, who: Mapping[str, str]) -> Race:
    token = mailed_link(desk)
    version = desk.camille.credential_version

    def check(runs: Runs) -> None:
        wanted = ["LinkUsed"] * (len(who) - 1) + ["PasswordSet"]
        holds("answers", wanted, names(list(runs.values())))
        (winner,) = (n for n, run in runs.items() if run.answer == PasswordSet())
        holds("the stored hash", f"clear:{who[winner]}", desk.camille.password_hash)
        holds("the version", version + 1, desk.camille.credential_version)
        kinds = [event.kind for run in runs.values() for event in run.events]
        holds("events of a new password", 1, kinds.count(EventKind.PASSWORD_SET))
        losers = {run.reasons[-1] for n, run in runs.items() if n != winner}
        private = {"another one was first", "credential version moved"}
        holds("other private reasons of the losers", set(), losers - private)
        holds(
            "the link afterwards", "LinkUsed", type(posts(desk, token, OLD)()).__name__
        )
        password_is(desk, who[winner])

    return Race(
        flows={name: posts(desk, token, password) for name, password in who.items()},
        check=check,
    )


@scenario(orders=20)
def two_posts_of_one_link(desk: Desk) -> Race:
    """
    One password is set, the stored hash is the winner's, the version grows by one.
    """
    _ = desk.open()
    desk.add_camille()
    return _posts_of_one_link(desk, {"Anna": OLD, "Ben": NEW})


@scenario(orders=724_716)
def three_posts_of_one_link(desk: Desk) -> Race:
    """
    The same of three, while the account also has a run of failures to end.
    """
    _ = desk.open()
    desk.add_camille("clear:Avant-2026")
    assert WrongPassword() == signs_in(desk, "Faux-2026")()
    return _posts_of_one_link(
        desk, {"Anna": OLD, "Ben": NEW, "Chloé": "Ski-2026-Alpes"}
    )


@scenario(orders=4_105)
def a_link_and_the_old_password(desk: Desk) -> Race:
    """
    The session of the old password is void, and the old password with it.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = mailed_link(desk)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the link", PasswordSet(), runs["link"].answer)
        no_session_works(desk, runs)
        password_is(desk, NEW, OLD)

    flows = {"link": posts(desk, token, NEW), "sign-in": signs_in(desk, OLD)}
    return Race(flows=flows, check=check)


@scenario(orders=7_610)
def a_link_and_a_rehash(desk: Desk) -> Race:
    """
    The old password, whose hash is just being upgraded, never comes back.
    """
    _ = desk.open()
    desk.add_camille(f"old:{OLD}")
    token = mailed_link(desk)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the link", PasswordSet(), runs["link"].answer)
        holds("the stored hash", f"clear:{NEW}", desk.camille.password_hash)
        no_session_works(desk, runs)
        password_is(desk, NEW, OLD)

    flows = {"link": posts(desk, token, NEW), "sign-in": signs_in(desk, OLD)}
    return Race(flows=flows, check=check)


@scenario(orders=1_740)
def a_link_and_the_wrong_password_that_suspends(desk: Desk) -> Race:
    """
    What suspends the old password does not suspend the new one.
    """
    _ = desk.open(Policy.uness(throttle=ThrottlePolicy(passwords_in_a_row=3)))
    desk.add_camille(f"clear:{OLD}")
    token = mailed_link(desk)
    for _ in range(2):
        assert WrongPassword() == signs_in(desk, "Faux-2026")()

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the link", PasswordSet(), runs["link"].answer)
        holds("whether it is suspended", False, desk.camille.is_password_suspended)
        password_is(desk, NEW)

    flows = {"link": posts(desk, token, NEW), "guess": signs_in(desk, "Faux-2026")}
    return Race(flows=flows, check=check)
