"""
What a file of accounts would change: nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import attrs

from ..addresses import AddressFault, canonical
from ..errors import ConfigurationError
from ..model import Account
from .files import FileOfAccounts, Line, Rejected, Row
from .lookalikes import Lookalike, lookalikes
from .rows import LONGEST_REGISTRAR
from .states import closed, readdressed, reopened


# What a row says of an account beside its address and its registrar.
FIELDS: Final = (
    "display_name",
    "language",
    "external_id",
    "valid_from",
    "valid_until",
)
_DAY: Final = timedelta(days=1)
# A registrar, and its own identifier for an account.
_Key: TypeAlias = tuple[str, str]


class ChangeKind(StrEnum):
    """
    What happens to an account; of several the gravest, which is the first.
    """

    READDRESSED = "readdressed"
    REOPENED = "reopened"
    CLOSED = "closed"
    CREATED = "created"
    UPDATED = "updated"


@attrs.frozen(kw_only=True)
class Change:
    """
    One account as it is, and as it is to be.

    Attributes:
        row: The line that asks for it; None of an account that no line names.

        before: None where there is no account yet.

        after: Of a new account without id, version and time, which it gets when it is
            written.
    """

    kind: ChangeKind
    row: Row | None
    before: Account | None
    after: Account

    @property
    def line(self) -> int:
        """
        The line of the file; 0 where no line names the account.
        """
        return self.row.line if self.row else 0

    @property
    def is_take_over(self) -> bool:
        """
        Whether an account that was added by hand comes under a registrar.
        """
        before = self.before
        return before is not None and before.provisioned_by != self.after.provisioned_by

    @property
    def fields(self) -> tuple[str, ...]:
        """
        The names of what is another value afterwards.
        """
        before = self.before
        if before is None:
            return ()
        return tuple(
            name
            for name in ("address", "provisioned_by", *FIELDS)
            if getattr(before, name) != getattr(self.after, name)
        )


Decision: TypeAlias = Change | Rejected | None


@attrs.frozen(kw_only=True)
class Terms:
    """
    Under which a file is compared with the site.

    Attributes:
        columns: Those that the file has: what it does not say changes nothing.

        by: Whose file it is; empty where its lines say so, or nobody does.

        readdress, take_over, close_missing:
            How many accounts are to get another address, to come under the registrar
            though they were added by hand, to be closed because no line names them.
            Exactly so many, or nothing is written; None: not one.

        keeps_password: Whether an account that is opened again keeps its old password.

        now: The moment of the comparison.
    """

    columns: frozenset[str]
    by: str
    readdress: int | None
    take_over: int | None
    close_missing: int | None
    keeps_password: bool
    zone: ZoneInfo
    now: datetime

    def registrar(self, row: Row, /) -> str:
        """
        Return whose account *row* is about.
        """
        return row.provisioned_by or self.by

    def key(self, row: Row, /) -> _Key | None:
        """
        Return the registrar's own identifier, or None.
        """
        return (self.registrar(row), row.external_id) if row.external_id else None


@attrs.frozen(kw_only=True)
class Difference:
    """
    What a file of accounts changes.

    Attributes:
        changes: In the order in which they can be made.

        unchanged: How many lines ask for what is so already.

        rejected: The lines that change nothing, by line, and why.

        missing:
            How many accounts of this registrar are open and in no line; they are among
            the changes only where exactly this number was to be closed.

        faults: Why nothing of it may be written: a number is not what was expected.

        lookalikes: New lines that may be somebody who is there: for people to decide.
    """

    terms: Terms
    changes: tuple[Change, ...]
    unchanged: int
    rejected: tuple[Rejected, ...]
    missing: int
    faults: tuple[str, ...]
    lookalikes: tuple[Lookalike, ...]

    def of(self, kind: ChangeKind, /) -> tuple[Change, ...]:
        """
        Return the changes of one kind.
        """
        return tuple(one for one in self.changes if one.kind is kind)

    @property
    def counts(self) -> Mapping[str, int]:
        """
        How many accounts or lines each thing happens to.
        """
        found = Counter(one.kind for one in self.changes)
        return {
            **{
                kind.value: found[kind]
                for kind in (
                    ChangeKind.CREATED,
                    ChangeKind.UPDATED,
                    ChangeKind.READDRESSED,
                    ChangeKind.REOPENED,
                    ChangeKind.CLOSED,
                )
            },
            "unchanged": self.unchanged,
            "rejected": len(self.rejected),
        }


# --- One line and its account -------------------------------------------------------


def decide(row: Row, account: Account, terms: Terms, /) -> Decision:
    """
    Say what *row* changes of its *account*; None: nothing.
    """
    fault = _ownership_fault(row, account, terms)
    if fault:
        return rejected(row, fault)
    values = _values(row, terms)
    if account.provisioned_by != terms.registrar(row):
        # Nobody's number for it says nothing to the registrar who takes it over.
        _ = values.setdefault("external_id", "")
    after = attrs.evolve(account, **values)
    if _is_never_open(after):
        return rejected(row, "its last day would lie before its first")
    moves = account.address != row.address
    reopens = _is_over(account, terms.now) and not _has_ended(after, terms.now)
    if not (moves or reopens):
        if after == account:
            return None
        return Change(kind=ChangeKind.UPDATED, row=row, before=account, after=after)
    kind = ChangeKind.READDRESSED if moves else ChangeKind.REOPENED
    if reopens:
        after = reopened(after, keeps_password=terms.keeps_password)
    if moves:
        after = readdressed(after, row.address)
    # One step, however much happens in it.
    after = attrs.evolve(after, credential_version=account.credential_version + 1)
    return Change(kind=kind, row=row, before=account, after=after)


def created(row: Row, terms: Terms, /) -> Change:
    """
    Return the new account that *row* asks for.
    """
    after = Account(
        id="",
        address=row.address,
        credential_version=0,
        created_at=terms.now,
        **_values(row, terms),
    )
    return Change(kind=ChangeKind.CREATED, row=row, before=None, after=after)


def closing(account: Account, /) -> Change:
    """
    Return that *account* is closed, because no line names it.
    """
    return Change(
        kind=ChangeKind.CLOSED, row=None, before=account, after=closed(account)
    )


def is_missing(account: Account, terms: Terms, /) -> bool:
    """
    Whether *account*, which no line names, is this registrar's and open.
    """
    is_theirs = terms.by != "" and account.provisioned_by == terms.by
    return is_theirs and not _is_over(account, terms.now)


def rejected(row: Row, reason: str, /) -> Rejected:
    """
    Return *row* as a line that changes nothing.
    """
    return Rejected(
        line=row.line, reason=reason, email=row.address, external_id=row.external_id
    )


def refused(change: Change, reason: str, /) -> Rejected:
    """
    Return *change* as one that is not made.
    """
    account = change.after
    return Rejected(
        line=change.line,
        reason=reason,
        email=account.address,
        external_id=account.external_id,
    )


def _ownership_fault(row: Row, account: Account, terms: Terms) -> str:
    registrar = terms.registrar(row)
    if account.provisioned_by not in ("", registrar):
        return _of_another(account)
    is_theirs = account.provisioned_by == registrar
    if (
        is_theirs
        and row.external_id
        and account.external_id
        not in (
            "",
            row.external_id,
        )
    ):
        # Somebody else may have the address by now, and must not get the account.
        return (
            "the account of this address has another external_id: if it is the same "
            "person, import the line once with an empty external_id"
        )
    return ""


def _of_another(account: Account) -> str:
    return f"the address belongs to an account of « {account.provisioned_by} »"


def _values(row: Row, terms: Terms) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: getattr(row, name) for name in FIELDS if name in terms.columns
    }
    if "valid_from" in values:
        values["valid_from"] = _begin(row.valid_from, terms.zone)
    if "valid_until" in values:
        until = row.valid_until
        values["valid_until"] = _begin(until + _DAY if until else None, terms.zone)
    return {**values, "provisioned_by": terms.registrar(row)}


# Many lines, few days.
@lru_cache(maxsize=1_024)
def _begin(day: date | None, zone: ZoneInfo) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _is_over(account: Account, now: datetime) -> bool:
    # Not open yet is not over.
    return account.is_disabled or _has_ended(account, now)


def _has_ended(account: Account, now: datetime) -> bool:
    return account.valid_until is not None and account.valid_until <= now


def _is_never_open(account: Account) -> bool:
    opens, ends = account.valid_from, account.valid_until
    return opens is not None and ends is not None and ends <= opens


def checked_registrar(by: str, close_missing: int | None, /) -> str:
    """
    Return the name of a registrar as accounts keep it.

    Raises:
        uness_auth.errors.ConfigurationError: It is none.
    """
    name = by.strip()
    if len(name) > LONGEST_REGISTRAR or not name.isprintable():
        msg = (
            f"by={name[:LONGEST_REGISTRAR]!r} is no name of a registrar: give up to "
            f"{LONGEST_REGISTRAR} characters that can be seen"
        )
        raise ConfigurationError(msg)
    if close_missing is not None and not name:
        msg = (
            "close_missing= without by=: whose accounts are missing?  Name the "
            "registrar whose file it is"
        )
        raise ConfigurationError(msg)
    return name


# --- All of them ----------------------------------------------------------------------


def difference(
    file: FileOfAccounts, accounts: Iterable[Account], terms: Terms, /
) -> Difference:
    """
    Compare a file with all *accounts* of the site, which are passed over once.

    A line is about the account with its external id among those of its registrar, else
    about the account with its address, else about a new one.
    """
    plan = _Plan(terms, file.lines)
    plan.match(accounts)
    plan.decide()
    plan.gate()
    return plan.difference()


class _Plan:
    """
    A comparison under way.
    """

    def __init__(self, terms: Terms, lines: Sequence[Line]) -> None:
        self._terms = terms
        self._rejected = [line for line in lines if isinstance(line, Rejected)]
        self._rows: list[Row] = []
        # What lines name accounts by; an identifier with the line that has it.
        self._addresses: set[str] = set()
        self._keys: dict[_Key, int] = {}
        # Accounts of the site that lines name, by what they name them by.
        self._holders: dict[str, Account] = {}
        self._known: dict[_Key, Account] = {}
        self._missing: list[Account] = []
        self._changes: list[Change] = []
        self._unchanged = 0
        self._faults: list[str] = []
        self._lookalikes: Sequence[Lookalike] = ()
        for fault in self._rejected:
            self._note(fault)
        for line in lines:
            if isinstance(line, Row):
                self._take_in(line)

    def _note(self, line: Rejected) -> None:
        # Whom it means is not missing, whatever is wrong with the line.
        address = canonical(line.email)
        if not isinstance(address, AddressFault):
            self._addresses.add(address)
        if line.external_id:
            self._keys[self._terms.by, line.external_id] = 0

    def _take_in(self, row: Row) -> None:
        by, key = self._terms.by, self._terms.key(row)
        # The file's reader does not know whose a line is that does not say so.
        twin = self._keys.get(key, 0) if key else 0
        self._addresses.add(row.address)
        if by and row.provisioned_by not in ("", by):
            fault = f"the line is of « {row.provisioned_by} », the import of « {by} »"
            self._rejected.append(rejected(row, fault))
        elif twin:
            fault = f"line {twin} has the same external_id"
            self._rejected.append(rejected(row, fault))
        else:
            self._rows.append(row)
            if key:
                self._keys[key] = row.line

    def match(self, accounts: Iterable[Account]) -> None:
        """
        Keep those accounts that lines name, those that are missing, and who looks alike.
        """
        self._lookalikes = lookalikes(self._rows, self._passed_over(accounts))

    def _passed_over(self, accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
        for account in accounts:
            key = (account.provisioned_by, account.external_id)
            is_known = account.external_id != "" and key in self._keys
            has_address = account.address in self._addresses
            if is_known:
                self._known[key] = account
            if has_address:
                self._holders[account.address] = account
            if not (is_known or has_address) and is_missing(account, self._terms):
                self._missing.append(account)
            yield account.address, account.display_name

    def decide(self) -> None:
        """
        Decide line by line, and in which order addresses become free.
        """
        known = [self._of_key(row) for row in self._rows]
        claimed = {account.id for account in known if account}
        new: list[Change] = []
        # By the account that has to give up its address first.
        waiting: dict[str, Change] = {}
        for row, account in zip(self._rows, known, strict=True):
            holder = self._holders.get(row.address)
            whose = account
            if account is None and holder and holder.id not in claimed:
                whose = holder
            decision = (
                decide(row, whose, self._terms) if whose else created(row, self._terms)
            )
            if decision is None:
                self._unchanged += 1
            elif isinstance(decision, Rejected):
                self._rejected.append(decision)
            elif holder and holder is not whose:
                waiting[holder.id] = decision
            else:
                (self._changes if whose else new).append(decision)
        # New accounts first: they are written many at a time.
        self._changes = [*new, *self._changes]
        self._let_in(waiting)

    def _of_key(self, row: Row) -> Account | None:
        key = self._terms.key(row)
        return self._known.get(key) if key else None

    def _let_in(self, waiting: dict[str, Change]) -> None:
        # Grows as it is walked: who moves away makes room for the next.
        for change in self._changes:
            if change.kind is ChangeKind.READDRESSED and change.before:
                heir = waiting.pop(change.before.id, None)
                if heir:
                    self._changes.append(heir)
        movers = {one.before.id: one.line for one in waiting.values() if one.before}
        for holder_id, change in waiting.items():
            if holder_id in movers:
                words = (
                    f"line {movers[holder_id]} has to give up the address first, and "
                    f"cannot: where people change addresses in a circle, give one of "
                    f"them another address before"
                )
            else:
                words = _taken(self._holders[change.after.address], change)
            self._reject(change, words)

    def gate(self) -> None:
        """
        Hold back what is written only under its number.
        """
        terms = self._terms
        moves = [one for one in self._changes if one.kind is ChangeKind.READDRESSED]
        if self._is_held(terms.readdress, len(moves), "get another address"):
            number = f"give --readdress {len(moves)} if that is meant"
            self._hold_back(moves, f"the address of its account changes: {number}")
            left = {one.before.address for one in moves if one.before}
            heirs = [one for one in self._changes if one.after.address in left]
            self._hold_back(heirs, f"the address is not free before others: {number}")
        taken = [one for one in self._changes if one.is_take_over]
        if self._is_held(terms.take_over, len(taken), "were added by hand"):
            number = f"give --take-over {len(taken)} if that is meant"
            self._hold_back(taken, f"its account was added by hand: {number}")
        missing = self._missing
        if not self._is_held(terms.close_missing, len(missing), "are in no line"):
            self._changes.extend(map(closing, missing))

    def _is_held(self, wanted: int | None, found: int, words: str) -> bool:
        if wanted is not None and wanted != found:
            self._faults.append(
                f"{found} accounts {words}, not {wanted}: look at them, and give "
                f"{found} if that is meant"
            )
        return wanted is None

    def _hold_back(self, changes: Sequence[Change], reason: str) -> None:
        held = {id(one) for one in changes}
        self._changes = [one for one in self._changes if id(one) not in held]
        for change in changes:
            self._reject(change, reason)

    def _reject(self, change: Change, reason: str) -> None:
        self._rejected.append(refused(change, reason))

    def difference(self) -> Difference:
        """
        Return what was found.
        """
        return Difference(
            terms=self._terms,
            changes=tuple(self._changes),
            unchanged=self._unchanged,
            rejected=tuple(sorted(self._rejected, key=lambda one: one.line)),
            missing=len(self._missing),
            faults=tuple(self._faults),
            lookalikes=self._new_lookalikes(),
        )

    def _new_lookalikes(self) -> tuple[Lookalike, ...]:
        # Whoever moves looks like themselves.
        new = {one.line for one in self._changes if one.kind is ChangeKind.CREATED}
        return tuple(one for one in self._lookalikes if one.line in new)


def _taken(holder: Account, change: Change) -> str:
    if holder.provisioned_by == change.after.provisioned_by:
        return "the address belongs to another account, which no line moves away"
    if holder.provisioned_by == "":
        return "the address belongs to an account that was added by hand"
    return _of_another(holder)
