"""Taking secrets and personal numbers out of text by their shape (security-reliability 5.7, invariant A4).

The allow-list of field names in logs.py is the first fence. This is the second, for what arrives inside a
message or a stack trace: our own key shapes, webhook secrets, bearer tokens, JWTs, card numbers, national
ids.
"""

from __future__ import annotations

import re
from typing import Any, Final

STARS: Final = "***"

_SHAPES: Final = (
    (re.compile(r"\b(Bearer|Basic)\s+[0-9A-Za-z._~+/=*-]+", re.IGNORECASE), r"\1 " + STARS),
    (re.compile(r"\b(qk_(?:live|test)_(?:sk|pk|rk)_)[0-9A-Za-z]+"), r"\1" + STARS),
    # What the OAuth2 server gives out: refresh tokens, codes, client secrets, consent tickets.
    (re.compile(r"\b(qk_(?:rt|ac|cs|ti)_)[0-9A-Za-z_-]+"), r"\1" + STARS),
    (re.compile(r"\b(whsec_)[0-9A-Za-z+/=_-]+"), r"\1" + STARS),
    (re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*"), STARS),
    # user:password@ in an address, as in a database URL.
    (re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"), STARS),
)
_LONG_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_SUSPICIOUS: Final = re.compile(r"qk_|whsec_|eyJ|://|(?i:bearer|basic)|\d(?:[ -]?\d){12}")
"""Every shape holds one of these. Most values hold none, and a log line has many values."""

_THAI_ID_DIGITS: Final = 13
_CARD_HEAD: Final = 6
_TAIL: Final = 4

SECRET_NAMES: Final = re.compile(
    r"secret|password|passwd|passphrase|authorization|cookie|signature|credential|private|pepper|api_?key|token"
    r"|\bdsn\b|recovery_code|(?:^|[_-])(?:pin|cvv|cvc|otp|totp)(?:$|[_-])",
    re.IGNORECASE,
)
"""Names whose values are never shown, whatever they look like."""

_LAST_FOUR: Final = re.compile(
    r"phone|mobile|(?:account|card|passport)_?n(?:o|umber)(?:$|_)|(?:national|citizen|tax|thai)_?id(?:$|_)"
    r"|promptpay_?(?:id|target)",
    re.IGNORECASE,
)
_E_MAIL: Final = re.compile(r"e_?mail", re.IGNORECASE)
"""Names whose values say who somebody is: shown as the last four characters, or first letter and domain."""


def redact(text: str) -> str:
    """The text without secrets: keys become stars, cards keep first six and last four, ids the last four."""
    if not text.isascii():
        # A lone surrogate cannot be written as UTF-8, and a log line must never fail.
        text = text.encode("utf-8", "backslashreplace").decode()
    if _SUSPICIOUS.search(text) is None:
        return text
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return _LONG_NUMBER.sub(_mask_number, text)


def redact_value(value: Any) -> Any:
    """The same for whatever a log field may hold: a number by its digits, a container by what is in it."""
    match value:
        case bool() | None:
            return value
        case int():
            shown = redact(str(value))
            return value if shown == str(value) and value.bit_length() < 64 else shown  # noqa: PLR2004 -- JSON's
        case float():
            return value
        case dict():
            return {str(name): _redact_named(str(name), inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact_value(inner) for inner in value]
        case _:
            return redact(str(value))


def _redact_named(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name):
        return STARS
    if isinstance(value, str | int) and not isinstance(value, bool):
        if _LAST_FOUR.search(name):
            text = str(value)
            # Of something short, four characters would be nearly all.
            return STARS + text[-_TAIL:] if len(text) > 2 * _TAIL else STARS
        if _E_MAIL.search(name) and isinstance(value, str):
            return _mask_e_mail(value)
    return redact_value(value)


def _mask_e_mail(text: str) -> str:
    person, at, domain = redact(text).rpartition("@")
    return f"{person[:1]}{STARS}@{domain}" if at else redact(text)


def _mask_number(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    if len(digits) == _THAI_ID_DIGITS and _is_thai_id(digits):
        return STARS + digits[-_TAIL:]
    if _passes_luhn(digits):
        return digits[:_CARD_HEAD] + STARS + digits[-_TAIL:]
    return found[0]


def _is_thai_id(digits: str) -> bool:
    """13 digits; the last is 11 minus the weighted sum of the others (13 to 2) modulo 11, modulo 10."""
    weighted = sum(int(digit) * weight for digit, weight in zip(digits, range(13, 1, -1), strict=False))
    return (11 - weighted % 11) % 10 == int(digits[-1])


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 -- the digits of a two-digit number
    return total % 10 == 0
