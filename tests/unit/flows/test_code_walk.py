"""
A walk through asking, typing and waiting, held against what the policy says.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from uness_auth import Policy, Site, ThrottlePolicy, UnessAuth
from uness_auth.model import Client, CodeChallenge
from uness_auth.outcomes import (
    ChallengeGone,
    CodeExpired,
    CodeSent,
    MailPaused,
    SignedIn,
    WrongCode,
)
from uness_auth.policy import MINUTE, SECOND, Budget
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
PHONE = Client(network="198.51.100.9", browser_digest="c" * 64)
CAMILLE = "camille@univ-exemple.fr"
OLD = "first-key-of-the-tests-0123456789abcdef"


def other(code: str) -> str:
    """
    Return a code that is not *code*.
    """
    return f"{(int(code) + 1) % 1_000_000:06d}"


class Walk(RuleBasedStateMachine):
    """
    Begin, ask again, type and wait, against what the policy's words say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outbox, self.clock = Outbox(), FixedClock()
        storage = MemoryStorage()
        plenty = (Budget(150, timedelta(seconds=1)),)
        self.auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=storage.stores,
            mailer=self.outbox,
            keys=[OLD],
            policy=Policy.uness(
                throttle=ThrottlePolicy(
                    code_mails=plenty, codes=plenty, for_development_only=True
                )
            ),
            hashing=FastHashing(),
            clock=self.clock,
        )
        self.auth.provisioning.add(CAMILLE, account_id="camille")
        self.challenge_id = ""
        self.code = ""
        self.began: datetime = self.clock()
        self.sent: datetime = self.clock()
        self.attempts = 0

    @property
    def is_open(self) -> bool:
        """
        Whether there is a challenge with tries left, within its window.
        """
        return self.attempts > 0 and self.clock() < self.began + 15 * MINUTE

    @rule()
    def begin(self) -> None:
        """
        Ask for a code.
        """
        answer = self.auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(answer, CodeSent)
        self.challenge_id, self.code = answer.challenge_id, self.outbox.code(CAMILLE)
        self.began = self.sent = self.clock()
        self.attempts = 5

    @precondition(lambda self: self.challenge_id)
    @rule()
    def again(self) -> None:
        """
        Ask for it again.
        """
        mails = len(self.outbox.messages)
        answer = self.auth.code_sign_in.resend(self.challenge_id, HERE)
        if not self.is_open:
            assert ChallengeGone() == answer
        elif self.clock() < self.sent + MINUTE:
            assert isinstance(answer, MailPaused)
            assert (self.sent, self.sent + MINUTE) == (answer.sent_at, answer.until)
        else:
            assert isinstance(answer, CodeSent)
            assert self.code == self.outbox.code(CAMILLE)
            self.sent = self.clock()
            mails += 1
        assert mails == len(self.outbox.messages)

    @precondition(lambda self: self.challenge_id)
    @rule(is_right=st.booleans(), is_here=st.booleans())
    def type(self, *, is_right: bool, is_here: bool) -> None:
        """
        Type the code, or another one, here or elsewhere.
        """
        typed = self.code if is_right else other(self.code)
        client = HERE if is_here else PHONE
        answer = self.auth.code_sign_in.confirm(self.challenge_id, typed, client)
        if self.attempts == 0:
            assert ChallengeGone() == answer
            return
        self.attempts -= 1
        if not is_here:
            assert ChallengeGone() == answer
        elif self.clock() >= self.sent + 3 * MINUTE:
            gone = self.attempts == 0 or self.clock() >= self.began + 15 * MINUTE
            assert (
                ChallengeGone() if gone else CodeExpired(challenge_id=self.challenge_id)
            ) == answer
        elif is_right:
            assert isinstance(answer, SignedIn)
            self.attempts = 0
        elif self.attempts:
            assert WrongCode(attempts_left=self.attempts) == answer
        else:
            assert ChallengeGone() == answer

    @rule(by=st.sampled_from([SECOND, 59 * SECOND, MINUTE, 3 * MINUTE, 10 * MINUTE]))
    def wait(self, by: timedelta) -> None:
        """
        Let time pass.
        """
        self.clock.tick(by)

    @invariant()
    def nothing_is_stored(self) -> None:
        """
        The code is nowhere but in the mails.
        """
        fields = attrs.fields_dict(CodeChallenge)
        assert "code" not in fields


TestWalk = Walk.TestCase
