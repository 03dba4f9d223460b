"""
What the doctor says of a site that is served, each time with another fault.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trustme

from tests.unit.doctor.conftest import local, online
from uness_auth import Site
from uness_auth.doctor import Finding, Severity
from uness_auth.doctor.served import check_served
from uness_auth.storage.memory import MemoryStorage
from uness_auth.web.http import CSP, SECURITY_HEADERS


NOTE, OK, SERIOUS = Severity.NOTE, Severity.OK, Severity.SERIOUS
COOKIE = "uness-browser=v; Path=/; HttpOnly; SameSite=Lax"

Headers: TypeAlias = Iterable[tuple[str, str]]
Examined: TypeAlias = Callable[..., list[Finding]]


def answer(status: int = 200, headers: Headers = ()) -> bytes:
    """
    Return an answer as bytes.
    """
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def page(cookie: str = COOKIE, **more: str) -> bytes:
    """
    Return our first page, with *cookie* and *more*, spelt with underscores.
    """
    extra = [(name.replace("_", "-"), value) for name, value in more.items()]
    cookies = [("Set-Cookie", cookie)] if cookie else []
    return answer(200, [*SECURITY_HEADERS, *cookies, *extra])


@pytest.fixture(name="examined")
def _examined(storage: MemoryStorage, serve_script: Any) -> Examined:
    """
    Serve an answer on this machine, and examine the site that gave it.
    """

    def examined(served: bytes, **given: Any) -> list[Finding]:
        def script(connection: socket.socket) -> None:
            connection.recv(65_536)
            connection.sendall(served)

        site = Site(base_url=f"http://127.0.0.1:{serve_script(script)}")
        return [*check_served(local(storage, site=site, **given))]

    return examined


class TestPages:
    def test_ours(self, examined: Examined) -> None:
        """
        Pages, cookies and clock are as they should be.
        """
        findings = examined(page(Date=format_datetime(datetime.now(UTC), usegmt=True)))

        assert ["served", "cookies", "clock"] == [one.check for one in findings]
        assert {OK} == {one.severity for one in findings}

    @pytest.mark.parametrize(
        ("served", "words"),
        [
            (answer(404, SECURITY_HEADERS), "status 404"),
            (answer(200, [("Server", "other")]), "not with these pages"),
            (answer(503), "status 503"),
            (answer(302, [("Location", "https://www.example.fr/")]), "www.example.fr"),
            (answer(301, [("Location", "/other/")]), "/other/"),
        ],
    )
    def test_others(self, examined: Examined, served: bytes, words: str) -> None:
        """
        A base URL or a path where something else answers.
        """
        (finding,) = examined(served)

        assert SERIOUS is finding.severity
        assert words in finding.what

    def test_one_more_policy(self, examined: Examined) -> None:
        """
        A policy that a proxy adds leaves the pages ours.
        """
        findings = examined(page(**{CSP: "frame-ancestors 'none'"}))

        assert {OK} == {one.severity for one in findings}

    @pytest.mark.parametrize(
        ("cookie", "words"),
        [
            ("", "is missing"),
            ("uness-browser=v; Path=/auth/; HttpOnly; SameSite=Lax", "without path=/"),
            ("uness-browser=v; Path=/; SameSite=Lax", "without httponly"),
            (f"{COOKIE}; Domain=example.fr", "a Domain"),
        ],
    )
    def test_cookies(self, examined: Examined, cookie: str, words: str) -> None:
        """
        What a proxy did to the cookies.
        """
        _, finding = examined(page(cookie))

        assert SERIOUS is finding.severity
        assert words in finding.what
        assert "=v" not in finding.what

    @pytest.mark.parametrize(
        ("more", "words"),
        [({"Server": "nginx/1.22.1"}, "nginx"), ({"Via": "1.1 cache"}, "1.1 cache")],
    )
    def test_a_proxy(
        self, examined: Examined, more: dict[str, str], words: str
    ) -> None:
        """
        What comes through a proxy, where none was told of.
        """
        *_, finding = examined(page(**more))

        assert (NOTE, "proxies") == (finding.severity, finding.check)
        assert words in finding.what
        assert all(
            one.severity is OK for one in examined(page(**more), trusted_proxies=1)
        )

    @pytest.mark.parametrize(
        ("date", "severities"),
        [
            (format_datetime(datetime.now(UTC) - timedelta(hours=1)), [SERIOUS]),
            ("yesterday", []),
            ("Fri, 27 Nov 2026 00:00:00", []),
        ],
    )
    def test_clock(
        self, examined: Examined, date: str, severities: list[Severity]
    ) -> None:
        """
        A server of another time; what is no date says nothing.
        """
        findings = examined(page(Date=date))

        assert severities == [one.severity for one in findings if one.check == "clock"]


class TestUnreachable:
    def test_nobody_there(self, storage: MemoryStorage, free_port: int) -> None:
        """
        A site that is not started is a note: nothing was checked.
        """
        site = Site(base_url=f"http://127.0.0.1:{free_port}")
        (finding,) = check_served(local(storage, site=site))

        assert NOTE is finding.severity

    def test_no_http(self, examined: Examined) -> None:
        """
        So is one that speaks something else.
        """
        (finding,) = examined(b"220 mail.example.fr ESMTP\r\n")

        assert NOTE is finding.severity

    @pytest.mark.parametrize("drips", [False, True])
    def test_one_that_hangs(
        self, storage: MemoryStorage, serve_script: Any, *, drips: bool
    ) -> None:
        """
        A site that says nothing, or next to nothing, is not waited for.
        """

        def script(connection: socket.socket) -> None:
            connection.recv(65_536)
            while drips:
                connection.sendall(b"H")
                time.sleep(0.05)
            connection.recv(1)

        site = Site(base_url=f"http://127.0.0.1:{serve_script(script)}")
        began = time.monotonic()
        findings = check_served(local(storage, site=site), timedelta(seconds=0.2))

        assert [NOTE] == [one.severity for one in findings]
        assert time.monotonic() - began < 5


class TestHTTPS:
    @pytest.fixture(name="https")
    def _https(
        self,
        storage: MemoryStorage,
        serve_script: Any,
        authority: trustme.CA,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Examined:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

        def examined(served: bytes, *names: str) -> list[Finding]:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*names).configure_cert(context)

            def script(connection: socket.socket) -> None:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    encrypted.recv(65_536)
                    encrypted.sendall(served)

            site = Site(base_url=f"https://localhost:{serve_script(script)}")
            return [*check_served(online(storage, site=site))]

        return examined

    def test_ours(self, https: Examined) -> None:
        """
        Cookies have their prefix and are Secure; HSTS is there.
        """
        findings = https(
            page(f"__Host-{COOKIE}; Secure", Strict_Transport_Security="max-age=1"),
            "localhost",
        )

        assert ["served", "cookies"] == [one.check for one in findings]
        assert {OK} == {one.severity for one in findings}

    def test_neither(self, https: Examined) -> None:
        """
        A cookie that is not Secure is serious, no HSTS a note.
        """
        _, cookies, transport = https(page(f"__Host-{COOKIE}"), "localhost")

        assert (SERIOUS, NOTE) == (cookies.severity, transport.severity)
        assert "secure" in cookies.what

    def test_certificate(self, https: Examined) -> None:
        """
        A certificate for another name is told in words.
        """
        (finding,) = https(page(), "other.example.fr")

        assert SERIOUS is finding.severity
        assert "Hostname mismatch" in finding.what
