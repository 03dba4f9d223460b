"""
One function per thing a visitor can ask: flow in, page or redirect out.
"""

from __future__ import annotations

from typing import assert_never

import attrs

from ..addresses import LONGEST_ADDRESS, AddressFault, canonical
from ..outcomes import (
    AddressMalformed,
    AddressUnknown,
    AskAnyWay,
    AskPassword,
    Busy,
    ChallengeGone,
    CodeExpired,
    CodeSent,
    LinkExpired,
    LinkInvalid,
    LinkOpened,
    LinkSent,
    LinkUsed,
    MailPaused,
    NothingTyped,
    PasswordRefused,
    PasswordSet,
    PasswordSuspended,
    Resumed,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongCode,
    WrongPassword,
)
from . import account
from .faults import IdentifyFault
from .http import Answer, Page, Redirect
from .turn import Turn


# --- S1 ---------------------------------------------------------------------------


def show_identify(turn: Turn, /) -> Answer:
    """
    Show S1, or lead on whoever is signed in already.
    """
    if isinstance(turn.auth.sessions.resume(turn.visitor.session), Resumed):
        return Redirect(location=turn.destination)
    return turn.pages.identify(turn.context)


def identify(turn: Turn, /) -> Answer:
    """
    Take the address of S1.
    """
    typed = turn.field("email")
    match turn.auth.identify.begin(typed, turn.visitor.client):
        case AskPassword(address=address):
            return turn.pages.password(turn.context, address=address)
        case AskAnyWay(address=address):
            return turn.pages.password(turn.context, address=address, is_any=True)
        case LinkSent(address=address) as outcome:
            return turn.pages.sent(turn.context, address=address, outcome=outcome)
        case MailPaused() as outcome:
            return _paused_link(turn, typed, outcome)
        case Throttled() as outcome:
            return turn.pages.wait(turn.context, outcome=outcome)
        case AddressUnknown() | AddressMalformed() as fault:
            return _retyped(turn, typed, fault)
        case _ as never:
            assert_never(never)


# --- S3 to S6 ---------------------------------------------------------------------


def ask_link(turn: Turn, /) -> Answer:
    """
    Mail a link: « Mot de passe oublié ? », « Première connexion ? ».
    """
    typed = turn.field("username")
    match turn.auth.password_link.request(typed, turn.visitor.client):
        case LinkSent(address=address) as outcome:
            return turn.pages.sent(turn.context, address=address, outcome=outcome)
        case MailPaused() as outcome:
            return _paused_link(turn, typed, outcome)
        case Throttled() as outcome:
            return turn.pages.wait(turn.context, outcome=outcome)
        case AddressUnknown() | AddressMalformed() as fault:
            return _retyped(turn, typed, fault)
        case _ as never:
            assert_never(never)


def show_link(turn: Turn, /) -> Answer:
    """
    Show S5.  Uses nothing up: scanners open links before people do.
    """
    match turn.auth.password_link.open(turn.token, turn.visitor.client):
        case LinkOpened(address=address, language=language):
            context = turn.in_language(language)
            return turn.pages.create(context, token=turn.token, address=address)
        case LinkExpired() | LinkUsed() | LinkInvalid() as refused:
            return _refused_link(turn, refused)
        case _ as never:
            assert_never(never)


def set_password(turn: Turn, /) -> Answer:
    """
    Take the two passwords of S5.
    """
    match turn.auth.password_link.set_password(
        turn.token,
        turn.field("password"),
        turn.field("confirmation"),
        turn.visitor.client,
    ):
        case PasswordSet(language=language, device=device):
            page = turn.pages.stops.created(turn.in_language(language))
            return attrs.evolve(page, cookies=(turn.cookies.device(device),))
        case PasswordRefused(address=address, language=language) as refused:
            context = turn.in_language(language)
            return turn.pages.create(
                context, token=turn.token, address=address, refused=refused
            )
        case Busy() as busy:
            return turn.pages.stops.busy(turn.context, busy)
        case LinkExpired() | LinkUsed() | LinkInvalid() as refused_link:
            return _refused_link(turn, refused_link)
        case _ as never:
            assert_never(never)


# --- S7 ---------------------------------------------------------------------------


def sign_in(turn: Turn, /) -> Answer:
    """
    Take the password of S7.
    """
    typed = turn.field("username")
    is_remembered = turn.field("remember") != ""
    match turn.auth.password_sign_in.sign_in(
        typed,
        turn.field("password"),
        turn.visitor.client,
        is_remembered=is_remembered,
    ):
        case SignedIn() as outcome:
            return turn.signed_in(outcome)
        case WrongPassword() | PasswordSuspended() | NothingTyped() as fault:
            return account.asked_again(turn, fault) or turn.pages.password(
                turn.context,
                address=_shown(typed),
                fault=fault,
                is_any=turn.field("any") != "",
                is_remembered=is_remembered,
            )
        case AddressMalformed() as malformed:
            return _retyped(turn, typed, malformed)
        case Throttled() as throttled:
            return account.asked_again(turn, throttled) or turn.pages.wait(
                turn.context, outcome=throttled, address=_shown(typed)
            )
        case Busy() as busy:
            return turn.pages.stops.busy(turn.context, busy)
        case SignInVetoed():
            return turn.pages.stops.vetoed(turn.context)
        case _ as never:
            assert_never(never)


