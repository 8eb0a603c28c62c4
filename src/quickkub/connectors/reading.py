"""Reading what a provider wrote: one meaning or none.

The standard parser takes duplicate keys, NaN and 1e400, and hands 100.10 over as a float. Here an answer is
read into plain values with exact numbers, or it is Garbled, and a garbled answer is Unknown: never a success
and never a failure (invariant P9).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timezone
from decimal import Decimal
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from quickkub.connectors.contract import Effect, Unknown, unexpected
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import AMOUNT_MAX, CURRENCIES, BadAmount, Currency, Money, read_decimal

DEPTH_MAX: Final = 32
NUMBER_LETTERS_MAX: Final = 40
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_BY_NUMERIC: Final = {currency.numeric: currency for currency in CURRENCIES.values()}

Json: TypeAlias = "dict[str, Any]"

P = ParamSpec("P")
T = TypeVar("T")


class Garbled(Exception):
    """An answer that cannot be read in exactly one way."""


class Unexpected(Garbled):
    """An answer that can be read, and says what no manual names or nobody asked for: a person looks at it."""


def unreadable(garbled: Garbled, provider_reference: str | None = None) -> Unknown:
    """What is concluded from an answer that was given up."""
    if isinstance(garbled, Unexpected):
        return unexpected(str(garbled), provider_reference)
    return Unknown(f"the answer cannot be read: {garbled}", provider_reference)


def read_json(body: bytes) -> Any:
    """The value of a JSON text: int for whole numbers, Decimal for others, no duplicate key, no NUL.

    Raises Garbled for anything that is not UTF-8, not JSON, nested more than 32 deep, or ambiguous.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Garbled("not UTF-8") from None
    except (json.JSONDecodeError, RecursionError):
        raise Garbled("not JSON") from None
    _refuse_odd(value)
    return value


def read_object(body: bytes) -> Json:
    """A JSON object. Raises Garbled."""
    return an_object(read_json(body), "the body")


def an_object(value: object, where: str) -> Json:
    """`value` as an object. Raises Garbled, naming `where`."""
    if not isinstance(value, dict):
        raise Garbled(f"{where} is not an object")
    return value


def text_at(found: Json, key: str) -> str:
    """A text that must be there and not be blank, without surrounding blanks. Raises Garbled."""
    text = optional_text(found, key)
    if not text:
        raise Garbled(f"{key} is missing or empty")
    return text


def optional_text(found: Json, key: str) -> str:
    """A text without surrounding blanks; empty when it is absent or null. Raises Garbled for other types."""
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Garbled(f"{key} is not text")
    return value.strip()


def money_at(found: Json, key: str, currency: Currency) -> Money:
    """A positive amount written as `"100"`, `"100.00"`, `100` or `100.5`: read as decimals, never as floats.

    More decimals than the currency has are taken when they are zeros. Raises Garbled.
    """
    value = found.get(key)
    match value:
        case bool():
            raise Garbled(f"{key} is not an amount")
        case str():
            text = value
        case int():
            text = str(value)
        case Decimal() if -NUMBER_LETTERS_MAX < value.adjusted() < NUMBER_LETTERS_MAX:
            text = f"{value:f}"
        case _:
            raise Garbled(f"{key} is not an amount")
    return _positive(text, key, currency)


def _positive(text: str, key: str, currency: Currency) -> Money:
    whole, point, fraction = text.partition(".")
    if len(fraction) > currency.exponent:
        kept = fraction[: currency.exponent] + fraction[currency.exponent :].rstrip("0")
        text = whole + point + kept if kept else whole
    if len(text) > NUMBER_LETTERS_MAX:
        raise Garbled(f"{key} is not an amount")
    try:
        money = read_decimal(text, currency)
    except BadAmount:
        raise Garbled(f"{key} is not an amount") from None
    if not 1 <= money.minor <= AMOUNT_MAX:
        raise Garbled(f"{key} is out of range")
    return money


def currency_at(found: Json, key: str) -> Currency:
    """A currency by its ISO 4217 number, as text or number. Raises Garbled for one we do not know."""
    value = found.get(key)
    numeric = str(value).strip().rjust(3, "0") if isinstance(value, str | int) else ""
    if numeric not in _BY_NUMERIC:
        raise Garbled(f"{key} is not a currency we know")
    return _BY_NUMERIC[numeric]


def instant_at(found: Json, key: str, zone: timezone = BANGKOK) -> datetime:
    """An ISO 8601 moment as aware UTC; without an offset it is in `zone`. Raises Garbled."""
    text = text_at(found, key)
    # The parser alone would also take dates without a time, and week numbers.
    if _INSTANT.fullmatch(text) is None:
        raise Garbled(f"{key} is not a time")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled(f"{key} is not a time") from None


def garbled_is_unknown(
    exchange: Callable[P, Generator[Effect, Any, T]],
) -> Callable[P, Generator[Effect, Any, T | Unknown]]:
    """An exchange whose unreadable answers end as Unknown."""

    @functools.wraps(exchange)
    def total(*args: P.args, **kwargs: P.kwargs) -> Generator[Effect, Any, T | Unknown]:
        try:
            return (yield from exchange(*args, **kwargs))
        except Garbled as garbled:
            return unreadable(garbled)

    return total


def _refuse_odd(value: Any) -> None:
    """Depth, and texts that PostgreSQL cannot keep."""
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        depth, found = waiting.pop()
        match found:
            case dict():
                waiting += [(depth + 1, inner) for inner in (*found.keys(), *found.values())]
            case list():
                waiting += [(depth + 1, inner) for inner in found]
            case str() if _NOT_TEXT.search(found):
                raise Garbled("a text holds NUL or half a surrogate pair")
            case _:
                pass
        if isinstance(found, dict | list) and depth > DEPTH_MAX:
            raise Garbled(f"nested more than {DEPTH_MAX} levels deep")


def _object(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Garbled("a key is given twice")
    return value


def _whole(text: str) -> int:
    if len(text) > NUMBER_LETTERS_MAX:
        raise Garbled("a number is too long")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > NUMBER_LETTERS_MAX:
        raise Garbled("a number is too long")
    return Decimal(text)


def _not_a_number(text: str) -> Any:
    raise Garbled(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_not_a_number
)
