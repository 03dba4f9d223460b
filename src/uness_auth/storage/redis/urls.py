"""
Reads the URL of a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ...errors import ConfigurationError
from .connections import KINDS


_WAYS: Final = (
    "write redis://localhost:6379/0, rediss://user:password@host:6379/0 for TLS, or "
    "unix:///run/valkey.sock?db=0"
)
# The driver's own reader would take many more: time-outs as long as one likes, another
# try after a lost answer, which would count an attempt twice, and certificates that
# nobody checks.
_FOR_ALL: Final = frozenset({"db", "username", "password"})
_FOR_TLS: Final = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"}
)


def options_from(url: str, /) -> dict[str, Any]:
    """
    Return what the driver makes its connections of.

    Raises:
        uness_auth.errors.ConfigurationError: If it is no such URL, or says too much.
    """
    try:
        return _options(url)
    except ValueError:
        # The text is not repeated, nor kept as the cause: it may hold a password.
        options = ", ".join([*sorted(_FOR_ALL), *sorted(_FOR_TLS)])
        msg = (
            f"RedisStorage() was given no URL that it knows: {_WAYS}; the options that "
            f"it takes are {options}"
        )
        raise ConfigurationError(msg) from None


def shown(options: Mapping[str, Any], /) -> str:
    """
    Return where the server is, and nothing else of the URL.
    """
    if "path" in options:
        return f"unix://{options['path']}"
    return f"{options['host']}:{options['port']}"


def _options(url: str) -> dict[str, Any]:
    scheme, is_one, _ = url.partition("://")
    parts = urlsplit(url)
    options: dict[str, Any] = dict(
        parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    )
    taken = _FOR_ALL | _FOR_TLS if scheme == "rediss" else _FOR_ALL
    if scheme not in KINDS or not is_one or parts.fragment or options.keys() - taken:
        raise ValueError
    options |= {"connection_class": KINDS[scheme]}
    options |= _socket(parts) if scheme == "unix" else _place(parts)
    options["db"] = _number(options.get("db", "0"))
    if parts.username:
        options["username"] = unquote(parts.username)
    if parts.password:
        options["password"] = unquote(parts.password)
    return options


def _socket(parts: SplitResult) -> dict[str, Any]:
    if not parts.path:
        raise ValueError
    return {"path": unquote(parts.path)}


def _place(parts: SplitResult) -> dict[str, Any]:
    place: dict[str, Any] = {
        "host": unquote(parts.hostname or "localhost"),
        "port": 6379 if parts.port is None else parts.port,
    }
    if parts.path not in {"", "/"}:
        place["db"] = parts.path.removeprefix("/")
    return place


def _number(text: str) -> int:
    # The driver would take any other text for the first database.
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError
    return int(text)
