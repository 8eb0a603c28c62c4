"""The guard in front of merchants' addresses (SSRF): which URL may be called, and at which network address.

A name is resolved once, every address it has is checked, and the sender connects to those addresses and no
other, so a name that changes its answer in between gains nothing. Source: security-reliability 5.4.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Protocol

import idna

from quickkub.kernel.errors import Kind, Refusal
from quickkub.webhooks.addresses import is_loopback, is_public

URL_LENGTH_MAX: Final = 2048
PORTS: Final = frozenset({443, 8443})
_RESOLVE_SECONDS: Final = 5.0
_ADDRESSES_MAX: Final = 16
_HOST_LENGTH_MAX: Final = 253

# RFC 3986 without what hides where a request goes: no user, no fragment, no backslash, no space.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[^\s\x00-\x20/?#@:\[\]\\%]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ASCII_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")


class UrlRefused(Refusal):
    """We do not call this address: not https, not a public host, or not a URL."""

    code, kind = "webhook_url_refused", Kind.UNPROCESSABLE

    def __init__(self, detail: str) -> None:
        super().__init__(detail, param="url")


class Resolver(Protocol):
    """Where addresses of names come from, so that tests can lie."""

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Every address of `host`. Raises OSError when there is none, TimeoutError when nobody answers."""
        ...


class SystemResolver:
    """The machine's resolver, in threads of its own: a slow name server holds up nothing but webhooks."""

    def __init__(self, threads: int = 16) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook-names")

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Give the threads back without waiting for name servers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in found]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is ASCII (IDNA) in small letters; `url` is what may be requested, rebuilt."""

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them: the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.rest}"


@dataclass(frozen=True, slots=True)
class Cleared:
    """A target that may be called, at these addresses and no other."""

    target: Target
    addresses: tuple[str, ...]

    def by_address(self) -> Target:
        """The target with the first checked address in place of its name."""
        return replace(self.target, host=self.addresses[0])

    @property
    def loopback(self) -> bool:
        """True only where the guard was told that test mode may call this machine."""
        return is_loopback(self.addresses[0])


def read_url(text: str) -> Target:
    """Take a URL apart, or raise UrlRefused. Says nothing yet about where it leads."""
    found = _URL.fullmatch(text) if len(text) <= URL_LENGTH_MAX else None
    if found is None:
        raise UrlRefused(
            "the URL must be absolute, of the form https://host/path, without user, fragment or spaces"
        )
    scheme, port = found["scheme"], found["port"]
    number = int(port) if port else {"https": 443, "http": 80}[scheme]
    if not 1 <= number <= 65535:  # noqa: PLR2004 -- the range of TCP ports
        raise UrlRefused("the URL's port is not a port")
    return Target(scheme, _ascii_host(found["host"]), number, (found["path"] or "/") + (found["query"] or ""))


def _ascii_host(host: str) -> str:
    if host.startswith("["):
        try:
            return str(IPv6Address(host[1:-1]))
        except ValueError as trouble:
            raise UrlRefused("the URL's host is not an IPv6 address") from trouble
    try:
        text = host.lower() if host.isascii() else idna.encode(host, uts46=True, std3_rules=True).decode()
    except idna.IDNAError as trouble:
        raise UrlRefused("the URL's host is not a valid internationalised name") from trouble
    # A full-width slash becomes an ASCII one above, so the shape is checked after the conversion.
    if len(text) > _HOST_LENGTH_MAX + 1 or _ASCII_HOST.fullmatch(text) is None:
        raise UrlRefused("the URL's host is not a host name")
    # 127.1, 0x7f000001, 0177.0.0.1: programs disagree about what these mean, so there is one spelling.
    if _ENDS_IN_NUMBER.fullmatch(text) and not _is_dotted_quad(text):
        raise UrlRefused("an IPv4 address is written as four decimal numbers")
    return text


def _is_dotted_quad(text: str) -> bool:
    try:
        return str(IPv4Address(text)) == text
    except ValueError:
        return False


class Guard:
    """Answers whether a URL may be called now.

    `loopback_in_test_mode` lets endpoints of test mode be on this machine: http or https, any port. It is for
    development; a gateway that serves others leaves it off.
    """

    def __init__(self, resolver: Resolver, *, loopback_in_test_mode: bool = False) -> None:
        self._resolver = resolver
        self._loopback_in_test_mode = loopback_in_test_mode

    async def clear(self, url: str, mode: str) -> Cleared:
        """Resolve and check. Raises UrlRefused; its words never tell what an internal name resolves to."""
        target = read_url(url)
        may_be_here = self._loopback_in_test_mode and mode == "test"
        if not may_be_here:
            _refuse_unless_public_form(target)
        addresses = await self._resolve(target)
        if may_be_here and all(is_loopback(address) for address in addresses):
            return Cleared(target, addresses)
        _refuse_unless_public_form(target)
        if not all(is_public(address) for address in addresses):
            raise UrlRefused("the URL's host has an address that is not on the public internet")
        return Cleared(target, addresses)

    async def _resolve(self, target: Target) -> tuple[str, ...]:
        try:
            found = await self._resolver.addresses(target.host, target.port)
            addresses = tuple(str(ip_address(address)) for address in found)
        except (OSError, ValueError) as trouble:  # TimeoutError is an OSError, UnicodeError a ValueError
            raise UrlRefused("the URL's host cannot be resolved") from trouble
        if not 1 <= len(addresses) <= _ADDRESSES_MAX:
            raise UrlRefused("the URL's host cannot be resolved to a reasonable number of addresses")
        return addresses


def _refuse_unless_public_form(target: Target) -> None:
    if target.scheme != "https":
        raise UrlRefused("the URL must use https")
    if target.port not in PORTS:
        raise UrlRefused("the URL's port must be 443 or 8443")
