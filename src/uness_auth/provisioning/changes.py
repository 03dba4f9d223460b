"""
One account at a time: add, disable, enable, sign out, readdress, export, erase.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from ..addresses import AddressFault, canonical
from ..errors import ConfigurationError, StorageError
from ..events import Audit, EventKind
from ..model import Account, Site
from ..orders import Orders
from ..outcomes import (
    AccountAdded,
    AccountChanged,
    AccountExists,
    AccountReaddressed,
    AddAnswer,
    AddressMalformed,
    AddressUnknown,
    ChangeAnswer,
    EraseAnswer,
    ExportAnswer,
    PersonalDataGathered,
    ReaddressAnswer,
)
from ..policy import Policy
from ..ports import Accounts, Registry, Stores
from .difference import Difference, Terms, checked_registrar, difference
from .files import FileOfAccounts
from .imports import Import, every
from .invitations import NO_EVENTS, PER_MINUTE, Campaign, InvitationReport, Pace
from .personal_data import People
from .states import closed, readdressed, reopened, under_the_next_version
from .timeline import TimelineAnswer, timeline_of


def _ignore(_number: int, /) -> None:
    """
    Tell nobody how far it is.
    """


TRIES: Final = 8
CHANGED_TOO_OFTEN: Final = f"the account changed {TRIES} times while it was written"


@attrs.frozen(kw_only=True)
class Provisioning:
    """
    What a registrar and the helpdesk do to one account.
    """

    stores: Stores
    registry: Registry
    site: Site
    policy: Policy
    orders: Orders
    clock: Callable[[], datetime]
    audit: Audit

    @property
    def accounts(self) -> Accounts:
        """
        Where accounts are found.
        """
        return self.stores.accounts

    def add(
        self,
        address: str,
        /,
        *,
        display_name: str = "",
        language: str = "",
        account_id: str = "",
    ) -> AddAnswer:
        """
        Create an account without a password.  Mails nothing.

        Args:
            address: As typed; stored in its canonical form.

            account_id:
                The host's own; a random one where it is left out.  A store whose ids
                are numbers of its own gives another.

        Returns:
            `AccountAdded`, `AccountExists` with the account as it was left, or
            `AddressMalformed`.
        """
        wanted = canonical(address)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        account = Account(
            id=account_id or secrets.token_hex(16),
            address=wanted,
            # Random, because databases give deleted ids away again: an old link must
            # not fit the new account.
            credential_version=secrets.randbits(31),
            created_at=self.clock(),
            display_name=display_name,
            language=language,
        )
        if self.registry.apply([account]):
            # Read again: a store may give ids of its own, as Django's does.
            added = self.accounts.by_address(wanted) or account
            self.audit.record(EventKind.ACCOUNT_CREATED, added)
            return AccountAdded(account=added)
        existing = self.accounts.by_address(wanted) or self.accounts.by_id(account.id)
        if existing is None:
            msg = "Registry.apply() added nothing, and no account is in its way"
            raise StorageError(msg)
        return AccountExists(account=existing)

    def disable(self, address: str, /) -> ChangeAnswer:
        """
        Close an account: its links, codes and sessions stop working at once.
        """
        return self._change(address, EventKind.ACCOUNT_DISABLED, closed)

    def enable(self, address: str, /) -> ChangeAnswer:
        """
        Open a closed account again; its password comes back only if the policy says so.

        Its days stay as they are.
        """
        return self._change(
            address,
            EventKind.ACCOUNT_ENABLED,
            partial(
                reopened, keeps_password=self.policy.account.reopened_with_password
            ),
        )

    def sign_out(self, address: str, /) -> ChangeAnswer:
        """
        End every session of an account, and its links and codes with them.
        """
        return self._change(address, EventKind.SESSIONS_REVOKED, under_the_next_version)

    def readdress(self, address: str, new_address: str, /) -> ReaddressAnswer:
        """
        Give an account another address, void its password, and tell the old address.

        The password goes because whoever knows it had the old mailbox; the owner of the
        new one creates another with a first link.

        Returns:
            `AccountReaddressed`, `AccountExists` with the account that has the new
            address, `AddressUnknown`, or `AddressMalformed` of either.
        """
        former, wanted = canonical(address), canonical(new_address)
        if isinstance(former, AddressFault):
            return AddressMalformed(fault=former)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        for _ in range(TRIES):
            account = self.accounts.by_address(former)
            if account is None:
                return AddressUnknown()
            owner = self.accounts.by_address(wanted)
            if owner is not None:
                return AccountExists(account=owner)
            changed = readdressed(account, wanted)
            if self.registry.replace(changed, account.credential_version):
                self.audit.record(EventKind.ACCOUNT_READDRESSED, changed)
                is_told = self.orders.tell_former_address(account, changed.address)
                return AccountReaddressed(account=changed, is_told=is_told)
        raise StorageError(CHANGED_TOO_OFTEN)

    # --- A file of accounts ---------------------------------------------------------

    def difference(
        self,
        file: FileOfAccounts,
        /,
        *,
        by: str = "",
        readdress: int | None = None,
        take_over: int | None = None,
        close_missing: int | None = None,
    ) -> Difference:
        """
        Compare a file of accounts with the site.  Writes nothing.

        A line is about the account with its external id among those of its registrar,
        else about the account with its address, else about a new one.  A column that
        the file does not have changes nothing; an empty cell empties the field.

        Args:
            by:
                The registrar whose file it is.  Accounts of another one are left alone,
                and so is a line that names another.  Without it each line speaks for
                whom its ``provisioned_by`` names, or for nobody.

            readdress: So many accounts get another address, by their external id.

            take_over: So many accounts that were added by hand come under a registrar.

            close_missing: So many open accounts of *by* are in no line: close them.

        Returns:
            The difference, for `apply`.  Where a number is not exactly what was found
            it has faults, and cannot be applied.  Where it is left out, lines that need
            it are rejected, and nobody is closed.

        Raises:
            uness_auth.errors.ConfigurationError: *by* is no name of a registrar, or is
                missing where accounts are to be closed.
        """
        terms = Terms(
            columns=file.columns,
            by=checked_registrar(by, close_missing),
            readdress=readdress,
            take_over=take_over,
            close_missing=close_missing,
            keeps_password=self.policy.account.reopened_with_password,
            zone=self.site.zone,
            now=self.clock(),
        )
        return difference(file, every(self.registry), terms)

    def apply(
        self,
        difference: Difference,
        /,
        *,
        on_progress: Callable[[int], None] = _ignore,
    ) -> Difference:
        """
        Write a difference, in many short steps, and return what this call did.

        Others may write at the same time, even the same file: what they changed since
        is compared again, and nothing graver than what the difference shows is done.
        Cut short, it is gone on with by comparing the file again.

        Args:
            on_progress: Told after each step how many changes it did.

        Raises:
            uness_auth.errors.ConfigurationError: The difference has faults.
            uness_auth.errors.StorageError: What was done before stays done.
        """
        return Import(
            accounts=self.accounts,
            registry=self.registry,
            orders=self.orders,
            clock=self.clock,
            audit=self.audit,
            difference=difference,
            on_progress=on_progress,
        ).run()

    # --- Who cannot sign in, and who never did ---------------------------------------

    def timeline(self, address: str, /) -> TimelineAnswer:
        """
        Say what the helpdesk may know of one account, and what to do next.

        Returns:
            `uness_auth.provisioning.timeline.Timeline`, `AddressUnknown` or
            `AddressMalformed`.
        """
        return timeline_of(address, self.stores, self.policy, self.clock)

    def campaign(
        self,
        *,
        per_minute: int = PER_MINUTE,
        remind_after: timedelta | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Campaign:
        """
        Return the campaign that mails the first link to those without a password.

        Args:
            per_minute: How many mails leave in a minute.

            remind_after: Who has not acted so long after their last link is mailed
                another; by default nobody is.

            monotonic, sleep: Seconds that only grow, and how to let some pass.

        Raises:
            uness_auth.errors.ConfigurationError: The stores keep no events, or a
                number is out of bounds.
        """
        if self.stores.events is None:
            raise ConfigurationError(NO_EVENTS)
        return Campaign(
            accounts=self.accounts,
            registry=self.registry,
            events=self.stores.events,
            orders=self.orders,
            policy=self.policy.link,
            clock=self.clock,
            pace=Pace(per_minute, monotonic, sleep),
            remind_after=remind_after,
        )

    def invite(
        self,
        addresses: Iterable[str] | None = None,
        /,
        *,
        per_minute: int = PER_MINUTE,
        remind_after: timedelta | None = None,
    ) -> InvitationReport:
        """
        Mail the first link to everybody without a password, or to these *addresses*.

        Takes its time: `campaign` is for who wants to see it go on.
        """
        campaign = self.campaign(per_minute=per_minute, remind_after=remind_after)
        return campaign.run(campaign.plan(addresses))

    # --- What is held about a person -------------------------------------------------

    def export(self, address: str, /) -> ExportAnswer:
        """
        Gather all that is held about the person of an account.
        """
        wanted = canonical(address)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        account = self.accounts.by_address(wanted)
        if account is None:
            return AddressUnknown()
        return PersonalDataGathered(
            address=wanted, data=self._people.gather(account, self.clock())
        )

    def erase(self, address: str, /) -> EraseAnswer:
        """
        Erase an account, its user where the host has one, and all that is held about it.

        Events stay to be counted, and say no more whom they concerned.  Whoever is
        interrupted begins again, as long as the account is found.  A later account of
        the same address inherits nothing.

        Raises:
            uness_auth.errors.StorageError:
                It is not done, or not to the end: the account is disabled at least.
        """
        # First: nobody comes in while the rest goes, and what is on its way is void.
        answer = self.disable(address)
        if not isinstance(answer, AccountChanged):
            return answer
        return self._people.erase(answer.account)

    @property
    def _people(self) -> People:
        return People(
            stores=self.stores,
            registry=self.registry,
            guard=self.orders.guard,
            audit=self.audit,
        )

    def _change(
        self, address: str, kind: EventKind, change: Callable[[Account], Account]
    ) -> ChangeAnswer:
        wanted = canonical(address)
        if isinstance(wanted, AddressFault):
            return AddressMalformed(fault=wanted)
        for _ in range(TRIES):
            account = self.accounts.by_address(wanted)
            if account is None:
                return AddressUnknown()
            changed = change(account)
            if self.registry.replace(changed, account.credential_version):
                self.audit.record(kind, changed)
                return AccountChanged(account=changed)
        raise StorageError(CHANGED_TOO_OFTEN)
