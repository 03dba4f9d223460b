"""
What this machine can do: sign-ins per second, memory, texts, time zones, workers.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import ConfigurationError
from ..model import LANGUAGES
from ..passwords import Argon2Hashing, HashingSlots, cores_here
from ..policy import HashingPolicy
from ..texts import texts_for
from ..wiring import UnessAuth
from .findings import Finding, note, ok, serious
from .stores import DEVELOPMENT


# Longer than this, people believe that the button did nothing.
LONGEST_HASH: Final = 1.0
TYPED: Final = "doctor"
# What gunicorn and uvicorn read, too.
WORKERS: Final = "WEB_CONCURRENCY"
MEMORY: Final = Path("/proc/meminfo")
_KIB: Final = 1024
_MIB: Final = 1024 * 1024


def check_hashing(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    How long a password takes here, and how many sign in each second, with each preset.
    """
    policy = auth.policy.hashing
    slots = HashingSlots(policy, auth.parts.processes)
    hasher = auth.parts.hashing
    once, rate = _measured(hasher.decoy, slots.count)
    facts = _told(f"{type(hasher).__name__}, {_costs(policy)}", once, rate)
    if once > LONGEST_HASH:
        yield note(
            "passwords",
            facts,
            "whoever signs in waits that long, and a rush of people many times that",
            "use HashingPolicy.small(), or a faster machine",
        )
    else:
        yield ok("passwords", facts)
    presets = {"HashingPolicy()": HashingPolicy(), "small()": HashingPolicy.small()}
    for name, preset in presets.items():
        if preset == policy:
            continue
        try:
            count = HashingSlots(preset, auth.parts.processes).count
        except ConfigurationError:
            yield ok("passwords", f"{name} has no room for so many processes")
            continue
        once, rate = _measured(Argon2Hashing(preset).decoy, count)
        yield ok("passwords", _told(f"with {name}, {_costs(preset)}", once, rate))


def check_memory(auth: UnessAuth, /, memory: Path = MEMORY) -> Iterator[Finding]:
    """
    Whether hashing may use what this machine has: its cores, and not all its memory.
    """
    policy, processes = auth.policy.hashing, auth.parts.processes
    count = HashingSlots(policy, processes).count
    budget = policy.memory_budget // _MIB
    facts = (
        f"{count} at once in each of {processes} processes, on {cores_here()} cores, within "
        f"{budget} MiB"
    )
    total = _total(memory)
    if total and 2 * policy.memory_budget > total:
        yield note(
            "memory",
            f"{facts}; the machine has {total // _MIB} MiB",
            "a rush of sign-ins leaves too little for everything else",
            "say HashingPolicy(memory_budget=), half of the memory at most",
        )
    elif count * processes < cores_here():
        yield note(
            "memory",
            facts,
            "cores stand idle while people wait to sign in",
            "raise HashingPolicy(memory_budget=), or use HashingPolicy.small()",
        )
    else:
        yield ok("memory", facts)


def check_workers(
    auth: UnessAuth, /, environ: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """
    Whether as many processes serve the site as it was told.
    """
    told, text = auth.parts.processes, environ.get(WORKERS, "")
    if not text.isdecimal() or int(text) == told:
        yield ok("workers", f"processes={told}, as was said")
        return
    what = f"processes={told} was said, and {WORKERS} is {text}"
    lonely = auth.parts.has_own_keys or any(
        getattr(one, DEVELOPMENT, False)
        for one in (auth.parts.stores.accounts, auth.parts.stores.counters)
    )
    if lonely and int(text) > 1:
        yield serious(
            "workers",
            what,
            "each process has keys, accounts or counters of its own: links fail in the "
            "other ones, and limits are multiplied",
            f"say UnessAuth(processes={text}): it then names what has to be shared",
        )
    else:
        yield note(
            "workers",
            what,
            "the processes share the memory for hashing by the number that was said: "
            "they take too much of it, or leave some idle",
            f"say UnessAuth(processes={text})",
        )


def check_texts(languages: tuple[str, ...] = LANGUAGES, /) -> Iterator[Finding]:
    """
    Whether every catalog can be read.
    """
    for language in languages:
        try:
            _ = texts_for(language).say("mail.greeting")
        except (ConfigurationError, OSError) as exc:
            yield serious(
                "texts",
                f"the catalog of {language!r} cannot be read: {exc}",
                "no page and no mail can be made in it",
                "install uness-auth again: its files are incomplete",
            )
            return
    yield ok("texts", f"catalogs: {', '.join(languages)}")


def check_time_zone(name: str, /) -> Iterator[Finding]:
    """
    Whether the site's time zone is known here.
    """
    try:
        here = datetime.now(ZoneInfo(name))
    except (ZoneInfoNotFoundError, OSError) as exc:
        yield serious(
            "time zone",
            f"{name} is not known here: {exc}",
            "the site does not start: mails say until when, and days end somewhere",
            "pip install tzdata, or install the system's package of that name",
        )
        return
    yield ok("time zone", f"{name}, where it is {here:%H:%M}")


def _measured(work: Callable[[str], object], at_once: int) -> tuple[float, float]:
    # The first one alone also warms up; then as many as may, twice each.
    began = time.perf_counter()
    _ = work(TYPED)
    once = time.perf_counter() - began

    def twice() -> None:
        _ = work(TYPED)
        _ = work(TYPED)

    threads = [threading.Thread(target=twice) for _ in range(at_once)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Of a hasher for tests the clock may see nothing at all.
    took = max(time.perf_counter() - began, 1e-6)
    return once, 2 * at_once / took


def _told(name: str, once: float, rate: float) -> str:
    return f"{name}: {once * 1000:.0f} ms for one, {rate:.0f} sign-ins per second"


def _costs(policy: HashingPolicy) -> str:
    return (
        f"{policy.memory_cost // _KIB} MiB, t={policy.time_cost}, "
        f"p={policy.parallelism}"
    )


def _total(memory: Path) -> int:
    # Linux says it there; elsewhere it is not known.
    try:
        first = memory.read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(first[1]) * _KIB
