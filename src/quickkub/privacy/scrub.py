"""Taking somebody out of words: plain values in, plain values out, nothing else touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_OWN_OBJECTS: Final = frozenset({"metadata"})
"""Objects of the merchant's own words about a payment: every value goes, since nobody knows what is in it."""

_OWN_TEXTS: Final = frozenset({"description", "note", "name", "sender_name", "email", "phone"})
_EMPTIED: Final = frozenset({"next_action", "return_url", "payer", "destination"})


@dataclass(frozen=True, slots=True)
class Scrub:
    """Replaces what the patterns find by `pseudonym`."""

    found_by: Sequence[str]
    pseudonym: str

    def text(self, text: str) -> str:
        """A text that may name somebody."""
        if not self.found_by:
            return text
        # All at once: what was put in is not looked into again.
        either = "|".join(f"(?:{pattern})" for pattern in self.found_by)
        return re.sub(either, self.pseudonym, text, flags=re.IGNORECASE)

    def value(self, value: Any) -> Any:
        """Any JSON value, names of fields included, in which somebody may be named."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self.value(inner) for name, inner in value.items()}
            case list():
                return [self.value(inner) for inner in value]
            case int() if not isinstance(value, bool) and self.text(str(value)) != str(value):
                # A telephone number that was written as a number.
                return self.pseudonym
        return value

    def own(self, value: Any) -> Any:
        """An object of the API that is somebody's own: free words go whole, the money facts stay."""
        match value:
            case dict():
                return {name: self._field(name, inner) for name, inner in value.items()}
            case list():
                return [self.own(inner) for inner in value]
        return self.value(value)

    def _field(self, name: str, value: Any) -> Any:
        if value is None or name in _EMPTIED:
            return None
        if name in _OWN_OBJECTS and isinstance(value, dict):
            return self.metadata(value)
        if name in _OWN_TEXTS and isinstance(value, str):
            return self.pseudonym
        return self.own(value)

    def metadata(self, said: dict[str, Any]) -> dict[str, Any]:
        """A merchant's own words about a payment: its names of fields stay where they name nobody."""
        return {self.text(name): self.pseudonym for name in said}
