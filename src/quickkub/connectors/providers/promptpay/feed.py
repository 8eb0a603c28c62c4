"""The statement feed: what we ask it, and its signed answers (format: the simulator's guide)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import Account, Declined, Effect, Failure, Request, Response, Unknown
from quickkub.connectors.providers.promptpay import signing
from quickkub.connectors.providers.promptpay.lines import Line, read_line
from quickkub.connectors.providers.promptpay.receiver import is_ours
from quickkub.connectors.reading import (
    Garbled,
    Json,
    Unexpected,
    an_object,
    optional_text,
    read_object,
    text_at,
)
from quickkub.connectors.switches import is_on, setting

PAGES_MAX: Final = 50
_OK: Final = 200
_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class Listed:
    """Movements in order. `is_complete` is False when there is more than was read."""

    lines: list[Line]
    is_complete: bool


Listing: TypeAlias = "Generator[Effect, Any, Listed | Declined | Unknown]"


def is_there(account: Account) -> bool:
    return is_on(account, "statement_feed")


def lacks(account: Account) -> str:
    """The first thing without which the feed cannot be asked or believed; empty when all is there."""
    if not setting(account, "base_url"):
        return "base_url"
    key = account.credentials.get("feed_key")
    if not key or not key.reveal():
        return "feed_key"
    return "" if signing.secrets(account) else "notification_secret"


def asks_account(account: Account) -> Request:
    """`GET /v1/account`: whose feed it is."""
    return Request("GET", "/v1/account", _headers(account), asks_only=True)


def listing(account: Account, first: date, last: date) -> Listing:
    """Everything from `first` to `last`, days of Bangkok, page by page. Raises Garbled."""
    lines: list[Line] = []
    after = ""
    for _ in range(PAGES_MAX):
        query = {"from": first.isoformat(), "to": last.isoformat()}
        if after:
            query["after"] = after
        answer: Response = yield Request(
            "GET", "/v1/statement", _headers(account), query=query, asks_only=True
        )
        words = read(account, answer)
        if isinstance(words, Declined):
            return words
        if (text_at(words, "from"), text_at(words, "to")) != (query["from"], query["to"]):
            raise Unexpected("the statement is of other days than we asked about")
        lines += _lines(account, words)
        after = optional_text(words, "next")
        if not after:
            return Listed(_once_each(lines), is_complete=True)
    return Listed(_once_each(lines), is_complete=False)


def read(account: Account, answer: Response) -> Json | Declined:
    """A signed answer about this account. Raises Garbled for everything that proves nothing."""
    if answer.status in _REFUSED:
        return Declined(Failure.PROVIDER_MISCONFIGURED, str(answer.status), "the feed refuses feed_key")
    if answer.status != _OK:
        raise Garbled(f"HTTP {answer.status}")
    if not signing.is_signed(account, answer.headers, answer.body):
        raise Unexpected("the feed's answer is not signed with the account's secret")
    words = read_object(answer.body)
    if not is_ours(account, text_at(words, "receiver")):
        raise Unexpected("the feed is about another account")
    return words


def _lines(account: Account, words: Json) -> list[Line]:
    rows = words.get("lines")
    if not isinstance(rows, list):
        raise Garbled("lines is no list")
    found = [read_line(an_object(row, "a line")) for row in rows]
    if not all(is_ours(account, line.receiver) for line in found):
        raise Unexpected("a line is about another account")
    return found


def _once_each(lines: list[Line]) -> list[Line]:
    """A movement that is listed twice in the same words is one; in other words, it has no meaning."""
    found: dict[str, Line] = {}
    for line in lines:
        if found.setdefault(line.transaction_id, line) != line:
            raise Unexpected("a transaction is listed twice, in different words")
    return list(found.values())


def _headers(account: Account) -> dict[str, str]:
    key = account.credentials.get("feed_key")
    return {"accept": "application/json", "authorization": f"Bearer {key.reveal() if key else ''}"}
