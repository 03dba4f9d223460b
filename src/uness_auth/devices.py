"""
Known devices: which accounts were signed in to in a browser, as tags in one cookie.

A ward computer is shared, so one cookie knows several accounts.  It names none of
them: only who asks about an account learns whether its tag is there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs

from .keys import KeyRing, Purpose, digest_under
from .policy import DAY, MOST_DEVICE_ACCOUNTS, ThrottlePolicy


# 128 bits, although nobody can try a tag but through us, at the price of a budget:
# nothing here has fewer (ASVS 5.0, 11.2.3).
_TAG_LENGTH: Final = 32
_ENTRY: Final = rf"[A-Za-z0-9_-]{{22}}[0-9]{{5}}[0-9a-f]{{{2 * _TAG_LENGTH}}}"
COOKIE_SHAPE: Final = re.compile(
    rf"{_ENTRY}(?:\.{_ENTRY}){{0,{MOST_DEVICE_ACCOUNTS - 1}}}", re.ASCII
)


@attrs.frozen(kw_only=True)
class Device:
    """
    What a browser's cookie says of one account.

    Attributes:
        id: Random, of this account in this browser; empty where it was never used.

        is_known:
            Whether the account was signed in to here under its present credential
            version: only then the device has budgets of its own.
    """

    id: str = attrs.field(default="", repr=False)
    is_known: bool = False

    @property
    def is_used(self) -> bool:
        """
        Whether the account was ever signed in to here.
        """
        return self.id != ""


@attrs.frozen
class Devices:
    """
    Reads and writes the device cookie, which signs nobody in.

    The cookie holds one entry for each account, the last used first: a random id, the
    day, and two keyed tags.  One stands for the account, one for its credential
    version too: after a new password the browser is no stranger, and is not trusted.
    """

    keys: KeyRing
    policy: ThrottlePolicy

    def read(
        self, cookie: str, account_id: str, version: int, now: datetime, /
    ) -> Device:
        """
        Return what *cookie* says of the account.  Never raises on bad input.

        Timing:
            Depends on the cookie, and not on whether there is such an account.
        """
        for entry in self._entries(cookie, now):
            for key in self.keys.all(Purpose.DEVICE):
                if hmac.compare_digest(entry.used, entry.used_tag(key, account_id)):
                    known = entry.known_tag(key, account_id, version)
                    is_known = hmac.compare_digest(entry.known, known)
                    return Device(id=entry.id, is_known=is_known)
        return Device()

    def joined(
        self, cookie: str, account_id: str, version: int, now: datetime, /
    ) -> str:
        """
        Return the cookie of a browser in which the account was signed in to *now*.

        The account keeps its id, so that its device's budget goes on; where there
        are too many accounts, the one unused for longest is left out.
        """
        own = self.read(cookie, account_id, version, now).id
        others = [one for one in self._entries(cookie, now) if one.id != own]
        key = self.keys.signing(Purpose.DEVICE)
        bare = _Entry(id=own or secrets.token_urlsafe(16), day=_day(now))
        entry = attrs.evolve(
            bare,
            used=bare.used_tag(key, account_id),
            known=bare.known_tag(key, account_id, version),
        )
        kept = [entry, *others][: self.policy.device_accounts]
        return ".".join(one.as_text() for one in kept)

    def _entries(self, cookie: str, now: datetime) -> Iterator[_Entry]:
        if not COOKIE_SHAPE.fullmatch(cookie):
            return
        for text in cookie.split("."):
            entry = _Entry.from_text(text)
            # A day ahead is one of a clock that differs.
            if _day(now - self.policy.device_kept) < entry.day <= _day(now) + 1:
                yield entry


@attrs.frozen(kw_only=True)
class _Entry:
    id: str = attrs.field(repr=False)
    day: int
    used: str = attrs.field(default="", repr=False)
    known: str = attrs.field(default="", repr=False)

    @classmethod
    def from_text(cls, text: str) -> _Entry:
        return cls(
            id=text[:22],
            day=int(text[22:27]),
            used=text[27 : 27 + _TAG_LENGTH],
            known=text[27 + _TAG_LENGTH :],
        )

    def as_text(self) -> str:
        return f"{self.id}{self.day:05}{self.used}{self.known}"

    def used_tag(self, key: bytes, account_id: str) -> str:
        return digest_under(key, "used", *self._facts(account_id))[:_TAG_LENGTH]

    def known_tag(self, key: bytes, account_id: str, version: int) -> str:
        facts = (*self._facts(account_id), str(version))
        return digest_under(key, "known", *facts)[:_TAG_LENGTH]

    def _facts(self, account_id: str) -> tuple[str, str, str]:
        return self.id, str(self.day), account_id


def _day(now: datetime) -> int:
    return int(now.timestamp() // DAY.total_seconds())
