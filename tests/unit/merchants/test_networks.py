"""Networks a key is bound to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.merchants.networks import NetworkInvalid, all_within, is_within, read_network


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_an_ipv4_network_written_as_ipv6_is_the_ipv4_network(
    address: ipaddress.IPv4Address, bits: int
) -> None:
    network = ipaddress.ip_network((int(address), bits), strict=False)
    mapped = f"::ffff:{network.network_address}/{bits + 96}"
    assert read_network(mapped) == read_network(str(network)) == network
    assert is_within(f"::ffff:{network.network_address}", [network])
    assert is_within(str(network.network_address), [network])


@given(st.text(max_size=60))
def test_any_text_is_a_network_or_is_refused(text: str) -> None:
    try:
        network = read_network(text)
    except NetworkInvalid:
        return
    assert is_within(str(network.network_address), [network])


@given(st.text(max_size=60))
def test_no_text_that_is_no_address_is_within_everything(text: str) -> None:
    everything = [read_network("0.0.0.0/0"), read_network("::/0")]
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert not is_within(text, everything)


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "300.0.0.0/8", "::1%lo", "\u0661\u0660.0.0.0/8", "10.0.0.0/8 ", "1/2/3"]
)
def test_a_network_with_bits_after_the_prefix_or_strange_letters_is_refused(text: str) -> None:
    with pytest.raises(NetworkInvalid):
        read_network(text)


def test_an_unknown_address_is_within_nothing() -> None:
    assert not is_within(None, [read_network("0.0.0.0/0")])


def test_networks_lie_within_others_of_their_own_kind_only() -> None:
    ten, small, six = read_network("10.0.0.0/8"), read_network("10.1.0.0/16"), read_network("2001:db8::/32")
    assert all_within([small], [ten]) and all_within([six, small], [ten, six]) and all_within([], [])
    assert not all_within([ten], [small])
    assert not all_within([six], [ten])
    assert not all_within([], [ten])
