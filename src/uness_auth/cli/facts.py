"""
What the commands tell of an account: as facts for programs, and in words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..events import Event
from ..model import Account, Session, Site
from ..provisioning.timeline import Timeline, state_of
from ..provisioning.wording import (
    event_words,
    first_day,
    last_day,
    moment,
    session_words,
    state_words,
    step_words,
)


# How to have what is missing.
NOT_KEPT = (
    "Events are not kept here: give Stores(events=), as SQLStorage(url).events, and "
    "what happens from then on is told."
)


def account_facts(account: Account, now: datetime, /) -> dict[str, Any]:
    """
    Return the facts of *account* for programs, without its password hash.
    """
    return {
        "id": account.id,
        "address": account.address,
        "display_name": account.display_name,
        "language": account.language,
        "state": state_of(account, now).value,
        "provisioned_by": account.provisioned_by,
        "external_id": account.external_id,
        "valid_from": _instant(account.valid_from),
        "valid_until": _instant(account.valid_until),
        "created_at": account.created_at.isoformat(),
    }


def account_line(account: Account, now: datetime, /) -> str:
    """
    Return address, state and name in one line.
    """
    state = state_of(account, now)
    return f"{account.address}\t{state}\t{account.display_name}".rstrip()


def timeline_facts(timeline: Timeline, now: datetime, site: Site, /) -> dict[str, Any]:
    """
    Return the facts of *timeline* for programs.
    """
    sessions, events = timeline.sessions, timeline.events
    return {
        **account_facts(timeline.account, now),
        # The hash is left out of the timeline, so that only it knows.
        "state": timeline.state.value,
        "sessions": None if sessions is None else [*map(_session_facts, sessions)],
        "events": None if events is None else [*map(_event_facts, events)],
        "next": [
            {
                "step": one.step.value,
                "at": _instant(one.at),
                "until": _instant(one.until),
                "detail": one.detail,
                "words": step_words(one, timeline, site),
            }
            for one in timeline.steps
        ],
    }


def timeline_lines(timeline: Timeline, site: Site, /) -> list[str]:
    """
    Return *timeline* in words, a line each, with times in the site's time zone.
    """
    account = timeline.account
    facts = {
        "name": account.display_name,
        "state": state_words(account, timeline.state, site),
        "registrar": account.provisioned_by,
        "external id": account.external_id,
        "first day": first_day(account.valid_from, site) if account.valid_from else "",
        "last day": last_day(account.valid_until, site) if account.valid_until else "",
        "created": moment(account.created_at, site),
    }
    lines = [
        account.address,
        *(f"  {name:<12} {fact}" for name, fact in facts.items() if fact),
        *_session_lines(timeline.sessions, site),
        "",
        f"What happened (times of {site.time_zone}):",
        *_event_lines(timeline.events, site),
        "",
        "What to do next:",
        *(f"- {step_words(one, timeline, site)}" for one in timeline.steps),
    ]
    return [*map(_printable, lines)]


def _printable(line: str) -> str:
    # What a mailer of the host's says may move the cursor of a terminal.
    return "".join(mark if mark.isprintable() else "?" for mark in line)


def _session_lines(sessions: tuple[Session, ...] | None, site: Site) -> list[str]:
    if sessions is None:
        return []
    if not sessions:
        return [f"  {'sessions':<12} none is open"]
    return [f"  {'session':<12} {session_words(one, site)}" for one in sessions]


def _event_lines(events: tuple[Event, ...] | None, site: Site) -> list[str]:
    if events is None:
        return [f"  {NOT_KEPT}"]
    lines = [
        f"  {moment(one.at, site)}  {event_words(one, site)}"
        + (f"  [{one.network}]" if one.network else "")
        for one in events
    ]
    return lines or ["  nothing that is still kept"]


def _session_facts(session: Session) -> dict[str, Any]:
    return {
        "browser": session.browser,
        "network": session.network,
        "opened_at": session.opened_at.isoformat(),
        "last_seen_at": session.last_seen_at.isoformat(),
        "is_remembered": session.is_remembered,
    }


def _event_facts(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "network": event.network,
        "method": event.method,
        "reason": event.reason,
    }


def _instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
