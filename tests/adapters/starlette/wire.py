"""
Requests straight into an ASGI app: no test client, no server, bytes as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive

from uness_auth.testing.browser import Reply


def scope_of(
    method: str,
    path: str,
    *,
    query: bytes = b"",
    headers: Mapping[str, str] | None = None,
    peer: str | None = "127.0.0.1",
    root_path: str = "",
) -> dict[str, Any]:
    """
    Return the scope of a request; *headers* are in lower case.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "root_path": root_path,
        "query_string": query,
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in (headers or {}).items()
        ],
        "client": None if peer is None else (peer, 5000),
        "server": ("localhost", 80),
    }


def send(app: ASGIApp, method: str, path: str, *chunks: bytes, **more: Any) -> Reply:
    """
    Send a request, its body in *chunks*, and return the answer.
    """
    return exchange(app, scope_of(method, path, **more), chunks)


def exchange(
    app: ASGIApp,
    scope: dict[str, Any],
    receive: Receive | Sequence[bytes] = (),
) -> Reply:
    """
    Have *app* answer one scope, whose body comes in chunks or from a function.
    """
    answered: list[Message] = []
    run(app, scope, receive if callable(receive) else _sending(receive), answered)
    return _reply(answered)


def run(
    app: ASGIApp, scope: dict[str, Any], receive: Receive, answered: list[Message]
) -> None:
    """
    Run *app* on one scope and keep what it sends.
    """

    asyncio.run(_run(app, scope, receive, answered))


def send_within(
    loop: asyncio.AbstractEventLoop,
    app: ASGIApp,
    method: str,
    path: str,
    *chunks: bytes,
    **more: Any,
) -> Reply:
    """
    Send a request from any thread to an app that runs in *loop*, as under a server.
    """
    answered: list[Message] = []
    running = _run(app, scope_of(method, path, **more), _sending(chunks), answered)
    asyncio.run_coroutine_threadsafe(running, loop).result()
    return _reply(answered)


async def _run(
    app: ASGIApp, scope: dict[str, Any], receive: Receive, answered: list[Message]
) -> None:
    async def keep(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, keep)


def _sending(chunks: Sequence[bytes]) -> Receive:
    *first, last = list(chunks) or [b""]
    arriving = [
        *({"type": "http.request", "body": one, "more_body": True} for one in first),
        {"type": "http.request", "body": last, "more_body": False},
    ]

    async def receive() -> Message:
        return arriving.pop(0) if arriving else {"type": "http.disconnect"}

    return receive


def _reply(answered: list[Message]) -> Reply:
    [start] = [one for one in answered if one["type"] == "http.response.start"]
    bodies = [
        one.get("body", b"") for one in answered if one["type"] == "http.response.body"
    ]
    return Reply(
        status=start["status"],
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in start["headers"]
        ),
        body=b"".join(map(bytes, bodies)).decode(),
    )
