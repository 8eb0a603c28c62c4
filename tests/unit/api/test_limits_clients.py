"""Whose address a request is counted under."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.api.clients import Clients, block

PROXIES = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    return {
        "client": None if peer is None else (peer, 4321),
        "headers": [(b"x-forwarded-for", text.encode("latin-1")) for text in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_said_to_be"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["1.1.1.1", "198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.1.2.3", ["10.4.4.4, 127.0.0.1"], "10.4.4.4"),
        ("10.1.2.3", ["198.51.100.1, not an address"], "10.1.2.3"),
        ("10.1.2.3", ["not an address, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [""], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1:5555"], "198.51.100.1"),
        ("10.1.2.3", ["[2001:db8::1]:5555"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.1.2.3", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        (None, ["1.1.1.1"], None),
    ],
)
def test_only_a_proxy_that_was_named_is_believed_and_only_about_the_hop_before_it(
    peer: str | None, forwarded: list[str], is_said_to_be: str | None
) -> None:
    assert Clients(PROXIES).address(scope(peer, *forwarded)) == is_said_to_be


@given(
    st.lists(
        st.text(max_size=40).map(lambda text: text.encode("latin-1", "ignore").decode("latin-1")), max_size=4
    )
)
def test_nothing_a_stranger_writes_in_the_header_moves_the_address(forwarded: list[str]) -> None:
    assert Clients(PROXIES).address(scope("203.0.113.9", *forwarded)) == "203.0.113.9"
    believed = Clients(PROXIES).address(scope("10.1.2.3", *forwarded, "198.51.100.7"))
    assert believed == "198.51.100.7"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "nowhere"),
        ("", "nowhere"),
    ],
)
def test_an_ipv6_customer_is_one_caller_with_all_their_addresses(address: str | None, name: str) -> None:
    assert block(address) == name
