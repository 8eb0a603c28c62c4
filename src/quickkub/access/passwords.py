"""Which passwords are taken: 12 to 128 characters, no composition rules, nothing everybody tries first.

The shipped list holds words, names and keyboard walks, not finished passwords. A password is reduced before
it is looked up (capitals, look-alikes, digits and signs at its ends, repetitions), so that one word stands
for the thousands that are made of it.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from quickkub.kernel.errors import Kind, Refusal

LETTERS_MIN: Final = 12
LETTERS_MAX: Final = 128

_LIST: Final = Path(__file__).with_name("common_passwords.txt")
_LOOK_ALIKES: Final = str.maketrans("@4831!0$57+", "aabeiiosstt")
_DIGITS: Final = "0123456789๐๑๒๓๔๕๖๗๘๙"  # noqa: RUF001 -- Thai digits, meant
_ENDS: Final = _DIGITS + string.punctuation + string.whitespace
_RUN_STEPS: Final = (
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
)
_WORDS_MAX: Final = 2
_RUN_MIN: Final = 4
_CORE_MIN: Final = 3
_DISTINCT_MIN: Final = 5


class PasswordRefused(Refusal):
    """The password is too short, too long, or one that everybody tries first."""

    code, kind = "password_refused", Kind.UNPROCESSABLE


def normal(password: str) -> str:
    """NFC: the same password typed on another keyboard is the same text."""
    return unicodedata.normalize("NFC", password)


def check_password(password: str, *, email: str, name: str, param: str = "password") -> str:
    """The password in its normal form. Raises PasswordRefused (security-reliability 5.2, ASVS 5.0 6.2)."""
    text = normal(password)
    if len(text) < LETTERS_MIN:
        raise PasswordRefused(f"must have {LETTERS_MIN} characters or more", param=param)
    if len(text) > LETTERS_MAX:
        raise PasswordRefused(f"must have at most {LETTERS_MAX} characters", param=param)
    if _bare(text) in _forms(email, name):
        raise PasswordRefused("must not be your name or e-mail address", param=param)
    if is_common(text):
        raise PasswordRefused("is one of those that everybody tries first", param=param)
    return text


def is_common(password: str) -> bool:
    """Whether it is made of little more than listed words, a run of neighbours, or a repetition."""
    text = normal(password).casefold()
    if len(set(text)) < _DISTINCT_MIN or text in _words():
        return True
    return any(_is_listed(core) for core in _cores(text))


def _cores(text: str) -> Iterator[str]:
    """What may be meant: with and without digits and signs at its ends, and with look-alikes read as letters.

    The digits at the end of p@ssw0rd1234 are digits, those in the middle are letters; where the one ends and
    the other begins is not known, so every cut is looked at.
    """
    begun = text.lstrip(_ENDS)
    kept = len(text.rstrip(_ENDS))
    for whole in {text, begun} - {""}:
        for end in range(max(kept - len(text) + len(whole), _CORE_MIN), len(whole) + 1):
            yield whole[:end]
            yield whole[:end].translate(_LOOK_ALIKES)


def _is_listed(text: str) -> bool:
    core = _once(_bare(text))
    return text in _words() or _is_run(core) or _is_made_of_words(core, _WORDS_MAX)


def _is_made_of_words(text: str, words_max: int) -> bool:
    """Whether it can be cut into so many listed words, runs included, or fewer."""
    if text in _words() or _is_run(text):
        return True
    return words_max > 1 and any(
        _is_made_of_words(text[:cut], 1) and _is_made_of_words(text[cut:], words_max - 1)
        for cut in range(3, len(text) - 2)
    )


def _is_run(text: str) -> bool:
    """`123456789012`, `abcdefghijkl`, and the same backwards."""
    if len(text) < _RUN_MIN:
        return False
    return any(text in steps * 3 or text[::-1] in steps * 3 for steps in _RUN_STEPS)


def _bare(text: str) -> str:
    """Without spaces and signs. Marks of Thai vowels and tones stay: they belong to their words."""
    kept = (letter for letter in text.casefold() if unicodedata.category(letter)[0] in "LNM")
    return "".join(kept)


def _once(text: str) -> str:
    """`abcabcabc` is `abc`."""
    found = re.fullmatch(r"(.+?)\1+", text)
    return found[1] if found else text


def _forms(email: str, name: str) -> set[str]:
    local = email.partition("@")[0]
    said = {_bare(email), _bare(local), _bare(name), _bare(name + local), _bare(local + name)}
    return {one for one in said | {one * 2 for one in said} if one}


@cache
def _words() -> frozenset[str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    said = [line.casefold() for line in lines if line and not line.startswith("# ")]
    return frozenset(said) | frozenset(one for line in said if (one := _bare(line)))
