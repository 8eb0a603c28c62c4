"""Secrets that must stay where they belong, and finding them wherever they do not, in any usual spelling."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

LETTERS_MIN: Final = 8
"""Shorter ones, such as a code of six digits, stand in any number by chance."""

SHOWN_ONCE: Final = frozenset(
    {
        *("secret", "key", "uri", "csrf_token", "challenge", "codes"),
        *("client_secret", "access_token", "refresh_token"),
    }
)
"""Fields of our answers that hold one. Not a checkout's address: who may see the payment sees it again."""

SAID: Final = frozenset(
    {"password", "current_password", "token", "challenge", "invitation", "account_number", "id_number"}
    | {"content", "card_token", "device_id", "card_fingerprint", "phone", "email", "credentials"}
)
"""Fields of requests that hold one, or tell who somebody is."""

_PICTURE_LETTERS: Final = 64


def forms_of(secret: str) -> set[bytes]:
    """A secret in clear, and as base64 at each of its three places, hex, percent-encoded, and within JSON."""
    raw = secret.encode()
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), json.dumps(secret)[1:-1].encode()}
    forms |= {quote(secret, safe="").encode(), "".join(f"%{byte:02X}" for byte in raw).encode()}
    forms |= {quote(secret, safe="").lower().encode()}
    for ahead in range(3):
        plain = base64.b64encode(b"\0" * ahead + raw).rstrip(b"=")
        # The letters at both ends hold bits of what stands beside it.
        inner = plain[-(-ahead * 8 // 6) : (ahead + len(raw)) * 8 // 6]
        forms |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form for form in forms if len(form) >= LETTERS_MIN}


@dataclass
class Bag:
    """Secrets by value, with what each of them is."""

    kinds: dict[str, str] = field(default_factory=dict)

    def put(self, kind: str, secret: str) -> None:
        """Another one to look for."""
        if len(secret) >= LETTERS_MIN:
            self.kinds.setdefault(secret, kind)

    def put_said(self, words: Any) -> None:
        """What a request says that nobody else is to read."""
        for name, value in _named(words):
            if name in SAID:
                # Of a picture, a piece of it that no other picture has.
                self.put(
                    name, value[-2 * _PICTURE_LETTERS : -_PICTURE_LETTERS] if name == "content" else value
                )

    def put_shown(self, words: Any) -> None:
        """What an answer shows once."""
        for name, value in _named(words):
            if name in SHOWN_ONCE:
                self.put(name, value)
                if name == "codes":
                    self.put(name, value.replace("-", ""))

    def finder(self, *, but: Iterable[str] = ()) -> Finder:
        """Looks for all of them, but for those of certain kinds."""
        left_out = set(but)
        return Finder({secret: kind for secret, kind in self.kinds.items() if kind not in left_out})


class Finder:
    """Finds secrets in bytes: by the first letters of each spelling, so that thousands cost one pass."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._begins: dict[bytes, list[tuple[bytes, str]]] = {}
        for secret, kind in kinds.items():
            for form in forms_of(secret):
                self._begins.setdefault(form[:LETTERS_MIN], []).append((form, kind))

    def kinds_in(self, text: bytes) -> set[str]:
        """What kinds of secrets stand in it."""
        begins, found = self._begins, set()
        for place in range(len(text) - LETTERS_MIN + 1):
            for form, kind in begins.get(text[place : place + LETTERS_MIN], ()):
                if text.startswith(form, place):
                    found.add(kind)
        return found


def _named(words: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the name of the field it stands in."""
    match words:
        case str():
            yield name, words
        case dict():
            for key, value in words.items():
                yield from _named(value, str(key))
        case list():
            for value in words:
                yield from _named(value, name)
