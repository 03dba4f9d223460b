"""
Writes a difference: many short steps, each of which may meet others who write.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import attrs

from ..errors import ConfigurationError
from ..events import Audit, EventKind
from ..model import Account
from ..orders import Orders
from ..ports import Accounts, BulkRegistry, Registry
from .difference import (
    Change,
    ChangeKind,
    Decision,
    Difference,
    closing,
    decide,
    is_missing,
    refused,
    rejected,
)
from .files import Rejected


# Accounts in one transaction: whoever signs in meanwhile waits for one at most.
CHUNK: Final = 1_000
PAGE: Final = 500
TRIES: Final = 8

_RECORDED: Final = {
    ChangeKind.UPDATED: EventKind.ACCOUNT_CHANGED,
    ChangeKind.READDRESSED: EventKind.ACCOUNT_READDRESSED,
    ChangeKind.REOPENED: EventKind.ACCOUNT_ENABLED,
    ChangeKind.CLOSED: EventKind.ACCOUNT_DISABLED,
}
_METHOD: Final = "import"
_GONE: Final = (
    "its account is gone, or another one has its external_id by now: import the file "
    "again"
)
_CONTENDED: Final = (
    "its account, its address or its external_id was changed by others meanwhile: "
    "import the file again"
)


def every(registry: Registry, /) -> Iterator[Account]:
    """
    Return all accounts of the site, read page by page.
    """
    after = ""
    while page := registry.page(after, PAGE):
        yield from page
        after = page[-1].id


@attrs.frozen(eq=False)
class Import:
    """
    One difference on its way into the site.

    Several may be on their way at once, from one file or from several: what another one
    wrote meanwhile is read again and decided again.  One that was cut short is gone on
    with by comparing the same file again.
    """

    accounts: Accounts
    registry: Registry
    orders: Orders
    clock: Callable[[], datetime]
    audit: Audit
    difference: Difference
    on_progress: Callable[[int], None]
    _made: list[Change] = attrs.field(factory=list[Change], init=False)
    _refused: list[Rejected] = attrs.field(factory=list[Rejected], init=False)
    _unneeded: list[Change] = attrs.field(factory=list[Change], init=False)

    def run(self) -> Difference:
        """
        Write all of it, and return what was changed by this.

        Raises:
            uness_auth.errors.ConfigurationError: The difference has faults.
        """
        if self.difference.faults:
            raise ConfigurationError("; ".join(self.difference.faults))
        try:
            for kind, changes in groupby(self.difference.changes, _way):
                run = list(changes)
                if kind is ChangeKind.UPDATED:
                    run.sort(key=_id)
                for chunk in _chunks(run):
                    self._write(kind, chunk)
                    self.on_progress(len(chunk))
        finally:
            # What was done before a fault was done.
            self._record_import()
        return self._so_far()

    def _so_far(self) -> Difference:
        planned = self.difference
        found = [*planned.rejected, *self._refused]
        return attrs.evolve(
            planned,
            changes=tuple(sorted(self._made, key=lambda one: one.line)),
            unchanged=planned.unchanged + len(self._unneeded),
            rejected=tuple(sorted(found, key=lambda one: one.line)),
        )

    def _write(self, way: ChangeKind, chunk: Sequence[Change]) -> None:
        if way is ChangeKind.CREATED:
            self._create(chunk)
        elif way is ChangeKind.UPDATED and isinstance(self.registry, BulkRegistry):
            self._change_together(self.registry, chunk)
        else:
            # One by one: one of them may need the address that another gives up.
            for change in chunk:
                self._settle(change)

    # --- New accounts -----------------------------------------------------------

    def _create(self, chunk: Sequence[Change]) -> None:
        now = self.clock()
        accounts = [_new(one.after, now) for one in chunk]
        added = self.registry.apply(accounts)
        new = [one for one in accounts if one.id in added]
        self.audit.record_each(
            EventKind.ACCOUNT_CREATED, self._as_stored(new), method=_METHOD
        )
        for change, account in zip(chunk, accounts, strict=True):
            if account.id in added:
                self._made.append(change)
            else:
                # Somebody was faster: an account with this address is there.
                self._settle(change)

    def _as_stored(self, accounts: Sequence[Account]) -> Sequence[Account]:
        # A store that gives ids of its own, as Django's does, gives them to all.
        if not accounts or self.accounts.by_id(accounts[0].id):
            return accounts
        return [self.accounts.by_address(one.address) or one for one in accounts]

    # --- Accounts that are there --------------------------------------------------

    def _change_together(self, registry: BulkRegistry, chunk: Sequence[Change]) -> None:
        ready: list[tuple[Change, Account]] = []
        # Where everybody is changed, those of a chunk follow one another: one read.
        before = _id(chunk[0])[:-1]
        there = {one.id: one for one in self.registry.page(before, len(chunk))}
        for change in chunk:
            current = there.get(_id(change)) or self._current(change)
            # What others changed since is looked at singly.
            if current is not None and current == change.before:
                ready.append((change, current))
            else:
                self._settle(change)
        written = registry.replace_many(
            [(change.after, now.credential_version) for change, now in ready]
        )
        self._record([one for one, now in ready if now.id in written])
        for change, current in ready:
            if current.id not in written:
                self._settle(change)

    def _settle(self, change: Change) -> None:
        """
        Write *change* as it has to be by now.
        """
        for _ in range(TRIES):
            current = self._current(change)
            if current is None:
                return self._refuse(change, _GONE) if change.row else None
            decision = self._decided_again(change, current)
            if decision is None:
                return self._unneeded.append(change) if change.row else None
            if isinstance(decision, Rejected):
                return self._refused.append(decision)
            if self.registry.replace(decision.after, current.credential_version):
                self._record([decision])
                if decision.kind is ChangeKind.READDRESSED:
                    _ = self.orders.tell_former_address(current, decision.after.address)
                return None
        return self._refuse(change, _CONTENDED)

    def _current(self, change: Change) -> Account | None:
        if change.before is None:
            return self.accounts.by_address(change.after.address)
        return self.accounts.by_id(change.before.id)

    def _decided_again(self, change: Change, current: Account) -> Decision:
        if current == change.before:
            return change
        terms = self.difference.terms
        if change.row is None:
            return closing(current) if is_missing(current, terms) else None
        decision = decide(change.row, current, terms)
        if isinstance(decision, Change) and _is_graver(decision, change):
            return rejected(change.row, _CONTENDED)
        return decision

    def _refuse(self, change: Change, reason: str) -> None:
        self._refused.append(refused(change, reason))

    # --- What was done --------------------------------------------------------------

    def _record(self, made: Sequence[Change]) -> None:
        self._made.extend(made)
        alike: dict[tuple[ChangeKind, str], list[Account]] = {}
        for change in made:
            facts = (change.kind, ", ".join(change.fields))
            alike.setdefault(facts, []).append(change.after)
        for (kind, fields), accounts in alike.items():
            self.audit.record_each(
                _RECORDED[kind], accounts, method=_METHOD, reason=fields
            )

    def _record_import(self) -> None:
        done = ", ".join(
            f"{number} {what}" for what, number in self._so_far().counts.items()
        )
        registrar = self.difference.terms.by
        whose = f"of « {registrar} »: " if registrar else ""
        self.audit.record(EventKind.IMPORT, method=_METHOD, reason=f"{whose}{done}")


def _new(account: Account, now: datetime) -> Account:
    return attrs.evolve(
        account,
        id=secrets.token_hex(16),
        # Random, because databases give deleted ids away again.
        credential_version=secrets.randbits(31),
        created_at=now,
    )


def _way(change: Change) -> ChangeKind:
    """
    Return how *change* is written: among new ones, by itself, or among others.
    """
    kind = change.kind
    if kind is ChangeKind.CREATED or kind is ChangeKind.READDRESSED:
        return kind
    return ChangeKind.UPDATED


def _id(change: Change) -> str:
    return change.before.id if change.before else ""


def _chunks(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), CHUNK):
        yield changes[start : start + CHUNK]


def _is_graver(decision: Change, planned: Change) -> bool:
    # Nobody was shown this, and no number was given for it.
    is_graver = decision.kind not in {ChangeKind.UPDATED, planned.kind}
    return is_graver or (decision.is_take_over and not planned.is_take_over)
