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

from .events import Audit, EventKind
from .keys import token_digest
from .model import Account, Client, Session
from .outcomes import NotSignedIn, ResumeAnswer, Resumed, SignedIn, SignInVetoed
from .policy import SessionPolicy
from .ports import Accounts, JoinedSessions, Sessions


# 256 random bits in URL-safe base64.
TOKEN_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@attrs.frozen(kw_only=True)
class SessionKeeper:
    """
    Knows which browsers are signed in.
    """

    accounts: Accounts
    store: Sessions
    joined: JoinedSessions | None
    policy: SessionPolicy
    may_sign_in: Callable[[Account], bool]
    clock: Callable[[], datetime]
    audit: Audit

    def open(
        self, account: Account, client: Client, /, *, method: str, is_remembered: bool
    ) -> SignedIn | SignInVetoed:
        """
        Sign a browser in under the credential version of *account*, as it was checked.

        Never under one read later: whatever changed the account meanwhile has already
        ended this session.
        """
        if not self.may_sign_in(account):
            self.audit.record(
                EventKind.SIGN_IN_VETOED, account, client=client, method=method
            )
            return SignInVetoed()
        token = secrets.token_urlsafe(32)
        now = self.clock()
        self.store.add(
            Session(
                digest=token_digest(token),
                account_id=account.id,
                credential_version=account.credential_version,
                opened_at=now,
                last_seen_at=now,
                is_remembered=is_remembered,
            )
        )
        self.audit.record(EventKind.SIGNED_IN, account, client=client, method=method)
        return SignedIn(
            account_id=account.id, session_token=token, is_remembered=is_remembered
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
        if not self._is_alive(session, account, now):
            return NotSignedIn()
        if now >= session.last_seen_at + self.policy.touch_interval and (
            not self.store.touch(session.digest, now)
        ):
            return NotSignedIn()
        return Resumed(account=account, session=session)

    def close(self, token: str, client: Client, /) -> None:
        """
        Sign the browser out: the token opens nothing from here on.
        """
        if not TOKEN_SHAPE.fullmatch(token):
            return
        session, account = self._read(token_digest(token))
        if session is not None and self.store.close(session.digest):
            self.audit.record(EventKind.SIGNED_OUT, account, client=client)

    def _read(self, digest: str) -> tuple[Session | None, Account | None]:
        if self.joined is not None:
            return self.joined.with_account(digest) or (None, None)
        session = self.store.by_digest(digest)
        if session is None:
            return None, None
        return session, self.accounts.by_id(session.account_id)

    def _is_alive(self, session: Session, account: Account, now: datetime) -> bool:
        policy = self.policy
        idle, absolute = policy.idle, policy.absolute
        if session.is_remembered:
            idle, absolute = policy.remembered_idle, policy.remembered_absolute
        return (
            session.credential_version == account.credential_version
            and not account.is_disabled
            and now < session.last_seen_at + idle
            and now < session.opened_at + absolute
        )
