"""Where a key may be used from: networks in CIDR form, IPv4 and IPv6.

An IPv4 address that arrives in its IPv6 form (`::ffff:192.0.2.1`, RFC 4291 2.5.5.2) is the IPv4 address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, TypeAlias

from quickkub.kernel.errors import Kind, Refusal

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_LETTERS_MAX: Final = 43
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


class NetworkInvalid(Refusal):
    """A network is not written as an address with the length of its prefix."""

    code, kind = "network_invalid", Kind.INVALID


def read_network(text: str, param: str = "networks") -> Network:
    """`192.0.2.0/24`, `2001:db8::/32`, or an address.

    Raises NetworkInvalid, also for bits that are set after the prefix.
    """
    try:
        if len(text) > _LETTERS_MAX or not text.isascii() or "%" in text:
            raise ValueError
        network = ipaddress.ip_network(text)
    except ValueError:
        raise NetworkInvalid(
            "must be a network such as 192.0.2.0/24 or 2001:db8::/32, with no bit set after the prefix",
            param=param,
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        four = network.network_address.ipv4_mapped
        assert four is not None, "it lies in the mapped range"
        return ipaddress.IPv4Network((four, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_within(address: str | None, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks. What cannot be read as an address lies in none."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def all_within(inner: Sequence[Network], outer: Sequence[Network]) -> bool:
    """Whether every inner network lies in one of the outer ones. No outer network: anywhere."""
    return not outer or (bool(inner) and all(any(_covers(one, each) for one in outer) for each in inner))


def _covers(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )
