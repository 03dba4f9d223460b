"""
Places mail orders within the account's mail budget, and delivers them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import attrs

from .errors import MailError, RecipientError, StorageError
from .events import Audit, EventKind, masked_address, masked_network
from .guard import Guard, MailRefused, Taken, unless_decoy
from .messages import Dropped, Messages
from .model import Account, Client, CodeChallenge, MailOrder, OrderKind
from .outcomes import MailPaused, Scope, Throttled
from .policy import DAY, Policy
from .ports import Accounts, Mailer, OrderQueue
from .site_guard import WindowTaken
from .throttle import Spender


_ORDERED: Final = {
    OrderKind.FIRST_LINK: EventKind.LINK_ORDERED,
    OrderKind.RESET_LINK: EventKind.LINK_ORDERED,
    OrderKind.CODE: EventKind.CODE_ORDERED,
}
_SENT: Final = {
    OrderKind.FIRST_LINK: EventKind.LINK_SENT,
    OrderKind.RESET_LINK: EventKind.LINK_SENT,
    OrderKind.INVITATION: EventKind.LINK_SENT,
    OrderKind.CODE: EventKind.CODE_SENT,
    OrderKind.NEW_DEVICE: EventKind.NOTICE_SENT,
    OrderKind.PASSWORD_CHANGED: EventKind.NOTICE_SENT,
    OrderKind.ADDRESS_CHANGED: EventKind.NOTICE_SENT,
}
# Why an order will be dropped: for the operator's eyes only.
DECOY: Final = "no account, or a closed one"
# Begins the reason of a mail that the server takes for nobody of this address.
REFUSED: Final = "recipient refused"
# A day later the owner has found out, or nobody reads that mailbox.
NOTICE_KEPT: Final = DAY


@attrs.frozen(kw_only=True)
class Orders:
    """
    The one way to a mail: budget, order, and with a queue or without one, delivery.
    """

    accounts: Accounts
    guard: Guard
    messages: Messages
    mailer: Mailer
    queue: OrderQueue | None
    policy: Policy
    clock: Callable[[], datetime]
    audit: Audit

    @property
    def is_queued(self) -> bool:
        """
        Whether mails leave from a queue, later than they are asked for.
        """
        return self.queue is not None

    def link(
        self, account_id: str, account: Account | None, client: Client, /
    ) -> OrderKind | MailPaused | Throttled:
        """
        Mail the account its link: the first one, or the one that resets.

        Args:
            account_id: Whose budget is spent.

            account: None where nobody is to be mailed: then the order is a decoy.

        Returns:
            The kind that was mailed, `MailPaused` or `Throttled`.

        Raises:
            uness_auth.errors.MailError: The budgets are as before.
        """
        kind = OrderKind.FIRST_LINK
        if account is not None and account.has_password:
            kind = OrderKind.RESET_LINK
        now = self.clock()
        order = MailOrder(
            kind=kind,
            account_id=account_id,
            credential_version=account.credential_version if account else 0,
            issued_at=now,
            expires_at=now + self.policy.link.lifetime(kind),
        )
        refused = self._mail(order, account, client)
        return kind if refused is None else refused

    def invite(self, account: Account, /) -> bool:
        """
        Mail *account* the link to its first password, though it did not ask.

        Spends no budget: what a registrar sends must not keep the owner from asking.
        Delivers at once, queue or not: who invites waits for the server's answer, and
        a queue would not hand it back.

        Returns:
            Whether it was mailed; False where the account changed meanwhile.

        Raises:
            uness_auth.errors.MailError: It was not accepted.
        """
        now = self.clock()
        kind = OrderKind.INVITATION
        order = MailOrder(
            kind=kind,
            account_id=account.id,
            credential_version=account.credential_version,
            issued_at=now,
            expires_at=now + self.policy.link.lifetime(kind),
        )
        self.audit.record(EventKind.LINK_ORDERED, account, method=kind)
        composed = self._composed(order)
        if composed is None:
            return False
        self._send(order, *composed)
        return True

    def code(
        self, challenge: CodeChallenge, account: Account | None, client: Client, /
    ) -> MailPaused | Throttled | None:
        """
        Mail the code of *challenge*.  Returns None when that was done.

        Raises:
            uness_auth.errors.MailError: The budgets are as before.
        """
        order = MailOrder(
            kind=OrderKind.CODE,
            account_id=challenge.account_id,
            credential_version=challenge.credential_version,
            issued_at=challenge.sent_at,
            expires_at=challenge.expires_at,
            challenge_id=challenge.id,
            key_id=challenge.key_id,
        )
        return self._mail(order, account, client)

    def notice(self, kind: OrderKind, account: Account, client: Client, /) -> None:
        """
        Tell the owner of *account* what was done just now, and from where.

        Spends no budget: only who proved to be the owner can cause one.  Never raises:
        what it tells is done already, and stays done.
        """
        now = self.clock()
        order = MailOrder(
            kind=kind,
            account_id=account.id,
            credential_version=account.credential_version,
            issued_at=now,
            expires_at=now + NOTICE_KEPT,
            browser=client.browser,
            network=masked_network(client.network),
        )
        try:
            if self.queue is None:
                self.deliver(order)
            else:
                self.queue.put(order)
        except (MailError, StorageError) as exc:
            self.audit.record(
                EventKind.MAIL_DROPPED,
                account,
                client=client,
                method=kind,
                reason=type(exc).__name__,
            )

    def tell_former_address(self, former: Account, address: str, /) -> bool:
        """
        Tell the address that *former* had that the account has another one now.

        The new *address* is masked.  Delivered at once, queue or not: an order carries
        no address, and a worker would find only the new one.  Spends no budget, and
        never raises: what it tells is done already, and stays done.

        Returns:
            Whether the mail was accepted; if not, an event says why.
        """
        now = self.clock()
        order = MailOrder(
            kind=OrderKind.ADDRESS_CHANGED,
            account_id=former.id,
            credential_version=former.credential_version,
            issued_at=now,
            expires_at=now + NOTICE_KEPT,
            new_address=masked_address(address),
        )
        # Of a closed account above all: it is opened again for whoever has the new one.
        reader = attrs.evolve(
            former, is_disabled=False, valid_from=None, valid_until=None
        )
        message = self.messages.compose(order, reader, now)
        if isinstance(message, Dropped):
            self._drop(order, former, message.reason)
            return False
        try:
            self._send(order, message, former)
        except MailError:
            return False
        return True

    def deliver(self, order: MailOrder, /) -> None:
        """
        Compose and send one order, now.  Composing twice gives the same mail.

        An order that is too old, or of an account that changed since, and a decoy yield
        nothing but an event.

        Raises:
            uness_auth.errors.MailError: The mailer refused; a queue tries again.

        Timing:
            What is dropped is composed and written out all the same, for nobody: whoever
            delivers may share a process with the pages, which wait meanwhile.  Handing
            a mail over is what remains, and what a mailer does takes time of its own.
        """
        composed = self._composed(order)
        if composed is None:
            self._compose_for_nobody(order)
            return
        self._send(order, *composed)

    def _composed(self, order: MailOrder) -> tuple[EmailMessage, Account] | None:
        account = self.accounts.by_id(order.account_id)
        if account is None:
            self._drop(order, None, "there is no such account")
            return None
        message = self.messages.compose(order, account, self.clock())
        if isinstance(message, Dropped):
            self._drop(order, account, message.reason)
            return None
        return message, account

    def _compose_for_nobody(self, order: MailOrder) -> None:
        message = self.messages.compose(order, _nobody(order), order.issued_at)
        if not isinstance(message, Dropped):
            _ = message.as_bytes()

    def _drop(self, order: MailOrder, account: Account | None, reason: str) -> None:
        self.audit.record(
            EventKind.MAIL_DROPPED, account, method=order.kind, reason=reason
        )

    def _send(self, order: MailOrder, message: EmailMessage, account: Account) -> None:
        try:
            self.mailer.send(message, account.address)
        except RecipientError as exc:
            self._failed(
                order, account, f"{REFUSED}: {exc}" if exc.is_final else str(exc)
            )
            raise
        except MailError as exc:
            self._failed(order, account, str(exc))
            raise
        except Exception as exc:  # noqa: BLE001 - what it says may quote the mail: it goes no further
            reason = _told(self.mailer, exc)
            self._failed(order, account, reason)
            raise MailError(reason) from None
        self.audit.record(_SENT[order.kind], account, method=order.kind)

    def _failed(self, order: MailOrder, account: Account, reason: str) -> None:
        # Mail servers like to repeat the address; an event holds no whole one.
        reason = reason.replace(account.address, masked_address(account.address))
        self.audit.record(
            EventKind.MAIL_FAILED, account, method=order.kind, reason=reason
        )

    def _mail(
        self, order: MailOrder, account: Account | None, client: Client
    ) -> MailPaused | Throttled | None:
        spender = self.guard.spender(order.account_id, account, client)
        asked = self._ask_network(spender)
        if isinstance(asked, Throttled):
            return asked
        taken = self.guard.take_mail(spender, order.kind)
        if isinstance(taken, MailRefused):
            return MailPaused(
                sent_at=taken.sent_at,
                until=taken.until,
                kind=order.kind,
                is_queued=self.is_queued,
            )
        self._place(order, account, client, taken, asked)
        return None

    def _ask_network(self, spender: Spender) -> tuple[WindowTaken, ...] | Throttled:
        if spender.is_known_device:
            return ()
        asked = self.guard.site.take_network(Scope.NETWORK_MAILS, spender.client)
        return asked if isinstance(asked, Throttled) else (asked,)

    def _place(
        self,
        order: MailOrder,
        account: Account | None,
        client: Client,
        taken: Taken,
        asked: tuple[WindowTaken, ...],
    ) -> None:
        self.audit.record(
            _ORDERED[order.kind],
            account,
            client=client,
            # A disabled account's, which nobody is mailed for.
            account_id=unless_decoy(order.account_id),
            method=order.kind,
            reason="" if account else DECOY,
        )
        try:
            if self.queue is not None:
                # A decoy's as well: a queue that is full, slow or watched would tell.
                self.queue.put(order)
            elif account is not None:
                self._deliver_now(order)
        except MailError:
            self.guard.give_back(taken)
            self.guard.site.give_back(asked)
            raise

    def _deliver_now(self, order: MailOrder) -> None:
        composed = self._composed(order)
        if composed is None:
            # It changed since it was looked up.  No page may say that a mail left.
            msg = "the account changed while its mail was composed"
            raise MailError(msg)
        self._send(order, *composed)


def _nobody(order: MailOrder) -> Account:
    # Whom the order would fit, at an address that is nobody's (RFC 2606).
    return Account(
        id=order.account_id,
        address="personne@univ-exemple.invalid",
        credential_version=order.credential_version,
        created_at=order.issued_at,
        password_hash="-" if order.kind is OrderKind.RESET_LINK else "",
    )


def _told(mailer: Mailer, exc: Exception) -> str:
    # What is wrong and where, for whoever wrote the mailer; not in its words.
    place = traceback.extract_tb(exc.__traceback__)[-1]
    return (
        f"{type(mailer).__name__} raised {type(exc).__name__} in {place.name}(), line "
        f"{place.lineno} of {Path(place.filename).name}: let it raise MailError"
    )
