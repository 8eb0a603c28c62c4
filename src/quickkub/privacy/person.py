"""Who somebody is: an address, a telephone number, a name, in plain spelling, and how to find them in text.

The patterns are read by PostgreSQL and by Python alike, so they use only what both understand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from quickkub.kernel.errors import Kind, Refusal

_THAI_DIGITS: Final = 10
_NAME_LETTERS_MIN: Final = 8
_OWN_NAME_LETTERS_MIN: Final = 3
_PHONE_DIGITS_MIN: Final = 8
_COUNTRY: Final = "66"


class PersonUnclear(Refusal):
    """Nothing was said of a person by which they can be found."""

    code, kind = "person_unclear", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody is known by, in plain spelling; empty where it is not known."""

    email: str = ""
    phone: str = ""
    name: str = ""

    def known(self) -> dict[str, str]:
        """What is known, by kind."""
        said = {"email": self.email, "phone": self.phone, "name": self.name}
        return {kind: value for kind, value in said.items() if value}

    def found_by(self) -> dict[str, str]:
        """By what their payments are found. A name belongs to many, so it counts only where nothing else is
        known."""
        sure = {kind: value for kind, value in self.known().items() if kind != "name"}
        return sure or self.known()


def person_of(said: Mapping[str, object]) -> Person:
    """Somebody in plain spelling. Other words about them are passed over."""
    return Person(
        email=plain_email(str(said.get("email") or "")),
        phone=plain_phone(str(said.get("phone") or "")),
        name=plain_name(str(said.get("name") or "")),
    )


def read_person(said: Mapping[str, object]) -> Person:
    """The same for what somebody asks by. Raises PersonUnclear."""
    person = person_of(said)
    if not person.known():
        raise PersonUnclear("say an e-mail address, a telephone number or a name", param="person")
    return person


def plain_email(text: str) -> str:
    """Small letters; empty where there is no address."""
    plain = _nfkc(text).lower()
    return plain if re.fullmatch(r"[^@\s]+@[^@\s]+", plain) else ""


def plain_phone(text: str) -> str:
    """Digits; a Thai number begins with 0, however it was written. Empty where there are too few."""
    digits = re.sub(r"[^0-9]", "", _nfkc(text))
    if digits.startswith(_COUNTRY) and len(digits) == _THAI_DIGITS + 1:
        return "0" + digits[len(_COUNTRY) :]
    return digits if len(digits) >= _PHONE_DIGITS_MIN else ""


def plain_name(text: str) -> str:
    """Small letters, with one space between words."""
    return " ".join(_nfkc(text).lower().split())


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def patterns(people: Iterable[Person], *, own: bool) -> list[str]:
    """Regular expressions, read without regard to case, that find the people's names, numbers and addresses.

    `own`: in words about them, where any name counts; elsewhere only a name that is hardly anybody else's.
    """
    found: dict[str, None] = {}
    for one in people:
        if one.email:
            found[rf"(?<![a-z0-9._%+-]){re.escape(one.email)}(?![a-z0-9-])"] = None
        if one.phone:
            found[_phone_pattern(one.phone)] = None
        if _is_rare(one.name) or (own and len(one.name) >= _OWN_NAME_LETTERS_MIN):
            # In JSON that is searched as text, a quote has a backslash before it.
            words = (re.escape(word).replace('"', r"\\?\"") for word in one.name.split())
            found[r"\s+".join(words)] = None
    return list(found)


def _is_rare(name: str) -> bool:
    return len(name.split()) > 1 and len(name) >= _NAME_LETTERS_MIN


def _phone_pattern(digits: str) -> str:
    """The number as people write it: with dashes or spaces, with 0 or +66 in front."""
    spaced = r"[ -]?".join(digits.removeprefix("0"))
    front = rf"(?:0|\+?{_COUNTRY})[ -]?" if digits.startswith("0") else ""
    return rf"(?<![0-9]){front}{spaced}(?![0-9])"