# --- S8 ---------------------------------------------------------------------------


def ask_code(turn: Turn, /) -> Answer:
    """
    Mail a code, for the first time or again.
    """
    if not turn.auth.policy.code.is_offered:
        return turn.pages.stops.not_found(turn.context)
    if turn.field("challenge"):
        return _ask_again(turn)
    typed = turn.field("username")
    match turn.auth.code_sign_in.begin(typed, turn.visitor.client):
        case CodeSent(challenge_id=challenge_id, is_certain=is_certain):
            return turn.pages.code(
                turn.context,
                challenge_id=challenge_id,
                username="" if is_certain else _shown(typed),
            )
        case MailPaused() as paused:
            return turn.pages.stops.mail_paused(turn.context, paused)
        case Throttled() as throttled:
            return turn.pages.wait(
                turn.context, outcome=throttled, address=_shown(typed)
            )
        case AddressUnknown() | AddressMalformed() as fault:
            return _retyped(turn, typed, fault)
        case _ as never:
            assert_never(never)


def _ask_again(turn: Turn) -> Answer:
    username = _shown(turn.field("username"))
    match turn.auth.code_sign_in.resend(turn.challenge, turn.visitor.client):
        case CodeSent(is_certain=False) | MailPaused(kind=None) if not username:
            # Whether a mail was sent could not be said truly without the address.
            return turn.pages.stops.gone(turn.context)
        case CodeSent(challenge_id=challenge_id):
            return turn.pages.code(
                turn.context, challenge_id=challenge_id, username=username
            )
        case MailPaused(challenge_id=challenge_id) as paused:
            return turn.pages.code(
                turn.context,
                challenge_id=challenge_id,
                username=username,
                paused=paused,
            )
        case ChallengeGone():
            return turn.pages.stops.gone(turn.context)
        case Throttled() as throttled:
            return turn.pages.wait(turn.context, outcome=throttled)
        case _ as never:
            assert_never(never)


def confirm_code(turn: Turn, /) -> Answer:
    """
    Take the code of S8.
    """
    match turn.auth.code_sign_in.confirm(
        turn.challenge, turn.field("code"), turn.visitor.client
    ):
        case SignedIn() as outcome:
            return turn.signed_in(outcome)
        case WrongCode() | CodeExpired() | NothingTyped() as fault:
            return turn.pages.code(
                turn.context,
                challenge_id=turn.challenge,
                username=_shown(turn.field("username")),
                fault=fault,
            )
        case ChallengeGone():
            return turn.pages.stops.gone(turn.context)
        case Throttled() as throttled:
            return turn.pages.wait(turn.context, outcome=throttled)
        case SignInVetoed():
            return turn.pages.stops.vetoed(turn.context)
        case _ as never:
            assert_never(never)


# --- The end ----------------------------------------------------------------------


def sign_out(turn: Turn, /) -> Answer:
    """
    Close the session, and forget which browser this was.
    """
    turn.auth.sessions.close(turn.visitor.session, turn.visitor.client)
    return Redirect(
        location=turn.auth.site.url("signed-out"),
        cookies=(turn.cookies.no_session(), turn.cookies.new_browser()),
    )


def show_signed_out(turn: Turn, /) -> Answer:
    """
    Say goodbye, or lead on whoever is still signed in: nothing is said that is not so.
    """
    if isinstance(turn.auth.sessions.resume(turn.visitor.session), Resumed):
        return Redirect(location=turn.destination)
    return turn.pages.stops.signed_out(turn.context)


def back_to_start(turn: Turn, /) -> Answer:
    """
    Lead whoever typed the address of a later step to the first one.
    """
    return turn.to_start()


# --- How --------------------------------------------------------------------------


def _retyped(turn: Turn, typed: str, fault: IdentifyFault) -> Page:
    return turn.pages.identify(turn.context, typed=typed[:LONGEST_ADDRESS], fault=fault)


def _paused_link(turn: Turn, typed: str, outcome: MailPaused) -> Page:
    return turn.pages.sent(turn.context, address=_shown(typed), outcome=outcome)


def _refused_link(turn: Turn, refused: LinkExpired | LinkUsed | LinkInvalid) -> Page:
    match refused:
        case LinkExpired():
            return turn.pages.stops.link_expired(turn.context, refused)
        case LinkUsed(language=language):
            return turn.pages.stops.link_used(turn.in_language(language), refused)
        case LinkInvalid():
            return turn.pages.stops.link_invalid(turn.context)
        case _ as never:
            assert_never(never)


def _shown(typed: str) -> str:
    # Canonical, so that every page and form goes on with one spelling.
    address = canonical(typed)
    return "" if isinstance(address, AddressFault) else address
