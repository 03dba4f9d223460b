"""
The signed-in person changes their password.
"""

from __future__ import annotations

from typing import Final, assert_never

import attrs

from ..events import Audit, EventKind
from ..model import Account, Client, OrderKind, Session
from ..orders import Orders
from ..outcomes import (
    Busy,
    ChangeRefused,
    NoPassword,
    NothingTyped,
    NotRecent,
    NotSignedIn,
    PasswordChangeAnswer,
    Resumed,
    SignedIn,
    SignInVetoed,
)
from ..password_check import NewPasswords, PasswordCheck
from ..passwords import HashingSlots
from ..ports import Accounts, PasswordHashing
from ..sessions import SessionKeeper


METHOD: Final = "password_change"


@attrs.frozen(kw_only=True)
class PasswordChange:
    """
    Account pages: the current password, and twice the new one.
    """

    accounts: Accounts
    password_check: PasswordCheck
    rules: NewPasswords
    hashing: PasswordHashing
    slots: HashingSlots
    sessions: SessionKeeper
    orders: Orders
    audit: Audit

    def begin(
        self, client: Client, /
    ) -> Resumed | NoPassword | NotRecent | NotSignedIn:
        """
        Say whether the session of *client* may ask for a new password.

        Returns:
            `Resumed` with the account; `NotRecent` for a remembered session, which
            may be in anybody's hands, until it was asked again who it is;
            `NoPassword` where only a link makes the first one; `NotSignedIn`.
        """
        match self.sessions.resume(client.session):
            case NotSignedIn() as nobody:
                return nobody
            case Resumed(session=session, is_recent=is_recent) if (
                session.is_remembered and not is_recent
            ):
                return NotRecent()
            case Resumed(account=account) as resumed:
                return resumed if account.has_password else NoPassword()
            case _ as never:
                assert_never(never)

    def change(
        self, current: str, password: str, confirmation: str, client: Client, /
    ) -> PasswordChangeAnswer:
        """
        Set the new password, if *current* is right and the new ones are good.

        The browser that asked stays signed in, in a new session under the new
        credential version; all others, links and codes are void.  Told by mail.

        Returns:
            `SignedIn` to exactly one of any number of concurrent callers;
            `ChangeRefused` with every unmet rule, before *current* is looked at;
            what `begin` answers besides; `WrongPassword`, `PasswordSuspended`,
            `Throttled`, `Busy`, as at the door; `NothingTyped` without *current*;
            `SignInVetoed`: it is changed.

        Raises:
            uness_auth.errors.StorageError: Nothing is changed.

            uness_auth.errors.HashingError: The same.
        """
        match self.begin(client):
            case Resumed(account=account, session=session):
                refused = self._unfit(account, current, password, confirmation)
                if refused is not None:
                    self._record_refused(account, refused, client)
                    return refused
                checked = self.password_check.check(
                    account, account.id, current, client
                )
                if isinstance(checked, Account):
                    return self._set(checked, session, password, client)
                return checked
            case refused:
                return refused

    def _unfit(
        self, account: Account, current: str, password: str, confirmation: str
    ) -> ChangeRefused | NothingTyped | None:
        if current == "":
            return NothingTyped()
        about = (account.display_name, account.address)
        unmet = self.rules.unmet(password, about=about)
        differs = password != confirmation
        if unmet or differs:
            return ChangeRefused(unmet=unmet, differs=differs)
        return None

    def _record_refused(
        self, account: Account, refused: ChangeRefused | NothingTyped, client: Client
    ) -> None:
        if isinstance(refused, ChangeRefused):
            reasons = (*refused.unmet, *(("differs",) if refused.differs else ()))
            self.audit.record(
                EventKind.PASSWORD_REFUSED,
                account,
                client=client,
                method=METHOD,
                reason=",".join(reasons),
            )

    def _set(
        self, account: Account, session: Session, password: str, client: Client
    ) -> SignedIn | SignInVetoed | NotSignedIn | Busy:
        with self.slots.take() as is_taken:
            if not is_taken:
                return Busy(retry_after=self.slots.retry_after)
            password_hash = self.hashing.hash(password)
        version = account.credential_version
        if not self.accounts.set_password(account.id, password_hash, version):
            # Whatever was first has ended this session too.
            return NotSignedIn()
        self.audit.record(EventKind.PASSWORD_CHANGED, account, client=client)
        changed = attrs.evolve(
            account, password_hash=password_hash, credential_version=version + 1
        )
        self.orders.notice(OrderKind.PASSWORD_CHANGED, changed, client)
        return self.sessions.open(
            changed,
            client,
            method=METHOD,
            is_remembered=session.is_remembered,
            is_asked_again=True,
            is_forgiven=True,
        )
