"""
One request straight into an ASGI app: no test client, no socket, cookies kept.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode


class AsyncVisitor:
    """
    A visitor of one app, as cheap as can be, so that the app is what is measured.
    """

    def __init__(self, app: Any, host: str = "localhost") -> None:
        self.app = app
        self.host = host
        self.cookies: dict[str, str] = {}
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = ""

    async def get(self, path: str) -> str:
        """
        Send a GET and return the body.
        """
        return await self._send("GET", path)

    async def post(self, path: str, **fields: str) -> str:
        """
        Send a form and return the body.
        """
        media_type = "application/x-www-form-urlencoded"
        return await self._send("POST", path, urlencode(fields).encode(), media_type)

    async def post_json(self, path: str, **fields: str) -> str:
        """
        Send JSON and return the body.
        """
        body = json.dumps(fields).encode()
        return await self._send("POST", path, body, "application/json")

    def hidden(self, name: str) -> str:
        """
        Return the value of a hidden field of the last page.
        """
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.body)
        if found is None:
            msg = f"no field {name!r} on the page with status {self.status}"
            raise LookupError(msg)
        return found.group(1)

    async def _send(
        self, method: str, path: str, body: bytes = b"", media_type: str = ""
    ) -> str:
        path, _, query = path.partition("?")
        headers = [(b"host", self.host.encode())]
        if body:
            headers += [
                (b"content-type", media_type.encode()),
                (b"content-length", str(len(body)).encode()),
            ]
        if self.cookies:
            cookies = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
            headers.append((b"cookie", cookies.encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": (self.host, 80),
            "state": {},
        }
        sent = iter([{"type": "http.request", "body": body, "more_body": False}])
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return next(sent, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._start(message)
            else:
                parts.append(message.get("body", b""))

        await self.app(scope, receive, send)
        self.body = b"".join(parts).decode()
        return self.body

    def _start(self, message: dict[str, Any]) -> None:
        self.status = message["status"]
        self.headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in message["headers"]
        ]
        for name, value in self.headers:
            if name.lower() == "set-cookie":
                pair = value.partition(";")[0]
                key, _, content = pair.partition("=")
                self.cookies[key] = content
