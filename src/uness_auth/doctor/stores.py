"""
Whether each store answers, and whether every process would ask the same one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import attrs

from ..errors import StorageError
from ..policy import MINUTE
from ..ports import Stores
from ..wiring import UnessAuth
from .findings import Finding, note, ok, serious, words_of


# An id and a digest that nothing has: what asks for them changes nothing.
NOBODY: Final = "uness-auth doctor"
NO_DIGEST: Final = "0" * 64
# A step of a store's is a few milliseconds; visitors notice ten such.
SLOW: Final = timedelta(milliseconds=250)
LONGEST_IN_ALL: Final = timedelta(seconds=10)


def check_stores(
    auth: UnessAuth, /, longest_in_all: timedelta = LONGEST_IN_ALL
) -> Iterator[Finding]:
    """
    Ask each store as a sign-in asks it, where that changes nothing; a counter counts.
    """
    give_up_at = time.monotonic() + longest_in_all.total_seconds()
    well: dict[str, float] = {}
    for port, ask in _questions(auth.parts.stores, auth):
        name = type(getattr(auth.parts.stores, port)).__name__
        if time.monotonic() > give_up_at:
            yield _not_asked(port, name)
            continue
        began = time.monotonic()
        try:
            _ = ask()
        except StorageError as exc:
            yield _silent(port, name, exc)
        else:
            well[name] = max(well.get(name, 0.0), time.monotonic() - began)
    if well:
        yield from _speed(well)
    yield from _alone(auth.parts.stores)


def _questions(
    stores: Stores, auth: UnessAuth
) -> Iterator[tuple[str, Callable[[], object]]]:
    now = auth.clock()
    yield "accounts", lambda: stores.accounts.by_id(NOBODY)
    if (registry := stores.registry) is not None:
        yield "registry", lambda: registry.page("", 1)
    yield "code_challenges", lambda: stores.code_challenges.spend_attempt(NOBODY)
    # A write, so that a database which takes none is noticed.
    yield "sessions", lambda: stores.sessions.touch(NO_DIGEST, now)
    if (lists := stores.session_lists) is not None:
        yield "session_lists", lambda: lists.of_account(NOBODY, 1)

    def count() -> None:
        _ = stores.counters.add(NOBODY, 1, now + MINUTE)
        _ = stores.counters.add(NOBODY, -1, now + MINUTE)

    yield "counters", count
    if (events := stores.events) is not None:
        yield "events", lambda: events.of_account(NOBODY, 1)


def _silent(port: str, name: str, exc: StorageError) -> Finding:
    return serious(
        "stores",
        f"{port} ({name}) does not answer: {words_of(exc)}",
        "nobody can sign in: whatever needs this store answers with status 503",
        "see that the database runs, takes writes and has its tables, and that its "
        "address, user and password are right",
    )


def _not_asked(port: str, name: str) -> Finding:
    return serious(
        "stores",
        f"{port} ({name}) was not asked: the others took "
        f"{LONGEST_IN_ALL.total_seconds():g} s",
        "nobody waits that long for a page",
        "mend what is told above, and ask again",
    )


def _speed(well: dict[str, float]) -> Iterator[Finding]:
    slowest = max(well, key=lambda name: well[name])
    facts = f"{', '.join(well)}: the slowest answered in {well[slowest] * 1000:.0f} ms"
    if well[slowest] < SLOW.total_seconds():
        yield ok("stores", facts)
        return
    yield note(
        "stores",
        f"{facts} ({slowest})",
        "a sign-in asks several times, and a page of yours twice",
        "look at the load of the database and at the way to it",
    )


def _alone(stores: Stores) -> Iterator[Finding]:
    parts = attrs.asdict(stores, recurse=False).values()
    names = sorted(
        {type(one).__name__ for one in parts if getattr(one, DEVELOPMENT, False)}
    )
    if names:
        yield note(
            "stores",
            f"{', '.join(names)} keep what they keep in the memory of one process",
            "a restart forgets it, a second process knows nothing of it, and limits "
            "would hold for each process by itself",
            "keep it in uness_auth.storage.sql.SQLStorage",
        )


# What a store, mailer or hasher says of itself that has no place on a site.
DEVELOPMENT: Final = "for_development_only"
