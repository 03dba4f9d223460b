"""
One flow, and a call of it that fails: what is left behind, and what a retry finds.

Each call fails in three ways: it raises and did nothing; it raises and took effect, as
when only the answer is lost; or the process dies before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from tests.unit.interleavings.desk import (
    CAMILLE,
    NEW,
    OLD,
    Answered,
    Call,
    Desk,
    Died,
    Raised,
)
from tests.unit.interleavings.scenarios import (
    HERE,
    MINUTE,
    Runs,
    compared_codes,
    confirms,
    count,
    disables,
    failures,
    mailed_code,
    mailed_link,
    other,
    password_is,
    posts,
    scenario,
    sessions_resume,
    signed_in,
    signs_in,
)
from tests.unit.interleavings.walk import Race, Trouble, holds
from uness_auth import MailError, StorageError
from uness_auth.outcomes import (
    AccountAdded,
    AccountExists,
    Busy,
    CodeSent,
    LinkSent,
    NotSignedIn,
    PasswordSet,
    Resumed,
    SignedIn,
    WrongPassword,
)


def fails(call: Call) -> Iterable[Trouble]:
    """
    Return what may become of any call.
    """
    yield Trouble(Died(), is_done=False)
    if call.name == "Mailer.send":
        yield Trouble(Raised(MailError, "the mail server is down"), is_done=False)
        return
    error = Raised(StorageError, "the store is out of reach")
    yield Trouble(error, is_done=False)
    yield Trouble(error, is_done=True)


@scenario(orders=18)
def a_link_that_fails(desk: Desk) -> Race:
    """
    Either the new password is set and the version grew, or neither and the link works.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    assert WrongPassword() == signs_in(desk, "Faux-2026")()
    token = mailed_link(desk)
    version = desk.camille.credential_version

    def check(_runs: Runs) -> None:
        grown = desk.camille.credential_version - version
        hashes = (f"clear:{OLD}", f"clear:{NEW}")
        holds("the stored hash", hashes[grown], desk.camille.password_hash)
        retried = posts(desk, token, NEW)()
        holds("a retry sets it", grown == 0, isinstance(retried, PasswordSet))
        password_is(desk, NEW, OLD)

    flows = {"link": posts(desk, token, NEW)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=33)
def a_right_password_that_fails(desk: Desk) -> Race:
    """
    The password is what it was, its new hash written or not, and signs in later.
    """
    _ = desk.open()
    desk.add_camille(f"old:{OLD}")

    def check(runs: Runs) -> None:
        works = sessions_resume(desk, runs)
        holds("sessions that work", count(runs, SignedIn), sum(works))
        whole = desk.camille.password_hash in {f"old:{OLD}", f"clear:{OLD}"}
        holds("the hash is whole", True, whole)
        password_is(desk, OLD)

    flows = {"sign-in": signs_in(desk, OLD)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=19)
def a_wrong_password_that_fails(desk: Desk) -> Race:
    """
    Whatever was compared is counted.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")

    def check(runs: Runs) -> None:
        compared = runs["guess"].compared
        holds("compared and not counted", 0, max(0, compared - failures(desk)))
        holds("counted twice", 0, max(0, failures(desk) - 1))
        password_is(desk, OLD)

    flows = {"guess": signs_in(desk, "Faux-2026")}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=15_412)
def two_wrong_passwords_with_one_try_left_and_a_failure(desk: Desk) -> Race:
    """
    Still at most one is compared, and it is counted.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    for _ in range(4):
        assert WrongPassword() == signs_in(desk, "Faux-2026")()

    def check(runs: Runs) -> None:
        compared = sum(run.compared for run in runs.values())
        holds("comparisons beyond the tries", 0, max(0, compared - 1))
        holds("compared and not counted", 0, max(0, 4 + compared - failures(desk)))
        password_is(desk, OLD)

    flows = {"first": signs_in(desk, "Faux-1"), "second": signs_in(desk, "Faux-2")}
    return Race(flows=flows, check=check, troubles=fails)


