"""Charges: created, completed by the payer, captured, reversed, expired, marked, found (pack 4.3 - 4.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, Refused, Row, bad, listed, written
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.desk import Asked, flag, mapping, text, whole
from quickkub.connectors.providers.omise.simulator.mail import Mail
from quickkub.connectors.providers.omise.simulator.register import Options
from quickkub.connectors.providers.omise.simulator.sources import TYPES, SourceCounter, amount_in
from quickkub.connectors.providers.omise.simulator.things import (
    EXPIRED,
    FAILED,
    PENDING,
    REVERSED,
    Charge,
    Source,
)
from quickkub.connectors.providers.omise.simulator.vault import REFUSED_CARDS
from quickkub.connectors.simulation.base import Movement
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money
from quickkub.promptpay import BillPayment, build

HOLD: Final = timedelta(days=7)
FAILURES: Final = frozenset(
    {
        "insufficient_fund",
        "insufficient_balance",
        "invalid_account_number",
        "invalid_account",
        "invalid_security_code",
        "payment_cancelled",
        "payment_rejected",
        "stolen_or_lost_card",
        "failed_fraud_check",
        "failed_processing",
        "timeout",
        "payment_expired",
        "confirmed_amount_mismatch",
    }
)
_ENDPOINTS_MAX: Final = 2
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ADDRESS: Final = re.compile(r"https?://[^\s]+")
_BILLER: Final = "010555609115201"
_CARD_FEE: Final = "3.65"
_SEARCH_PAGE: Final = 30


class ChargeCounter:
    """Everything about charges but refunds and disputes."""

    def __init__(self, book: Book, sources: SourceCounter, mail: Mail, options: Options) -> None:
        self._book = book
        self._sources = sources
        self._mail = mail
        self.options = options
        self.refused_cards = dict(REFUSED_CARDS)

    # --- the API ---

    async def create(self, asked: Asked) -> web.Response:
        charge = self._book.keep(self._charge(asked))
        self._mail.send(charge.shop, "charge.create", charge.shown(), charge.webhook_endpoints)
        if charge.card is not None and not charge.needs_payer:
            self.complete(charge, charge.failure_of_card)
        if charge.status == PENDING and charge.expires_at is not None:
            self._watch(charge, charge.expires_at)
        return written(charge.shown())

    async def show(self, asked: Asked) -> web.Response:
        return written(self._found(asked).shown())

    async def update(self, asked: Asked) -> web.Response:
        charge = self._found(asked)
        if "description" in asked.words:
            charge.description = text(asked.words, "description") or None
        if "metadata" in asked.words:
            charge.metadata = mapping(asked.words, "metadata")
        self._book.keep(charge)
        self._mail.send(charge.shop, "charge.update", charge.shown(), charge.webhook_endpoints)
        return written(charge.shown())

    async def list(self, asked: Asked) -> web.Response:
        charges = map(self.fresh, self._book.charges_of(asked.shop))
        rows = [Row(rfc3339(charge.made_at), charge.shown) for charge in charges]
        return written(listed(rows, "/charges", asked.words, self._book.now))

    async def search(self, asked: Asked) -> web.Response:
        """By id, description or metadata, newest first; it may lag behind (pack 4.4, 11.11)."""
        scope, query = text(asked.words, "scope"), text(asked.words, "query")
        if scope != "charge":
            raise bad("scope is charge")
        filters = mapping(asked.words, "filters")
        seen = self._book.now - timedelta(seconds=self.options.search_lag_seconds)
        rows = [
            charge.shown()
            for charge in map(self.fresh, reversed(self._book.charges_of(asked.shop)))
            if charge.made_at <= seen and _matches(charge, query) and _passes(charge, filters)
        ]
        page = max(whole(asked.words, "page") or 1, 1)
        shown = rows[(page - 1) * _SEARCH_PAGE : page * _SEARCH_PAGE]
        return written(
            {
                "object": "search",
                "data": shown,
                "export": None,
                "filters": filters,
                "location": "/search",
                "order": "reverse_chronological",
                "page": page,
                "per_page": _SEARCH_PAGE,
                "query": query,
                "scope": scope,
                "total": len(rows),
                "total_pages": -(-len(rows) // _SEARCH_PAGE),
            }
        )

    async def capture(self, asked: Asked) -> web.Response:
        charge = self._found(asked)
        satang = whole(asked.words, "capture_amount")
        if not charge.is_held:
            raise bad(f"the charge is {charge.status} and not capturable", "failed_capture")
        if satang is not None and not 1 <= satang <= charge.amount.minor:
            raise bad("capture_amount is at most what is authorized", "failed_capture")
        if satang not in (None, charge.amount.minor) and charge.authorization_type != "pre_auth":
            raise bad("only a pre_auth can be captured in part", "failed_capture")
        self._book.take(charge, charge.amount if satang is None else Money(satang))
        self._mail.send(charge.shop, "charge.capture", charge.shown(), charge.webhook_endpoints)
        return written(charge.shown())

    async def reverse(self, asked: Asked) -> web.Response:
        charge = self._found(asked)
        if not charge.is_held:
            raise bad(f"the charge is {charge.status} and not reversible", "failed_void")
        charge.status, charge.reversed_at = REVERSED, self._book.now
        self._mail.send(charge.shop, "charge.reverse", charge.shown(), charge.webhook_endpoints)
        return written(charge.shown())

    async def expire(self, asked: Asked) -> web.Response:
        charge = self._found(asked)
        if charge.status != PENDING or charge.is_held:
            raise bad(f"the charge is {charge.status} and cannot be expired", "failed_expire")
        self._expire(charge)
        return written(charge.shown())

    async def mark_as_paid(self, asked: Asked) -> web.Response:
        return written(self._marked(asked, "").shown())

    async def mark_as_failed(self, asked: Asked) -> web.Response:
        code = text(asked.words, "failure_code") or "failed_processing"
        return written(self._marked(asked, code).shown())

    def _marked(self, asked: Asked, failure: str) -> Charge:
        charge = self._found(asked)
        if charge.shop.is_live:
            raise Refused(403, "not_authorized", "only test charges can be marked")
        if charge.status != PENDING or charge.is_held:
            raise bad(f"the charge is {charge.status} and cannot be marked")
        self.complete(charge, failure)
        return charge

    # --- what happens to a charge ---

    def complete(self, charge: Charge, failure: str, callback: str = "send") -> Movement | None:
        """The payer is through: paid, held, or failed with this code."""
        movement = None
        if failure:
            charge.status, charge.failure_code = FAILED, failure
        else:
            charge.authorized_at = self._book.now
            if charge.capture:
                movement = self._book.take(charge, charge.amount)
            else:
                charge.expires_at = self._book.now + HOLD
                self._watch(charge, charge.expires_at)
        self._mail.send(charge.shop, "charge.complete", charge.shown(), charge.webhook_endpoints, callback)
        return movement

    def fresh(self, charge: Charge) -> Charge:
        """As it stands now: time may have ended it."""
        if charge.status == PENDING and charge.expires_at is not None and self._book.now >= charge.expires_at:
            self._expire(charge)
        return charge

    def _expire(self, charge: Charge) -> None:
        charge.status, charge.expired_at = EXPIRED, self._book.now
        self._mail.send(charge.shop, "charge.expire", charge.shown(), charge.webhook_endpoints)

    def _watch(self, charge: Charge, until: datetime) -> None:
        async def look() -> None:
            self.fresh(charge)

        self._book.world.schedule.after(until - self._book.now, look)

    # --- making one ---

    def _found(self, asked: Asked) -> Charge:
        return self.fresh(self._book.charge(asked.shop, asked.request.match_info["charge"]))

    def _charge(self, asked: Asked) -> Charge:
        """Every reason to say no comes first. Raises Refused."""
        words, shop = asked.words, asked.shop
        amount, metadata = amount_in(words), mapping(words, "metadata")
        return_uri, endpoints = _return_uri(words), _endpoints(words)
        charge = Charge(
            self._book.new_id("chrg", shop),
            shop,
            amount,
            self._book.now,
            asked.here,
            self._book.new_id("pay", shop),
            _CARD_FEE,
            return_uri=return_uri,
            description=text(words, "description") or None,
            metadata=metadata,
            ip=text(words, "ip") or None,
            webhook_endpoints=endpoints,
        )
        if words.get("source"):
            self._by_source(charge, asked)
        elif words.get("card"):
            self._by_card(charge, asked)
        else:
            raise bad("a charge needs a source or a card", "missing_card")
        return charge

    def _by_source(self, charge: Charge, asked: Asked) -> None:
        said: Any = asked.words["source"]
        if isinstance(said, str):
            source = self._book.source(asked.shop, said)
        else:
            source = self._sources.make(asked.shop, mapping(asked.words, "source"), charge.amount)
        if source.charge:
            raise bad("the source was used for another charge", "invalid_source")
        if source.amount != charge.amount:
            raise bad("the charge's amount is not its source's", "invalid_amount")
        kind = TYPES[source.type]
        if source.flow != "offline" and not charge.return_uri:
            raise bad("return_uri is missing")
        charge.source, source.charge = source, charge.id
        charge.fee_rate = kind.fee_rate
        charge.refundable = kind.refunds or self.options.refund_offline
        charge.zero_interest = source.extra.get("zero_interest_installments")
        cap = timedelta(minutes=kind.lives_minutes or self.options.offline_lives_minutes)
        charge.expires_at = self._ends(asked.words, source, cap)
        tail = charge.id.rpartition("_")[2].upper()
        charge.qr_text = (
            build(BillPayment(_BILLER, tail, amount=charge.amount)) if source.flow == "offline" else ""
        )

    def _ends(self, words: Json, source: Source, cap: timedelta) -> datetime:
        """What is asked for an offline source, and never later than the account allows (pack 4.3)."""
        latest, said = self._book.now + cap, text(words, "expires_at")
        if not said or source.flow != "offline":
            return latest
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise bad("expires_at is an ISO 8601 time") from None
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment <= self._book.now:
            raise bad("expires_at is in the past")
        return min(moment, latest)

    def _by_card(self, charge: Charge, asked: Asked) -> None:
        token = self._book.token(asked.shop, text(asked.words, "card"))
        if token.used:
            raise bad("the token was used before", "used_token")
        kind = text(asked.words, "authorization_type")
        if kind not in ("", "pre_auth", "final_auth"):
            raise bad("authorization_type is pre_auth or final_auth")
        charge.needs_payer = self.options.card_3ds
        if charge.needs_payer and not charge.return_uri:
            raise bad("return_uri is missing")
        token.used = True
        charge.card, charge.authorization_type = token.words, kind or None
        charge.capture = flag(asked.words, "capture", usual=True)
        charge.failure_of_card = self.refused_cards.get(token.number, "")
        if charge.needs_payer:
            charge.expires_at = self._book.now + timedelta(minutes=self.options.offline_lives_minutes)


def _return_uri(words: Json) -> str | None:
    said = text(words, "return_uri")
    if said and not _is_safe(said):
        raise bad("return_uri is an https address")
    return said or None


def _endpoints(words: Json) -> list[str]:
    said = words.get("webhook_endpoints") or []
    if not isinstance(said, list) or len(said) > _ENDPOINTS_MAX:
        raise bad(f"webhook_endpoints are at most {_ENDPOINTS_MAX} addresses")
    if not all(isinstance(url, str) and _is_safe(url) for url in said):
        raise bad("webhook_endpoints are https addresses")
    return list(said)


def _is_safe(url: str) -> bool:
    """By https, as Omise wants it; by http only on this machine, where the simulator is."""
    parts = urlsplit(url)
    return bool(_ADDRESS.fullmatch(url)) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)


def _matches(charge: Charge, query: str) -> bool:
    texts = [charge.id, charge.description or "", *map(str, charge.metadata.values())]
    return any(query.lower() in one.lower() for one in texts)


def _passes(charge: Charge, filters: Mapping[str, Any]) -> bool:
    shown = charge.shown()
    return all(str(shown.get(name)).lower() == str(value).lower() for name, value in filters.items())
