"""
A client cannot choose the network that its budgets are kept for.
"""

from __future__ import annotations

import random
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web.proxies import (
    MOST_HOPS,
    client_address,
    is_within,
    network_of,
)


PEER = "203.0.113.9"
PROXIES = tuple(map(ip_network, ["10.0.0.0/8", "fd00::/8"]))

hops = st.one_of(
    st.ip_addresses().map(str),
    st.text(max_size=20),
    st.sampled_from(["", "unknown", "_hidden", "10.0.0.1", "[::1]:80", "fe80::1%eth0"]),
)


class TestClientAddress:
    @given(st.lists(hops, max_size=40).map(",".join))
    def test_nobody_is_believed_by_default(self, forwarded: str) -> None:
        """
        P28: with no proxy the socket decides, whatever X-Forwarded-For says.
        """
        assert ip_address(PEER) == client_address(PEER, forwarded, 0)

    @given(st.lists(hops, max_size=40))
    def test_one_proxy_is_believed_for_its_own_word(self, before: list[str]) -> None:
        """
        P28: with one proxy the right-most hop counts, whatever a client wrote before
        it.
        """
        forwarded = ",".join([*before, "198.51.100.7"])

        assert ip_address("198.51.100.7") == client_address("10.0.0.1", forwarded, 1)

    def test_two_proxies(self) -> None:
        """
        With two proxies it is the second from the right.
        """
        forwarded = "1.1.1.1, 198.51.100.7, 10.0.0.2"

        assert ip_address("198.51.100.7") == client_address("10.0.0.1", forwarded, 2)

    def test_more_proxies_than_hops(self) -> None:
        """
        Where fewer hops came than are believed, the farthest one is the client.
        """
        assert ip_address("198.51.100.7") == client_address(PEER, "198.51.100.7", 5)
        assert ip_address(PEER) == client_address(PEER, "", 5)

    def test_networks_are_believed_while_they_last(self) -> None:
        """
        From the right, the first hop that is none of our proxies is the client.
        """
        forwarded = "10.9.9.9, 198.51.100.7, fd00::2, 10.0.0.2"

        assert ip_address("198.51.100.7") == client_address(
            "10.0.0.1", forwarded, PROXIES
        )
        assert ip_address(PEER) == client_address(PEER, forwarded, PROXIES)

    def test_only_our_own_networks(self) -> None:
        """
        A request from one proxy for another is the farthest one's.
        """
        assert ip_address("10.3.3.3") == client_address(
            "10.0.0.1", "10.3.3.3, 10.0.0.2", PROXIES
        )

    @pytest.mark.parametrize("trusted", [1, 2, PROXIES], ids=["1", "2", "networks"])
    def test_garbage_ends_the_chain(self, trusted: int | tuple[()]) -> None:
        """
        Behind something that is no address nothing is believed.
        """
        assert ip_address("10.0.0.1") == client_address(
            "10.0.0.1", "198.51.100.7, unknown", trusted
        )

    def test_a_unix_socket_is_a_proxy(self) -> None:
        """
        A peer without an address is a hop to count, and one that networks trust.
        """
        assert ip_address("1.2.3.4") == client_address(None, "9.9.9.9, 1.2.3.4", 1)
        assert ip_address("1.2.3.4") == client_address(None, "1.2.3.4", PROXIES)
        assert ip_address("1.2.3.4") == client_address("", "1.2.3.4", PROXIES)
        assert client_address(None, "1.2.3.4", 0) is None
        assert client_address(None, "", 1) is None
        assert client_address(None, "garbage", PROXIES) is None

    @pytest.mark.parametrize(
        ("hop", "address"),
        [
            ("1.2.3.4", "1.2.3.4"),
            (" 1.2.3.4\t", "1.2.3.4"),
            ("1.2.3.4:5678", "1.2.3.4"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::FFFF:102:304", "1.2.3.4"),
            ("[::ffff:1.2.3.4]:80", "1.2.3.4"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
        ],
    )
    def test_spellings(self, hop: str, address: str) -> None:
        """
        P29: ports, brackets, zones, case and mapped addresses change nothing.
        """
        assert ip_address(address) == client_address("10.0.0.1", hop, 1)
        assert ip_address(address) == client_address(hop, "", 0)

    @pytest.mark.parametrize(
        "hop",
        [
            "",
            "unknown",
            "_secret",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "0x7f.0.0.1",
            "2130706433",
            "1.2.3.256",
            "\uff11.2.3.4",
            "1.2.3.4/24",
            "[",
            "]",
            "[]",
            ":",
            "::::",
            "%eth0",
            "\x00",
            "'; drop table--",
            "for=1.2.3.4",
        ],
    )
    def test_what_is_no_address(self, hop: str) -> None:
        """
        Anything else is nobody, and never an exception.
        """
        assert client_address(hop, "", 0) is None

    def test_a_long_header_is_not_walked(self) -> None:
        """
        No more hops are looked at than a real chain has, from the right.
        """
        forwarded = ",".join(["9.9.9.9"] + ["10.0.0.1"] * 10_000)

        assert ip_address("10.0.0.1") == client_address(
            "10.0.0.1", forwarded, MOST_HOPS * 1_000
        )
        assert ip_address("10.0.0.1") == client_address("10.0.0.1", forwarded, PROXIES)

    @given(
        st.one_of(st.none(), hops, st.text()),
        st.one_of(st.text(), st.lists(hops).map(",".join)),
        st.one_of(st.integers(0, 50), st.just(()), st.just(PROXIES)),
    )
    def test_any_text(
        self, peer: str | None, forwarded: str, trusted: int | tuple[()]
    ) -> None:
        """
        No header and no peer raises, here or in what budgets are kept for.
        """
        address = client_address(peer, forwarded, trusted)
        network = network_of(address)

        assert (address is None) == (network == "")


class TestNetworkOf:
    def test_ipv4_stands_for_itself(self) -> None:
        """
        An IPv4 address is a network of one.
        """
        assert "1.2.3.4" == network_of(ip_address("1.2.3.4"))

    @given(st.integers(0, 2**64 - 1))
    def test_one_ipv6_customer_is_one_network(self, host: int) -> None:
        """
        P29: all addresses of a /64 have one budget.
        """
        prefix = int(ip_address("2001:db8:1:2::"))

        assert "2001:db8:1:2::/64" == network_of(ip_address(prefix + host))

    def test_five_thousand_of_one_customer(self) -> None:
        """
        P29: 5,000 addresses of a /64, however they are written, are one network.
        """
        chance = random.Random(29)  # noqa: S311 - addresses to invent
        first = int(IPv6Address("2001:db8:1:2::"))
        texts = set()
        for _ in range(5_000):
            address = IPv6Address(first + chance.getrandbits(64))
            texts |= {str(address), address.exploded, address.exploded.upper()}
        networks = {network_of(client_address(text, "", 0)) for text in texts}

        assert {"2001:db8:1:2::/64"} == networks

    def test_the_neighbour_is_another(self) -> None:
        """
        The next /64 is somebody else.
        """
        assert "2001:db8:1:3::/64" == network_of(ip_address("2001:db8:1:3::1"))

    def test_nobody_has_none(self) -> None:
        """
        Without an address there is no network.
        """
        assert "" == network_of(None)


class TestIsWithin:
    def test_campus(self) -> None:
        """
        An address lies in a network of its own family, or not.
        """
        assert is_within(ip_address("10.1.2.3"), PROXIES)
        assert is_within(ip_address("fd00::1"), PROXIES)
        assert not is_within(ip_address("11.1.2.3"), PROXIES)
        assert not is_within(ip_address("10.1.2.3"), ())
        assert not is_within(None, PROXIES)
