"""Text that merchants send: one normal form, nothing invisible, nothing that reorders what is seen (5.9)."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import idna

from quickkub.api.strictjson import ParameterInvalid

# Zero-width and filling characters whose general category does not give them away.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_BANNED_CATEGORIES: Final = {
    "Cc": "a control character",
    "Cf": "an invisible or direction-changing character",
    "Cs": "half a surrogate pair",
    "Co": "a private-use character",
    "Cn": "a character that is not assigned",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_HOST_LETTERS_MAX: Final = 254

METADATA_KEYS_MAX: Final = 50
METADATA_KEY_LETTERS_MAX: Final = 40
METADATA_VALUE_LETTERS_MAX: Final = 500
URL_LETTERS_MAX: Final = 2048


def plain_text(text: str, param: str, *, letters_max: int) -> str:
    """The text in NFC. Raises ParameterInvalid when it is blank, too long or holds what cannot be seen."""
    normal = unicodedata.normalize("NFC", text)
    if not normal.strip():
        raise ParameterInvalid("must not be blank", param=param)
    if len(normal) > letters_max:
        raise ParameterInvalid(f"must be at most {letters_max} characters, got {len(normal)}", param=param)
    _refuse_unseen(normal, param)
    return normal


def plain_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata in NFC. Values may be empty. Raises ParameterInvalid with the key in `param`."""
    if len(metadata) > METADATA_KEYS_MAX:
        raise ParameterInvalid(f"must have at most {METADATA_KEYS_MAX} keys", param="metadata")
    plain = {}
    for key, value in metadata.items():
        name = plain_text(key, "metadata", letters_max=METADATA_KEY_LETTERS_MAX)
        param = f"metadata.{name}"
        if name in plain:
            raise ParameterInvalid("is the same as another key once both are in NFC", param=param)
        plain[name] = plain_text(value, param, letters_max=METADATA_VALUE_LETTERS_MAX) if value else ""
    return plain


def web_address(text: str, param: str) -> str:
    """An http or https address a payer's browser can be sent to, host in its ASCII form.

    Raises ParameterInvalid for other schemes, credentials, missing or impossible hosts and ports. Says
    nothing about whether this machine may call it.
    """
    if len(text) > URL_LETTERS_MAX:
        raise ParameterInvalid(f"must be at most {URL_LETTERS_MAX} characters", param=param)
    if any(letter.isspace() for letter in text) or "\\" in text:
        raise ParameterInvalid("must not hold spaces or backslashes", param=param)
    _refuse_unseen(text, param)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ParameterInvalid("is not an address", param=param) from None
    if parts.scheme not in ("http", "https"):
        raise ParameterInvalid("must begin with http:// or https://", param=param)
    if parts.username is not None or parts.password is not None:
        raise ParameterInvalid("must not hold a user name or password", param=param)
    if not host or port == 0:
        raise ParameterInvalid("must name a host", param=param)
    at_port = f":{port}" if port is not None else ""
    return parts._replace(netloc=_ascii_host(host, param) + at_port).geturl()


def _ascii_host(host: str, param: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ParameterInvalid("does not name a possible host", param=param) from None
    try:
        ascii_host = host if host.isascii() else idna.encode(host, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise ParameterInvalid("does not name a possible host", param=param) from None
    # A full-width slash becomes an ASCII one above, so the shape is checked after the conversion.
    if len(ascii_host) > _HOST_LETTERS_MAX or _HOST.fullmatch(ascii_host) is None:
        raise ParameterInvalid("does not name a possible host", param=param)
    return ascii_host


def _refuse_unseen(text: str, param: str) -> None:
    if text.isascii() and text.isprintable():
        return
    for letter in text:
        what = _BANNED_CATEGORIES.get(unicodedata.category(letter))
        if what is None and letter in _INVISIBLE:
            what = "an invisible character"
        if what is not None:
            raise ParameterInvalid(f"must not hold {what} (U+{ord(letter):04X})", param=param)
