"""
One page for every address: no history of questions tells who has an account.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import CodePolicy, Policy, Site, ThrottlePolicy, UnessAuth
from uness_auth.model import Client
from uness_auth.outcomes import (
    AccountAdded,
    CodeSent,
)
from uness_auth.policy import MINUTE, SECOND
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
PHONE = Client(network="198.51.100.9", browser_digest="c" * 64)
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
EMMANUEL = "emmanuel@univ-exemple.fr"
NOBODY = "nobody@univ-exemple.fr"
OLD = "first-key-of-the-tests-0123456789abcdef"


class Queue:
    """
    A queue that forgets.
    """

    def put(self, order: object, /) -> None:
        """
        Forget *order*.
        """


STEPS = st.sampled_from(
    [
        "identify",
        "link",
        "password",
        "password elsewhere",
        "code",
        "code elsewhere",
        "again",
        "again elsewhere",
        "type",
        "type nothing",
        "second",
        "minute",
        "four minutes",
        "hour",
        "day",
    ]
)
TICKS = {
    "second": SECOND,
    "minute": MINUTE,
    "four minutes": 4 * MINUTE,
    "hour": 60 * MINUTE,
    "day": 24 * 60 * MINUTE,
}


@attrs.define
class Visit:
    """
    One address, tried by somebody who knows nothing but the address.
    """

    auth: UnessAuth
    clock: FixedClock
    address: str
    challenge_id: str = "f" * 32

    def step(self, name: str) -> str:
        """
        Take one step and return what can be seen of the answer.
        """
        if name in TICKS:
            self.clock.tick(TICKS[name])
            return ""
        client = PHONE if name.endswith("elsewhere") else HERE
        outcome = self.answer(name.removesuffix(" elsewhere"), client)
        if isinstance(outcome, CodeSent):
            self.challenge_id = outcome.challenge_id
        return (
            repr(outcome)
            .replace(self.address, "ADDRESS")
            .replace(self.challenge_id, "CHALLENGE")
        )

    def answer(self, name: str, client: Client) -> object:
        """
        Ask the flow.
        """
        auth, address, challenge_id = self.auth, self.address, self.challenge_id
        answers: dict[str, Callable[[], object]] = {
            "identify": lambda: auth.identify.begin(address, client),
            "link": lambda: auth.password_link.request(address, client),
            "password": lambda: auth.password_sign_in.sign_in(
                address, "Faux", client, is_remembered=False
            ),
            "code": lambda: auth.code_sign_in.begin(address, client),
            "again": lambda: auth.code_sign_in.resend(challenge_id, client),
            "type": lambda: auth.code_sign_in.confirm(challenge_id, "x", client),
            "type nothing": lambda: auth.code_sign_in.confirm(challenge_id, "", client),
        }
        return answers[name]()


def history(address: str, steps: Sequence[str], in_a_row: int) -> list[str]:
    """
    Return all that is seen of *address* on a fresh strict site.
    """
    storage, clock = MemoryStorage(), FixedClock()
    throttle = ThrottlePolicy(tells_unknown=False, passwords_in_a_row=in_a_row)
    auth = UnessAuth(
        site=Site(base_url="http://localhost:8000"),
        stores=storage.stores,
        mailer=Outbox(),
        keys=[OLD],
        # Codes that may be asked for again: a decoy must play that too.
        policy=Policy.strict(throttle=throttle, code=CodePolicy()),
        queue=Queue(),
        hashing=FastHashing(),
        clock=clock,
    )
    for name in ("camille", "dominique", "emmanuel"):
        added = auth.provisioning.add(f"{name}@univ-exemple.fr", account_id=name)
        assert isinstance(added, AccountAdded)
        if name == "dominique":
            assert storage.accounts.set_password(
                name, "clear:Sport", added.account.credential_version
            )
    auth.provisioning.disable(EMMANUEL)
    visit = Visit(auth, clock, address)
    return [visit.step(step) for step in steps]


class TestKnownLooksLikeUnknown:
    @given(st.lists(STEPS, max_size=60), st.sampled_from([2, 6, 100]))
    def test_any_history(self, steps: list[str], in_a_row: int) -> None:
        """
        Under the strict policy no sequence of questions tells who has an account.
        """
        unknown = history(NOBODY, steps, in_a_row)

        assert unknown == history(CAMILLE, steps, in_a_row)
        assert unknown == history(DOMINIQUE, steps, in_a_row)
        assert unknown == history(EMMANUEL, steps, in_a_row)

    @pytest.mark.parametrize(
        "steps",
        [
            ["code", "minute", "again", "type", "four minutes", "type", "again"],
            ["code", *["type"] * 6, "minute", "again", "code", "type"],
            ["code", "again elsewhere", "minute", "again elsewhere", "again"],
            ["password"] * 9 + ["hour", "password", "day", "password elsewhere"],
            ["code"] * 12 + ["hour"] + ["code elsewhere"] * 12,
            ["link"] * 3 + (["minute", "link"] * 6),
            ["code", *["type"] * 5] * 5,
        ],
        ids=range(7),
    )
    @pytest.mark.parametrize("in_a_row", [3, 100])
    def test_histories_that_told(self, steps: list[str], in_a_row: int) -> None:
        """
        The longest ways through every budget look the same for all four.
        """
        addresses = (NOBODY, CAMILLE, DOMINIQUE, EMMANUEL)

        assert 1 == len({tuple(history(one, steps, in_a_row)) for one in addresses})
