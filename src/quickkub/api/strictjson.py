"""JSON as security-reliability 5.9 wants it: one meaning or none.

The standard parser takes duplicate keys, NaN, 1e400 and any depth, and turns 1.0 into a number that equals 1.
Here a body is read once into plain values or refused with the place named, and then converted into a Struct
with no coercion: true is not 1, "100" is not 100, 1.0 and 1e3 are not whole numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from quickkub.kernel.errors import Kind, Refusal

DEPTH_MAX: Final = 32
KEYS_MAX: Final = 1000
"""Keys of objects and items of lists together."""
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_INT_LETTERS_MAX: Final = 20

_T = TypeVar("_T")


class BodyMalformed(Refusal):
    """The body is not JSON that can be read in one way only."""

    code, kind = "body_malformed", Kind.INVALID


class BodyTooComplex(Refusal):
    """The JSON body is nested too deeply or has too many keys."""

    code, kind = "body_too_complex", Kind.INVALID


class ParameterMissing(Refusal):
    """A field or parameter that must be there is not."""

    code, kind = "parameter_missing", Kind.INVALID


class ParameterUnknown(Refusal):
    """A field or parameter is not one this operation knows; it may be a typing error, so nothing was done."""

    code, kind = "parameter_unknown", Kind.INVALID


class ParameterInvalid(Refusal):
    """A field or parameter has a type or value that is not accepted."""

    code, kind = "parameter_invalid", Kind.INVALID


class _NotWhole:
    """Stands in for 1.5, 1.0 and 1e3: no field of this API takes a fraction, and none becomes a float."""


class _TooBig:
    """Stands in for a whole number outside 64 bits."""


class _NotANumber:
    """Stands in for NaN and Infinity, which the standard parser would take."""


class _Doubled(dict[str, Any]):
    """An object in which a key was given twice; `again` is that key."""

    again: str


# --- reading ----------------------------------------------------------------------------------------------


def read(body: bytes) -> Any:
    """The plain value of a JSON body. Raises BodyMalformed, BodyTooComplex or ParameterInvalid only."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as trouble:
        raise BodyMalformed(f"the body is not UTF-8 at byte {trouble.start}") from None
    _refuse_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as trouble:
        raise BodyMalformed(f"the body is not JSON: {trouble.msg} at character {trouble.pos}") from None
    _refuse_troubles(value)
    return value


# A string, or what is left of one that is never closed, is stepped over as a whole; possessive, so that no
# input makes the search go back.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{]|[\]}]', re.DOTALL)


def _refuse_depth(text: str) -> None:
    """Before parsing, because the parser recurses."""
    depth = containers = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        match found[0]:
            case "[" | "{":
                depth, containers = depth + 1, containers + 1
                if depth > DEPTH_MAX:
                    raise BodyTooComplex(f"the body is nested more than {DEPTH_MAX} levels deep")
                if containers > KEYS_MAX + 1:
                    raise _too_many()
            case "]" | "}":
                depth -= 1
            case _:
                pass


def _whole(text: str) -> Any:
    if len(text) > _INT_LETTERS_MAX:
        return _TooBig()
    number = int(text)
    return number if _INT_MIN <= number <= _INT_MAX else _TooBig()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    doubled = _Doubled(value)
    seen: set[str] = set()
    doubled.again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return doubled


def _too_many() -> BodyTooComplex:
    return BodyTooComplex(f"the body has more than {KEYS_MAX} keys and list items")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole,
    parse_float=lambda _: _NotWhole(),
    parse_constant=lambda _: _NotANumber(),
)


