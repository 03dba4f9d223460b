"""
What to do next, for each of the helpdesk's questions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from uness_auth.events import Event, EventKind
from uness_auth.model import Account
from uness_auth.policy import Policy
from uness_auth.provisioning.next_steps import (
    RULES,
    NextStep,
    Step,
    begins_anew,
    next_steps,
    rules_of,
    until_of,
)


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEWCOMER = Account(
    id="ada", address="ada@univ-exemple.fr", credential_version=7, created_at=NOW
)
REGULAR = attrs.evolve(NEWCOMER, password_hash="clear:x")
SUSPENDED = attrs.evolve(REGULAR, is_password_suspended=True)
K = EventKind


def at(ago: timedelta, kind: EventKind, method: str = "", reason: str = "") -> Event:
    """
    Return what happened so long ago.
    """
    return Event(
        kind=kind, at=NOW - ago, account_id="ada", method=method, reason=reason
    )


def steps(*events: Event, account: Account = NEWCOMER) -> list[NextStep]:
    """
    Return what to do next after *events*, the newest first.
    """
    return [one.step for one in next_steps(account, events, NOW, Policy.uness())]


SENT = at(HOUR, K.LINK_SENT, "invitation")
IN = at(5 * MINUTE, K.SIGNED_IN, "password", "Firefox, Windows")
WRONG = at(MINUTE, K.PASSWORD_REFUSED, "password", "wrong password")


class TestAccount:
    @pytest.mark.parametrize(
        ("facts", "expected"),
        [
            ({"is_disabled": True}, NextStep.ASK_REGISTRAR),
            ({"valid_from": NOW + DAY}, NextStep.AWAIT_FIRST_DAY),
            ({"valid_until": NOW}, NextStep.PROLONG),
        ],
    )
    def test_closed(self, facts: dict[str, Any], expected: NextStep) -> None:
        """
        Nothing else helps, whatever happened.
        """
        closed = attrs.evolve(REGULAR, **facts)

        assert [expected] == steps(WRONG, IN, account=closed)

    def test_open_within_its_days(self) -> None:
        """
        Between its first and its last day an account is like any other.
        """
        within = attrs.evolve(REGULAR, valid_from=NOW, valid_until=NOW + DAY)

        assert [NextStep.SIGN_IN] == steps(account=within)

    def test_suspended(self) -> None:
        """
        A suspended password is told first, and the wrong ones are not told again.
        """
        late = at(MINUTE, K.CODE_REFUSED, "code", "expired")

        assert [NextStep.RESET_SUSPENDED] == steps(WRONG, account=SUSPENDED)
        assert [NextStep.RESET_SUSPENDED, NextStep.ASK_CODE_AGAIN] == steps(
            WRONG, late, account=SUSPENDED
        )

    def test_nothing_happened(self) -> None:
        """
        Without a password a link is sent; with one, somebody signs in.
        """
        assert [NextStep.SEND_LINK] == steps()
        assert [NextStep.SIGN_IN] == steps(account=REGULAR)
        assert [NextStep.SIGN_IN] == steps(
            attrs.evolve(IN, at=NOW - 2 * HOUR), account=REGULAR
        )

    def test_signed_in_lately(self) -> None:
        """
        The way in works, in which browser is told; what was before it is over.
        """
        before = attrs.evolve(WRONG, at=NOW - HOUR)

        assert (
            Step(step=NextStep.NOTHING, at=IN.at, detail="Firefox, Windows"),
        ) == next_steps(REGULAR, [IN, before], NOW, Policy.uness())
        assert [NextStep.RESET_FORGOTTEN] == steps(WRONG, IN, account=REGULAR)


class TestLinks:
    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (at(MINUTE, K.LINK_ORDERED, "first_link"), NextStep.AWAIT_MAIL),
            (at(MINUTE, K.LINK_OPENED, "first_link"), NextStep.USE_LINK),
            (
                at(MINUTE, K.LINK_REFUSED, "first_link", "too_short,differs"),
                NextStep.MEET_RULES,
            ),
            (
                at(MINUTE, K.LINK_REFUSED, "first_link", "LinkExpired"),
                NextStep.ASK_LINK_AGAIN,
            ),
            (
                at(MINUTE, K.LINK_REFUSED, "first_link", "credential version moved"),
                NextStep.ASK_LINK_AGAIN,
            ),
            (
                at(MINUTE, K.MAIL_FAILED, "invitation", "recipient refused: 550 5.1.1"),
                NextStep.CORRECT_ADDRESS,
            ),
            (
                at(MINUTE, K.MAIL_FAILED, "first_link", "timed out"),
                NextStep.TELL_OPERATOR,
            ),
            (at(MINUTE, K.LINK_SENT, "first_link"), NextStep.LOOK_IN_SPAM),
        ],
    )
    def test_the_last_word_counts(self, last: Event, expected: NextStep) -> None:
        """
        What happened last to a link says what is to be done.
        """
        assert [expected] == steps(last, SENT)

    @pytest.mark.parametrize("kind", [K.LINK_SENT, K.LINK_OPENED])
    def test_too_old(self, kind: EventKind) -> None:
        """
        A link that no longer works is not looked for.
        """
        old = attrs.evolve(SENT, at=NOW - DAY)
        last = at(DAY, kind, "invitation")

        assert [NextStep.ASK_LINK_AGAIN] == steps(last, old)
        assert [NextStep.ASK_LINK_AGAIN] == steps(
            at(MINUTE, K.LINK_OPENED, "first_link")
        )

    def test_until(self) -> None:
        """
        Until when it works is told, of each kind its own.
        """
        (first,) = next_steps(NEWCOMER, [SENT], NOW, Policy.uness())
        reset = at(MINUTE, K.LINK_SENT, "reset_link")
        (second,) = next_steps(REGULAR, [reset], NOW, Policy.uness())

        assert SENT.at + DAY == first.until
        assert reset.at + HOUR == second.until

    def test_used(self) -> None:
        """
        One that was used is done with; opened again, there is a password.
        """
        used = at(2 * MINUTE, K.LINK_USED, "first_link")
        again = at(MINUTE, K.LINK_REFUSED, "first_link", "credential version moved")

        assert [NextStep.SIGN_IN] == steps(used, SENT, account=REGULAR)
        assert [NextStep.USE_PASSWORD] == steps(again, used, SENT, account=REGULAR)

    def test_of_long_ago(self) -> None:
        """
        A link of a month ago matters to whom it would have given a password.
        """
        old = attrs.evolve(SENT, at=NOW - 30 * DAY)

        assert [NextStep.ASK_LINK_AGAIN] == steps(old)
        assert [NextStep.SIGN_IN] == steps(old, account=REGULAR)

    @pytest.mark.parametrize(
        ("event", "is_new"),
        [
            (at(MINUTE, K.ACCOUNT_READDRESSED), True),
            (at(MINUTE, K.ACCOUNT_ENABLED), True),
            (at(MINUTE, K.ACCOUNT_DISABLED), True),
            (at(MINUTE, K.SESSIONS_REVOKED), True),
            (at(MINUTE, K.SESSIONS_REVOKED, "open_sessions"), False),
            (at(MINUTE, K.NOTICE_SENT), False),
        ],
    )
    def test_before_a_change(self, event: Event, *, is_new: bool) -> None:
        """
        What a registrar voided is not waited for.
        """
        expected = NextStep.SEND_LINK if is_new else NextStep.LOOK_IN_SPAM

        assert is_new == begins_anew(event)
        assert [expected] == steps(event, SENT)


class TestCodes:
    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (at(MINUTE, K.CODE_ORDERED, "code"), NextStep.AWAIT_MAIL),
            (at(MINUTE, K.CODE_SENT, "code"), NextStep.LOOK_FOR_CODE),
            (at(3 * MINUTE, K.CODE_SENT, "code"), NextStep.ASK_CODE_AGAIN),
            (
                at(MINUTE, K.CODE_REFUSED, "code", "another browser's"),
                NextStep.SAME_BROWSER,
            ),
            (at(MINUTE, K.CODE_REFUSED, "code", "expired"), NextStep.ASK_CODE_AGAIN),
            (at(MINUTE, K.CODE_ACCEPTED, "code"), NextStep.SIGN_IN),
            (
                at(MINUTE, K.MAIL_FAILED, "code", "recipient refused: 550"),
                NextStep.CORRECT_ADDRESS,
            ),
            (at(8 * DAY, K.CODE_REFUSED, "code", "expired"), NextStep.SIGN_IN),
        ],
    )
    def test_the_last_word_counts(self, last: Event, expected: NextStep) -> None:
        """
        What happened last to a code says what is to be done.
        """
        assert [expected] == steps(last, account=REGULAR)


class TestPasswords:
    def test_a_new_one_that_was_refused(self) -> None:
        """
        On the account page the rules are told as they are on the link's.
        """
        refused = at(MINUTE, K.PASSWORD_REFUSED, "password_change", "no_digit")

        assert [NextStep.MEET_RULES] == steps(refused, account=REGULAR)

    def test_of_nobody_with_a_password(self) -> None:
        """
        Who has no password needs a link, whatever they typed.
        """
        typed = at(MINUTE, K.PASSWORD_REFUSED, "password", "no password yet")

        assert [NextStep.SEND_LINK] == steps(typed)
        assert [NextStep.LOOK_IN_SPAM] == steps(typed, SENT)

    def test_set_since(self) -> None:
        """
        A wrong one before the new password is over.
        """
        new = at(MINUTE / 2, K.PASSWORD_SET, "reset_link")

        assert [NextStep.SIGN_IN] == steps(new, WRONG, account=REGULAR)


class TestThrottled:
    def test_until(self) -> None:
        """
        How long to wait is told before anything else, and only as long as it is so.
        """
        until = NOW + MINUTE
        reason = f"until {until.isoformat()}"
        throttled = at(MINUTE, K.THROTTLED, "account_passwords", reason)
        over = at(HOUR, K.THROTTLED, "account_codes", f"until {NOW.isoformat()}")
        first, second = next_steps(
            REGULAR, [throttled, over, WRONG], NOW, Policy.uness()
        )

        assert (NextStep.WAIT, until, "account_passwords") == (
            first.step,
            first.until,
            first.detail,
        )
        assert NextStep.RESET_FORGOTTEN is second.step
        assert until_of(throttled) == until

    def test_that_says_nothing(self) -> None:
        """
        A reason that is no instant is passed over.
        """
        odd = at(MINUTE, K.THROTTLED, "account_codes", "soon")

        assert until_of(odd) is None
        assert [NextStep.SIGN_IN] == steps(odd, account=REGULAR)


class TestHost:
    def test_its_veto(self) -> None:
        """
        Who they are was proven: the application has to say why.
        """
        vetoed = at(MINUTE, K.SIGN_IN_VETOED, "password")

        assert [NextStep.ASK_HOST] == steps(vetoed, account=REGULAR)

    def test_newest_first(self) -> None:
        """
        Of several things the last is told first.
        """
        vetoed = at(2 * MINUTE, K.SIGN_IN_VETOED, "password")
        code = at(3 * MINUTE, K.CODE_REFUSED, "code", "expired")

        assert [
            NextStep.RESET_FORGOTTEN,
            NextStep.ASK_HOST,
            NextStep.ASK_CODE_AGAIN,
        ] == steps(WRONG, vetoed, code, account=REGULAR)


class TestRules:
    def test_are_those_of_the_policy(self) -> None:
        """
        Every name that a policy gives is known here.
        """
        policy = Policy.uness().password
        texts = ["a", "a" * 99, "A" * 9, "é", "Azerty-2026", "aaaaaaaaa"]
        named = {name for text in texts for name in policy.unmet(text)}

        assert named | {"differs"} == RULES

    def test_another_reason_is_none(self) -> None:
        """
        A reason in words holds no rules.
        """
        assert () == rules_of(at(MINUTE, K.LINK_REFUSED, "", "another one was first"))
        assert () == rules_of(at(MINUTE, K.LINK_REFUSED))
