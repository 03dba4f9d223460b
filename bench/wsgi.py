"""
One request straight into a WSGI app: no test client, no socket, cookies kept.
"""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urlencode


class Visitor:
    """
    A visitor of one app, as cheap as can be, so that the app is what is measured.
    """

    def __init__(self, app: Any, host: str = "localhost") -> None:
        self.app = app
        self.host = host
        self.cookies: dict[str, str] = {}
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body = ""

    def get(self, path: str) -> str:
        """
        Send a GET and return the body.
        """
        return self._send("GET", path, b"")

    def post(self, path: str, **fields: str) -> str:
        """
        Send a form and return the body.
        """
        return self._send("POST", path, urlencode(fields).encode())

    def hidden(self, name: str) -> str:
        """
        Return the value of a hidden field of the last page.
        """
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.body)
        if found is None:
            msg = f"no field {name!r} on the page with status {self.status}"
            raise LookupError(msg)
        return found.group(1)

    @property
    def location(self) -> str:
        """
        Where the last answer leads.
        """
        return dict(self.headers).get("Location", "")

    def _send(self, method: str, path: str, body: bytes) -> str:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "SERVER_NAME": self.host,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.host,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(
                f"{name}={value}" for name, value in self.cookies.items()
            )
        answer = self.app(environ, self._start)
        try:
            self.body = b"".join(answer).decode()
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return self.body

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self.status, self.headers = status, headers
        for name, value in headers:
            if name.lower() == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
