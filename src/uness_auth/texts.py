"""
The words of pages and mails: entries of the catalogs under ``locale``, filled.

Entries have symbolic keys, by screen (``page.code.title``).  Their placeholders are
plain names in braces.  `str.format` stays out: it follows attributes and indexes, so
that a text could read what it was never given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

import attrs

from .errors import ConfigurationError


CATALOGS: Final = ("fr", "en")

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
UNITS: Final = {"hours": HOUR, "minutes": MINUTE, "seconds": SECOND}

# Up to here a wait is told in the smaller unit: 119 seconds, then 2 minutes.
MOST: Final = 119

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


@attrs.frozen
class Texts:
    """
    All texts in one language.  Get it from `texts_for`.

    Every method takes a key of the catalogs and the values of its placeholders.  A
    value is put in as it is: braces in it mean nothing, and nothing is escaped.

    Raises:
        uness_auth.errors.ConfigurationError:
            From every method: no such key, or a placeholder without a value.
    """

    language: str
    _catalog: NullTranslations = attrs.field(repr=False)

    def say(self, key: str, /, **values: str | int) -> str:
        """
        Return the text of *key*.
        """
        return self._fill(key, self._found(key, self._catalog.gettext(key)), values)

    def count(self, key: str, number: int, /, **values: str | int) -> str:
        """
        Return the text of *key* in the plural form of *number*.
        """
        text = self._found(key, self._catalog.ngettext(key, key, number))
        return self._fill(key, text, {"number": number, **values})

    def around(self, key: str, name: str, /, **values: str | int) -> tuple[str, str]:
        """
        Return what stands before and after the placeholder *name*.

        For a value that the page wraps in markup of its own.
        """
        text = self._found(key, self._catalog.gettext(key))
        before, mark, after = text.partition(f"{{{name}}}")
        if not mark:
            self._refuse(key, f"has no {{{name}}}")
        return self._fill(key, before, values), self._fill(key, after, values)

    def lasting(self, key: str, duration: timedelta, /, **values: str | int) -> str:
        """
        Return the text of *key* for a duration that a policy sets, to the second.

        In the largest unit that divides it: a day is « 24 heures », an hour and a
        half « 90 minutes ».
        """
        if duration <= timedelta(0) or duration % SECOND:
            self._refuse(key, f"cannot say {duration}: give whole seconds")
        unit, size = next(one for one in UNITS.items() if not duration % one[1])
        return self.count(f"{key}.{unit}", duration // size, **values)

    def waiting(self, key: str, duration: timedelta, /, **values: str | int) -> str:
        """
        Return the text of *key* for a wait, in a unit that a person can use.

        Rounded up, and never zero: who comes back then does not come too early.
        """
        unit, number = _usable(lambda size: -(-duration // size))
        return self.count(f"{key}.{unit}", number, **values)

    def elapsed(self, key: str, duration: timedelta, /, **values: str | int) -> str:
        """
        Return the text of *key* for a time gone by: as `waiting`, but rounded down.
        """
        unit, number = _usable(lambda size: duration // size)
        return self.count(f"{key}.{unit}", number, **values)

    def moment(self, instant: datetime, zone: ZoneInfo, /) -> str:
        """
        Return day and time: « le 22 novembre 2026 à 14 h 32 ».
        """
        local = instant.astimezone(zone)
        return self.say(
            "moment.date_and_clock",
            day=self.count("moment.day", local.day),
            month=self.say(f"moment.month.{local.month}"),
            year=local.year,
            clock=self.clock(instant, zone),
        )

    def clock(self, instant: datetime, zone: ZoneInfo, /) -> str:
        """
        Return the time of day: « 14 h 32 ».
        """
        local = instant.astimezone(zone)
        return self.say("moment.clock", hour=local.hour, minute=f"{local.minute:02}")

    def _found(self, key: str, text: str) -> str:
        # gettext answers a key it does not know with the key itself.
        if text == key:
            self._refuse(key, "is not there")
        return text

    def _fill(self, key: str, text: str, values: dict[str, str | int]) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                self._refuse(key, f"lacks a value for {match[0]}")
            return str(values[match[1]])

        # One pass: what is put in is never looked at again.
        return PLACEHOLDER.sub(value, text)

    def _refuse(self, key: str, fault: str) -> NoReturn:
        msg = f"the text {key!r} ({self.language}) {fault}"
        raise ConfigurationError(msg)


@cache
def texts_for(language: str, /) -> Texts:
    """
    Return the texts in *language*, one of `CATALOGS`.

    Raises:
        uness_auth.errors.ConfigurationError: There is no such catalog.
    """
    if language not in CATALOGS:
        msg = f"there are no texts in {language!r}: choose among {CATALOGS!r}"
        raise ConfigurationError(msg)
    catalog = (
        files("uness_auth") / "locale" / language / "LC_MESSAGES" / "uness_auth.mo"
    )
    with catalog.open("rb") as file:
        return Texts(language, GNUTranslations(file))


def _usable(counted: Callable[[timedelta], int]) -> tuple[str, int]:
    for unit, size in (("seconds", SECOND), ("minutes", MINUTE)):
        number = counted(size)
        if number <= MOST:
            return unit, max(1, number)
    return "hours", counted(HOUR)
