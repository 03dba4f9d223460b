"""
What flows answer: one frozen class per answer, one union per question.

An outcome says what the visitor may know; the event beside it says why.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

import attrs

from .addresses import AddressFault
from .model import Account, OrderKind, Session


class Outcome:
    """
    Base of everything a flow answers.
    """

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        """
        Refuse to be read as yes or no: an outcome is matched.
        """
        msg = f"{type(self).__name__} is neither true nor false: match on it"
        raise TypeError(msg)


class Scope(StrEnum):
    """
    Whose budget is spent.
    """

    ACCOUNT_PASSWORDS = "account_passwords"
    ACCOUNT_CODES = "account_codes"
    NETWORK_PASSWORDS = "network_passwords"
    NETWORK_CODES = "network_codes"
    NETWORK_MAILS = "network_mails"
    SITE_CODES = "site_codes"


# --- Any question ---------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Throttled(Outcome):
    """
    Too many tries: nothing was compared, and *until* tells when to come back.
    """

    scope: Scope
    until: datetime


@attrs.frozen(kw_only=True)
class Busy(Outcome):
    """
    Every hashing slot is taken.  Nothing was compared and no attempt was counted.
    """

    retry_after: timedelta


@attrs.frozen
class NothingTyped(Outcome):
    """
    The field was empty: no attempt was counted.
    """


@attrs.frozen(kw_only=True)
class SignedIn(Outcome):
    """
    The visitor proved who they are.  Only this outcome carries a session.

    Attributes:
        session_token: For the session cookie, and nowhere else.

        device: For the device cookie, and nowhere else.

        is_remembered: Whether the session's cookie outlives the browser.
    """

    account_id: str
    session_token: str = attrs.field(repr=False)
    device: str = attrs.field(default="", repr=False, eq=False)
    is_remembered: bool = False


@attrs.frozen
class SignInVetoed(Outcome):
    """
    The proof was right, and the host's `may_sign_in` said no.
    """


@attrs.frozen(kw_only=True)
class MailPaused(Outcome):
    """
    The mail budget is spent: no mail was sent now.

    Attributes:
        sent_at: When the last one left; of a queue, when it was told to send it.

        until: When the next may be asked for.

        kind: What was asked for; None where one page serves every address.

        challenge_id: The code challenge to go on with; empty without one.

        is_queued: Whether a queue was told to send it, and may still hold it.
    """

    sent_at: datetime
    until: datetime
    kind: OrderKind | None
    challenge_id: str = ""
    is_queued: bool = False


# --- Who are you? (S1) ------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AddressMalformed(Outcome):
    """
    What was typed is no e-mail address.
    """

    fault: AddressFault


@attrs.frozen(kw_only=True)
class AddressUnknown(Outcome):
    """
    No account to sign in to: unknown or closed.  We do not say which.

    Attributes:
        suggestion:
            The address that was meant, if it was mistyped by one character; empty
            where nothing is likely.  It follows from what was typed alone, and says
            nothing of any account.
    """

    suggestion: str = ""


@attrs.frozen(kw_only=True)
class AskPassword(Outcome):
    """
    The account has a password: S7.
    """

    address: str


@attrs.frozen(kw_only=True)
class AskAnyWay(Outcome):
    """
    One page serves every address: S7 with a way for the first sign-in.

    Says nothing of whether there is an account.
    """

    address: str


@attrs.frozen(kw_only=True)
class LinkSent(Outcome):
    """
    A link is on its way.

    Attributes:
        kind: Which link; None where one page serves every address, and then a
            mail was sent only if there is an account.
    """

    address: str
    kind: OrderKind | None


IdentifyAnswer: TypeAlias = (
    AddressMalformed
    | AddressUnknown
    | AskPassword
    | AskAnyWay
    | LinkSent
    | MailPaused
    | Throttled
)

# --- A link, please ---------------------------------------------------------------

LinkRequestAnswer: TypeAlias = (
    AddressMalformed | AddressUnknown | LinkSent | MailPaused | Throttled
)


@attrs.frozen(kw_only=True)
class LinkOpened(Outcome):
    """
    The link works.  Opening it used nothing up.

    Attributes:
        language: Of the account; empty where it chose none.
    """

    address: str
    kind: OrderKind
    language: str = ""


@attrs.frozen(kw_only=True)
class LinkExpired(Outcome):
    """
    The link was ours, and is too old.
    """

    kind: OrderKind


@attrs.frozen(kw_only=True)
class LinkUsed(Outcome):
    """
    The link was ours, and no longer works: it, or a newer one, was used.

    Attributes:
        has_password: Whether the account has a password to sign in with by now.

        language: Of the account; empty where it chose none.
    """

    has_password: bool
    language: str = ""


@attrs.frozen
class LinkInvalid(Outcome):
    """
    Not a link of this site, or not a whole one.
    """


LinkAnswer: TypeAlias = LinkOpened | LinkExpired | LinkUsed | LinkInvalid


@attrs.frozen(kw_only=True)
class PasswordSet(Outcome):
    """
    The password is set.  The link, older links, codes and sessions are void.

    Attributes:
        device: For the device cookie: who set the password here is no stranger.
    """

    language: str = ""
    device: str = attrs.field(default="", repr=False, eq=False)


@attrs.frozen(kw_only=True)
class PasswordRefused(Outcome):
    """
    The password was not set, and the link still works.

    Attributes:
        unmet: Names of the rules it breaks: see `uness_auth.PasswordPolicy.unmet`.

        differs: Whether the confirmation is another text.
    """

    address: str
    kind: OrderKind
    unmet: tuple[str, ...]
    differs: bool
    language: str = ""


PasswordSetAnswer: TypeAlias = (
    PasswordSet | PasswordRefused | LinkExpired | LinkUsed | LinkInvalid | Busy
)

# --- A password (S7) --------------------------------------------------------------


@attrs.frozen
class WrongPassword(Outcome):
    """
    Not the password of this address, whatever the reason.
    """


@attrs.frozen
class PasswordSuspended(Outcome):
    """
    Too many wrong ones in a row: only a link makes a new password.
    """


PasswordAnswer: TypeAlias = (
    SignedIn
    | WrongPassword
    | PasswordSuspended
    | NothingTyped
    | AddressMalformed
    | Throttled
    | Busy
    | SignInVetoed
)

# --- A code (S8) ------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CodeSent(Outcome):
    """
    A code is on its way to the stored address.

    Attributes:
        is_certain: False where one page serves every address: then a mail was
            sent only if there is an account.
    """

    challenge_id: str
    is_certain: bool


@attrs.frozen(kw_only=True)
class WrongCode(Outcome):
    """
    The code was wrong and can be tried again.
    """

    attempts_left: int


@attrs.frozen(kw_only=True)
class CodeExpired(Outcome):
    """
    The code is too old, and the same sign-in may still ask for it again.
    """

    challenge_id: str


@attrs.frozen
class ChallengeGone(Outcome):
    """
    The challenge was used up, its window ended, or it never existed.  We do not say
    which.
    """


CodeRequestAnswer: TypeAlias = (
    CodeSent | MailPaused | Throttled | AddressMalformed | AddressUnknown
)
CodeResendAnswer: TypeAlias = CodeSent | MailPaused | ChallengeGone | Throttled
CodeAnswer: TypeAlias = (
    SignedIn
    | WrongCode
    | CodeExpired
    | ChallengeGone
    | NothingTyped
    | Throttled
    | SignInVetoed
)

# --- A session --------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Resumed(Outcome):
    """
    The cookie belongs to an open session of this account.

    Attributes:
        is_recent:
            Whether its owner proved in it who they are within the policy's time for
            recent authentication.
    """

    account: Account
    session: Session
    is_recent: bool


@attrs.frozen
class NotSignedIn(Outcome):
    """
    No cookie, or one that opens nothing.
    """


ResumeAnswer: TypeAlias = Resumed | NotSignedIn

# --- The signed-in person's own account --------------------------------------------


@attrs.frozen
class NoPassword(Outcome):
    """
    The account has no password to change: only a link creates one.
    """


@attrs.frozen(kw_only=True)
class ChangeRefused(Outcome):
    """
    The new password was not set, and the current one was not looked at.

    Attributes:
        unmet: Names of the rules it breaks: see `uness_auth.PasswordPolicy.unmet`.

        differs: Whether the confirmation is another text.
    """

    unmet: tuple[str, ...]
    differs: bool


@attrs.frozen
class NotRecent(Outcome):
    """
    First they have to prove again who they are.
    """


@attrs.frozen(kw_only=True)
class SessionsListed(Outcome):
    """
    The open sessions of the account, this one first, then the last used first.

    Attributes:
        own: The session that asks.

        is_recent: Whether it may close others: see `Resumed.is_recent`.
    """

    own: Session
    others: tuple[Session, ...]
    is_recent: bool


@attrs.frozen(kw_only=True)
class SessionsClosed(Outcome):
    """
    So many sessions of the account are closed now, this one not among them.
    """

    number: int


PasswordChangeAnswer: TypeAlias = (
    SignedIn
    | ChangeRefused
    | WrongPassword
    | PasswordSuspended
    | NothingTyped
    | NoPassword
    | NotRecent
    | NotSignedIn
    | SignInVetoed
    | Throttled
    | Busy
)
SessionsAnswer: TypeAlias = SessionsListed | NotSignedIn
CloseAnswer: TypeAlias = SessionsClosed | NotRecent | NotSignedIn

# --- Provisioning -----------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AccountAdded(Outcome):
    """
    The account exists now.
    """

    account: Account


@attrs.frozen(kw_only=True)
class AccountExists(Outcome):
    """
    An account has this address already; it was left as it is.
    """

    account: Account


@attrs.frozen(kw_only=True)
class AccountChanged(Outcome):
    """
    Done: links, codes and sessions of the account are void.
    """

    account: Account


@attrs.frozen(kw_only=True)
class AccountReaddressed(Outcome):
    """
    The account has its new address, and no password; all that was open is void.

    Attributes:
        is_told: Whether the mail server took the notice to the old address.
    """

    account: Account
    is_told: bool


@attrs.frozen(kw_only=True)
class PersonalDataGathered(Outcome):
    """
    All that is held about the person, as JSON has it; no hash, no digest.
    """

    address: str
    data: dict[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AccountErased(Outcome):
    """
    Nothing is held about the person any more.

    Attributes:
        sessions: How many were closed.

        events: How many stay, to be counted, and say no more whom they concerned.
    """

    sessions: int
    events: int


AddAnswer: TypeAlias = AccountAdded | AccountExists | AddressMalformed
ChangeAnswer: TypeAlias = AccountChanged | AddressUnknown | AddressMalformed
ReaddressAnswer: TypeAlias = (
    AccountReaddressed | AccountExists | AddressUnknown | AddressMalformed
)
ExportAnswer: TypeAlias = PersonalDataGathered | AddressUnknown | AddressMalformed
EraseAnswer: TypeAlias = AccountErased | AddressUnknown | AddressMalformed
