"""
Codes, and what may overlap with one that is typed.
"""

from __future__ import annotations

from tests.unit.interleavings.desk import (
    CAMILLE,
    NEW,
    OLD,
    Desk,
    names,
)
from tests.unit.interleavings.scenarios import (
    HERE,
    MINUTE,
    Runs,
    compared_codes,
    confirms,
    count,
    mailed_link,
    no_errors,
    no_session_works,
    other,
    password_is,
    posts,
    scenario,
    sessions_resume,
    with_a_code,
)
from tests.unit.interleavings.walk import Race, holds
from uness_auth import Policy, ThrottlePolicy
from uness_auth.model import CodeChallenge
from uness_auth.outcomes import (
    CodeSent,
    PasswordSet,
    SignedIn,
)
from uness_auth.policy import HOUR, Budget


def _challenge(desk: Desk, challenge_id: str) -> CodeChallenge | None:
    return desk.rows.challenges.get(challenge_id)


@scenario(orders=17_411_928)
def two_confirms_of_one_code(desk: Desk) -> Race:
    """
    A right code that is posted twice opens one session.
    """
    # The site's second budget is spent and given back as its first is, and alone would
    # make of these orders fifteen times as many.
    one_budget = ThrottlePolicy(site_codes=(Budget(1_000, HOUR),))
    challenge_id, code = with_a_code(desk, policy=Policy.uness(throttle=one_budget))

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("answers", ["ChallengeGone", "SignedIn"], names(list(runs.values())))
        holds("sessions", 1, len(desk.rows.sessions))
        holds("sessions that work", [True], sessions_resume(desk, runs))
        again = confirms(desk, challenge_id, code)()
        holds("the code afterwards", "ChallengeGone", type(again).__name__)

    confirm = confirms(desk, challenge_id, code)
    return Race(flows={"first": confirm, "second": confirm}, check=check)


def _guesses(desk: Desk, *, spent: int, right: bool) -> Race:
    challenge_id, code = with_a_code(desk, spent=spent)
    left = desk.auth.policy.code.attempts - spent

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("comparisons beyond the attempts", 0, max(0, compared_codes(runs) - left))
        if not right:
            holds("comparisons", min(left, 2), compared_codes(runs))
        holds("sessions", count(runs, SignedIn), len(desk.rows.sessions))
        stored = _challenge(desk, challenge_id)
        if stored is not None:
            spent_now = min(left, compared_codes(runs))
            holds("attempts left", left - spent_now, stored.attempts_left)

    flows = {
        "guess": confirms(desk, challenge_id, other(code)),
        "other": confirms(desk, challenge_id, code if right else other(code)),
    }
    return Race(flows=flows, check=check)


@scenario(orders=196)
def two_wrong_codes_with_one_attempt_left(desk: Desk) -> Race:
    """
    One is compared, and one only.
    """
    return _guesses(desk, spent=4, right=False)


@scenario(orders=1_018)
def a_wrong_and_the_right_code_with_one_attempt_left(desk: Desk) -> Race:
    """
    One is compared, and one only: whichever came first.
    """
    return _guesses(desk, spent=4, right=True)


@scenario(orders=3_432)
def two_wrong_codes_with_five_attempts_left(desk: Desk) -> Race:
    """
    Both are compared, and both are counted.
    """
    return _guesses(desk, spent=0, right=False)


@scenario(orders=11_440)
def a_wrong_code_and_the_same_code_again(desk: Desk) -> Race:
    """
    Asking for the code again gives no attempt back.
    """
    challenge_id, code = with_a_code(desk, spent=1)
    desk.clock.tick(MINUTE)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the resend", CodeSent, type(runs["resend"].answer))
        stored = _challenge(desk, challenge_id)
        holds("attempts left", 3, stored and stored.attempts_left)
        answer = confirms(desk, challenge_id, code)()
        holds("the right code", SignedIn, type(answer))

    flows = {
        "guess": confirms(desk, challenge_id, other(code)),
        "resend": lambda: desk.auth.code_sign_in.resend(challenge_id, HERE),
    }
    return Race(flows=flows, check=check)


@scenario(orders=2_018_674)
def the_right_code_and_the_same_code_again(desk: Desk) -> Race:
    """
    A used code stays used, though it is on its way again.
    """
    challenge_id, code = with_a_code(desk)
    desk.clock.tick(MINUTE)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the code", SignedIn, type(runs["confirm"].answer))
        holds("the challenge", None, _challenge(desk, challenge_id))
        again = confirms(desk, challenge_id, code)()
        holds("the code again", "ChallengeGone", type(again).__name__)

    flows = {
        "confirm": confirms(desk, challenge_id, code),
        "resend": lambda: desk.auth.code_sign_in.resend(challenge_id, HERE),
    }
    return Race(flows=flows, check=check)


@scenario(orders=18)
def two_who_ask_for_the_same_code_again(desk: Desk) -> Race:
    """
    One mail leaves.
    """
    challenge_id, _code = with_a_code(desk)
    desk.clock.tick(MINUTE)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("answers", ["CodeSent", "MailPaused"], names(list(runs.values())))
        holds("mails", 2, desk.outbox.count(CAMILLE))

    def resend() -> object:
        return desk.auth.code_sign_in.resend(challenge_id, HERE)

    return Race(flows={"first": resend, "second": resend}, check=check)


@scenario(orders=19_314)
def a_code_and_a_link(desk: Desk) -> Race:
    """
    No session is open under the version that the link made void.
    """
    challenge_id, code = with_a_code(desk)
    token = mailed_link(desk)

    def check(runs: Runs) -> None:
        no_errors(runs)
        holds("the link", PasswordSet(), runs["link"].answer)
        no_session_works(desk, runs)
        again = confirms(desk, challenge_id, code)()
        holds("sessions by the code later", False, isinstance(again, SignedIn))
        password_is(desk, NEW, OLD)

    flows = {
        "link": posts(desk, token, NEW),
        "confirm": confirms(desk, challenge_id, code),
    }
    return Race(flows=flows, check=check)
