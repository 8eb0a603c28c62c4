"""How Omise writes: objects, lists, errors (pack 2), and the same answers gone wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from aiohttp import web

from quickkub.kernel.clock import rfc3339

Json = dict[str, Any]

_LIMIT_USUAL: Final = 20
_LIMIT_MAX: Final = 100
_BEGINNING: Final = "1970-01-01T00:00:00Z"


class Refused(Exception):
    """Omise says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def bad(message: str, code: str = "bad_request") -> Refused:
    """The request is wrong."""
    return Refused(400, code, message)


def missing(what: str) -> Refused:
    return Refused(404, "not_found", f"{what[:80]} was not found")


def written(value: Json, status: int = 200) -> web.Response:
    return web.Response(body=dumped(value), status=status, content_type="application/json")


def dumped(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(refused: Refused) -> web.Response:
    return written(error(refused.code, str(refused)), refused.status)


def error(code: str, message: str) -> Json:
    location = f"https://www.omise.co/api-errors#{code.replace('_', '-')}"
    return {"object": "error", "location": location, "code": code, "message": message}


def trouble(status: int) -> bytes:
    """The body of a failure of the whole service."""
    codes = {429: "too_many_requests", 500: "internal_error", 503: "service_unavailable"}
    code = codes.get(status, "internal_error")
    return dumped(error(code, code.replace("_", " ")))


@dataclass(frozen=True, slots=True)
class Row:
    """Something to be listed, written only if it is shown."""

    made_at: str
    show: Callable[[], Json]


def listed(things: Iterable[Json | Row], location: str, asked: Mapping[str, Any], now: datetime) -> Json:
    """The list envelope; `things` come oldest first. Raises Refused for odd paging."""
    first, last = _moment(asked, "from", _BEGINNING), _moment(asked, "to", rfc3339(now))
    limit, offset = _whole(asked, "limit", _LIMIT_USUAL), _whole(asked, "offset", 0)
    order = str(asked.get("order") or "chronological")
    if order not in ("chronological", "reverse_chronological"):
        raise bad("order is chronological or reverse_chronological")
    if not 1 <= limit <= _LIMIT_MAX:
        raise bad(f"limit is 1 to {_LIMIT_MAX}")
    rows = [one if isinstance(one, Row) else Row(one["created_at"], partial(dict, one)) for one in things]
    found = [row for row in rows if first <= row.made_at <= last]
    if order == "reverse_chronological":
        found.reverse()
    return {
        "object": "list",
        "data": [row.show() for row in found[offset : offset + limit]],
        "limit": limit,
        "offset": offset,
        "total": len(found),
        "location": location,
        "order": order,
        "from": first,
        "to": last,
    }


def _whole(asked: Mapping[str, Any], name: str, usual: int) -> int:
    text = str(asked.get(name, usual))
    if not (text.isascii() and text.isdigit()):
        raise bad(f"{name} is a whole number")
    return int(text)


def _moment(asked: Mapping[str, Any], name: str, usual: str) -> str:
    """As it is written in objects, so that texts compare like the moments."""
    text = str(asked.get(name) or usual)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad(f"{name} is an ISO 8601 time") from None
    return rfc3339(moment) if moment.tzinfo else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def distort(body: bytes, what: str) -> bytes:
    """The same answer with one baht more in every amount, or in dollars; a picture stays as it is."""
    try:
        value = json.loads(body, parse_float=Decimal)
    except ValueError:
        return body
    change = _more if what == "wrong_amount" else _in_dollars
    return json.dumps(_changed(value, change), default=str).encode()


def _changed(value: Any, change: Callable[[str, Any], Any]) -> Any:
    match value:
        case dict():
            return {key: change(key, _changed(inner, change)) for key, inner in value.items()}
        case list():
            return [_changed(inner, change) for inner in value]
        case _:
            return value


def _more(key: str, value: Any) -> Any:
    is_amount = (key == "amount" or key.endswith("_amount")) and type(value) is int and value
    return value + 100 if is_amount else value


def _in_dollars(key: str, value: Any) -> Any:
    return "USD" if key in ("currency", "funding_currency") else value
