"""Where a request comes from: the connection's other end, or what a trusted proxy says stood before it.

X-Forwarded-For is a list that every proxy appends to, and that anybody may begin. It is read from its end,
and only as long as each hop is a proxy named by the operator (QUICKKUB_TRUSTED_PROXIES).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Final

from quickkub.telemetry import get_logger

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOPS_MAX: Final = 20
_IPV6_SITE_BITS: Final = 64
"""What one customer of an IPv6 network gets at the least (RFC 6177); all of it is one caller to us."""

_log = get_logger("api")


class Clients:
    """Finds the address behind the proxies an operator trusts."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """`trusted` are addresses or networks (CIDR). Raises ValueError for one that is neither."""
        self._trusted: Sequence[Network] = [ipaddress.ip_network(one, strict=False) for one in trusted]
        self._has_warned = False

    def address(self, scope: Any) -> str | None:
        """The caller's address, or None where the server knows none (a Unix socket)."""
        client = scope.get("client")
        peer = parsed(client[0]) if client else None
        if peer is None:
            return None
        told = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if not told:
            return str(peer)
        if not self._trusts(peer):
            self._warn(peer)
            return str(peer)
        return str(self._behind(peer, b",".join(told).decode("latin-1").split(",")))

    def _behind(self, peer: Address, hops: Sequence[str]) -> Address:
        """The last hop that is not a proxy of ours; a hop that is no address ends what can be believed."""
        believed = peer
        for hop in reversed(hops[-_HOPS_MAX:]):
            address = parsed(hop.strip())
            if address is None:
                return believed
            believed = address
            if not self._trusts(address):
                return believed
        return believed

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted if network.version == address.version)

    def _warn(self, peer: Address) -> None:
        """Said once: behind an unnamed proxy all callers share its address, and its limit."""
        if not self._has_warned and (peer.is_private or peer.is_loopback):
            self._has_warned = True
            _log.warning(
                "a proxy says for whom it asks, and QUICKKUB_TRUSTED_PROXIES does not name it: not believed"
            )


def parsed(text: str) -> Address | None:
    """The address in the text, IPv4 where it is IPv4 written as IPv6; None for anything else."""
    if text.startswith("[") and "]" in text:
        text = text[1 : text.index("]")]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def block(address: str | None) -> str:
    """Under which name an address is counted: IPv4 by itself, IPv6 by its /64."""
    found = parsed(address or "")
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS, _IPV6_SITE_BITS)))
    return str(found) if found is not None else "nowhere"
