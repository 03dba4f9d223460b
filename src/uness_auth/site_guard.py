"""
Spends the budgets of many: those of a network, and those of the whole site.

They are hot, so each is a number in a fixed window of time, added to atomically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from .errors import StorageError
from .events import Audit, EventKind
from .keys import KeyRing, Purpose
from .model import Client
from .outcomes import Scope, Throttled
from .policy import MINUTE, Budget, ThrottlePolicy
from .ports import Counters
from .throttle import Spender


_UNKNOWN: Final = "unknown"
_SITE: Final = ""


@attrs.frozen(kw_only=True)
class WindowTaken:
    """
    One try of a network's budget, or the site's, to be given back on success.
    """

    key: str = attrs.field(repr=False)
    expires_at: datetime


@attrs.frozen(kw_only=True)
class SiteGuard:
    """
    Spends and gives back.  A store that cannot be reached raises, so nothing passes.
    """

    counters: Counters
    policy: ThrottlePolicy
    keys: KeyRing
    clock: Callable[[], datetime]
    audit: Audit

    # --- Networks ------------------------------------------------------------

    def take_network(self, scope: Scope, client: Client, /) -> WindowTaken | Throttled:
        """
        Spend one of the network's budget for *scope*.

        Atomicity: of a budget of N exactly N are taken within its window, however
        many ask at once.
        """
        budget: Budget = getattr(self.policy, scope)
        taken = self._take_network(scope, budget, client)
        if taken is None:
            _, end = _window(self.clock(), budget.per)
            return Throttled(scope=scope, until=end)
        return taken

    def give_back(self, taken: Iterable[WindowTaken], /) -> None:
        """
        Only failures count against a network, and against the site.
        """
        for window in taken:
            _ = self.counters.add(window.key, -1, window.expires_at)

    # --- Unknown addresses ---------------------------------------------------

    def may_tell(self, client: Client, /) -> bool:
        """
        Say whether the network may still be told of an unknown address.

        Asked before the account is looked up, so that where one page serves everybody
        a known address costs what an unknown one does.
        """
        if not self.policy.tells_unknown or self._is_unknown_paused():
            return False
        most, window = self._network_window(
            _UNKNOWN, self.policy.network_unknown, client
        )
        if self.counters.add(window.key, 0, window.expires_at) < most:
            return True
        self.tell_once(
            EventKind.THROTTLED, _UNKNOWN, window.key, window.expires_at, client
        )
        return False

    def take_unknown(self, client: Client, /) -> bool:
        """
        Spend one unknown address of network and site; False: others were faster.

        The last of the site's begins the time in which one page serves everybody.

        Atomicity: of a budget of N exactly N are told within its window.
        """
        taken = self._take_network(_UNKNOWN, self.policy.network_unknown, client)
        if taken is None:
            return False
        budget = self.policy.site_unknown
        window = self._window("site unknown", budget, _SITE)
        number = self.counters.add(window.key, 1, window.expires_at)
        if number >= budget.most:
            # Not only by the one that took the last: it may die before it gets here.
            self._pause_unknown(window, client)
        if number <= budget.most:
            return True
        self.give_back((taken, window))
        return False

    def _is_unknown_paused(self) -> bool:
        text = self.counters.read(self._unknown_pause_key())
        if text is None:
            return False
        now = self.clock()
        # No longer than the pause lasts, whatever the clock did that wrote it.
        return now < _instant(text) <= now + self.policy.site_unknown_pause

    def _pause_unknown(self, window: WindowTaken, client: Client) -> None:
        key = self._unknown_pause_key()
        until = self.clock() + self.policy.site_unknown_pause
        before = self.counters.read(key)
        # Whoever loses finds the pause begun by another.
        _ = self.counters.swap(key, before, str(int(until.timestamp())), until + MINUTE)
        self.tell_once(
            EventKind.BREAKER_OPENED, _UNKNOWN, window.key, window.expires_at, client
        )

    def _unknown_pause_key(self) -> str:
        return self.keys.digest(Purpose.THROTTLE, "site", "unknown pause")

    # --- Codes and passwords of the whole site -------------------------------

    def look_codes(self, spender: Spender, /) -> Throttled | None:
        """
        Say whether sign-in by code pauses for the whole site, without spending.

        Asked before a code is mailed: no page offers one that could not be used.
        """
        if spender.is_known_device:
            return None
        full = [
            window.expires_at
            for budget, window in self._code_windows()
            if self.counters.add(window.key, 0, window.expires_at) >= budget.most
        ]
        return Throttled(scope=Scope.SITE_CODES, until=max(full)) if full else None

    def take_code(self, spender: Spender, /) -> tuple[WindowTaken, ...] | Throttled:
        """
        Spend one wrong code of the whole site in advance.

        A known device spends none, and is not held up: what it may try is little.

        Atomicity: of a budget of N exactly N are taken within its window, however
        many ask at once.
        """
        if spender.is_known_device:
            return ()
        taken: list[WindowTaken] = []
        for budget, window in self._code_windows():
            taken.append(window)
            if self.counters.add(window.key, 1, window.expires_at) > budget.most:
                self.give_back(taken)
                self.tell_once(
                    EventKind.BREAKER_OPENED,
                    Scope.SITE_CODES,
                    window.key,
                    window.expires_at,
                    spender.client,
                )
                return Throttled(scope=Scope.SITE_CODES, until=window.expires_at)
        return tuple(taken)

    def count_wrong_password(self, client: Client, /) -> None:
        """
        Count a wrong password of the whole site, and raise the alarm when it is due.

        Nothing is refused: a stranger must not be able to close the site.
        """
        budget = self.policy.site_passwords
        window = self._window("site passwords", budget, _SITE)
        # Exactly one call sees this number, so the alarm is raised once a window.
        if self.counters.add(window.key, 1, window.expires_at) == budget.most:
            self.audit.record(
                EventKind.ALARM_RAISED,
                client=client,
                method="site_passwords",
                reason=f"{budget.most} wrong passwords within {budget.per}",
            )

    # --- Events --------------------------------------------------------------

    def tell_once(
        self,
        kind: EventKind,
        name: str,
        key: str,
        until: datetime,
        client: Client,
        /,
        *,
        account_id: str = "",
    ) -> None:
        """
        Record that the budget *name* under *key* is spent, once until *until*.

        A flood of requests must not become one of events.
        """
        told = self.keys.digest(Purpose.THROTTLE, "told", kind, key, until.isoformat())
        if self.counters.add(told, 1, until + MINUTE) == 1:
            self.audit.record(
                kind,
                client=client,
                account_id=account_id,
                method=name,
                reason=f"until {until.isoformat()}",
            )

    # --- How -----------------------------------------------------------------

    def _take_network(
        self, name: str, budget: Budget, client: Client
    ) -> WindowTaken | None:
        most, taken = self._network_window(name, budget, client)
        if self.counters.add(taken.key, 1, taken.expires_at) <= most:
            return taken
        # Given back at once, so that the number is always what really failed.
        self.give_back((taken,))
        self.tell_once(EventKind.THROTTLED, name, taken.key, taken.expires_at, client)
        return None

    def _network_window(
        self, name: str, budget: Budget, client: Client
    ) -> tuple[int, WindowTaken]:
        factor = self.policy.trusted_network_factor if client.is_trusted_network else 1
        return budget.most * factor, self._window(name, budget, client.network)

    def _code_windows(self) -> tuple[tuple[Budget, WindowTaken], ...]:
        return tuple(
            (budget, self._window("site codes", budget, _SITE))
            for budget in self.policy.site_codes
        )

    def _window(self, name: str, budget: Budget, network: str) -> WindowTaken:
        start, end = _window(self.clock(), budget.per)
        per = str(budget.per)
        key = self.keys.digest(
            Purpose.THROTTLE, "window", name, network, per, start.isoformat()
        )
        return WindowTaken(key=key, expires_at=end)


def _window(now: datetime, per: timedelta) -> tuple[datetime, datetime]:
    # Windows begin at multiples of their length, so the key says which it is and a
    # store needs no clock.
    seconds = int(per.total_seconds())
    start = int(now.timestamp()) // seconds * seconds
    return (
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(start + seconds, UTC),
    )


def _instant(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        msg = "a counter holds something that this library did not write"
        raise StorageError(msg) from exc
