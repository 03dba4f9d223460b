"""
Which network a request comes from, believing only the proxies one was told of.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias


Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
# More hops than any real chain of proxies; the rest is a client's invention.
MOST_HOPS: Final = 32
IPV6_PREFIX: Final = 64


def client_address(
    peer: str | None, forwarded: str, trusted: int | Sequence[Network], /
) -> Address | None:
    """
    Return the client's address.

    Args:
        peer: The socket's address; None for a unix socket, which counts as a proxy.

        forwarded: The X-Forwarded-For headers, joined by commas: each proxy appends
            whom it heard from, so only the right end can be believed.

        trusted: How many hops to believe, or the networks of one's proxies.

    Returns:
        None where nobody who is trusted says.  Never raises on bad input.
    """
    hops = [*forwarded.split(",")[-MOST_HOPS:], peer] if forwarded else [peer]
    nearest_first = [_parsed(hop) for hop in reversed(hops)]
    client = nearest_first[0]
    for distance, hop in enumerate(nearest_first):
        # The socket's own end is always true, the others as far as one believes.
        if distance > 0 and hop is None:
            break
        client = hop
        if not _is_proxy(hop, distance, trusted):
            break
    return client


def network_of(address: Address | None, /) -> str:
    """
    Return what budgets are kept for: the IPv4 address, or the /64 of an IPv6 one.

    A customer of an IPv6 provider has a whole /64 to come from.
    """
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address.packed, IPV6_PREFIX), strict=False))


def is_within(address: Address | None, networks: Sequence[Network], /) -> bool:
    """
    Say whether *address* lies in one of *networks*.
    """
    return address is not None and any(address in network for network in networks)


def _is_proxy(
    hop: Address | None, distance: int, trusted: int | Sequence[Network]
) -> bool:
    if isinstance(trusted, int):
        return distance < trusted
    return hop is None or is_within(hop, trusted)


def _parsed(hop: str | None) -> Address | None:
    text = (hop or "").strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
