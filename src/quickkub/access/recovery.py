"""Ten codes on paper, each good once, for the day the telephone is gone."""

from __future__ import annotations

import secrets
from typing import Final

from quickkub.access.opaque import fingerprint

CODES: Final = 10
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without letters and digits that look alike on paper."""

_LETTERS: Final = 24
"""118 random bits. With 112 or more a plain hash of a code is as good as a slow one (ASVS 6.5.2)."""

_APP_LETTERS_MAX: Final = 8
_GROUP: Final = 4


def new_codes() -> list[str]:
    """Ten codes, in groups of four. Shown once."""
    return [_grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))) for _ in range(CODES)]


def hash_code(user_id: str, code: str) -> bytes:
    """What is stored of a code. How it is grouped and its capitals make no difference."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return fingerprint(f"recovery:{user_id}:{plain}")


def looks_like_one(code: str) -> bool:
    """Whether it is no code of an app: longer than those are."""
    return len(code) > _APP_LETTERS_MAX


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))
