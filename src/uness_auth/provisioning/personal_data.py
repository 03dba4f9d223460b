"""
What is held about one person: to hand it over, and to erase it.

Source:
    GDPR, articles 15 (access) and 17 (erasure).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

import attrs

from ..events import Audit, Event, EventKind
from ..guard import Guard
from ..model import Account, Session
from ..outcomes import AccountErased
from ..ports import Registry, Stores
from ..throttle import History


PersonalData: TypeAlias = dict[str, Any]

# All there are, in a number that every database takes for a limit.
ALL: Final = 2**31 - 1
# A hash is of use to a thief alone, and so is the digest of an open session.
_NOT_TOLD: Final = frozenset({"password_hash", "digest"})
_CODES: Final = (
    "Sign-ins by code that wait for their code, found by their own random ids alone: "
    "each is void after an hour at most and purged a day later."
)
_DEVICES: Final = (
    "What known devices may still try, found by what is in their cookies alone: gone "
    "after a day, of passwords after a year."
)
_LOGS: Final = "The log of the site, and what its subscribers keep of events."
NOT_LISTED: Final = (_CODES, _DEVICES, _LOGS)


@attrs.frozen(kw_only=True)
class People:
    """
    Gathers and erases what the stores hold about the person of one account.
    """

    stores: Stores
    registry: Registry
    guard: Guard
    audit: Audit

    def gather(self, account: Account, now: datetime, /) -> PersonalData:
        """
        Return all that is held about *account*, as JSON has it; no hash, no digest.
        """
        lists, events = self.stores.session_lists, self.stores.events
        return {
            "gathered_at": now.isoformat(),
            "account": {**_told(account), "has_password": account.has_password},
            "sessions": [
                _told(one)
                for one in (lists.of_account(account.id, ALL) if lists else ())
            ],
            "events": [
                _told(one)
                for one in (events.of_account(account.id, ALL) if events else ())
            ],
            "throttles": {
                name: _told(history)
                for name, history in self.guard.histories(account.id).items()
            },
            "not_listed": [*NOT_LISTED, *self._unlisted()],
        }

    def erase(self, account: Account, /) -> AccountErased:
        """
        Erase what the stores hold about *account*, which is closed already.

        The account goes last: it alone leads from an address to all the rest, so that
        whoever was interrupted can begin again.  Afterwards once more what requests
        told that were on their way meanwhile.
        """
        lists, events = self.stores.session_lists, self.stores.events
        sessions = lists.close_others(account.id, "") if lists else 0
        self.guard.forget(account.id)
        emptied = events.erase(account.id) if events else 0
        _ = self.registry.erase(account.id)
        emptied += events.erase(account.id) if events else 0
        self.audit.record(EventKind.ACCOUNT_ERASED)
        return AccountErased(sessions=sessions, events=emptied)

    def _unlisted(self) -> list[str]:
        told = {
            "session_lists": "Open sessions: this site's store cannot list them.",
            "events": "Events: this site keeps none but in its log.",
        }
        return [
            words for name, words in told.items() if getattr(self.stores, name) is None
        ]


def _told(record: Account | Session | Event | History) -> PersonalData:
    facts = attrs.asdict(
        record, filter=lambda field, _: field.name not in _NOT_TOLD, recurse=True
    )
    return {name: _as_json(value) for name, value in facts.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_as_json(one) for one in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        facts = cast("dict[str, Any]", value)
        return {name: _as_json(one) for name, one in facts.items()}
    return value
