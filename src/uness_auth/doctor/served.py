"""
Asks the site's own pages once, as a visitor would: what comes back, and from whom.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import attrs

from ..errors import StorageError
from ..policy import MINUTE
from ..ports import TimedStore
from ..web.cookies import Cookies
from ..web.http import CSP, SECURITY_HEADERS
from ..wiring import UnessAuth
from .findings import Finding, note, ok, serious, words_of


LONGEST_WAIT: Final = timedelta(seconds=5)
# What servers call themselves that mostly stand in front of others.
IN_FRONT: Final = ("nginx", "caddy", "envoy", "haproxy", "traefik", "cloudflare")
# Clocks may disagree by what a link's leeway forgives.
MOST_APART: Final = MINUTE
OK: Final = 200
FIRST_REDIRECT, FIRST_FAULT, FIRST_BREAKDOWN = 300, 400, 500


@attrs.frozen
class Served:
    """
    What the site answers to a visitor without cookies.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    at: datetime

    def all(self, name: str, /) -> list[str]:
        """
        Return each value of the header *name*.
        """
        return [value for one, value in self.headers if one.lower() == name]

    def one(self, name: str, /) -> str:
        """
        Return the header's value; empty without one.
        """
        return ", ".join(self.all(name))


def check_served(
    auth: UnessAuth, /, longest_wait: timedelta = LONGEST_WAIT
) -> Iterator[Finding]:
    """
    Whether the base URL leads to these pages, with their cookies, by the same clock.
    """
    url = auth.site.url()
    try:
        served = _fetched(url, longest_wait)
    except ssl.SSLCertVerificationError as exc:
        yield serious(
            "served",
            f"the certificate of {url} is not to be trusted: {exc.verify_message}",
            "browsers show a warning instead of the page, and mailed links end there",
            "renew the certificate, for this very name and with its whole chain",
        )
        return
    except (OSError, http.client.HTTPException) as exc:
        yield note(
            "served",
            f"{url} does not answer this machine: {words_of(exc)}",
            "what visitors get was not checked",
            "start the site and ask again, from a machine that can reach it",
        )
        return
    fault = _fault(url, served)
    if fault is not None:
        yield fault
        return
    yield ok("served", f"{url} answers with these pages")
    yield from _cookies(auth, served)
    yield from _transport(auth, served)
    date = _date(served)
    if date is not None:
        yield from _clock("the site", date, served.at)


def check_clock(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    Whether the clock of the database goes with this machine's.
    """
    counters = auth.parts.stores.counters
    if not isinstance(counters, TimedStore):
        return
    try:
        theirs = counters.server_time()
    except StorageError:
        # `check_stores` says so; or its user may not ask for the time.
        return
    yield from _clock("the database", theirs, datetime.now(UTC))


def _fetched(url: str, longest_wait: timedelta) -> Served:
    parts = urlsplit(url)
    timeout = longest_wait.total_seconds()
    kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
    if parts.scheme == "https":
        kind = http.client.HTTPSConnection
    with closing(kind(parts.netloc, timeout=timeout)) as connection:
        # Each read may take the time-out: a server that drips is hung up on.
        alarm = threading.Timer(2 * timeout, _hang_up, [connection])
        alarm.daemon = True
        alarm.start()
        try:
            connection.request("GET", parts.path, headers={"User-Agent": "uness-auth"})
            answer = connection.getresponse()
        finally:
            alarm.cancel()
        return Served(answer.status, tuple(answer.getheaders()), datetime.now(UTC))


def _hang_up(connection: http.client.HTTPConnection) -> None:
    # Where it was never connected there is no socket yet.
    with suppress(OSError, AttributeError):
        _ = connection.sock.shutdown(socket.SHUT_RDWR)


def _fault(url: str, served: Served) -> Finding | None:
    if served.status >= FIRST_BREAKDOWN:
        return serious(
            "served",
            f"{url} answers with status {served.status}",
            "nobody can sign in",
            "look at the log of the site, and of the proxy before it",
        )
    if FIRST_REDIRECT <= served.status < FIRST_FAULT:
        return serious(
            "served",
            f"{url} leads on to {urljoin(url, served.one('location'))}",
            "forms and mailed links begin with the base URL, and cookies hold for its "
            "host alone: on another one every form is refused",
            "say Site(base_url=, path=) as the address that visitors end at",
        )
    if served.status != OK or dict(SECURITY_HEADERS)[CSP] not in served.all(
        CSP.lower()
    ):
        return serious(
            "served",
            f"{url} answers with status {served.status}, and not with these pages",
            "mailed links lead there, and to nothing",
            "say Site(base_url=, path=) as the site serves them, and see that the "
            "proxy passes the path on and leaves the headers as they are",
        )
    return None


def _cookies(auth: UnessAuth, served: Served) -> Iterator[Finding]:
    name = Cookies(auth.site, auth.policy).name("browser")
    found = [one for one in served.all("set-cookie") if one.startswith(f"{name}=")]
    # As the library writes it: a proxy may have its own ideas.
    wanted = {"path=/", "httponly", "samesite=lax"}
    wanted |= {"secure"} if auth.site.is_https else set()
    given = {part.strip().lower() for one in found for part in one.split(";")[1:]}
    missing = sorted(wanted - given)
    domain = any(part.startswith("domain=") for part in given)
    if found and not missing and not domain:
        yield ok("cookies", f"{name}: {', '.join(sorted(wanted))}")
        return
    what = (
        f"{name} comes without {', '.join(missing)}" if found else f"{name} is missing"
    )
    if found and domain:
        what = f"{name} comes with a Domain"
    yield serious(
        "cookies",
        what,
        "browsers refuse such a cookie, or send it where it does not belong: the forms "
        "are refused, or sessions can be stolen",
        "let the proxy pass Set-Cookie on as it is, and no cache keep these pages",
    )


def _transport(auth: UnessAuth, served: Served) -> Iterator[Finding]:
    server, via = served.one("server").lower(), served.one("via")
    front = next((one for one in IN_FRONT if one in server), "") or via
    if front and auth.trusted_proxies == 0:
        yield note(
            "proxies",
            f"the answers come through {front}, and trusted_proxies is 0",
            "unless the visitor's own address is handed on, all visitors share one "
            "network's budgets: who mistypes often enough keeps everybody out",
            "where it passes requests on by HTTP, say trusted_proxies=1, and let it "
            "append to X-Forwarded-For",
        )
    if auth.site.is_https and not served.one("strict-transport-security"):
        yield note(
            "served",
            "no Strict-Transport-Security",
            "a first visit by http can be led elsewhere",
            "let the server in front say it: max-age=31536000; includeSubDomains",
        )


def _date(served: Served) -> datetime | None:
    try:
        date = parsedate_to_datetime(served.one("date"))
    except ValueError:
        return None
    # One that does not say where it is says nothing.
    return None if date.tzinfo is None else date


def _clock(whose: str, theirs: datetime, ours: datetime) -> Iterator[Finding]:
    apart = abs(theirs - ours)
    seconds = f"{apart.total_seconds():.0f} s"
    if apart <= MOST_APART:
        yield ok("clock", f"this machine and {whose} are {seconds} apart")
        return
    yield serious(
        "clock",
        f"this machine and {whose} are {seconds} apart",
        "links and codes are over too early, or not yet begun, and waits last too long",
        "let both keep time by NTP: `timedatectl set-ntp true`",
    )
