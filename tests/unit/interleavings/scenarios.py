"""
The races: who starts together, and what must hold in every order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import attrs

from tests.unit.interleavings.desk import (
    CAMILLE,
    OLD,
    Desk,
    Raised,
    Run,
)
from tests.unit.interleavings.walk import Race, holds
from uness_auth import Policy
from uness_auth.events import EventKind
from uness_auth.model import Client
from uness_auth.outcomes import (
    CodeSent,
    LinkSent,
    Resumed,
    SignedIn,
    WrongPassword,
)
from uness_auth.throttle import History


HERE: Final = Client(network="192.0.2.7", browser_digest="b" * 64)
MINUTE: Final = timedelta(minutes=1)
COMPARED_CODES: Final = ("wrong code", "another request was first")

Runs = Mapping[str, Run]


@attrs.frozen(kw_only=True)
class Scenario:
    """
    One race, and how many orders it has.

    Attributes:
        states: What holds, as the documentation says it.
    """

    name: str
    states: str
    orders: int
    race: Callable[[Desk], Race]


SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(orders: int) -> Callable[[Callable[[Desk], Race]], Callable[[Desk], Race]]:
    """
    Enter a race into the list, under its own name and docstring.
    """

    def enter(race: Callable[[Desk], Race]) -> Callable[[Desk], Race]:
        name = race.__name__.replace("_", " ")
        states = " ".join((race.__doc__ or "").split())
        SCENARIOS[name] = Scenario(name=name, states=states, orders=orders, race=race)
        return race

    return enter


# --- What visitors do -------------------------------------------------------------


def mailed_link(desk: Desk) -> str:
    """
    Have a link mailed to Camille; return its token.
    """
    answer = desk.auth.password_link.request(CAMILLE, HERE)
    assert isinstance(answer, LinkSent), answer
    return desk.outbox.link(CAMILLE).rpartition("/")[2]


def posts(desk: Desk, token: str, password: str) -> Callable[[], object]:
    """
    Post the form of the link.
    """
    return lambda: desk.auth.password_link.set_password(token, password, password, HERE)


def signs_in(
    desk: Desk, password: str, client: Client = HERE, address: str = CAMILLE
) -> Callable[[], object]:
    """
    Try a password.
    """
    return lambda: desk.auth.password_sign_in.sign_in(
        address, password, client, is_remembered=False
    )


def mailed_code(desk: Desk) -> tuple[str, str]:
    """
    Have a code mailed to Camille; return its challenge and the code.
    """
    sent = desk.auth.code_sign_in.begin(CAMILLE, HERE)
    assert isinstance(sent, CodeSent), sent
    return sent.challenge_id, desk.outbox.code(CAMILLE)


def with_a_code(
    desk: Desk, *, spent: int = 0, policy: Policy | None = None
) -> tuple[str, str]:
    """
    Open the site and have a code mailed; spend some of its attempts.
    """
    _ = desk.open(policy)
    desk.add_camille(f"clear:{OLD}")
    challenge_id, code = mailed_code(desk)
    for _ in range(spent):
        _ = confirms(desk, challenge_id, other(code))()
    return challenge_id, code


def other(code: str) -> str:
    """
    Return a code that is wrong.
    """
    return f"{(int(code) + 1) % 1_000_000:06d}"


def confirms(desk: Desk, challenge_id: str, code: str) -> Callable[[], object]:
    """
    Give a code.
    """
    return lambda: desk.auth.code_sign_in.confirm(challenge_id, code, HERE)


def signed_in(desk: Desk) -> str:
    """
    Sign Camille in, before the race; return the session's token.
    """
    answer = signs_in(desk, OLD)()
    assert isinstance(answer, SignedIn), answer
    return answer.session_token


def disables(desk: Desk) -> Callable[[], object]:
    """
    Disable the account.
    """
    return lambda: desk.auth.provisioning.disable(CAMILLE)


# --- What must hold -----------------------------------------------------------------


def count(runs: Runs, kind: type) -> int:
    """
    Return how many flows answered with *kind*.
    """
    return sum(isinstance(run.answer, kind) for run in runs.values())


def compared_codes(runs: Runs) -> int:
    """
    Return how many codes were compared with the right one.
    """
    reasons = sum(
        run.reasons.count(one) for run in runs.values() for one in COMPARED_CODES
    )
    kinds = [event.kind for run in runs.values() for event in run.events]
    return reasons + kinds.count(EventKind.CODE_ACCEPTED)


def history(desk: Desk) -> History:
    """
    Return what the account's counter says of its wrong passwords.
    """
    guard = desk.auth.password_sign_in.guard
    key = guard._account_key("passwords", "camille")  # noqa: SLF001 - of no port
    return History.from_text(desk.storage.counters.read(key))


def failures(desk: Desk) -> int:
    """
    Return how many wrong passwords are counted.
    """
    return len(history(desk).entries)


def sessions_resume(desk: Desk, runs: Runs) -> list[bool]:
    """
    Return, for each session that was opened, whether it works.
    """
    return [
        isinstance(desk.auth.sessions.resume(run.answer.session_token), Resumed)
        for run in runs.values()
        if isinstance(run.answer, SignedIn)
    ]


def no_session_works(desk: Desk, runs: Runs) -> None:
    """
    Hold that whatever session was opened is void by now.
    """
    holds(
        "sessions that work under a dead version", 0, sum(sessions_resume(desk, runs))
    )


def password_is(desk: Desk, right: str, *wrong: str) -> None:
    """
    Hold that *right* signs in, an hour later, and *wrong* do not.
    """
    desk.clock.tick(timedelta(hours=2))
    for password in wrong:
        answer = signs_in(desk, password)()
        holds("another password later", WrongPassword(), answer)
    answer = signs_in(desk, right)()
    holds("the password later", "SignedIn", type(answer).__name__)


def nothing_works(desk: Desk, runs: Runs) -> None:
    """
    Hold that the account is disabled, and signs in by no password or session.
    """
    holds("the account is disabled", True, desk.camille.is_disabled)
    no_session_works(desk, runs)
    desk.clock.tick(timedelta(hours=2))
    holds("its password later", WrongPassword(), signs_in(desk, OLD)())


def no_errors(runs: Runs) -> None:
    """
    Hold that nobody was told of an error.
    """
    raised = [run.answer for run in runs.values() if isinstance(run.answer, Raised)]
    holds("errors", [], raised)
