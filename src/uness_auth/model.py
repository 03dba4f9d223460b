"""
The records that flows read and stores keep: frozen, plain, and free of secrets.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from .errors import ConfigurationError


LANGUAGES: Final = ("fr", "en")
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

# urlsplit() is too kind here: it drops newlines, and an empty query or user name.
BASE_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
LARGEST_PORT: Final = 65_535
PAGES_PATH: Final = re.compile(r"/(?:(?!\.{1,2}/)[A-Za-z0-9._~-]+/)*")


@attrs.frozen(kw_only=True)
class Account:
    """
    Someone who may sign in.  A registrar created it; nobody else can.

    Attributes:
        id: The host's own identifier, as text.  At most 64 characters.

        address: The canonical address: see `uness_auth.addresses.canonical`.

        credential_version:
            The number under which links, codes and sessions of this account are
            valid.  Grows by one when the password is set, the address changes, the
            account is disabled or enabled, or "sign out everywhere" is asked.

        password_hash: Empty until a first password is created.

        is_disabled: A registrar closed it: to a visitor it is unknown.

        is_password_suspended:
            100 wrong passwords in a row.  Sessions, links and codes go on; only
            `uness_auth.ports.Accounts.set_password` lifts it.

        language: One of `LANGUAGES`, or empty: the site's first.

        provisioned_by:
            The registrar whose files this account came with, at most 64 characters;
            empty where it was added by hand.

        external_id:
            The registrar's own identifier, at most 128 characters, or empty; no two
            accounts of one registrar have the same.

        valid_from, valid_until:
            Outside them the address counts as unknown.  The first instant at which the
            account is open, and the first at which it no longer is: the end of its last
            day in the site's time zone.  None: no such limit.
    """

    id: str
    address: str
    credential_version: int
    created_at: datetime
    display_name: str = ""
    language: str = ""
    password_hash: str = attrs.field(default="", repr=False)
    is_disabled: bool = False
    is_password_suspended: bool = False
    provisioned_by: str = ""
    external_id: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def is_closed(self, now: datetime, /) -> bool:
        """
        Return whether nobody may sign in: disabled, not open yet, or ended.
        """
        return (
            self.is_disabled
            or (self.valid_from is not None and now < self.valid_from)
            or (self.valid_until is not None and self.valid_until <= now)
        )

    @property
    def has_password(self) -> bool:
        """
        Whether a first password was ever created.
        """
        return self.password_hash != ""


@attrs.frozen(kw_only=True)
class CodeChallenge:
    """
    A sign-in by code that is waiting for its code.  The code itself is nowhere.

    Attributes:
        id: 128 random bits, hex.

        account_id: Whose it is; for an unknown address the account id of a decoy.

        key_id: Which key of the ring the code is derived under.

        browser_digest: SHA-256, hex, of the cookie of the browser that asked.

        sent_at: When the code was last sent; its lifetime counts from here.

        expires_at: When the code stops working: `sent_at` and the code's lifetime.

        window_ends_at: Until when the same code may be asked for again.

        is_certain:
            Whether the page said plainly that a mail was sent.  Kept, because asked
            again it must say the same: an account looked up later would tell what
            must not be told.
    """

    id: str
    account_id: str
    credential_version: int
    key_id: str
    browser_digest: str = attrs.field(repr=False)
    sent_at: datetime
    expires_at: datetime
    window_ends_at: datetime
    attempts_left: int
    is_certain: bool = True


@attrs.frozen(kw_only=True)
class Session:
    """
    One browser, signed in.

    Attributes:
        digest: SHA-256, hex, of the token in the browser's cookie.

        credential_version: What was checked at sign-in; void under another.

        is_remembered: « Se souvenir de moi » was ticked.

        authenticated_at:
            When its owner last proved in it who they are; None of a remembered
            session that was not asked again since it was opened.

        browser: Family and system, ``Firefox, Windows``; at most 64 characters.

        network: Where it was opened, truncated to /24 or /48; at most 64 characters.
    """

    digest: str = attrs.field(repr=False)
    account_id: str
    credential_version: int
    opened_at: datetime
    last_seen_at: datetime
    is_remembered: bool = False
    authenticated_at: datetime | None = None
    browser: str = ""
    network: str = ""


class OrderKind(StrEnum):
    """
    What can be mailed.
    """

    FIRST_LINK = "first_link"
    RESET_LINK = "reset_link"
    CODE = "code"
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a notice
    ADDRESS_CHANGED = "address_changed"
    INVITATION = "invitation"

    @property
    def is_first(self) -> bool:
        """
        Whether it carries the link that creates a first password.
        """
        return self in {OrderKind.FIRST_LINK, OrderKind.INVITATION}

    @property
    def is_notice(self) -> bool:
        """
        Whether it tells what happened: it holds no secret and outlives any change.
        """
        return self in {
            OrderKind.NEW_DEVICE,
            OrderKind.PASSWORD_CHANGED,
            OrderKind.ADDRESS_CHANGED,
        }


@attrs.frozen(kw_only=True)
class MailOrder:
    """
    What a flow asks to be mailed, without its secret.  Safe to keep in any queue.

    Attributes:
        issued_at:
            The link's time of issue, the code's time of asking, the time of what a
            notice tells.

        expires_at: From here on there is nothing left to send.

        challenge_id, key_id: Of the code challenge; empty for anything else.

        browser, network: What a notice tells, as in `Session`.

        new_address: Masked: what the notice of a changed address tells.
    """

    kind: OrderKind
    account_id: str
    credential_version: int
    issued_at: datetime
    expires_at: datetime
    challenge_id: str = ""
    key_id: str = ""
    browser: str = ""
    network: str = ""
    new_address: str = ""


@attrs.frozen(kw_only=True)
class Client:
    """
    What is known of who asks.

    Attributes:
        network:
            The IPv4 address, or the IPv6 /64, as canonical text: what network
            budgets are kept for.  Empty when the host does not know.

        is_trusted_network: A campus: its budgets are larger.

        browser_digest: SHA-256, hex, of the browser cookie; empty without one.

        language: What the visitor's browser prefers, one of `LANGUAGES`.

        device: The device cookie; empty without one.  See `uness_auth.devices`.

        session: The session's token; empty without one.

        browser: Family and system, ``Firefox, Windows``; empty where unknown.
    """

    network: str = ""
    is_trusted_network: bool = False
    browser_digest: str = attrs.field(default="", repr=False)
    language: str = LANGUAGES[0]
    device: str = attrs.field(default="", repr=False)
    session: str = attrs.field(default="", repr=False)
    browser: str = ""


@attrs.frozen(kw_only=True)
class Site:
    """
    Who this site is: name, addresses, sender, languages.

    Attributes:
        base_url:
            Where the site answers, ``https://portail.example.fr``: scheme and host,
            no path.  Links and redirects start here, never from a Host header.
            Plain http only on a loopback address.

        name: The application's name, in the band of every page.

        path: Where the pages live below the base URL.

        sender: The From address of the mails, ``Uness <ne-pas-repondre@…>`` or bare.

        time_zone: Of the times that pages and mails print; records stay UTC.

        languages: What the pages speak, the default first.

        home_path: Where a sign-in without ``next`` ends.

    Raises:
        uness_auth.errors.ConfigurationError: Naming the field and the ways out.
    """

    base_url: str
    name: str = "cockpit"
    mark: str = "uness"
    path: str = "/auth/"
    home_path: str = "/"
    sender: str = ""
    support_url: str = "https://sos.uness.fr/"
    home_url: str = "https://www.uness.fr/"
    time_zone: str = "Europe/Paris"
    languages: tuple[str, ...] = LANGUAGES

    def __attrs_post_init__(self) -> None:
        _check_base_url(self.base_url)
        _check_paths(self)
        _check_time_zone(self.time_zone)
        unknown = [one for one in self.languages if one not in LANGUAGES]
        if unknown or not self.languages:
            msg = f"Site(languages={self.languages!r}): choose among {LANGUAGES!r}"
            raise ConfigurationError(msg)
        if any(map(_breaks_lines, self.name + self.mark + self.sender)):
            msg = "Site(name=, mark=, sender=) hold a control character: remove it"
            raise ConfigurationError(msg)

    @property
    def is_loopback(self) -> bool:
        """
        Whether doors for development may open: plain http on this machine only.
        """
        parts = urlsplit(self.base_url)
        return parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS

    @property
    def is_https(self) -> bool:
        """
        Whether cookies are Secure and carry the ``__Host-`` prefix.
        """
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        """
        The host name alone.
        """
        return urlsplit(self.base_url).hostname or ""

    @property
    def zone(self) -> ZoneInfo:
        """
        The time zone that pages and mails print.
        """
        return ZoneInfo(self.time_zone)

    def url(self, path: str = "", /) -> str:
        """
        Return the absolute URL of *path* among the sign-in pages.
        """
        return f"{self.base_url}{self.path}{path}"


def _breaks_lines(mark: str) -> bool:
    # In a header of a mail, where a lone surrogate breaks the mail itself.
    return unicodedata.category(mark) in {"Cc", "Cs"}


def _check_base_url(base_url: str) -> None:
    found = BASE_URL.fullmatch(base_url)
    if found is None or not (_is_host(found["host"]) and _is_port(found)):
        msg = (
            f"Site(base_url={base_url!r}) is not scheme and host alone: give it as "
            f"https://portail.example.fr, in lower case, an international name in its "
            f"xn-- form, without a path, a slash at its end, or the scheme's own port"
        )
        raise ConfigurationError(msg)
    if found["scheme"] == "http" and found["host"].strip("[]") not in LOOPBACK_HOSTS:
        msg = (
            f"Site(base_url={base_url!r}) would send passwords in clear: use https, or "
            f"http://localhost, http://127.0.0.1 or http://[::1] for development"
        )
        raise ConfigurationError(msg)


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            _ = IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def _is_port(found: re.Match[str]) -> bool:
    # Browsers leave the scheme's own port out of Origin, which is compared with this.
    own = {"http": "80", "https": "443"}[found["scheme"]]
    port = found["port"]
    return port is None or (port != own and int(port) <= LARGEST_PORT)


def _check_paths(site: Site) -> None:
    if site.home_path.startswith(site.path):
        msg = (
            f"Site(path={site.path!r}, home_path={site.home_path!r}): whoever is signed "
            f"in would be led in circles: let home_path lie outside the sign-in pages"
        )
        raise ConfigurationError(msg)
    if not PAGES_PATH.fullmatch(site.path):
        msg = (
            f"Site(path={site.path!r}): begin and end it with one slash, as /auth/, "
            f"and use letters, digits and -._~ between them"
        )
        raise ConfigurationError(msg)
    # Browsers read a backslash as a slash, and skip controls: both lead elsewhere.
    if not re.fullmatch(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", site.home_path):
        msg = f"Site(home_path={site.home_path!r}): give a path of this site, as /"
        raise ConfigurationError(msg)


def _check_time_zone(name: str) -> None:
    try:
        _ = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        msg = (
            f"Site(time_zone={name!r}) is not known here: give an IANA name such as "
            f"Europe/Paris, and install tzdata where the system has none"
        )
        raise ConfigurationError(msg) from exc
