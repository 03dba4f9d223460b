"""
The campaign that mails the first link to everybody without a password.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import attrs

from ..addresses import AddressFault, canonical
from ..errors import ConfigurationError, MailError, RecipientError, StorageError
from ..events import Event, EventKind
from ..model import Account, OrderKind
from ..orders import REFUSED, Orders
from ..policy import DAY, LinkPolicy
from ..ports import Accounts, Events, Registry
from .next_steps import begins_anew


# How long a campaign waits for a server that fails, before it stops.
WAITS: Final = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
# So many refused one after the other are not so many wrong addresses.
MOST_REFUSED_IN_A_ROW: Final = 20
# Of one account: what a stranger adds to them must not hide the last link.
EVENTS_READ: Final = 200
PAGE: Final = 500
PER_MINUTE: Final = 60
# Longer than a mail server may take for one mail.
HELD: Final = timedelta(minutes=10)
HELD_AS: Final = "invitation"
NO_EVENTS: Final = (
    "Stores(events=) is missing: without it nobody knows who was invited already: give "
    "a store that keeps events, as SQLStorage(url).events"
)


CHANGED: Final = "the account changed while its mail was composed"
# A campaign that goes on without its memory mails people twice.
NOT_KEPT: Final = (
    "a mail left, and the store of events did not keep that it did: the campaign stopped; "
    "who was mailed last may be mailed again"
)
_FIRST_LINKS: Final = frozenset({OrderKind.FIRST_LINK, OrderKind.INVITATION})


class Became(StrEnum):
    """
    What became of an invitation.
    """

    MAILED = "mailed"
    REMINDED = "reminded"
    ACTED = "acted"
    INVITED = "invited"
    CLOSED = "closed"
    REFUSED = "refused"
    REFUSED_BEFORE = "refused_before"
    DEFERRED = "deferred"
    HELD = "held"
    UNKNOWN = "unknown"
    LEFT = "left"


_IS_DUE: Final = frozenset({Became.MAILED, Became.REMINDED})
# Whoever reads the figures wants to know who these are.
NAMED: Final = frozenset(
    {
        Became.REFUSED,
        Became.REFUSED_BEFORE,
        Became.DEFERRED,
        Became.HELD,
        Became.UNKNOWN,
    }
)


@attrs.frozen(kw_only=True)
class Invited:
    """
    One address, and what became of its invitation.

    Attributes:
        reason: What the mail server answered; empty where it was not asked.
    """

    address: str
    became: Became
    reason: str = ""


@attrs.frozen
class Invitee:
    """
    Somebody who is to be mailed.

    Attributes:
        is_named: Whether they were asked for by their address.
    """

    account_id: str
    address: str
    credential_version: int
    is_named: bool = attrs.field(kw_only=True)

    def became(self, became: Became, reason: str = "") -> Invited:
        """
        Return what became of their invitation.
        """
        return Invited(address=self.address, became=became, reason=reason)


@attrs.frozen(kw_only=True)
class InvitationPlan:
    """
    Who would be mailed, and what is so of the others.
    """

    invitees: tuple[Invitee, ...]
    figures: Mapping[Became, int]
    named: tuple[Invited, ...]


@attrs.frozen(kw_only=True)
class InvitationReport:
    """
    What a campaign did.

    Attributes:
        figures: How many of each.

        named: Who was not mailed although they should be, and why.

        stopped: Why it ended before its end; empty otherwise.
    """

    figures: Mapping[Became, int]
    named: tuple[Invited, ...]
    stopped: str = ""

    @property
    def is_complete(self) -> bool:
        """
        Whether everybody was mailed who should be.
        """
        return not self.named and not self.stopped


class Pace:
    """
    Lets so many pass in a minute, evenly.

    Args:
        now: Seconds that only grow: `time.monotonic`.

        sleep: Waits for so many seconds: `time.sleep`.

    Raises:
        uness_auth.errors.ConfigurationError: Nobody would ever pass.
    """

    __slots__ = ("_next", "_now", "_per_minute", "sleep")

    def __init__(
        self,
        per_minute: int,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        if per_minute < 1:
            msg = f"invite(per_minute={per_minute}): give 1 or more"
            raise ConfigurationError(msg)
        self._per_minute = per_minute
        self._now = now
        self._next = 0.0
        self.sleep: Callable[[float], None] = sleep

    def wait(self) -> None:
        """
        Return when the next may pass.
        """
        now = self._now()
        if self._next > now:
            self.sleep(self._next - now)
        # What was not used is not saved up: a server that counts would refuse it.
        self._next = max(self._next, now) + 60 / self._per_minute


def nobody_told(_invited: Invited, /) -> None:
    """
    Pass over.
    """


@attrs.frozen(kw_only=True)
class Campaign:
    """
    Invites, at a pace, everybody who has no password yet, and nobody twice.

    Whoever was mailed is known from the kept events, so that a campaign which was
    killed goes on when it is run again.  Two that run at once do not mail one person
    twice: each holds whom it mails for some minutes, and looks again once it does.

    Attributes:
        remind_after: After so long without a password the last link is followed by
            another; None: never.
    """

    accounts: Accounts
    registry: Registry
    events: Events
    orders: Orders
    policy: LinkPolicy
    clock: Callable[[], datetime]
    pace: Pace
    remind_after: timedelta | None = None

    def __attrs_post_init__(self) -> None:
        if self.remind_after is not None and self.remind_after < DAY:
            msg = (
                f"invite(remind_after={self.remind_after}): give a day or more: the "
                f"last link may still work"
            )
            raise ConfigurationError(msg)

    def plan(self, addresses: Iterable[str] | None = None, /) -> InvitationPlan:
        """
        Say who is to be mailed, and mail nothing.

        Args:
            addresses: As typed.  None: everybody.
        """
        invitees: list[Invitee] = []
        figures: Counter[Became] = Counter()
        named: list[Invited] = []
        is_named = addresses is not None
        for one in self._everybody() if addresses is None else self._found(addresses):
            if isinstance(one, str):
                invited = Invited(address=one, became=Became.UNKNOWN)
            else:
                became = self._standing(one, is_named=is_named)
                invited = Invited(address=one.address, became=became)
                if became in _IS_DUE:
                    version = one.credential_version
                    invitees.append(
                        Invitee(one.id, one.address, version, is_named=is_named)
                    )
            figures[invited.became] += 1
            if invited.became in NAMED:
                named.append(invited)
        return InvitationPlan(
            invitees=tuple(invitees), figures=dict(figures), named=tuple(named)
        )

    def run(
        self, plan: InvitationPlan, tell: Callable[[Invited], None] = nobody_told, /
    ) -> InvitationReport:
        """
        Mail everybody of *plan*, one after the other.

        A server that fails is tried again, ever later, and then ends the campaign; one
        that refuses one address does not, unless it refuses everybody.

        Args:
            tell: Called for each, once it is known what became of it.

        Raises:
            uness_auth.errors.StorageError: Run it again: nobody is mailed twice.
        """
        tally = _Tally(plan)
        for invitee in plan.invitees:
            self.pace.wait()
            try:
                invited = self._invite_or_wait(invitee)
            except MailError as exc:
                return tally.report(stopped=str(exc))
            tally.count(invited)
            tell(invited)
            if tally.refused_in_a_row >= MOST_REFUSED_IN_A_ROW:
                return tally.report(
                    stopped=f"{MOST_REFUSED_IN_A_ROW} addresses were refused one after "
                    f"the other: does the mail server take mail from this sender?"
                )
        return tally.report()

    # --- Who ----------------------------------------------------------------

    def _everybody(self) -> Iterator[Account]:
        after = ""
        while page := self.registry.page(after, PAGE):
            yield from page
            after = page[-1].id

    def _found(self, addresses: Iterable[str]) -> Iterator[Account | str]:
        seen: set[str] = set()
        for typed in addresses:
            address = canonical(typed)
            if isinstance(address, AddressFault):
                yield typed
            elif address not in seen:
                seen.add(address)
                yield self.accounts.by_address(address) or address

    def _standing(self, account: Account, *, is_named: bool) -> Became:
        now = self.clock()
        if account.is_closed(now):
            return Became.CLOSED
        if account.has_password:
            return Became.ACTED
        last = self._last(account.id)
        if last is None:
            return Became.MAILED
        if last.kind is EventKind.MAIL_FAILED:
            return Became.MAILED if is_named else Became.REFUSED_BEFORE
        # Whoever names somebody wants them to have a link that works.
        again = self.remind_after
        if is_named:
            again = self.policy.lifetime(OrderKind.INVITATION)
        is_due = again is not None and last.at + again <= now
        return Became.REMINDED if is_due else Became.INVITED

    def _last(self, account_id: str) -> Event | None:
        """
        Return the last mail that tells whether to send another; None: none does.
        """
        for event in self.events.of_account(account_id, EVENTS_READ):
            if begins_anew(event):
                return None
            if event.method in _FIRST_LINKS and (
                event.kind is EventKind.LINK_SENT or _is_refusal(event)
            ):
                return event
        return None

    # --- How ----------------------------------------------------------------

    def _invite_or_wait(self, invitee: Invitee) -> Invited:
        for wait in WAITS:
            try:
                return self._invite(invitee)
            except MailError:
                self.pace.sleep(wait.total_seconds())
        return self._invite(invitee)

    def _invite(self, invitee: Invitee) -> Invited:
        # Under its version: whoever is readdressed meanwhile is free at once.
        name = f"{HELD_AS} {invitee.credential_version}"
        held = self.orders.guard.hold(name, invitee.account_id, HELD)
        if held is None:
            # Most often the other has mailed it by now.
            account = self.accounts.by_id(invitee.account_id)
            standing = self._standing_again(account, invitee)
            return invitee.became(Became.HELD if standing in _IS_DUE else standing)
        try:
            invited = self._invite_held(invitee)
        except RecipientError as exc:
            became = Became.REFUSED if exc.is_final else Became.DEFERRED
            invited = invitee.became(became, str(exc))
        except MailError:
            self.orders.guard.let_go(held)
            raise
        if invited.became not in _IS_DUE:
            self.orders.guard.let_go(held)
        return invited

    def _standing_again(self, account: Account | None, invitee: Invitee) -> Became:
        # Another campaign may have been here since it was planned.
        if account is None:
            return Became.UNKNOWN
        return self._standing(account, is_named=invitee.is_named)

    def _invite_held(self, invitee: Invitee) -> Invited:
        account = self.accounts.by_id(invitee.account_id)
        standing = self._standing_again(account, invitee)
        if account is None or standing not in _IS_DUE:
            return invitee.became(standing)
        is_same = account.credential_version == invitee.credential_version
        if not is_same or not self.orders.invite(account):
            return invitee.became(Became.DEFERRED, CHANGED)
        last = self._last(account.id)
        if last is None or last.kind is not EventKind.LINK_SENT:
            raise StorageError(NOT_KEPT)
        return invitee.became(standing)


def _is_refusal(event: Event) -> bool:
    return event.kind is EventKind.MAIL_FAILED and event.reason.startswith(REFUSED)


class _Tally:
    """
    What became of everybody so far.
    """

    def __init__(self, plan: InvitationPlan) -> None:
        self._figures = Counter(plan.figures)
        for one in _IS_DUE:
            del self._figures[one]
        self._named = list(plan.named)
        self._left = len(plan.invitees)
        self.refused_in_a_row: int = 0

    def count(self, invited: Invited) -> None:
        self._left -= 1
        self._figures[invited.became] += 1
        if invited.became in NAMED:
            self._named.append(invited)
        if invited.became in _IS_DUE:
            self.refused_in_a_row = 0
        elif invited.reason:
            self.refused_in_a_row += 1

    def report(self, *, stopped: str = "") -> InvitationReport:
        if self._left:
            self._figures[Became.LEFT] = self._left
        return InvitationReport(
            figures=dict(self._figures), named=tuple(self._named), stopped=stopped
        )
