"""
Sign-in with a mailed code.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

import attrs

from ..codes import Codes
from ..directory import Anybody, Directory, Found, unless_closed
from ..errors import MailError
from ..events import Audit, EventKind, closed_because
from ..guard import Guard, Taken
from ..keys import KeyRing, Purpose
from ..model import Account, Client, CodeChallenge, OrderKind
from ..orders import Orders
from ..outcomes import (
    AddressMalformed,
    AddressUnknown,
    ChallengeGone,
    CodeAnswer,
    CodeExpired,
    CodeRequestAnswer,
    CodeResendAnswer,
    CodeSent,
    MailPaused,
    NothingTyped,
    Scope,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongCode,
)
from ..policy import CodePolicy
from ..ports import Accounts, CodeChallenges
from ..sessions import SessionKeeper
from ..site_guard import WindowTaken
from ..throttle import Spender


METHOD: Final = "code"


@attrs.frozen(kw_only=True)
class CodeSignIn:
    """
    S8: ask for a code, ask again, give it.
    """

    directory: Directory
    orders: Orders
    codes: Codes
    keys: KeyRing
    accounts: Accounts
    challenges: CodeChallenges
    guard: Guard
    policy: CodePolicy
    sessions: SessionKeeper
    clock: Callable[[], datetime]
    audit: Audit

    def begin(self, typed: str, client: Client, /) -> CodeRequestAnswer:
        """
        Mail a code to the account of *typed*, for this browser alone.

        Returns:
            `CodeSent`, `MailPaused`, `Throttled`, `AddressUnknown` or
            `AddressMalformed`.  Where one page serves every address, the same for any
            of them: an unknown one gets a decoy challenge that never matches.

        Raises:
            uness_auth.errors.MailError: The code could not be sent.
        """
        match self.directory.find(typed, client):
            case Found(account=account):
                return self._begin(account.id, account, client, is_certain=True)
            case Anybody(account_id=account_id, account=maybe):
                answer = self._begin(account_id, maybe, client, is_certain=False)
                if isinstance(answer, MailPaused):
                    return attrs.evolve(answer, kind=None)
                return answer
            case AddressUnknown() | AddressMalformed() as refused:
                return refused
            case _ as never:
                assert_never(never)

    def resend(self, challenge_id: str, client: Client, /) -> CodeResendAnswer:
        """
        Mail the same code again and restart its lifetime.  Gives no attempt back.

        Returns:
            `CodeSent`, `MailPaused` when the last mail is too young, `Throttled`, or
            `ChallengeGone`.

        Raises:
            uness_auth.errors.MailError: The code could not be sent.
        """
        now = self.clock()
        renewed = self.challenges.renew(
            challenge_id, now - self.policy.pause, now, now + self.policy.lifetime
        )
        if renewed is None:
            return self._gone(client, "nothing to send again")
        challenge, is_renewed = renewed
        if not _is_same_browser(challenge, client):
            if is_renewed:
                self._unsend(challenge)
            return self._gone(client, "another browser's", self._owner(challenge))
        if is_renewed:
            return self._send_again(challenge, client)
        return MailPaused(
            sent_at=challenge.sent_at,
            until=challenge.sent_at + self.policy.pause,
            kind=OrderKind.CODE if challenge.is_certain else None,
            challenge_id=challenge.id,
            is_queued=self.orders.is_queued,
        )

    def confirm(self, challenge_id: str, typed: str, client: Client, /) -> CodeAnswer:
        """
        Sign in, if *typed* is the code of the challenge and this browser asked for it.

        An attempt is spent before anything is compared.

        Returns:
            `SignedIn` to exactly one of any number of concurrent callers; `WrongCode`
            with the attempts left; `CodeExpired` while the same code may be asked for
            again; `ChallengeGone`; `Throttled`; `NothingTyped`; `SignInVetoed`.

        Timing:
            A decoy challenge costs what a real one does.
        """
        if not typed.strip():
            return NothingTyped()
        network = self.guard.site.take_network(Scope.NETWORK_CODES, client)
        if isinstance(network, Throttled) and not client.device:
            return network
        windows = () if isinstance(network, Throttled) else (network,)
        challenge = self._spend_attempt(challenge_id, client)
        if not isinstance(challenge, CodeChallenge):
            # Nothing was compared, so nothing failed.
            self.guard.site.give_back(windows)
            return challenge
        account = self._owner(challenge)
        spender = self.guard.spender(challenge.account_id, account, client)
        if spender.is_known_device:
            # It has budgets of its own, and counts nowhere else.
            self.guard.site.give_back(windows)
            windows = ()
        elif isinstance(network, Throttled):
            return network
        return self._compare(challenge, account, typed, windows, spender)

    def _spend_attempt(
        self, challenge_id: str, client: Client
    ) -> CodeChallenge | CodeExpired | ChallengeGone:
        challenge = self.challenges.spend_attempt(challenge_id)
        if challenge is None:
            return self._gone(client, "no such challenge")
        if not _is_same_browser(challenge, client):
            return self._gone(client, "another browser's", self._owner(challenge))
        if self.keys.derived(Purpose.CODE, challenge.key_id) is None:
            # No code is right any more, so none is called wrong, nor one sent again.
            owner = self._owner(challenge)
            return self._gone(client, "its key left the ring", owner)
        if self.clock() >= challenge.expires_at:
            return self._expired(challenge, client)
        return challenge

    def _begin(
        self,
        account_id: str,
        account: Account | None,
        client: Client,
        *,
        is_certain: bool,
    ) -> CodeSent | MailPaused | Throttled:
        spender = self.guard.spender(account_id, account, client)
        paused = self.guard.site.look_codes(spender)
        if paused is not None:
            return paused
        now = self.clock()
        challenge = CodeChallenge(
            id=secrets.token_hex(16),
            account_id=account_id,
            credential_version=account.credential_version if account else 0,
            key_id=self.keys.signing_id,
            browser_digest=client.browser_digest,
            sent_at=now,
            expires_at=now + self.policy.lifetime,
            window_ends_at=now + self.policy.window,
            attempts_left=self.policy.attempts,
            is_certain=is_certain,
        )
        # Stored before it is mailed: a code that arrives works.
        self.challenges.add(challenge)
        try:
            refused = self.orders.code(challenge, account, client)
        except MailError:
            _ = self.challenges.consume(challenge.id)
            raise
        if refused is None:
            return CodeSent(challenge_id=challenge.id, is_certain=is_certain)
        _ = self.challenges.consume(challenge.id)
        return refused

    def _send_again(
        self, challenge: CodeChallenge, client: Client
    ) -> CodeSent | MailPaused | ChallengeGone | Throttled:
        owner = self._owner(challenge)
        account = unless_closed(owner, self.clock())
        if not self._is_worth_sending(challenge, account):
            return self._gone(
                client, "the account or the key ring changed since", owner
            )
        try:
            refused = self._order_again(challenge, account, client)
        except MailError:
            self._unsend(challenge)
            raise
        if refused is None:
            return CodeSent(challenge_id=challenge.id, is_certain=challenge.is_certain)
        self._unsend(challenge)
        if isinstance(refused, MailPaused):
            return attrs.evolve(
                refused,
                kind=refused.kind if challenge.is_certain else None,
                challenge_id=challenge.id,
            )
        return refused

    def _order_again(
        self, challenge: CodeChallenge, account: Account | None, client: Client
    ) -> MailPaused | Throttled | None:
        spender = self.guard.spender(challenge.account_id, account, client)
        paused = self.guard.site.look_codes(spender)
        if paused is not None:
            return paused
        return self.orders.code(challenge, account, client)

    def _compare(
        self,
        challenge: CodeChallenge,
        account: Account | None,
        typed: str,
        network: tuple[WindowTaken, ...],
        spender: Spender,
    ) -> CodeAnswer:
        client = spender.client
        spent = self._spend(network, spender)
        if isinstance(spent, Throttled):
            return spent
        taken, windows = spent
        is_right = self.codes.same(typed, challenge)
        if account is None:
            return self._wrong(None, challenge, client, "no such account")
        if fault := self._fault(account, challenge, is_right=is_right):
            return self._wrong(account, challenge, client, fault)
        is_first = self.challenges.consume(challenge.id)
        # Right, so no failure; of a form that was sent twice as well.
        self.guard.give_back(taken)
        self.guard.site.give_back(windows)
        if not is_first:
            return self._gone(client, "another request was first", account)
        return self._right(account, client)

    def _fault(
        self, account: Account, challenge: CodeChallenge, *, is_right: bool
    ) -> str:
        if closed := closed_because(account, self.clock()):
            return closed
        if account.credential_version != challenge.credential_version:
            return "the account changed since"
        return "" if is_right else "wrong code"

    def _spend(
        self, network: tuple[WindowTaken, ...], spender: Spender
    ) -> tuple[Taken, tuple[WindowTaken, ...]] | Throttled:
        site = self.guard.site.take_code(spender)
        if isinstance(site, Throttled):
            self.guard.site.give_back(network)
            return site
        taken = self.guard.take_code(spender)
        if isinstance(taken, Throttled):
            self.guard.site.give_back((*network, *site))
            return taken
        return taken, (*network, *site)

    def _right(self, account: Account, client: Client) -> SignedIn | SignInVetoed:
        self.audit.record(
            EventKind.CODE_ACCEPTED, account, client=client, method=METHOD
        )
        return self.sessions.open(account, client, method=METHOD, is_remembered=False)

    def _wrong(
        self,
        account: Account | None,
        challenge: CodeChallenge,
        client: Client,
        reason: str,
    ) -> WrongCode | ChallengeGone:
        self._refuse(client, reason, account)
        if challenge.attempts_left > 0:
            return WrongCode(attempts_left=challenge.attempts_left)
        return ChallengeGone()

    def _expired(
        self, challenge: CodeChallenge, client: Client
    ) -> CodeExpired | ChallengeGone:
        if challenge.attempts_left == 0 or self.clock() >= challenge.window_ends_at:
            return self._gone(client, "expired", self._owner(challenge))
        self._refuse(client, "expired", self._owner(challenge))
        return CodeExpired(challenge_id=challenge.id)

    def _gone(
        self, client: Client, reason: str, account: Account | None = None
    ) -> ChallengeGone:
        self._refuse(client, reason, account)
        return ChallengeGone()

    def _owner(self, challenge: CodeChallenge) -> Account | None:
        # Of a decoy, too: whoever measures learns nothing.
        return self.accounts.by_id(challenge.account_id)

    def _refuse(self, client: Client, reason: str, account: Account | None) -> None:
        self.audit.record(
            EventKind.CODE_REFUSED,
            account,
            client=client,
            method=METHOD,
            reason=reason,
        )

    def _is_worth_sending(
        self, challenge: CodeChallenge, account: Account | None
    ) -> bool:
        if self.keys.derived(Purpose.CODE, challenge.key_id) is None:
            return False
        if account is None:
            # A decoy is sent again as ever; a page that spoke plainly cannot.
            return not challenge.is_certain
        return account.credential_version == challenge.credential_version

    def _unsend(self, challenge: CodeChallenge) -> None:
        # No mail left, so the next may be asked for at once.
        now = self.clock()
        _ = self.challenges.renew(
            challenge.id, now, now - self.policy.pause, challenge.expires_at
        )


def _is_same_browser(challenge: CodeChallenge, client: Client) -> bool:
    return client.browser_digest != "" and hmac.compare_digest(
        challenge.browser_digest.encode(), client.browser_digest.encode()
    )
