"""What the bank looks at before it does anything: headers, then every field (pack 2, 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.scb.simulator.answers import Refused
from quickkub.connectors.reading import Garbled, read_json
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, BadAmount, Money, read_decimal

REFERENCE: Final = r"[A-Z0-9]{1,20}"
DIGITS_15: Final = r"[0-9]{15}"
AMOUNT_TEXT: Final = r"(?=.{1,13}$)[0-9]+(\.[0-9]{1,2})?"
ANY: Final = r"(?s).{1,200}"
_DATE_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class Kind(Enum):
    """The JSON type of a field."""

    TEXT = "text"
    NUMBER = "number"
    TEXT_OR_NUMBER = "text or number"
    OBJECT = "object"
    ARRAY = "array"


@dataclass(frozen=True, slots=True)
class Field:
    """A field the bank knows. `shape` is the whole pattern of a text or of a number's text."""

    name: str
    required: bool = False
    shape: str = ANY
    kind: Kind = Kind.TEXT


def read_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request, with nulls taken as absent; 1102 for everything else."""
    try:
        body = read_json(raw)
    except Garbled:
        raise Refused(400, 1102, "body") from None
    if not isinstance(body, dict):
        raise Refused(400, 1102, "body")
    return _without_nulls(body)


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value is not None
    }


def check_fields(body: Mapping[str, Any], fields: Sequence[Field], where: str = "") -> None:
    """Unknown names (1105), then missing (1101), then empty (1103), then wrong values (1102)."""
    known = {field.name for field in fields}
    for name in body:
        if name not in known:
            raise Refused(400, 1105, where + name)
    for field in fields:
        if field.required and field.name not in body:
            raise Refused(400, 1101, where + field.name)
    for field in fields:
        if field.name in body:
            _check_value(field, body[field.name], where)


def _check_value(field: Field, value: Any, where: str) -> None:
    name = where + field.name
    if value == "":
        raise Refused(400, 1103, name)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    fits = {
        Kind.TEXT: isinstance(value, str),
        Kind.NUMBER: is_number,
        Kind.TEXT_OR_NUMBER: isinstance(value, str) or is_number,
        Kind.OBJECT: isinstance(value, dict),
        Kind.ARRAY: isinstance(value, list),
    }[field.kind]
    if not fits:
        raise Refused(400, 1102, name)
    if field.kind in (Kind.OBJECT, Kind.ARRAY):
        return
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if re.fullmatch(field.shape, text) is None:
        raise Refused(400, 1102, name)


def baht(value: Any, name: str, whole_digits: int) -> Money:
    """A positive amount in baht with at most so many digits before the point; else 1102."""
    try:
        money = read_decimal(f"{value:f}" if isinstance(value, Decimal) else str(value), THB)
    except BadAmount:
        raise Refused(400, 1102, name) from None
    if not 1 <= money.minor < 10 ** (whole_digits + 2):
        raise Refused(400, 1102, name)
    return money


def bangkok_time(text: str, name: str) -> datetime:
    """`2026-01-15 10:45:00` as aware UTC; else 1102."""
    if _DATE_TIME.fullmatch(text) is None:
        raise Refused(400, 1102, name)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except ValueError:
        raise Refused(400, 1102, name) from None


def check_headers(request: web.Request, *names: str, with_body: bool) -> None:
    """Every named header must be there and not be blank (9100), and a body must be JSON (415)."""
    needed = ("resourceOwnerId", "requestUId", *names, *(("content-type",) if with_body else ()))
    for name in needed:
        if not request.headers.get(name, "").strip():
            raise Refused(400, 9100, name)
    if with_body and request.headers["content-type"].partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, 9900)


def bearer(request: web.Request) -> str:
    """The access token; 401 with 9100 when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, 9100, "authorization")
    return token.strip()
