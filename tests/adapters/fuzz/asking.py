"""
One request to every adapter, and what it left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.campaign import (
    Answer,
)
from tests.adapters.fuzz.draft import (
    CSRF,
    CSRF_FIELD,
    DJANGOS,
    OURS,
    PATH,
    Draft,
)
from tests.adapters.fuzz.servers import ADAPTERS, Dump, Servers
from tests.adapters.fuzz.wire import exchange


def post(
    servers: Servers, path: str, body: bytes | Mapping[str, str], **more: Any
) -> dict[str, Answer]:
    """
    Send a form, or a body that is none, to every adapter.

    Args:
        more: Of the `Draft`.
    """
    draft = Draft(
        method=b"POST",
        path=PATH + path.encode(),
        session="",
        cookies=[f"uness-browser={scene.BROWSER}".encode()],
        fields=[],
        **more,
    )
    text = (
        body
        if isinstance(body, bytes)
        else CSRF_FIELD + b"=" + CSRF + b"&" + urlencode(body).encode()
    )

    def whole(dialect: Any) -> bytes:
        draft.spoil[:] = [lambda _body: dialect.fill(text, "")]
        return draft.wire(dialect)

    return answers(servers, dict.fromkeys(ADAPTERS, whole))


def get(servers: Servers, target: str, **more: Any) -> dict[str, Answer]:
    """
    Ask every adapter.
    """
    draft = Draft(method=b"GET", path=target.encode(), session="", **more)
    return answers(servers, dict.fromkeys(ADAPTERS, draft.wire))


def answers(
    servers: Servers, wires: Mapping[str, Callable[[Any], bytes]]
) -> dict[str, Answer]:
    """
    Send to each adapter what is there for it.
    """
    sent = [
        wires[one.adapter](DJANGOS if one.adapter == "django" else OURS)
        for one in servers.all
    ]
    found = exchange([one.port for one in servers.all], sent)
    return {
        one.adapter: Answer.of(one, came)
        for one, came in zip(servers.all, found, strict=True)
    }


def dumps(servers: Servers) -> dict[str, Dump]:
    """
    Return what all databases hold.
    """
    return {
        one.adapter: one.database.without_last_seen(one.database.dump())
        for one in servers.all
    }


def accounts(servers: Servers) -> list[Any]:
    """
    Return the accounts of all databases, and their users.
    """
    return [
        rows
        for one in servers.all
        for name, rows in one.database.dump().items()
        if name.endswith(("accounts", "account", "user"))
    ]


def mails(servers: Servers) -> int:
    """
    Return how many mails were sent.
    """
    return sum(len(one.mails) for one in servers.all)


def tracebacks(servers: Servers) -> int:
    """
    Return how many tracebacks all servers have written to their standard error.
    """
    return sum(one.complaints.count("Traceback") for one in servers.all)
