"""Which addresses a merchant's endpoint may have."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.webhooks.addresses import is_loopback, is_public

NAT64 = IPv6Network("64:ff9b::/96")
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "203.150.1.1",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
]

HOSTILE = {
    "127.0.0.1": "this machine",
    "127.255.255.254": "this machine, written otherwise",
    "0.0.0.0": "any address of this machine",
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private, last of its range",
    "192.168.1.1": "private",
    "169.254.169.254": "where clouds keep credentials",
    "100.64.0.1": "shared by a provider's customers",
    "100.100.100.200": "where another cloud keeps credentials",
    "192.0.0.192": "where a third one does",
    "168.63.129.16": "a cloud's host, although the address is public",
    "192.0.2.1": "for documentation",
    "198.18.0.1": "for benchmarks",
    "198.51.100.1": "for documentation",
    "203.0.113.1": "for documentation",
    "192.88.99.1": "old 6to4 relays",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "this machine",
    "::127.0.0.1": "IPv4-compatible form of this machine",
    "::ffff:127.0.0.1": "IPv4-mapped form of this machine",
    "::ffff:10.0.0.1": "IPv4-mapped private",
    "::ffff:169.254.169.254": "IPv4-mapped credentials",
    "64:ff9b::7f00:1": "NAT64 form of this machine",
    "64:ff9b::a00:1": "NAT64 form of a private address",
    "64:ff9b::a9fe:a9fe": "NAT64 form of the credentials",
    "64:ff9b:1::808:808": "NAT64 of a local network",
    "2002:7f00:1::": "6to4 form of this machine",
    "2002:a00:1::1": "6to4 form of a private address",
    "2002:808:808::1": "6to4 at all",
    "2001:0:7f00:1::": "Teredo of this machine",
    "2001:0:53aa:64c:0:fbfe:80ff:fffe": "Teredo with this machine behind it",
    "fc00::1": "unique local",
    "fd00:ec2::254": "unique local, where a cloud keeps credentials",
    "fe80::1": "link local",
    "fe80::1%eth0": "bound to an interface",
    "fec0::1": "site local",
    "ff02::1": "multicast",
    "100::1": "discarded",
    "2001:db8::1": "for documentation",
    "3fff::1": "for documentation",
    "5f00::1": "segment routing",
    "4000::1": "not allocated to anyone",
    "localhost": "not an address",
    "127.1": "not an address",
    "": "not an address",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", HOSTILE)
def test_no_other_address_may_be_called(address: str) -> None:
    assert not is_public(address), HOSTILE[address]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_recognised(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0", "8.8.8.8", "x"]
)
def test_what_leaves_this_machine_is_not_taken_for_it(address: str) -> None:
    assert not is_loopback(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_public_only_if_the_standard_library_agrees(address: IPv4Address) -> None:
    if is_public(str(address)):
        assert address.is_global and not address.is_multicast and not address.is_private


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_public_only_in_allocated_space(address: IPv6Address) -> None:
    if is_public(str(address)) and address.ipv4_mapped is None and address not in NAT64:
        assert address.is_global and int(address) >> 125 == 0b001


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_never_makes_it_public(address: IPv4Address) -> None:
    number = int(address)
    mapped, nat64 = IPv6Address(0xFFFF << 32 | number), IPv6Address(0x64FF9B << 96 | number)
    tunnels = (
        IPv6Address(number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x20010000 << 96 | number << 64 | 1),
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (~number & 0xFFFFFFFF)),
    )
    assert is_public(str(mapped)) == is_public(str(nat64)) == is_public(str(address))
    assert not any(is_public(str(tunnel)) for tunnel in tunnels)


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_public(text) in (True, False)
    assert is_loopback(text) in (True, False)
