"""
What somebody who cannot get in does next: decided from account and events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import attrs

from ..events import Event, EventKind
from ..model import Account, OrderKind
from ..orders import REFUSED
from ..policy import DAY, HOUR, Policy


# A sign-in of so long ago says that the way in works.
LATELY: Final = HOUR
# What went wrong longer ago is not why somebody asks.
RECENT: Final = 7 * DAY
UNTIL: Final = "until "
RULES: Final = frozenset(
    {
        *("too_short", "too_long", "no_uppercase", "no_lowercase", "no_digit"),
        *("no_special", "forbidden_character", "too_common", "differs"),
    }
)
_LINKS: Final = frozenset(
    {OrderKind.FIRST_LINK, OrderKind.RESET_LINK, OrderKind.INVITATION}
)
_OF_LINKS: Final = frozenset(
    {
        *(EventKind.LINK_ORDERED, EventKind.LINK_SENT, EventKind.LINK_OPENED),
        *(EventKind.LINK_USED, EventKind.LINK_REFUSED, EventKind.MAIL_FAILED),
    }
)
_OF_CODES: Final = frozenset(
    {
        *(EventKind.CODE_ORDERED, EventKind.CODE_SENT, EventKind.CODE_ACCEPTED),
        *(EventKind.CODE_REFUSED, EventKind.MAIL_FAILED),
    }
)
_OF_PASSWORDS: Final = frozenset(
    {
        *(EventKind.PASSWORD_SET, EventKind.PASSWORD_CHANGED),
        *(EventKind.PASSWORD_ACCEPTED, EventKind.PASSWORD_REFUSED),
    }
)
_ANOTHER_BROWSER: Final = "another browser's"
_TOO_OLD: Final = "LinkExpired"


class NextStep(StrEnum):
    """
    One thing to do, or to say.
    """

    ASK_REGISTRAR = "ask_registrar"
    AWAIT_FIRST_DAY = "await_first_day"
    PROLONG = "prolong"
    NOTHING = "nothing"
    WAIT = "wait"
    RESET_SUSPENDED = "reset_suspended"
    CORRECT_ADDRESS = "correct_address"
    TELL_OPERATOR = "tell_operator"
    AWAIT_MAIL = "await_mail"
    LOOK_IN_SPAM = "look_in_spam"
    ASK_LINK_AGAIN = "ask_link_again"
    USE_LINK = "use_link"
    MEET_RULES = "meet_rules"
    SEND_LINK = "send_link"
    USE_PASSWORD = "use_password"  # noqa: S105 - a step
    RESET_FORGOTTEN = "reset_forgotten"
    LOOK_FOR_CODE = "look_for_code"
    ASK_CODE_AGAIN = "ask_code_again"
    SAME_BROWSER = "same_browser"
    ASK_HOST = "ask_host"
    SIGN_IN = "sign_in"


@attrs.frozen(kw_only=True)
class Step:
    """
    What to do next, and what it rests on.

    Attributes:
        at: When what it rests on happened.

        until: Until when it is so.

        detail: The event's method or reason; what it means depends on the step.
    """

    step: NextStep
    at: datetime | None = None
    until: datetime | None = None
    detail: str = ""


def next_steps(
    account: Account, events: Sequence[Event], now: datetime, policy: Policy, /
) -> tuple[Step, ...]:
    """
    Return what to do next, the most pressing first; never nothing.

    Args:
        events: Of the account, the newest first; none where they are not kept.
    """
    closed = _closed(account, now)
    if closed is not None:
        return (closed,)
    lately = tuple(_lately(events))
    recent = [one for one in lately if now < one.at + RECENT]
    found = [
        # A link that came to nothing counts as long as there is no password.
        _of_links(account, recent if account.has_password else lately, now, policy),
        _of_codes(recent, now, policy),
        _of_passwords(account, recent),
        _vetoed(recent),
    ]
    steps = [_throttled(recent, now), *sorted(_some(found), key=_at, reverse=True)]
    if account.is_password_suspended:
        steps.insert(0, Step(step=NextStep.RESET_SUSPENDED))
    return tuple(_some(steps)) or (_otherwise(account, events[len(lately) :], now),)


def begins_anew(event: Event, /) -> bool:
    """
    Say whether what was before *event* no longer counts.

    It is another mailbox, or a registrar voided all links and codes.
    """
    by_owner = event.method == "open_sessions"
    return event.kind in _ANEW or (
        event.kind is EventKind.SESSIONS_REVOKED and not by_owner
    )


_ANEW: Final = frozenset(
    {
        EventKind.ACCOUNT_READDRESSED,
        EventKind.ACCOUNT_DISABLED,
        EventKind.ACCOUNT_ENABLED,
    }
)


def until_of(event: Event, /) -> datetime | None:
    """
    Return until when a budget is spent; None where the event does not say.
    """
    try:
        return datetime.fromisoformat(event.reason.removeprefix(UNTIL))
    except ValueError:
        return None


def rules_of(event: Event, /) -> tuple[str, ...]:
    """
    Return the names of the rules that a new password broke; empty for another reason.
    """
    names = tuple(event.reason.split(","))
    return names if RULES.issuperset(names) else ()


def _lately(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if event.kind is EventKind.SIGNED_IN or begins_anew(event):
            return
        yield event


def _otherwise(account: Account, before: Sequence[Event], now: datetime) -> Step:
    settled = next(iter(before), None)
    if (
        settled is not None
        and settled.kind is EventKind.SIGNED_IN
        and now < settled.at + LATELY
    ):
        return _step(NextStep.NOTHING, settled, detail=settled.reason)
    if account.has_password:
        return Step(step=NextStep.SIGN_IN)
    return Step(step=NextStep.SEND_LINK)


def _some(steps: Iterable[Step | None]) -> list[Step]:
    return [one for one in steps if one is not None]


def _at(step: Step) -> datetime:
    # Every step of an event has its instant.
    return step.at or datetime.min.replace(tzinfo=UTC)


def _step(
    step: NextStep, event: Event, until: datetime | None = None, detail: str = ""
) -> Step:
    return Step(step=step, at=event.at, until=until, detail=detail)


def _last(
    events: Iterable[Event], kinds: frozenset[EventKind], methods: Iterable[str] = ()
) -> Event | None:
    return next(
        (
            one
            for one in events
            if one.kind in kinds and (not methods or one.method in methods)
        ),
        None,
    )


def _closed(account: Account, now: datetime) -> Step | None:
    if account.is_disabled:
        return Step(step=NextStep.ASK_REGISTRAR)
    if account.valid_from is not None and now < account.valid_from:
        return Step(step=NextStep.AWAIT_FIRST_DAY, until=account.valid_from)
    if account.valid_until is not None and account.valid_until <= now:
        return Step(step=NextStep.PROLONG, until=account.valid_until)
    return None


def _throttled(recent: Iterable[Event], now: datetime) -> Step | None:
    for event in recent:
        until = until_of(event) if event.kind is EventKind.THROTTLED else None
        if until is not None and now < until:
            return _step(NextStep.WAIT, event, until, event.method)
    return None


def _vetoed(recent: Iterable[Event]) -> Step | None:
    last = _last(recent, frozenset({EventKind.SIGN_IN_VETOED}))
    return None if last is None else _step(NextStep.ASK_HOST, last)


def _of_links(
    account: Account, events: Sequence[Event], now: datetime, policy: Policy
) -> Step | None:
    # A link that is too old is told with its kind, and one that is nobody's is not here.
    last = _last(events, _OF_LINKS, (*_LINKS, ""))
    if last is None or last.kind is EventKind.LINK_USED:
        return None
    if last.kind is EventKind.MAIL_FAILED:
        return _mail_failed(last)
    until = _link_until(events, policy)
    is_over = until is None or until <= now
    return _step(_link_step(account, last, is_over=is_over), last, until, last.reason)


def _link_step(account: Account, last: Event, *, is_over: bool) -> NextStep:
    if last.kind is EventKind.LINK_ORDERED:
        return NextStep.AWAIT_MAIL
    if last.kind is EventKind.LINK_REFUSED and not rules_of(last):
        is_used = account.has_password and last.reason != _TOO_OLD
        return NextStep.USE_PASSWORD if is_used else NextStep.ASK_LINK_AGAIN
    if is_over:
        return NextStep.ASK_LINK_AGAIN
    if last.kind is EventKind.LINK_SENT:
        return NextStep.LOOK_IN_SPAM
    is_open = last.kind is EventKind.LINK_OPENED
    return NextStep.USE_LINK if is_open else NextStep.MEET_RULES


def _link_until(events: Iterable[Event], policy: Policy) -> datetime | None:
    """
    Return until when the last link works that was mailed; None where none is known.
    """
    sent = _last(events, frozenset({EventKind.LINK_SENT}), _LINKS)
    if sent is None:
        return None
    return sent.at + policy.link.lifetime(OrderKind(sent.method))


def _mail_failed(event: Event) -> Step:
    is_refused = event.reason.startswith(REFUSED)
    step = NextStep.CORRECT_ADDRESS if is_refused else NextStep.TELL_OPERATOR
    return _step(step, event, detail=event.reason)


def _of_codes(recent: Iterable[Event], now: datetime, policy: Policy) -> Step | None:
    last = _last(recent, _OF_CODES, (OrderKind.CODE,))
    if last is None or last.kind is EventKind.CODE_ACCEPTED:
        return None
    if last.kind is EventKind.MAIL_FAILED:
        return _mail_failed(last)
    if last.kind is EventKind.CODE_ORDERED:
        return _step(NextStep.AWAIT_MAIL, last)
    if last.kind is EventKind.CODE_REFUSED:
        is_elsewhere = last.reason == _ANOTHER_BROWSER
        step = NextStep.SAME_BROWSER if is_elsewhere else NextStep.ASK_CODE_AGAIN
        return _step(step, last, detail=last.reason)
    until = last.at + policy.code.lifetime
    step = NextStep.LOOK_FOR_CODE if now < until else NextStep.ASK_CODE_AGAIN
    return _step(step, last, until)


def _of_passwords(account: Account, recent: Iterable[Event]) -> Step | None:
    last = _last(recent, _OF_PASSWORDS)
    if last is None or last.kind is not EventKind.PASSWORD_REFUSED:
        return None
    if rules_of(last):
        return _step(NextStep.MEET_RULES, last, detail=last.reason)
    # A suspended one is told already, and one that there is not needs a link.
    if account.is_password_suspended or not account.has_password:
        return None
    return _step(NextStep.RESET_FORGOTTEN, last)