def _code_that_fails(desk: Desk, *, is_right: bool) -> Race:
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    challenge_id, code = mailed_code(desk)

    def check(runs: Runs) -> None:
        works = sessions_resume(desk, runs)
        holds("sessions that work", count(runs, SignedIn), sum(works))
        stored = desk.rows.challenges.get(challenge_id)
        if stored is not None:
            spent = 5 - stored.attempts_left
            holds("compared and not spent", 0, max(0, compared_codes(runs) - spent))
            holds("spent twice", 0, max(0, spent - 1))
        retried = confirms(desk, challenge_id, code)()
        holds("a retry signs in", stored is not None, isinstance(retried, SignedIn))
        desk.clock.tick(2 * MINUTE)
        holds("another code", SignedIn, type(confirms(desk, *mailed_code(desk))()))

    flows = {"confirm": confirms(desk, challenge_id, code if is_right else other(code))}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=48)
def a_right_code_that_fails(desk: Desk) -> Race:
    """
    The code is used up or works, and another may be asked for.
    """
    return _code_that_fails(desk, is_right=True)


@scenario(orders=22)
def a_wrong_code_that_fails(desk: Desk) -> Race:
    """
    Whatever was compared is counted, and the right code works.
    """
    return _code_that_fails(desk, is_right=False)


@scenario(orders=33)
def a_request_for_a_code_that_fails(desk: Desk) -> Race:
    """
    A code that arrived works, and another may be asked for.
    """
    _ = desk.open()
    desk.add_camille()

    def check(runs: Runs) -> None:
        arrived = desk.outbox.count(CAMILLE)
        holds("mails", count(runs, CodeSent), arrived)
        if arrived:
            (challenge_id,) = desk.rows.challenges
            answer = confirms(desk, challenge_id, desk.outbox.code(CAMILLE))()
            holds("the code that arrived", SignedIn, type(answer))
        desk.clock.tick(MINUTE)
        holds("another code", SignedIn, type(confirms(desk, *mailed_code(desk))()))

    flows = {"request": lambda: desk.auth.code_sign_in.begin(CAMILLE, HERE)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=27)
def a_request_for_the_same_code_that_fails(desk: Desk) -> Race:
    """
    A minute later it may be asked for again; no attempt was given back or lost.
    """
    _ = desk.open()
    desk.add_camille()
    challenge_id, code = mailed_code(desk)
    _ = confirms(desk, challenge_id, other(code))()
    desk.clock.tick(MINUTE)

    def check(runs: Runs) -> None:
        holds("mails", 1 + count(runs, CodeSent), desk.outbox.count(CAMILLE))
        stored = desk.rows.challenges[challenge_id]
        holds("attempts left", 4, stored.attempts_left)
        desk.clock.tick(MINUTE)
        answer = desk.auth.code_sign_in.resend(challenge_id, HERE)
        holds("asked again", CodeSent, type(answer))
        holds("the code", SignedIn, type(confirms(desk, challenge_id, code)()))

    flows = {"resend": lambda: desk.auth.code_sign_in.resend(challenge_id, HERE)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=24)
def a_request_for_a_link_that_fails(desk: Desk) -> Race:
    """
    A link that arrived works, and a minute later another may be asked for.
    """
    _ = desk.open()
    desk.add_camille()

    def check(runs: Runs) -> None:
        arrived = desk.outbox.count(CAMILLE)
        holds("mails", count(runs, LinkSent), arrived)
        desk.clock.tick(MINUTE)
        token = mailed_link(desk)
        if arrived:
            first = desk.outbox.messages[0]
            desk.outbox.messages[:] = [first]
            token = desk.outbox.link(CAMILLE).rpartition("/")[2]
        holds("the link", PasswordSet(), posts(desk, token, NEW)())

    flows = {"request": lambda: desk.auth.password_link.request(CAMILLE, HERE)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=10)
