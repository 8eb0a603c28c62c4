"""Which network addresses a merchant's endpoint may have. Pure: text in, yes or no out.

"Not private" is not the question: 100.64/10 is neither private nor public, and the standard library (3.11)
calls NAT64, 6to4 and IPv4-compatible forms of 127.0.0.1 global. So an IPv6 address must lie in the space that
is allocated for public use, must not hide an IPv4 address of an old tunnel, and a translated IPv4 address is
judged as the IPv4 address it stands for. Source: security-reliability 5.4; IANA special-purpose registries.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NAT64: Final = IPv6Network("64:ff9b::/96")
_PUBLIC_V6: Final = IPv6Network("2000::/3")

_REFUSED_V4: Final = (
    # Special purposes (RFC 6890). The standard library knows most of them, but its list differs by version.
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.31.196.0/24"),
    IPv4Network("192.52.193.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("192.175.48.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
    # A public address that inside one large cloud answers as the machine's own host.
    IPv4Network("168.63.129.16/32"),
)
_REFUSED_V6: Final = (
    # Protocol assignments, Teredo (2001::/32) among them: nobody serves webhooks from a tunnel.
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    # 6to4 carries an IPv4 address and is deprecated (RFC 7526).
    IPv6Network("2002::/16"),
    IPv6Network("2620:4f:8000::/48"),
    IPv6Network("3fff::/20"),
)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address a resolver named, or None when the text is none or is bound to an interface (`%eth0`)."""
    if "%" in text:
        return None
    try:
        return _translated(ip_address(text))
    except ValueError:
        return None


def is_public(text: str) -> bool:
    """Whether this is an address of the public internet, whatever it is wrapped in."""
    address = read_address(text)
    if address is None or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _REFUSED_V6)


def is_loopback(text: str) -> bool:
    """Whether this is the machine itself: 127.0.0.0/8 or ::1, also written as IPv4-mapped.

    The NAT64 form of 127.0.0.1 is not: it would leave through the translator.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _translated(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address behind IPv4-mapped (RFC 4291) and well-known NAT64 (RFC 6052) forms, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
