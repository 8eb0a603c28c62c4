"""Objects of id, length and value: reading them exactly, and writing them (promptpay pack 1.1).

Lengths count characters, not bytes: EMVCo's own example proves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from quickkub.promptpay.errors import FieldTooLong

HEADER: Final = 4
VALUE_MAX: Final = 99
TWO_DIGITS: Final = tuple(f"{size:02d}" for size in range(VALUE_MAX + 1))
"""Lengths as text. Looking one up is several times faster than formatting it."""
# Two digits make a hundred ids, so the 101st object repeats one: reading on would find nothing new.
_OBJECTS_MAX: Final = 101

Objects = tuple[tuple[str, str], ...]


class Fault(NamedTuple):
    """One thing wrong with the structure: an error code, the header it was seen at, and the object's id."""

    code: str
    id: str
    length: str


class Walk(NamedTuple):
    """What a text splits into. `faults` is empty when it splits exactly and no id repeats.

    `whole` is false when reading had to stop early; then an absent object may merely not have been reached.
    `past_text` is true when the first fault is a length that reaches beyond the end of the whole text.
    """

    objects: Objects
    faults: tuple[Fault, ...]
    whole: bool
    past_text: bool


def ascii_digits(text: str) -> bool:
    """Whether `text` is one or more of 0-9; `str.isdigit` alone takes Thai and full-width digits."""
    return text.isascii() and text.isdigit()


def printable_ascii(text: str) -> bool:
    """Whether every character is 0x20-0x7E, EMVCo's format `ans`. True for the empty text."""
    return text.isascii() and text.isprintable()


def walk(text: str, limit: int) -> Walk:
    """Split `text[:limit]` into objects, noting every fault that can be told apart from the one before it.

    A header may be read beyond `limit`, so that a length which eats into the CRC object is named as such.
    """
    objects: list[tuple[str, str]] = []
    faults: list[Fault] = []
    repeated: set[str] = set()
    seen: set[str] = set()
    at = 0
    past_text = False
    while at < limit and len(objects) < _OBJECTS_MAX:
        ident, length = text[at : at + 2], text[at + 2 : at + HEADER]
        if len(length) < HEADER - 2:
            faults.append(Fault("truncated_tlv", ident, length))
            break
        if not ascii_digits(ident):
            faults.append(Fault("non_digit_id", ident, length))
        if not ascii_digits(length):
            faults.append(Fault("non_digit_length", ident, length))
            break
        end = at + HEADER + int(length)
        if end > limit:
            past_text = end > len(text) and not faults
            faults.append(Fault("value_overrun", ident, length))
            break
        if ident in seen and ident not in repeated:
            repeated.add(ident)
            faults.append(Fault("duplicate_id", ident, length))
        seen.add(ident)
        objects.append((ident, text[at + HEADER : end]))
        at = end
    return Walk(tuple(objects), tuple(faults), at == limit, past_text)


def first_values(objects: Objects) -> dict[str, str]:
    """Value by id, in order. Of a repeated id the first counts; `walk` reported the repetition itself."""
    values: dict[str, str] = {}
    for ident, value in objects:
        values.setdefault(ident, value)
    return values


def put(ident: str, value: str) -> str:
    """One object as text. Raises FieldTooLong when the value has more than 99 characters."""
    if len(value) > VALUE_MAX:
        raise FieldTooLong(f"an object holds 99 characters, {len(value)} were given", param=ident)
    return f"{ident}{TWO_DIGITS[len(value)]}{value}"


def put_all(objects: Iterable[tuple[str, str | None]]) -> str:
    """Objects one after the other, leaving out those whose value is None."""
    return "".join(put(ident, value) for ident, value in objects if value is not None)
