"""What an entry may hold: shown values, without secrets and personal data, small, the same when read back.

PostgreSQL and RFC 8785 are both narrower than JSON in Python. What one of them would refuse or change becomes
text here, so that an entry read from the database hashes as the one that was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quickkub.telemetry.redaction import redact, redact_value

TEXT_LETTERS_MAX: Final = 1_000
ITEMS_MAX: Final = 100
DEPTH_MAX: Final = 8
AGENT_LETTERS_MAX: Final = 300
_CUT: Final = "…"
_INT_MAX: Final = 2**53 - 1
"""The largest whole number every reader of JSON keeps (RFC 8785, 3.2.2.3)."""


def clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """`before` or `after` as stored: masked by the central redactor (5.7), then cut to size."""
    kept: dict[str, Any] = _fit(redact_value(dict(values)), DEPTH_MAX)
    return kept


def clean_text(text: str | None, letters_max: int = TEXT_LETTERS_MAX) -> str | None:
    """Text that came from outside: masked, without the NUL that PostgreSQL refuses, cut to size."""
    return None if text is None else _cut(redact(text), letters_max)


def _fit(value: Any, depth: int) -> Any:
    match value:
        case int() | None if value is None or -_INT_MAX <= value <= _INT_MAX:
            return value
        case str():
            return _cut(value, TEXT_LETTERS_MAX)
        case dict() | list() if depth == 0:
            return _CUT
        case dict():
            return _fit_object(value, depth - 1)
        case list():
            fitted = [_fit(inner, depth - 1) for inner in value[:ITEMS_MAX]]
            return fitted if len(value) <= ITEMS_MAX else [*fitted, _CUT]
    # A number with a point, or one too large for some readers: its text is what was meant.
    return redact(str(value))


def _fit_object(value: Mapping[str, Any], depth: int) -> dict[str, Any]:
    some = list(value.items())[:ITEMS_MAX]
    fitted = {_cut(name, TEXT_LETTERS_MAX): _fit(inner, depth) for name, inner in some}
    return fitted if len(value) <= ITEMS_MAX else fitted | {_CUT: f"{len(value) - ITEMS_MAX} more"}


def _cut(text: str, letters_max: int) -> str:
    # A lone surrogate cannot be written as UTF-8, and PostgreSQL takes no NUL.
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "␀")
    return text if len(text) <= letters_max else text[: letters_max - 1] + _CUT
