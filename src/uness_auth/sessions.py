"""
Opens, resumes and closes sessions.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

from .devices import Devices
from .events import Audit, EventKind, masked_network
from .guard import Guard
from .keys import token_digest
from .model import Account, Client, OrderKind, Session
from .orders import Orders
from .outcomes import NotSignedIn, ResumeAnswer, Resumed, SignedIn, SignInVetoed
from .policy import SessionPolicy
from .ports import Accounts, JoinedSessions, Sessions


# 256 random bits in URL-safe base64.
TOKEN_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def is_alive(
    session: Session, account: Account, policy: SessionPolicy, now: datetime, /
) -> bool:
    """
    Say whether *session* is neither void nor over.
    """
    idle, absolute = policy.idle, policy.absolute
    if session.is_remembered:
        idle, absolute = policy.remembered_idle, policy.remembered_absolute
    return (
        session.credential_version == account.credential_version
        and not account.is_closed(now)
        and now < session.last_seen_at + idle
        and now < session.opened_at + absolute
    )


@attrs.frozen(kw_only=True)
class SessionKeeper:
    """
    Knows which browsers are signed in.
    """

    accounts: Accounts
    store: Sessions
    joined: JoinedSessions | None
    policy: SessionPolicy
    devices: Devices
    guard: Guard
    orders: Orders
    may_sign_in: Callable[[Account], bool]
    clock: Callable[[], datetime]
    audit: Audit

    def open(
        self,
        account: Account,
        client: Client,
        /,
        *,
        method: str,
        is_remembered: bool,
        is_asked_again: bool = False,
        is_forgiven: bool = False,
    ) -> SignedIn | SignInVetoed:
        """
        Sign a browser in under the credential version of *account*, as it was checked.

        Never under one read later: whatever changed the account meanwhile has already
        ended this session.  The session that the browser had is closed; one of the
        same account was asked again who it is, and stays remembered if it was.

        A sign-in from a browser that the account never used is told by mail.

        Args:
            is_asked_again: Whether it proved who it is in a session that is void now.

            is_forgiven: Whether the account's wait and run are ended already.  Ending
                them twice would forgive what failed in between.
        """
        if not self.may_sign_in(account):
            self.audit.record(
                EventKind.SIGN_IN_VETOED, account, client=client, method=method
            )
            return SignInVetoed()
        is_remembered = is_remembered and self.policy.may_remember
        before = self._own(account, client)
        is_asked_again = is_asked_again or before is not None
        token = secrets.token_urlsafe(32)
        now = self.clock()
        session = Session(
            digest=token_digest(token),
            account_id=account.id,
            credential_version=account.credential_version,
            opened_at=now,
            last_seen_at=now,
            is_remembered=is_remembered
            or (before is not None and before.is_remembered),
            # A browser that is to be remembered may be anybody's a week later.
            authenticated_at=now if is_asked_again or not is_remembered else None,
            browser=client.browser,
            network=masked_network(client.network),
        )
        self.store.add(session)
        self.close(client.session, client)
        if not is_forgiven:
            self.guard.end_wait(self.guard.spender(account.id, account, client))
        self.audit.record(
            EventKind.SIGNED_IN,
            account,
            client=client,
            method=method,
            reason=client.browser,
        )
        self._tell_new_device(account, client, method)
        return SignedIn(
            account_id=account.id,
            session_token=token,
            device=self.devices.joined(
                client.device, account.id, account.credential_version, now
            ),
            is_remembered=session.is_remembered,
        )

    def resume(self, token: str, /) -> ResumeAnswer:
        """
        Say whose open session *token* belongs to.

        Never raises on bad input.  Writes `last_seen_at` at most once in the policy's
        interval, and by an update that cannot revive a closed session.
        """
        if not TOKEN_SHAPE.fullmatch(token):
            return NotSignedIn()
        session, account = self._read(token_digest(token))
        if session is None or account is None:
            return NotSignedIn()
        now = self.clock()
        if not self.is_alive(session, account):
            return NotSignedIn()
        if now >= session.last_seen_at + self.policy.touch_interval and (
            not self.store.touch(session.digest, now)
        ):
            return NotSignedIn()
        return Resumed(
            account=account,
            session=session,
            is_recent=self._is_recent(session, now),
        )

    def close(self, token: str, client: Client, /) -> None:
        """
        Sign the browser out: the token opens nothing from here on.
        """
        if not TOKEN_SHAPE.fullmatch(token):
            return
        session, account = self._read(token_digest(token))
        if session is not None and self.store.close(session.digest):
            self.audit.record(EventKind.SIGNED_OUT, account, client=client)

    def is_alive(self, session: Session, account: Account, /) -> bool:
        """
        Say whether the session is neither void nor over, nor its account closed.
        """
        return is_alive(session, account, self.policy, self.clock())

    def _own(self, account: Account, client: Client) -> Session | None:
        match self.resume(client.session):
            case Resumed(account=before, session=session) if before.id == account.id:
                return session
            case _:
                return None

    def _tell_new_device(self, account: Account, client: Client, method: str) -> None:
        device = self.devices.read(
            client.device, account.id, account.credential_version, self.clock()
        )
        if device.is_used:
            return
        self.audit.record(
            EventKind.NEW_DEVICE,
            account,
            client=client,
            method=method,
            reason=client.browser,
        )
        self.orders.notice(OrderKind.NEW_DEVICE, account, client)

    def _is_recent(self, session: Session, now: datetime) -> bool:
        proven = session.authenticated_at
        # One ahead is of a clock that differs; it ends no later for that.
        return proven is not None and now < proven + self.policy.recent

    def _read(self, digest: str) -> tuple[Session | None, Account | None]:
        if self.joined is not None:
            return self.joined.with_account(digest) or (None, None)
        session = self.store.by_digest(digest)
        if session is None:
            return None, None
        return session, self.accounts.by_id(session.account_id)
