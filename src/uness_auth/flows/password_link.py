"""
The mailed link that creates a first password, or replaces one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

import attrs

from ..devices import Devices
from ..directory import Anybody, Directory, Found
from ..events import Audit, EventKind, closed_because
from ..guard import Guard
from ..model import Account, Client, OrderKind
from ..orders import Orders
from ..outcomes import (
    AddressMalformed,
    AddressUnknown,
    Busy,
    LinkAnswer,
    LinkExpired,
    LinkInvalid,
    LinkOpened,
    LinkRequestAnswer,
    LinkSent,
    LinkUsed,
    MailPaused,
    PasswordRefused,
    PasswordSet,
    PasswordSetAnswer,
)
from ..password_check import NewPasswords
from ..passwords import HashingSlots
from ..ports import Accounts, PasswordHashing
from ..tokens import ExpiredToken, LinkToken, LinkTokens


@attrs.frozen(kw_only=True)
class PasswordLink:
    """
    S3 to S6: ask for a link, open it, set the password.
    """

    directory: Directory
    orders: Orders
    tokens: LinkTokens
    accounts: Accounts
    guard: Guard
    devices: Devices
    rules: NewPasswords
    hashing: PasswordHashing
    slots: HashingSlots
    clock: Callable[[], datetime]
    audit: Audit

    def request(self, typed: str, client: Client, /) -> LinkRequestAnswer:
        """
        Mail a link to the account of *typed*.  Voids no earlier link.

        Returns:
            `LinkSent`, `MailPaused` when the last mail is too young, `Throttled`,
            `AddressUnknown` or `AddressMalformed`.  Where one page serves every
            address, the same for any of them, with no kind.

        Raises:
            uness_auth.errors.MailError: The link could not be sent.
        """
        match self.directory.find(typed, client):
            case Found(account=account):
                answer = self.orders.link(account.id, account, client)
                if isinstance(answer, OrderKind):
                    return LinkSent(address=account.address, kind=answer)
                return answer
            case Anybody(address=address, account_id=account_id, account=maybe):
                answer = self.orders.link(account_id, maybe, client)
                if isinstance(answer, MailPaused):
                    return attrs.evolve(answer, kind=None)
                if isinstance(answer, OrderKind):
                    return LinkSent(address=address, kind=None)
                return answer
            case AddressUnknown() | AddressMalformed() as refused:
                return refused
            case _ as never:
                assert_never(never)

    def open(self, token: str, client: Client, /) -> LinkAnswer:
        """
        Say whether *token* works.  Uses nothing up: scanners open links first.

        Never raises on bad input.
        """
        match self._read(token, client):
            case (LinkToken(kind=kind), Account() as account):
                self.audit.record(
                    EventKind.LINK_OPENED,
                    account,
                    client=client,
                    method=kind,
                    reason=client.browser,
                )
                return LinkOpened(
                    address=account.address, kind=kind, language=account.language
                )
            case LinkExpired() | LinkUsed() | LinkInvalid() as refused:
                return refused
            case _ as never:
                assert_never(never)

    def set_password(
        self, token: str, password: str, confirmation: str, client: Client, /
    ) -> PasswordSetAnswer:
        """
        Set the password, if the link works and two equal, acceptable ones were typed.

        Returns:
            `PasswordSet` to exactly one of any number of concurrent callers.
            `PasswordRefused` with every unmet rule, and the link still works.
            `LinkUsed` to the losers; `LinkExpired`, `LinkInvalid`, `Busy`.

        Raises:
            uness_auth.errors.StorageError: Nothing is set, and the link still works.

            uness_auth.errors.HashingError: The same.
        """
        match self._read(token, client):
            case (LinkToken() as link, Account() as account):
                return self._set(link, account, password, confirmation, client)
            case LinkExpired() | LinkUsed() | LinkInvalid() as refused:
                return refused
            case _ as never:
                assert_never(never)

    def _set(
        self,
        link: LinkToken,
        account: Account,
        password: str,
        confirmation: str,
        client: Client,
    ) -> PasswordSetAnswer:
        about = (account.display_name, account.address)
        unmet = self.rules.unmet(password, about=about)
        if unmet or password != confirmation:
            reasons = (*unmet, *(("differs",) if password != confirmation else ()))
            self._refuse(account, client, link.kind, ",".join(reasons))
            return PasswordRefused(
                address=account.address,
                kind=link.kind,
                unmet=unmet,
                differs=password != confirmation,
                language=account.language,
            )
        with self.slots.take() as is_taken:
            if not is_taken:
                return Busy(retry_after=self.slots.retry_after)
            password_hash = self.hashing.hash(password)
        # Before the swap: were it after, a crash between the two would leave the new
        # password under the old one's wait.  Whoever holds the link may end it.
        self.guard.end_wait(self.guard.spender(account.id, account, client))
        # The store looks at the version, which a registrar's closing moves, and not at the
        # days.  One that ends while the hash is made ends nothing else too late: every
        # way in looks at the clock again, so that the password opens no closed account.
        if not self.accounts.set_password(
            account.id, password_hash, link.credential_version
        ):
            self._refuse(account, client, link.kind, "another one was first")
            return LinkUsed(has_password=True, language=account.language)
        self.audit.record(EventKind.LINK_USED, account, client=client, method=link.kind)
        self.audit.record(
            EventKind.PASSWORD_SET, account, client=client, method=link.kind
        )
        if link.kind is OrderKind.RESET_LINK:
            self.orders.notice(OrderKind.PASSWORD_CHANGED, account, client)
        return PasswordSet(
            language=account.language,
            # Who opened the mail here is no stranger to the account.
            device=self.devices.joined(
                client.device, account.id, link.credential_version + 1, self.clock()
            ),
        )

    def _read(
        self, token: str, client: Client
    ) -> tuple[LinkToken, Account] | LinkExpired | LinkUsed | LinkInvalid:
        now = self.clock()
        link = self.tokens.read(token, now)
        if isinstance(link, LinkInvalid):
            self._refuse(None, client, "", "LinkInvalid")
            return link
        if isinstance(link, ExpiredToken):
            return self._expired(link.link, client)
        account = self.accounts.by_id(link.account_id)
        if account is None or account.is_closed(now):
            gone = "no such account"
            reason = gone if account is None else closed_because(account, now)
            self._refuse(account, client, link.kind, reason)
            return LinkUsed(has_password=False)
        if account.credential_version != link.credential_version:
            self._refuse(account, client, link.kind, "credential version moved")
            return LinkUsed(
                has_password=account.has_password, language=account.language
            )
        return link, account

    def _expired(self, link: LinkToken, client: Client) -> LinkExpired:
        # Looked up for the event alone: an old link is what the helpdesk is asked about.
        account = self.accounts.by_id(link.account_id)
        self._refuse(account, client, link.kind, "LinkExpired")
        return LinkExpired(kind=link.kind)

    def _refuse(
        self, account: Account | None, client: Client, method: str, reason: str
    ) -> None:
        self.audit.record(
            EventKind.LINK_REFUSED,
            account,
            client=client,
            method=method,
            reason=reason,
        )
