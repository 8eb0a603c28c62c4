"""An entry as the bytes that are hashed: JSON in the one form RFC 8785 allows."""

from __future__ import annotations

from typing import Any

import rfc8785


class NotCanonical(ValueError):
    """A value has no form in RFC 8785: a number beyond 2^53, one that is none, or text that is not UTF-8."""


def canonical_json(value: Any) -> bytes:
    """The JSON of a value, the same for everybody: names sorted, no spaces. Raises NotCanonical."""
    try:
        return rfc8785.dumps(value)
    except (ValueError, RecursionError) as trouble:
        raise NotCanonical(str(trouble)) from trouble