_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def _refuse_troubles(value: Any) -> None:
    for path, found in _walk(value):
        match found:
            case _Doubled(again=key):
                raise BodyMalformed(f"{shown(key)} is given twice", param=_join(path, key))
            case dict() if any(_NOT_TEXT.search(key) for key in found):
                raise BodyMalformed("a key holds NUL or half a surrogate pair", param=path or None)
            case str() if _NOT_TEXT.search(found):
                raise ParameterInvalid("must not hold NUL or half a surrogate pair", param=path or None)
            case _TooBig():
                raise ParameterInvalid("must be a whole number within 64 bits", param=path or None)
            case _NotANumber():
                raise BodyMalformed("NaN and Infinity are not JSON", param=path or None)
            case _:
                pass


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every value with its path, a container before what it holds. Raises BodyTooComplex."""
    room = KEYS_MAX
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, found = waiting.pop()
        yield path, found
        if isinstance(found, dict | list):
            room -= len(found)
            if room < 0:
                raise _too_many()
        match found:
            case dict():
                waiting += [(_join(path, key), inner) for key, inner in found.items()]
            case list():
                waiting += [(f"{path}[{place}]", inner) for place, inner in enumerate(found)]
            case _:
                pass


_SHOWN_LETTERS_MAX: Final = 60


def shown(key: str) -> str:
    """A key as it may stand in an answer: short, and nothing that a terminal or a page would act on."""
    return "".join(letter if letter.isprintable() else "?" for letter in key[:_SHOWN_LETTERS_MAX])


def _join(path: str, key: str) -> str:
    return f"{path}.{shown(key)}" if path else shown(key)


# --- converting -------------------------------------------------------------------------------------------

_AT: Final = re.compile(r" - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`$")
_FIELD: Final = re.compile(
    r"^Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL
)
_NO_SUCH_WORD: Final = "Invalid enum value"
_NOT_WHOLE_TEXT: Final = "must be a whole number, written without point or exponent"


def convert(value: Any, wanted: type[_T]) -> _T:
    """The value as a Struct, with no coercion.

    Raises ParameterMissing, ParameterUnknown or ParameterInvalid, with the JSON path as `param`.
    """
    try:
        return msgspec.convert(value, wanted, strict=True)
    except msgspec.ValidationError as trouble:
        raise refusal_from(str(trouble)) from None


def refusal_from(message: str) -> Refusal:
    """What msgspec says, as one of ours. Litestar hands over the same words for path and query parameters."""
    at = _AT.search(message)
    said = message[: at.start()] if at else message
    # A key can be written so that its end reads like the path, so the path is no more to be trusted than it.
    path = shown(at["path"].replace("[...]", "")) if at else ""
    if field := _FIELD.match(said):
        param = _join(path, field["field"])
        if field["what"] == "missing required":
            return ParameterMissing("is required", param=param)
        return ParameterUnknown("is not a parameter of this operation", param=param)
    return ParameterInvalid(_said_plainly(said), param=path or None)


def _said_plainly(said: str) -> str:
    """`Expected `int`, got `_NotWhole`` for people who have not read our source."""
    if said == f"Expected `int`, got `{_NotWhole.__name__}`":
        return _NOT_WHOLE_TEXT
    if said.startswith(_NO_SUCH_WORD):
        # What was said stays out of the answer: it may be long, hostile, or a secret in the wrong place.
        return "is none of the words allowed here"
    plain = said.replace("`", "").replace("Expected ", "must be ", 1)
    for word, instead in _WORDS:
        plain = plain.replace(word, instead)
    return plain


_WORDS: Final = (
    ("must be int,", "must be a whole number,"),
    ("must be int ", "must be a whole number "),
    ("must be str of length", "must be text of a length"),
    ("must be str ", "must be text "),
    ("must be str,", "must be text,"),
    ("got str", "got text"),
    ("got bool", "got true or false"),
    ("got int", "got a number"),
    (f"got {_NotWhole.__name__}", "got a number"),
)


__all__ = [
    "BodyMalformed",
    "BodyTooComplex",
    "ParameterInvalid",
    "ParameterMissing",
    "ParameterUnknown",
    "convert",
    "read",
    "refusal_from",
    "shown",
]
