"""Moments that callers name: RFC 3339 with a zone, whole seconds, to the letter."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from quickkub.api.strictjson import ParameterInvalid

_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)


def moment(text: str, param: str) -> datetime:
    """The moment in UTC. Raises ParameterInvalid for other forms and for days that do not exist."""
    try:
        if _SHAPE.fullmatch(text) is None:
            raise ValueError
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterInvalid("must be a time such as 2026-11-23T03:33:12Z", param=param) from None


def future(text: str, param: str, now: datetime) -> datetime:
    """The same, and it lies ahead. Raises ParameterInvalid."""
    found = moment(text, param)
    if found <= now:
        raise ParameterInvalid("must lie in the future", param=param)
    return found
