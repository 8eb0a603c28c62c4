"""Lists: who is always blocked, never blocked, or forbidden by law; one entry or a file of many.

A value is checked and written one way before it is hashed, so that what is listed is found again however it
was
spelled. What was said is never stored: only its hash, and what a person may see of it.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from quickkub.fraud.model import ListInvalid
from quickkub.fraud.subject import LIST_KINDS, plain_email, plain_phone, read_address

ROWS_MAX: Final = 100_000
ERRORS_SHOWN: Final = 20
REASON_LETTERS_MAX: Final = 500
VALUE_LETTERS_MAX: Final = 200
COLUMNS: Final = ("kind", "value", "reason", "expires_at")
NEEDED: Final = ("kind", "value", "reason")

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_IPV4_LISTED: Final = range(8, 33)
_IPV6_LISTED: Final = range(16, 65)
_LETTERS_SHOWN: Final = 4
_CARD_NUMBER: Final = re.compile(r"[0-9 -]{12,23}")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One value to be listed, as it is hashed, and as it may be shown."""

    kind: str
    value: str
    reason: str
    expires_at: datetime | None = None

    @property
    def shown(self) -> str:
        """What a person may see of it (security-reliability 5.7)."""
        return _SHOWN.get(self.kind, _as_it_is)(self.value)


def new_entry(kind: str, value: str, reason: str, expires_at: str | None = None) -> NewEntry:
    """An entry from what was said. Raises ListInvalid with the field in `param`."""
    if kind not in LIST_KINDS:
        raise ListInvalid(f"must be one of {', '.join(LIST_KINDS)}", param="kind")
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LETTERS_MAX or not reason.isprintable():
        raise ListInvalid(f"must be a text of 1 to {REASON_LETTERS_MAX} characters", param="reason")
    return NewEntry(kind, plain_value(kind, value), reason, _time(expires_at))


def plain_value(kind: str, value: str) -> str:
    """The one spelling of a value. Raises ListInvalid when it is none of its kind."""
    text = value.strip()
    plain = _PLAIN.get(kind, _as_it_is)(text) if len(text) <= VALUE_LETTERS_MAX else ""
    if not plain or not plain.isprintable():
        raise ListInvalid(f"is not a {kind.replace('_', ' ')}", param="value")
    return plain


def read_csv(text: str) -> list[NewEntry]:
    """All entries of a file with a header line, or none: raises ListInvalid that names the lines at fault.

    Columns are `kind,value,reason` and perhaps `expires_at` (RFC 3339), at most 100,000 lines.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    entries: list[NewEntry] = []
    wrong: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in _numbered(rows):
        try:
            entry = new_entry(row["kind"], row["value"], row["reason"], row.get("expires_at") or None)
        except ListInvalid as trouble:
            wrong.append(f"line {line}: {trouble.param} {trouble.detail}")
            continue
        before = seen.setdefault((entry.kind, entry.value), line)
        if before != line:
            wrong.append(f"line {line}: is the same as line {before}")
        entries.append(entry)
    if wrong:
        more = f"; and {len(wrong) - ERRORS_SHOWN} more" if len(wrong) > ERRORS_SHOWN else ""
        raise ListInvalid("; ".join(wrong[:ERRORS_SHOWN]) + more, param="body")
    if not entries:
        raise ListInvalid("has no entries", param="body")
    return entries


def _numbered(rows: Iterator[Sequence[str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = iter(rows)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not set(NEEDED) <= set(header) <= set(COLUMNS) or len(set(header)) != len(header):
            raise ListInvalid(f"line 1: the columns are {', '.join(COLUMNS)}", param="body")
        line = 1
        for line, row in enumerate(reader, start=2):
            if line > ROWS_MAX + 1:
                raise ListInvalid(f"has more than {ROWS_MAX:,} entries", param="body")
            if len(row) != len(header):
                raise ListInvalid(f"line {line}: has {len(row)} columns, not {len(header)}", param="body")
            yield line, dict(zip(header, row, strict=True))
    except csv.Error as trouble:
        raise ListInvalid(f"is not CSV: {trouble}", param="body") from None


def _time(said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ListInvalid("must be a time such as 2026-12-31T00:00:00Z", param="expires_at")
    return at.astimezone(UTC).replace(microsecond=0)


def _as_it_is(text: str) -> str:
    return text


def _address(text: str) -> str:
    return str(read_address(text) or "")


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return ""
    listed = _IPV4_LISTED if isinstance(network, ipaddress.IPv4Network) else _IPV6_LISTED
    return str(network) if network.prefixlen in listed else ""


def _phone(text: str) -> str:
    digits = plain_phone(text)
    return digits if 8 <= len(digits) <= 15 else ""  # noqa: PLR2004 -- E.164


def _card(text: str) -> str:
    """A fingerprint; a card's number is refused, because it may not be here at all."""
    return "" if _CARD_NUMBER.fullmatch(text) else text


def _fits(pattern: str) -> Callable[[str], str]:
    shape = re.compile(pattern)
    return lambda text: text if shape.fullmatch(text) else ""


_PLAIN: Final[Mapping[str, Callable[[str], str]]] = {
    "card": _card,
    "phone": _phone,
    "email": plain_email,
    "email_domain": lambda text: text.lower() if _DOMAIN.fullmatch(text.lower()) else "",
    "address": _address,
    "network": _network,
    "country": lambda text: _fits("[A-Z]{2}")(text.upper()),
    "bin": _fits("[0-9]{6,8}"),
}


def _tail(text: str) -> str:
    """The last four, of what is long enough that four tell nothing."""
    if len(text) <= _LETTERS_SHOWN * 2:
        return "*" * _LETTERS_SHOWN
    return "*" * min(len(text) - _LETTERS_SHOWN, 8) + text[-_LETTERS_SHOWN:]


def _masked_email(text: str) -> str:
    name, _, domain = text.rpartition("@")
    return f"{name[:1]}***@{domain}"


def _masked_address(text: str) -> str:
    """An address belongs to a household; its block does not."""
    address = ipaddress.ip_address(text)
    length = 24 if isinstance(address, ipaddress.IPv4Address) else 48
    return f"in {ipaddress.ip_network((address, length), strict=False)}"


_SHOWN: Final[Mapping[str, Callable[[str], str]]] = {
    "card": _tail,
    "payer_account": _tail,
    "phone": _tail,
    "email": _masked_email,
    "address": _masked_address,
    "device": _tail,
}
