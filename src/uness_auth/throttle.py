"""
Pure decisions over a counter's state: no clock, no store, no surprise.

An account's state is a short list of what happened lately.  The guard reads it, asks
here what to do, and swaps the new state in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self, TypeAlias

import attrs

from .model import Client
from .policy import DAY, Budget, ThrottlePolicy


@attrs.frozen(kw_only=True)
class Spender:
    """
    Whose budgets are spent: an account's, or those of one device that it knows.

    Attributes:
        device_id: Empty but for a known device, which strangers cannot hold up: what
            they spend is the account's, their network's and the site's.
    """

    account_id: str
    client: Client
    device_id: str = attrs.field(default="", repr=False)

    @property
    def is_known_device(self) -> bool:
        """
        Whether the account was signed in to in this browser before.
        """
        return self.device_id != ""


@attrs.frozen
class Entry:
    """
    One try, or one mail: when, and a short digest of the network it came from.

    In the history of a known device the network is left empty: it is one person's.
    """

    at: datetime
    network: str


@attrs.frozen(kw_only=True)
class History:
    """
    What happened lately to one account, oldest first.

    Attributes:
        in_a_row: Failures since the last success.

        wait_until: Until when nothing is compared; None without a wait.
    """

    entries: tuple[Entry, ...] = ()
    in_a_row: int = 0
    wait_until: datetime | None = None

    def as_text(self) -> str:
        """
        Return what the counter keeps.
        """
        return json.dumps(
            [
                [[_seconds(one.at), one.network] for one in self.entries],
                self.in_a_row,
                _seconds(self.wait_until) if self.wait_until else 0,
            ],
            separators=(",", ":"),
        )

    @classmethod
    def from_text(cls, text: str | None, /) -> Self:
        """
        Read what `as_text` wrote; None is a clean slate.

        Raises:
            ValueError: The text is not ours.
        """
        if text is None:
            return cls()
        try:
            rows, in_a_row, wait = json.loads(text)
            return cls(
                entries=tuple(Entry(_instant(at), str(tag)) for at, tag in rows),
                in_a_row=int(in_a_row),
                wait_until=_instant(wait) if wait else None,
            )
        except (ValueError, TypeError, OverflowError, OSError, RecursionError) as exc:
            msg = "not the state of a throttle"
            raise ValueError(msg) from exc

    @property
    def last_at(self) -> datetime | None:
        """
        When the last entry happened.
        """
        return self.entries[-1].at if self.entries else None


@attrs.frozen(kw_only=True)
class Spent:
    """
    Go on: *after* is the state in which this try counts.
    """

    after: History


@attrs.frozen(kw_only=True)
class Refused:
    """
    Do not go on before *until*.
    """

    until: datetime


Decision: TypeAlias = Spent | Refused


def spend(
    history: History, budgets: Sequence[Budget], now: datetime, network: str, /
) -> Decision:
    """
    Take one from rolling *budgets*, or say when the next may be taken.

    One network gets at most half of any budget of a day: a stranger who burns it
    leaves the owner, elsewhere, the other half.  A known device, whose network is
    empty, gets all of its own.
    """
    kept = _recent(history, now, max(budget.per for budget in budgets))
    until = _first_free(kept.entries, budgets, now, network)
    if until is not None:
        return Refused(until=until)
    return Spent(after=attrs.evolve(kept, entries=(*kept.entries, Entry(now, network))))


def spend_password(
    history: History, policy: ThrottlePolicy, now: datetime, network: str, /
) -> Decision:
    """
    Take one wrong password in advance, or say when the next may be tried.

    The first `free_passwords` cost nothing; each later one starts a wait, doubling.
    A success gives it back: see `forgive`.
    """
    if history.wait_until is not None and now < history.wait_until:
        return Refused(until=history.wait_until)
    per_day = policy.passwords_per_day if network else policy.device_passwords_per_day
    match spend(history, (Budget(per_day, DAY),), now, network):
        case Spent(after=after):
            run = after.in_a_row + 1
            wait = _wait_after(run, policy)
            return Spent(
                after=attrs.evolve(
                    after, in_a_row=run, wait_until=now + wait if wait else None
                )
            )
        case refused:
            return refused


def forgive(history: History, at: datetime, network: str, /) -> History:
    """
    Return the state after a success: the wait and the run end, this try is no failure.

    Failures of the day stay: one's own success does not clear a stranger's.
    """
    after = without(history, at, network)
    return attrs.evolve(after, in_a_row=0, wait_until=None)


def without(history: History, at: datetime, network: str, /) -> History:
    """
    Return the state without one entry of *at* and *network*, if it is still there.
    """
    entries = list(history.entries)
    if Entry(at, network) in entries:
        entries.remove(Entry(at, network))
    return attrs.evolve(history, entries=tuple(entries))


def mended(history: History, now: datetime, longest_wait: timedelta, /) -> History:
    """
    Return *history* without what a clock that was ahead wrote: it happens now.

    So nobody waits longer than the policy's longest wait, or a day for a budget of a
    day, whatever the clock did.  The caller writes it down: else it would be now at
    every look, and never pass.
    """
    wait = history.wait_until
    return attrs.evolve(
        history,
        entries=tuple(attrs.evolve(e, at=min(e.at, now)) for e in history.entries),
        wait_until=None if wait is None else min(wait, now + longest_wait),
    )


def _recent(history: History, now: datetime, longest: timedelta) -> History:
    # No longer than the longest budget looks back: a counter is a short text.
    entries = tuple(one for one in history.entries if one.at > now - longest)
    return attrs.evolve(history, entries=entries)


def _first_free(
    entries: Sequence[Entry], budgets: Sequence[Budget], now: datetime, network: str
) -> datetime | None:
    own = [one for one in entries if one.network == network]
    waits = [_free_at(entries, budget, now) for budget in budgets]
    waits += [
        _free_at(own, Budget(max(1, budget.most // 2), budget.per), now)
        for budget in budgets
        if budget.per >= DAY and network
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _free_at(
    entries: Sequence[Entry], budget: Budget, now: datetime
) -> datetime | None:
    within = [one.at for one in entries if one.at > now - budget.per]
    if len(within) < budget.most:
        return None
    return within[-budget.most] + budget.per


def _wait_after(run: int, policy: ThrottlePolicy) -> timedelta | None:
    over = run - policy.free_passwords
    if over < 1:
        return None
    # 2 ** over grows without end, the wait does not: 16 doublings pass any hour.
    doublings: int = 2 ** min(over - 1, 16)
    return min(policy.first_wait * doublings, policy.longest_wait)


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
