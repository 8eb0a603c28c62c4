"""Where a payer may be sent back to: only to addresses a merchant put on its list (security-reliability 5.8).

Pure: text in, yes or no out. Our server reads an address here and the payer's browser reads it again, by the
WHATWG's rules and not by ours. Whatever the two could read differently (a name before the host, a backslash,
a dot at the host's end, dots that climb out of a folder, characters nobody sees) is on no list.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import idna

LETTERS_MAX: Final = 2048
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HOST: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_HOST_LETTERS_MAX: Final = 253
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Place:
    """An address as far as it counts: host in lower case and ASCII, the default port written out, and the
    path without slashes at its end, its escapes in upper case. Query and fragment are the merchant's own."""

    scheme: str
    host: str
    port: int
    path: str
    is_bare: bool
    """Whether neither a query nor a fragment follows."""

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, by one of its three plain names."""
        return self.host in _LOOPBACK

    def holds(self, other: Place) -> bool:
        """Whether `other` is this place or lies below it: `/a` holds `/a` and `/a/b`, not `/ab`."""
        same_origin = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same_origin and (other.path == self.path or other.path.startswith(self.path + "/"))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_place(address: str) -> Place | None:
    """The place an http or https address names, or None when two readers could read it differently."""
    if len(address) > LETTERS_MAX or "\\" in address or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0 or "@" in parts.netloc:
        return None
    plain_host, path = _plain_host(host, is_bracketed="[" in parts.netloc), _plain_path(parts.path)
    if plain_host is None or path is None:
        return None
    is_bare = "?" not in address and "#" not in address
    return Place(parts.scheme, plain_host, port or _DEFAULT_PORTS[parts.scheme], path, is_bare)


def read_entry(text: str) -> Place | None:
    """An entry of a merchant's list: an https origin, or one with the beginning of a path; else None."""
    place = read_place(text)
    return place if place is not None and place.scheme == "https" and place.is_bare else None


def is_listed(address: str, entries: Collection[str], mode: str) -> bool:
    """Whether a payer of a payment in this mode may be sent to `address`.

    Test mode knows this machine as well, listed or not, so that a shop can be built on one's own desk; and
    until there is a list it knows every address, since a first try must work and nobody's money is in it.
    """
    place = read_place(address)
    if place is None:
        return False
    if mode == "test" and (place.is_loopback or not entries):
        return True
    listed = (read_entry(entry) for entry in entries)
    return any(entry.holds(place) for entry in listed if entry is not None)


def _plain_host(host: str, *, is_bracketed: bool) -> str | None:
    """The host as a browser will look it up. Of IPv6 addresses only this machine's own is a place."""
    if is_bracketed:
        return host if host == "::1" else None
    try:
        # Text that is ASCII already may hold Punycode nobody could have typed; it is encoded as it was read.
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return None
    fits = len(ascii_host) <= _HOST_LETTERS_MAX and _HOST.fullmatch(ascii_host) is not None
    return ascii_host if fits else None


def _plain_path(path: str) -> str | None:
    if _STRAY_PERCENT.search(path):
        return None
    # Browsers take `%2e` for a dot and servers `%2f` and `%5c` for what divides folders.
    if any(step in (".", "..") for step in re.split(r"[/\\]", unquote(path, errors="replace"))):
        return None
    escaped = _ESCAPE.sub(lambda found: found[0].upper(), quote(path, safe=_VISIBLE))
    return escaped.rstrip("/")
