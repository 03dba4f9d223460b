"""
Adding accounts, disabling them, signing out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.interleavings.desk import (
    CAMILLE,
    NEW,
    OLD,
    Desk,
)
from tests.unit.interleavings.scenarios import (
    HERE,
    MINUTE,
    Runs,
    confirms,
    disables,
    mailed_link,
    no_errors,
    nothing_works,
    password_is,
    posts,
    scenario,
    sessions_resume,
    signed_in,
    signs_in,
    with_a_code,
)
from tests.unit.interleavings.walk import Race, holds
from uness_auth.events import EventKind
from uness_auth.outcomes import (
    AccountAdded,
    AccountExists,
    NotSignedIn,
    PasswordSet,
    SignedIn,
    WrongPassword,
)


@scenario(orders=66)
def disabling_and_a_password(desk: Desk) -> Race:
    """
    No session of the disabled account works, and its password does not.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    flows = {"registrar": disables(desk), "sign-in": signs_in(desk, OLD)}
    return Race(flows=flows, check=lambda runs: nothing_works(desk, runs))


@scenario(orders=153)
def disabling_and_a_code(desk: Desk) -> Race:
    """
    No session of the disabled account works, and its code does not.
    """
    challenge_id, code = with_a_code(desk)

    def check(runs: Runs) -> None:
        nothing_works(desk, runs)
        again = confirms(desk, challenge_id, code)()
        holds("sessions by the code later", False, isinstance(again, SignedIn))

    flows = {
        "registrar": disables(desk),
        "confirm": confirms(desk, challenge_id, code),
    }
    return Race(flows=flows, check=check)


@scenario(orders=42)
def disabling_and_a_link(desk: Desk) -> Race:
    """
    Neither the link nor the password that it set works.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = mailed_link(desk)

    def check(runs: Runs) -> None:
        no_errors(runs)
        nothing_works(desk, runs)
        holds("the new password later", WrongPassword(), signs_in(desk, NEW)())
        again = posts(desk, token, NEW)()
        holds("the link later", False, isinstance(again, PasswordSet))

    flows = {"registrar": disables(desk), "link": posts(desk, token, NEW)}
    return Race(flows=flows, check=check)


def _disabling_and_a_request(desk: Desk, *, joins: bool) -> Race:
    _ = desk.open(joins=joins)
    desk.add_camille(f"clear:{OLD}")
    token = signed_in(desk)
    desk.clock.tick(2 * MINUTE)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the session later", NotSignedIn(), desk.auth.sessions.resume(token))
        nothing_works(desk, runs)

    flows: dict[str, Callable[[], object]] = {
        "registrar": disables(desk),
        "request": lambda: desk.auth.sessions.resume(token),
    }
    return Race(flows=flows, check=check)


@scenario(orders=10)
def disabling_and_a_request(desk: Desk) -> Race:
    """
    A session that is in use when its account is disabled does not go on.
    """
    return _disabling_and_a_request(desk, joins=False)


@scenario(orders=6)
def disabling_and_a_request_that_joins(desk: Desk) -> Race:
    """
    The same, where session and account are read at once.
    """
    return _disabling_and_a_request(desk, joins=True)


def _signing_out_and_two_requests(desk: Desk, *, joins: bool) -> Race:
    _ = desk.open(joins=joins)
    desk.add_camille(f"clear:{OLD}")
    token = signed_in(desk)
    desk.clock.tick(2 * MINUTE)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("sessions", {}, desk.rows.sessions)
        holds("the session later", NotSignedIn(), desk.auth.sessions.resume(token))
        kinds = [event.kind for event in runs["sign-out"].events]
        holds("its events", [EventKind.SIGNED_OUT], kinds)

    def resume() -> object:
        return desk.auth.sessions.resume(token)

    flows = {
        "sign-out": lambda: desk.auth.sessions.close(token, HERE),
        "request": resume,
        "other": resume,
    }
    return Race(flows=flows, check=check)


@scenario(orders=1_540)
def signing_out_and_two_requests(desk: Desk) -> Race:
    """
    A closed session stays closed, whoever was using it.
    """
    return _signing_out_and_two_requests(desk, joins=False)


@scenario(orders=72)
def signing_out_and_two_requests_that_join(desk: Desk) -> Race:
    """
    The same, where session and account are read at once.
    """
    return _signing_out_and_two_requests(desk, joins=True)


@scenario(orders=66)
def signing_out_everywhere_and_a_password(desk: Desk) -> Race:
    """
    A session is open only if its password was looked up after the signing out.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    version = desk.camille.credential_version

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the version", version + 1, desk.camille.credential_version)
        (opened,) = desk.rows.sessions.values()
        is_new = opened.credential_version == version + 1
        holds("sessions that work", [is_new], sessions_resume(desk, runs))
        password_is(desk, OLD)

    flows = {
        "helpdesk": lambda: desk.auth.provisioning.sign_out(CAMILLE),
        "sign-in": signs_in(desk, OLD),
    }
    return Race(flows=flows, check=check)


@scenario(orders=42)
def signing_out_everywhere_and_a_link(desk: Desk) -> Race:
    """
    Neither loses what the other wrote.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = mailed_link(desk)
    version = desk.camille.credential_version

    def check(runs: Runs) -> None:
        no_errors(runs)
        is_set = isinstance(runs["link"].answer, PasswordSet)
        grown = desk.camille.credential_version - version
        holds("how often the version grew", 1 + is_set, grown)
        password_is(desk, NEW if is_set else OLD)

    flows = {
        "helpdesk": lambda: desk.auth.provisioning.sign_out(CAMILLE),
        "link": posts(desk, token, NEW),
    }
    return Race(flows=flows, check=check)


@scenario(orders=6)
def two_who_add_one_address(desk: Desk) -> Race:
    """
    One account is added, and the other is told of it.
    """
    _ = desk.open()

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("accounts", 1, len(desk.rows.accounts))
        (account,) = desk.rows.accounts.values()
        answers: list[Any] = [run.answer for run in runs.values()]
        holds("added", 1, answers.count(AccountAdded(account=account)))
        holds("told of it", 1, answers.count(AccountExists(account=account)))

    def add() -> object:
        return desk.auth.provisioning.add(CAMILLE)

    return Race(flows={"registrar": add, "other": add}, check=check)
