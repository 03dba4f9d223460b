"""
Keys, base URL, proxies and queue: what the wiring says of itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Final

from ..wiring import UnessAuth
from .findings import Finding, note, ok, serious


# While a rotation lasts there are two.
MOST_KEYS: Final = 3
# Fewer people may well sit in one building.
ENOUGH_PEOPLE: Final = 5
MOST_PEOPLE: Final = 200
LONGEST_LOOK: Final = timedelta(seconds=2)
_SHARED: Final = (
    "all visitors share one network's budgets: who mistypes often enough "
    "keeps everybody out, and the events cannot tell one from the other"
)


def check_keys(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    How many keys there are, how long, and whether they last.
    """
    sizes = auth.keys.sizes
    if auth.parts.has_own_keys:
        yield note(
            "keys",
            "no key was given: each start makes one of its own",
            "links and codes are void after a restart; anywhere but on this machine the "
            "site would refuse to start",
            "make one with `uness-auth keys new`, and keep it with the other secrets",
        )
        return
    plural = "s" if len(sizes) > 1 else ""
    facts = (
        f"{len(sizes)} key{plural} of {min(sizes)} bytes or more; "
        f"{auth.keys.signing_id} signs"
    )
    if len(sizes) > MOST_KEYS:
        yield note(
            "keys",
            facts,
            "whoever got hold of any of them, however old, can make links",
            "take out those that signed nothing in the last days: see the guide to "
            "rotating keys",
        )
    else:
        yield ok("keys", facts)


def check_base_url(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    Whether the base URL is one that people can be mailed.
    """
    site = auth.site
    if site.is_loopback:
        yield note(
            "base URL",
            f"{site.base_url} is this machine alone",
            "mailed links open nowhere else, and the doors for development are open",
            "say where the site answers, as https://portail.example.fr",
        )
    elif _is_ip_address(site.host):
        yield note(
            "base URL",
            f"{site.base_url} is an IP address",
            "people cannot tell whose it is, mail filters distrust such links, and "
            "whoever gets the address next gets them",
            "give the site a name, and a certificate for it",
        )
    elif "." not in site.host:
        yield note(
            "base URL",
            f"{site.host} is a name of the local network only",
            "a link that is opened at home or on a phone leads nowhere",
            "give the site's full name, as https://portail.example.fr",
        )
    else:
        yield ok("base URL", f"{site.base_url}{site.path}")


def check_proxies(
    auth: UnessAuth, /, longest_look: timedelta = LONGEST_LOOK
) -> Iterator[Finding]:
    """
    Whether visitors come from more networks than one.

    Judged by where the sessions were opened that are kept: nothing else says what the
    site really saw.
    """
    told = auth.trusted_proxies
    how_many = told if isinstance(told, int) else ", ".join(map(str, told))
    networks = [*islice(_networks(auth, longest_look), MOST_PEOPLE)]
    if len(networks) < ENOUGH_PEOPLE:
        yield ok(
            "proxies",
            f"trusted_proxies: {how_many}; too few people signed in to compare",
        )
        return
    if len(set(networks)) > 1:
        yield ok(
            "proxies",
            f"trusted_proxies: {how_many}; {len(networks)} people came from "
            f"{len(set(networks))} networks",
        )
        return
    network = networks[0]
    what = (
        f"all of the last {len(networks)} people came from {network or 'no network'}, "
        f"with trusted_proxies: {how_many}"
    )
    if network and not _is_private(network):
        yield note(
            "proxies",
            what,
            f"if that is no campus of yours but a proxy, {_SHARED}",
            "name a campus in trusted_networks; for a proxy say how many there are in "
            "trusted_proxies",
        )
    else:
        yield serious(
            "proxies",
            what,
            _SHARED,
            "say in trusted_proxies how many proxies stand in front, or their "
            "networks, and let each one append to X-Forwarded-For",
        )


def check_queue(auth: UnessAuth, /) -> Iterator[Finding]:
    """
    Whether visitors wait for the mail server.
    """
    queue = auth.parts.queue
    if queue is not None:
        yield ok("queue", f"{type(queue).__name__} delivers the mails")
        return
    yield note(
        "queue",
        "mails leave while the visitor waits",
        "a slow mail server makes the pages slow, and keeps a thread each",
        "give queue=uness_auth.mailers.background.BackgroundQueue()",
    )


def _networks(auth: UnessAuth, longest_look: timedelta) -> Iterator[str]:
    # Of each account the latest session; nobody counts twice.
    registry, lists = auth.parts.stores.registry, auth.parts.stores.session_lists
    if registry is None or lists is None:
        return
    give_up_at = time.monotonic() + longest_look.total_seconds()
    after = ""
    while page := registry.page(after, MOST_PEOPLE):
        for account in page:
            if time.monotonic() > give_up_at:
                return
            for session in lists.of_account(account.id, 1):
                yield session.network
        after = page[-1].id


def _is_private(network: str) -> bool:
    # Of ::1 what is kept begins with ::, which is no visitor's either.
    return ip_network(network, strict=False).network_address.is_private


def _is_ip_address(host: str) -> bool:
    try:
        _ = ip_address(host)
    except ValueError:
        return False
    return True
