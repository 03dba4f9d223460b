"""
The words of a timeline: what happened, and what to do next, for the helpdesk.

In English, as the command line is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import attrs

from ..events import Event, EventKind
from ..model import Account, OrderKind, Session, Site
from ..orders import REFUSED
from ..outcomes import Scope
from .next_steps import NextStep, Step, rules_of, until_of
from .timeline import AccountState, Timeline


_SECOND: Final = timedelta(seconds=1)
RULE_WORDS: Final = {
    "too_short": "too short",
    "too_long": "too long",
    "no_uppercase": "no capital letter",
    "no_lowercase": "no small letter",
    "no_digit": "no digit",
    "no_special": "no special character",
    "forbidden_character": "a space or a character that is not allowed",
    "too_common": "too common, or leaked, or their own name",
    "differs": "the two did not match",
}
KIND_WORDS: Final = {
    OrderKind.FIRST_LINK: "link that creates the password",
    OrderKind.RESET_LINK: "link that resets the password",
    OrderKind.INVITATION: "invitation",
    OrderKind.CODE: "code",
    OrderKind.NEW_DEVICE: "notice of a new browser",
    OrderKind.PASSWORD_CHANGED: "notice of a new password",
    OrderKind.ADDRESS_CHANGED: "notice to the old address",
}
BUDGET_WORDS: Final = {
    Scope.ACCOUNT_PASSWORDS: "wrong passwords for this account",
    Scope.ACCOUNT_CODES: "wrong codes for this account",
    Scope.NETWORK_PASSWORDS: "wrong passwords from one network",
    Scope.NETWORK_CODES: "wrong codes from one network",
    Scope.NETWORK_MAILS: "mails asked for from one network",
    Scope.SITE_CODES: "wrong codes on the whole site",
}
# RFC 3463: what mail servers mean by their numbers.
STATUS_WORDS: Final = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such domain",
    "5.1.10": "the domain takes no mail",
    "5.2.1": "the mailbox is closed",
    "5.2.2": "the mailbox is full",
    "5.4.4": "the domain has no mail server",
    "5.7.1": "the server does not want this mail",
}
_STATUS: Final = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b", re.ASCII)
_REASON_WORDS: Final = {
    "LinkExpired": "it was too old",
    "credential version moved": "it, or a newer one, was used already",
    "another one was first": "it was used at the same moment elsewhere",
    "another browser's": "it was typed in another browser than the one that asked for it",
    "expired": "it was too old",
    "wrong code": "it was not the one that was mailed",
    "no such challenge": "its sign-in was over: too old, or too many tries",
    "wrong password": "it was wrong",
    "the password is suspended": "passwords are suspended",
}


def moment(instant: datetime, site: Site, /) -> str:
    """
    Return day and time in the site's time zone: ``2026-11-22 14:32``.
    """
    return f"{instant.astimezone(site.zone):%Y-%m-%d %H:%M}"


def last_day(valid_until: datetime, site: Site, /) -> str:
    """
    Return the last day of an account that ends with it.
    """
    return f"{(valid_until - _SECOND).astimezone(site.zone):%Y-%m-%d}"


def first_day(valid_from: datetime, site: Site, /) -> str:
    """
    Return the first day of an account.
    """
    return f"{valid_from.astimezone(site.zone):%Y-%m-%d}"


def refusal_words(reason: str, /) -> str:
    """
    Return what a mail server meant, as far as its numbers tell; else *reason*.
    """
    told = reason.removeprefix(f"{REFUSED}: ")
    status = _STATUS.search(told)
    meaning = STATUS_WORDS.get(status[0]) if status else None
    return f"{told} ({meaning})" if meaning else told


def state_words(account: Account, state: AccountState, site: Site, /) -> str:
    """
    Return the state with its day: ``not open before 2026-12-01``.
    """
    if state is AccountState.NOT_OPEN_YET and account.valid_from is not None:
        return f"not open before {first_day(account.valid_from, site)}"
    if state is AccountState.ENDED and account.valid_until is not None:
        return f"closed, its last day was {last_day(account.valid_until, site)}"
    return state.value


def session_words(session: Session, site: Site, /) -> str:
    """
    Return a session by browser and network.
    """
    where = ", ".join(one for one in (session.browser, session.network) if one)
    remembered = ", remembered" if session.is_remembered else ""
    return (
        f"{where or 'an unknown browser'}{remembered}, opened "
        f"{moment(session.opened_at, site)}, last used "
        f"{moment(session.last_seen_at, site)}"
    )


# --- What happened --------------------------------------------------------------


@attrs.frozen
class _Telling:
    event: Event
    site: Site

    @property
    def what(self) -> str:
        name = self.event.method
        found = (words for kind, words in KIND_WORDS.items() if kind == name)
        return next(found, name or "mail")

    @property
    def why(self) -> str:
        rules = rules_of(self.event)
        if rules:
            return ": " + ", ".join(RULE_WORDS[name] for name in rules)
        reason = self.event.reason
        told = _REASON_WORDS.get(reason) or refusal_words(reason)
        return f": {told}" if reason else ""

    @property
    def browser(self) -> str:
        return f" from {self.event.reason}" if self.event.reason else ""

    @property
    def until(self) -> str:
        until = until_of(self.event)
        return f", until {moment(until, self.site)}" if until else ""

    @property
    def budget(self) -> str:
        return budget_words(self.event.method)


def budget_words(name: str, /) -> str:
    """
    Return what was too much; *name* where it is no account's or network's budget.
    """
    found = (words for scope, words in BUDGET_WORDS.items() if scope == name)
    return next(found, name or "tries")


_Words: TypeAlias = Callable[[_Telling], str]

EVENT_WORDS: Final[dict[EventKind, _Words]] = {
    EventKind.ADDRESS_UNKNOWN: lambda one: f"told that the address is unknown{one.why}",
    EventKind.LINK_ORDERED: lambda one: f"ordered: the {one.what}",
    EventKind.LINK_SENT: lambda one: f"accepted by the mail server: the {one.what}",
    EventKind.LINK_OPENED: lambda one: f"opened{one.browser}: the {one.what}",
    EventKind.LINK_USED: lambda one: f"used: the {one.what}",
    EventKind.LINK_REFUSED: lambda one: (
        f"new password refused{one.why}"
        if rules_of(one.event)
        else f"link refused{one.why}"
    ),
    EventKind.PASSWORD_SET: lambda _: "password created",
    EventKind.PASSWORD_ACCEPTED: lambda _: "password accepted",
    EventKind.PASSWORD_REFUSED: lambda one: (
        f"new password refused{one.why}"
        if rules_of(one.event)
        else f"password refused{one.why}"
    ),
    EventKind.PASSWORD_SUSPENDED: lambda one: f"password suspended{one.why}",
    EventKind.PASSWORD_CHANGED: lambda _: "password changed",
    EventKind.CODE_ORDERED: lambda _: "ordered: a code",
    EventKind.CODE_SENT: lambda _: "accepted by the mail server: a code",
    EventKind.CODE_ACCEPTED: lambda _: "code accepted",
    EventKind.CODE_REFUSED: lambda one: f"code refused{one.why}",
    EventKind.SIGNED_IN: lambda one: f"signed in{one.browser}",
    EventKind.SIGNED_OUT: lambda _: "signed out",
    EventKind.SIGN_IN_VETOED: lambda _: "not let in by the application",
    EventKind.NEW_DEVICE: lambda one: f"first sign-in in this browser{one.why}",
    EventKind.NOTICE_SENT: lambda one: f"accepted by the mail server: a {one.what}",
    EventKind.THROTTLED: lambda one: f"too many {one.budget}{one.until}",
    EventKind.BREAKER_OPENED: lambda one: f"the site paused {one.budget}{one.until}",
    EventKind.ALARM_RAISED: lambda one: f"alarm{one.why}",
    EventKind.MAIL_FAILED: lambda one: (
        f"not taken by the mail server: the {one.what}{one.why}"
    ),
    EventKind.MAIL_DROPPED: lambda one: f"not mailed: the {one.what}{one.why}",
    EventKind.ACCOUNT_CREATED: lambda _: "account created",
    EventKind.ACCOUNT_DISABLED: lambda _: "account disabled",
    EventKind.ACCOUNT_ENABLED: lambda _: "account enabled",
    EventKind.ACCOUNT_CHANGED: lambda _: "account changed by its registrar",
    EventKind.ACCOUNT_READDRESSED: lambda _: "address changed, password voided",
    EventKind.ACCOUNT_ERASED: lambda _: "account erased",
    EventKind.IMPORT: lambda one: f"a file was imported{one.why}",
    EventKind.SESSIONS_REVOKED: lambda one: f"sessions closed{one.why}",
}


def event_words(event: Event, site: Site, /) -> str:
    """
    Return what happened, without when and where.
    """
    return EVENT_WORDS[event.kind](_Telling(event, site))


# --- What to do next --------------------------------------------------------------


@attrs.frozen
class _Advice:
    timeline: Timeline
    step: Step
    site: Site

    @property
    def address(self) -> str:
        return self.timeline.account.address

    @property
    def registrar(self) -> str:
        by = self.timeline.account.provisioned_by
        return f"the registrar ({by})" if by else "the registrar"

    @property
    def at(self) -> str:
        return moment(self.step.at, self.site) if self.step.at else "some time ago"

    @property
    def until(self) -> str:
        until = self.step.until
        return moment(until, self.site) if until else "an unknown time"

    @property
    def browser(self) -> str:
        return f" from {self.step.detail}" if self.step.detail else ""

    @property
    def rules(self) -> str:
        return ", ".join(RULE_WORDS[one] for one in self.step.detail.split(","))

    @property
    def link_again(self) -> str:
        # The hash is not in a timeline: its state tells whether there is one.
        if self.timeline.state is not AccountState.NO_PASSWORD:
            return "let them click « Mot de passe oublié ? » to get another"
        return f"let them type their address at {self.site.url()} to get another"

    @property
    def works(self) -> str:
        return f" The link works until {self.until}." if self.step.until else ""


STEP_WORDS: Final[dict[NextStep, Callable[[_Advice], str]]] = {
    NextStep.ASK_REGISTRAR: lambda one: (
        f"The account is disabled: to a visitor it is unknown. Only {one.registrar} can "
        f"say whether it opens again; then `accounts enable {one.address}`."
    ),
    NextStep.AWAIT_FIRST_DAY: lambda one: (
        f"The account opens on {one.until[:10]}; until then its address is unknown. If "
        f"that day is wrong, ask {one.registrar}."
    ),
    NextStep.PROLONG: lambda one: (
        f"The account ended; to a visitor it is unknown. Whether it goes on is for "
        f"{one.registrar} to say."
    ),
    NextStep.NOTHING: lambda one: (
        f"Signed in at {one.at}{one.browser}: the way in works. Ask what is on the "
        f"screen now; it is the application's."
    ),
    NextStep.WAIT: lambda one: (
        f"Too many {budget_words(one.step.detail)}: nothing is compared before {one.until}. Wait until then; asking again sooner "
        f"helps nothing."
    ),
    NextStep.RESET_SUSPENDED: lambda _: (
        "Passwords are suspended after too many wrong ones in a row. Let them click "
        "« Mot de passe oublié ? » and create a new one with the link; a code signs in "
        "meanwhile."
    ),
    NextStep.CORRECT_ADDRESS: lambda one: (
        f"The mail server refused the address: {refusal_words(one.step.detail)}. Ask "
        f"for the right one, letter by letter, and correct it: "
        f"`accounts readdress {one.address} NEW`."
    ),
    NextStep.TELL_OPERATOR: lambda one: (
        f"The mail did not leave: {refusal_words(one.step.detail)}. Tell the operator; "
        f"then let them ask again."
    ),
    NextStep.AWAIT_MAIL: lambda one: (
        f"Asked for at {one.at}, and no mail server has taken it yet. Wait some "
        f"minutes; if nothing comes, tell the operator."
    ),
    NextStep.LOOK_IN_SPAM: lambda one: (
        f"The mail server took the link at {one.at} and nobody opened it. Let them look "
        f"in the spam folder, and then ask again.{one.works}"
    ),
    NextStep.ASK_LINK_AGAIN: lambda one: (
        f"The last link no longer works: {one.link_again}."
    ),
    NextStep.USE_LINK: lambda one: (
        f"The link was opened at {one.at}{one.browser}, by them or by a mail scanner, "
        f"and no password was created. Let them open it again and create one."
        f"{one.works}"
    ),
    NextStep.MEET_RULES: lambda one: (
        f"The new password was refused: {one.rules}. Read the list of rules on the page "
        f"with them.{one.works}"
    ),
    NextStep.SEND_LINK: lambda one: (
        f"There is no password, and no link is on its way. Let them type their address "
        f"at {one.site.url()}, or send it: `accounts invite {one.address}`."
    ),
    NextStep.USE_PASSWORD: lambda _: (
        "The link was used already, and there is a password. Let them sign in with it; "
        "« Mot de passe oublié ? » sends a link for another."
    ),
    NextStep.RESET_FORGOTTEN: lambda _: (
        "The last password was wrong. « Mot de passe oublié ? » sends a link for a new "
        "one; « RECEVOIR LE CODE » signs in without one."
    ),
    NextStep.LOOK_FOR_CODE: lambda one: (
        f"The mail server took a code at {one.at}; it works until {one.until}. Let them "
        f"look in the spam folder, and type it in the browser that asked for it."
    ),
    NextStep.ASK_CODE_AGAIN: lambda _: (
        "The last code no longer works, or was wrong. Let them ask for another and type "
        "it at once, from the newest mail."
    ),
    NextStep.SAME_BROWSER: lambda _: (
        "The code was typed in another browser than the one that asked for it. Let them "
        "ask for a code and type it in one and the same window."
    ),
    NextStep.ASK_HOST: lambda _: (
        "Who they are was proven, and the application does not let them in. Ask those "
        "who run the application."
    ),
    NextStep.SIGN_IN: lambda one: (
        f"Nothing is in the way. Let them sign in at {one.site.url()} and look here "
        f"again if it fails."
    ),
}


def step_words(step: Step, timeline: Timeline, site: Site, /) -> str:
    """
    Return what to do next in one or two sentences.
    """
    return STEP_WORDS[step.step](_Advice(timeline, step, site))
