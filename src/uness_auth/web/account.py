"""
What whoever is signed in can ask of their own account.
"""

from __future__ import annotations

import re
from typing import Final, assert_never

import attrs

from ..addresses import canonical
from ..model import Account
from ..outcomes import (
    Busy,
    ChangeRefused,
    NoPassword,
    NothingTyped,
    NotRecent,
    NotSignedIn,
    PasswordSuspended,
    Resumed,
    SessionsClosed,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongPassword,
)
from .account_pages import AGAIN, PASSWORD, SESSIONS, AccountPages
from .faults import PasswordFault
from .frame import PageContext
from .http import Answer, Page, Redirect
from .turn import Turn


_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


# --- Once more --------------------------------------------------------------------


def show_again(turn: Turn, /) -> Answer:
    """
    Ask whoever is signed in who they are, or lead on whoever proved it just now.
    """
    match turn.auth.sessions.resume(turn.visitor.session):
        case Resumed(is_recent=True):
            return Redirect(location=turn.destination)
        case Resumed(account=account):
            context = turn.in_language(account.language)
            return _pages(turn).ask_again(context, account=account)
        case NotSignedIn():
            return turn.to_start()
        case _ as never:
            assert_never(never)


def asked_again(turn: Turn, fault: PasswordFault | Throttled, /) -> Page | None:
    """
    Return the page of whoever was asked again and mistook; None for a sign-in.
    """
    owner = _asked_again(turn)
    if owner is None:
        return None
    context = turn.in_language(owner.language)
    if isinstance(fault, Throttled):
        return _pages(turn).again_waits(context, account=owner, outcome=fault)
    return _pages(turn).ask_again(context, account=owner, fault=fault)


# --- The password -----------------------------------------------------------------


def show_password(turn: Turn, /) -> Answer:
    """
    Show the form that changes the password.
    """
    owner = _owner(turn)
    if owner is None:
        return _to_start(turn, PASSWORD)
    match turn.auth.password_change.begin(turn.visitor.client):
        case Resumed():
            context = turn.for_owner(owner, PASSWORD)
            return _pages(turn).change_password(context, account=owner)
        case NoPassword() | NotRecent() | NotSignedIn() as refused:
            return _cannot_change(turn, owner, refused)
        case _ as never:
            assert_never(never)


def change_password(turn: Turn, /) -> Answer:
    """
    Take the current password, and the two new ones.
    """
    owner = _owner(turn)
    if owner is None:
        return _to_start(turn, PASSWORD)
    context = turn.for_owner(owner, PASSWORD)
    match turn.auth.password_change.change(
        turn.field("current"),
        turn.field("password"),
        turn.field("confirmation"),
        turn.visitor.client,
    ):
        case SignedIn() | SignInVetoed() as outcome:
            return _changed(turn, context, outcome)
        case (
            ChangeRefused() | WrongPassword() | PasswordSuspended() | NothingTyped()
        ) as fault:
            return _pages(turn).change_password(context, account=owner, fault=fault)
        case Throttled() as throttled:
            return _pages(turn).change_waits(context, account=owner, outcome=throttled)
        case Busy() as busy:
            return turn.pages.stops.busy(context, busy)
        case NoPassword() | NotRecent() | NotSignedIn() as refused:
            return _cannot_change(turn, owner, refused)
        case _ as never:
            assert_never(never)


def _changed(
    turn: Turn, context: PageContext, outcome: SignedIn | SignInVetoed
) -> Page:
    match outcome:
        case SignedIn():
            page = turn.pages.stops.changed(context)
            return attrs.evolve(page, cookies=turn.cookies.signed_in(outcome))
        case SignInVetoed():
            # Changed it is, and that is what they have to know.
            return turn.pages.stops.created(context)
        case _ as never:
            assert_never(never)


def _cannot_change(
    turn: Turn, owner: Account, refused: NoPassword | NotRecent | NotSignedIn
) -> Answer:
    match refused:
        case NoPassword():
            context = turn.for_owner(owner, PASSWORD)
            return _pages(turn).no_password(context, account=owner)
        case NotRecent():
            return turn.by_way_of(AGAIN, PASSWORD)
        case NotSignedIn():
            return _to_start(turn, PASSWORD)
        case _ as never:
            assert_never(never)


# --- The sessions -----------------------------------------------------------------


def show_sessions(turn: Turn, /) -> Answer:
    """
    Show where the account is open.
    """
    if not turn.auth.open_sessions.is_offered:
        return turn.pages.stops.not_found(turn.context)
    listed, owner = turn.auth.open_sessions.show(turn.visitor.client), _owner(turn)
    if isinstance(listed, NotSignedIn) or owner is None:
        return _to_start(turn, SESSIONS)
    return _pages(turn).sessions(turn.for_owner(owner, SESSIONS), listed=listed)


def close_sessions(turn: Turn, /) -> Answer:
    """
    Close one session, or all but this one; the list then shows what is left.
    """
    flow = turn.auth.open_sessions
    if not flow.is_offered:
        return turn.pages.stops.not_found(turn.context)
    client = turn.visitor.client
    match (
        flow.close_others(client)
        if turn.field("others")
        else flow.close(_digest(turn), client)
    ):
        case SessionsClosed():
            return Redirect(location=turn.auth.site.url(SESSIONS))
        case NotRecent():
            return turn.by_way_of(AGAIN, SESSIONS)
        case NotSignedIn():
            return _to_start(turn, SESSIONS)
        case _ as never:
            assert_never(never)


# --- How --------------------------------------------------------------------------


def _pages(turn: Turn) -> AccountPages:
    return AccountPages(turn.pages, turn.auth.open_sessions.is_offered)


def _owner(turn: Turn) -> Account | None:
    match turn.auth.sessions.resume(turn.visitor.session):
        case Resumed(account=account):
            return account
        case NotSignedIn():
            return None
        case _ as never:
            assert_never(never)


def _asked_again(turn: Turn) -> Account | None:
    # Only the account that is signed in: for any other it is a sign-in like all.
    owner = _owner(turn) if turn.field("again") else None
    is_same = owner is not None and owner.address == canonical(turn.field("username"))
    return owner if is_same else None


def _digest(turn: Turn) -> str:
    typed = turn.field("session")
    return typed if _DIGEST.fullmatch(typed) else ""


def _to_start(turn: Turn, below: str) -> Redirect:
    return turn.by_way_of("", below)