def a_session_whose_use_fails(desk: Desk) -> Race:
    """
    The session is open as before.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = signed_in(desk)
    desk.clock.tick(2 * MINUTE)

    def check(_runs: Runs) -> None:
        answer = desk.auth.sessions.resume(token)
        holds("the session later", Resumed, type(answer))

    flows = {"request": lambda: desk.auth.sessions.resume(token)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=10)
def a_sign_out_that_fails(desk: Desk) -> Race:
    """
    Whoever was not told of an error is signed out, and a retry signs out.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = signed_in(desk)

    def check(runs: Runs) -> None:
        if runs["sign-out"].answer is None:
            holds("sessions", {}, desk.rows.sessions)
        desk.auth.sessions.close(token, HERE)
        holds("the session later", NotSignedIn(), desk.auth.sessions.resume(token))

    flows = {"sign-out": lambda: desk.auth.sessions.close(token, HERE)}
    return Race(flows=flows, check=check, troubles=fails)


@scenario(orders=7)
def a_disabling_that_fails(desk: Desk) -> Race:
    """
    The account is as it was or disabled, and a retry disables it.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    token = signed_in(desk)
    version = desk.camille.credential_version

    def check(_runs: Runs) -> None:
        grown = desk.camille.credential_version - version
        holds("disabled under a new version", bool(grown), desk.camille.is_disabled)
        _ = disables(desk)()
        holds("the account is disabled", True, desk.camille.is_disabled)
        holds("its session", NotSignedIn(), desk.auth.sessions.resume(token))

    return Race(flows={"registrar": disables(desk)}, check=check, troubles=fails)


@scenario(orders=7)
def an_adding_that_fails(desk: Desk) -> Race:
    """
    A retry adds the account, or is told that it is there.
    """
    _ = desk.open()

    def check(_runs: Runs) -> None:
        there = bool(desk.rows.accounts)
        answer = desk.auth.provisioning.add(CAMILLE)
        wanted = AccountExists if there else AccountAdded
        holds("a retry", wanted, type(answer))
        holds("accounts", 1, len(desk.rows.accounts))

    flows = {"registrar": lambda: desk.auth.provisioning.add(CAMILLE)}
    return Race(flows=flows, check=check, troubles=fails)


class Slots:
    """
    Hashing slots that may all be taken: a walk tries both.
    """

    retry_after = MINUTE

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @contextmanager
    def take(self) -> Iterator[object]:
        """
        Ask, stopping first.
        """
        yield self._desk.call(Call("HashingSlots.take", (), lambda: True))


def is_full(call: Call) -> Iterable[Trouble]:
    """
    Return that the slots may all be taken.
    """
    if call.name == "HashingSlots.take":
        yield Trouble(Answered(value=False), is_done=False)


@scenario(orders=4_580)
def two_wrong_passwords_with_one_try_left_and_no_slot(desk: Desk) -> Race:
    """
    Who finds every hashing slot taken has cost the account nothing.
    """
    _ = desk.open()
    desk.add_camille(f"clear:{OLD}")
    for _ in range(4):
        assert WrongPassword() == signs_in(desk, "Faux-2026")()
    slots: Any = Slots(desk)
    flow = desk.auth.password_sign_in
    desk.auth.password_sign_in = attrs.evolve(
        flow, password_check=attrs.evolve(flow.password_check, slots=slots)
    )

    def check(runs: Runs) -> None:
        compared = sum(run.compared for run in runs.values())
        holds("comparisons", 1, compared)
        holds("failures that are counted", 5, failures(desk))
        busy = [run.compared for run in runs.values() if isinstance(run.answer, Busy)]
        holds("comparisons of the busy", 0, sum(busy))
        password_is(desk, OLD)

    flows = {"first": signs_in(desk, "Faux-1"), "second": signs_in(desk, "Faux-2")}
    return Race(flows=flows, check=check, troubles=is_full)
