"""
What is wrong with a set-up: `examine` looks at everything that a sign-in needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias

from ..model import Site
from ..wiring import UnessAuth
from .findings import Finding, Severity, serious, words_of
from .machine import (
    check_hashing,
    check_memory,
    check_texts,
    check_time_zone,
    check_workers,
)
from .mail import check_mail, check_sender
from .served import check_clock, check_served
from .site import check_base_url, check_keys, check_proxies, check_queue
from .stores import check_stores


__all__ = ["Check", "Finding", "Severity", "examine", "examine_machine", "guarded"]

Check: TypeAlias = Callable[[], Iterator[Finding]]
_TIME_ZONE: Final = Site(base_url="http://localhost").time_zone


def examine(auth: UnessAuth, /, *, is_offline: bool = False) -> Iterator[Finding]:
    """
    Return what was found, check by check; each is bounded in time, and changes nothing.

    Asks every store, the mail server (which is told the sender, and given no mail) and
    the site's own first page.  No secret is in what it says.

    Args:
        is_offline: Ask neither the mail server nor the site.
    """
    checks: dict[str, Check] = {
        "keys": partial(check_keys, auth),
        "base URL": partial(check_base_url, auth),
        "proxies": partial(check_proxies, auth),
        "stores": partial(check_stores, auth),
        "clock": partial(check_clock, auth),
        "sender": partial(check_sender, auth),
        "queue": partial(check_queue, auth),
        "mail": partial(check_mail, auth),
        "served": partial(check_served, auth),
        "workers": partial(check_workers, auth),
        "memory": partial(check_memory, auth),
        "passwords": partial(check_hashing, auth),
        "time zone": partial(check_time_zone, auth.site.time_zone),
        "texts": partial(check_texts, auth.site.languages),
    }
    for name, check in checks.items():
        if not (is_offline and name in {"mail", "served"}):
            yield from guarded(name, check)


def examine_machine() -> Iterator[Finding]:
    """
    Return what can be told where nothing is wired: texts and time zones.
    """
    yield from guarded("time zone", partial(check_time_zone, _TIME_ZONE))
    yield from guarded("texts", check_texts)


def guarded(name: str, check: Check, /) -> Iterator[Finding]:
    """
    Return what *check* finds; where it fails, that is what was found.
    """
    try:
        yield from check()
    except Exception as exc:  # noqa: BLE001 - what hosts fill a port with raises whatever it likes
        yield serious(
            name,
            f"this could not be looked at: {words_of(exc)}",
            "what fails here fails in a visitor's request, too",
            "mend what the message names",
        )
