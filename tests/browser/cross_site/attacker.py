"""
An attacker's site: pages that are made up in a test, and what comes in there.
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import attrs

from tests.browser.hosts import HOST, running, tls


# Another site, and another host of the portal's own site.
STRANGER: Final = "evil.example"
NEIGHBOUR: Final = "blog.univ-exemple.fr"
PAGE: Final = "<!DOCTYPE html><html><title>Attack</title><body>{}</body></html>"
SUBMIT: Final = "<script>document.forms[0].submit()</script>"


@attrs.frozen(kw_only=True)
class Attacker:
    """
    Serves pages under both names, and notes every request.
    """

    port: int
    pages: dict[str, tuple[str, list[str]]] = attrs.field(factory=dict[str, Any])
    seen: list[tuple[str, Mapping[str, str]]] = attrs.field(factory=list[Any])

    def show(
        self, body: str, *, host: str = STRANGER, cookies: list[str] | None = None
    ) -> str:
        """
        Return the address of a page with *body*, which sets *cookies*.
        """
        path = f"/{secrets.token_hex(4)}"
        self.pages[path] = PAGE.format(body), cookies or []
        return f"{self.origin(host)}{path}"

    def origin(self, host: str = STRANGER) -> str:
        """
        Return where the attacker's site is.
        """
        return f"https://{host}:{self.port}"


def form(action: str, fields: Mapping[str, str], *, more: str = "") -> str:
    """
    Return a form that posts *fields*; *more* are attributes of it.
    """
    inputs = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    action = html.escape(action)
    return f'<form method="post" action="{action}" {more}>{inputs}</form>'


# --- Ways to post -------------------------------------------------------------------


def from_stranger(
    page: Any, attacker: Attacker, action: str, fields: Mapping[str, str]
) -> None:
    """
    Post from another site.
    """
    page.goto(attacker.show(form(action, fields)))
    submit(page, page.main_frame)


def from_neighbour(
    page: Any, attacker: Attacker, action: str, fields: Mapping[str, str]
) -> None:
    """
    Post from another host of the same site: every cookie comes along.
    """
    page.goto(attacker.show(form(action, fields), host=NEIGHBOUR))
    submit(page, page.main_frame)


def from_sandbox(
    page: Any, attacker: Attacker, action: str, fields: Mapping[str, str]
) -> None:
    """
    Post from a frame that has no origin: ``Origin: null``.
    """
    inner = html.escape(form(action, fields, more='target="_top"'))
    flags = "allow-scripts allow-forms allow-top-navigation"
    frame = f'<iframe sandbox="{flags}" srcdoc="{inner}"></iframe>'
    page.goto(attacker.show(frame))
    submit(page, page.frames[1])


def from_data(
    page: Any, _attacker: Attacker, action: str, fields: Mapping[str, str]
) -> None:
    """
    Post from a page that came from nowhere: ``Origin: null`` again.
    """
    page.goto(f"data:text/html,{quote(form(action, fields))}")
    submit(page, page.main_frame)


def submit(page: Any, frame: Any) -> None:
    """
    Send the form as a script of the attacker's would, and see what comes of it.
    """
    with page.expect_navigation():
        frame.evaluate("document.forms[0].submit()")


WAYS: Final[dict[str, Callable[[Any, Attacker, str, Mapping[str, str]], None]]] = {
    "stranger": from_stranger,
    "neighbour": from_neighbour,
    "sandbox": from_sandbox,
    "data": from_data,
}


@contextmanager
def attacking(certificate: Path) -> Iterator[Attacker]:
    """
    Run the attacker's site.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """
            Answer with the page that a test made.
            """
            attacker.seen.append((self.path, dict(self.headers.items())))
            body, cookies = attacker.pages.get(self.path, (PAGE.format(""), []))
            self.send_response(200)
            for cookie in cookies:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Referrer-Policy", "unsafe-url")
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 - as above

        def log_message(self, *_args: Any) -> None:
            """
            Say nothing.
            """

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.socket = tls(certificate).wrap_socket(server.socket, server_side=True)
    attacker = Attacker(port=server.server_port)
    with running(server.serve_forever, server.shutdown):
        yield attacker
    server.server_close()
