"""The shop's own money: balance, ledger, transfers, recipients; what an account can do (pack 4.10, 3.3)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, bad, listed, missing, written
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.desk import Asked, flag, mapping, text, whole
from quickkub.connectors.providers.omise.simulator.mail import Mail
from quickkub.connectors.providers.omise.simulator.register import ADDRESS, Options, Shop
from quickkub.connectors.providers.omise.simulator.sources import (
    CHARGE_MAX,
    CHARGE_MIN,
    INSTALMENT_MIN,
    TERMS,
    TYPES,
)
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.money import Money

TRANSFER_MIN: Final = 3_000
_FEE: Final = 3_000
_FEE_VAT: Final = 210
_CARD_BRANDS: Final = ["JCB", "MasterCard", "Visa"]


class Treasury:
    """Balance, transactions, transfers, recipients."""

    def __init__(self, book: Book, mail: Mail, options: Options) -> None:
        self._book = book
        self._mail = mail
        self.options = options

    async def balance(self, asked: Asked) -> web.Response:
        total = self._book.balance(asked.shop, self.options.opening_balance)
        return written(
            {
                "object": "balance",
                "livemode": asked.shop.is_live,
                "location": "/balance",
                "total": total,
                "transferable": max(total, 0),
                "reserve": 0,
                "on_hold": 0,
                "currency": "THB",
            }
        )

    async def transactions(self, asked: Asked) -> web.Response:
        rows = self._book.ledger(asked.shop)
        return written(listed(rows, "/transactions", asked.words, self._book.now))

    async def transaction(self, asked: Asked) -> web.Response:
        name = asked.request.match_info["transaction"]
        return written(_by_id(self._book.ledger(asked.shop), name))

    async def create_transfer(self, asked: Asked) -> web.Response:
        shop, satang = asked.shop, whole(asked.words, "amount")
        total = self._book.balance(shop, self.options.opening_balance)
        satang = total if satang is None else satang
        if satang < TRANSFER_MIN:
            raise bad(f"amount is at least {TRANSFER_MIN}", "invalid_amount")
        if satang > total:
            raise bad("amount is more than the balance", "insufficient_balance")
        recipient = text(asked.words, "recipient")
        if recipient:
            found = self._recipients(shop).get(recipient)
            if found is None:
                raise missing(f"recipient {recipient}")
        name = self._book.new_id("trsf", shop)
        transfer: Json = {
            "object": "transfer",
            "id": name,
            "livemode": shop.is_live,
            "location": f"/transfers/{name}",
            "amount": satang,
            "currency": "THB",
            "fee": _FEE,
            "fee_vat": _FEE_VAT,
            "total_fee": _FEE + _FEE_VAT,
            "net": satang - _FEE - _FEE_VAT,
            "sent": False,
            "paid": False,
            "sent_at": None,
            "paid_at": None,
            "sendable": True,
            "fail_fast": flag(asked.words, "fail_fast", usual=False),
            "recipient": recipient or None,
            "bank_account": _bank_account({}),
            "failure_code": None,
            "failure_message": None,
            "metadata": mapping(asked.words, "metadata"),
            "transactions": [],
            "created_at": rfc3339(self._book.now),
        }
        self._transfers(shop)[name] = transfer
        self._mail.send(shop, "transfer.create", transfer)
        return written(transfer)

    async def transfers(self, asked: Asked) -> web.Response:
        rows = list(self._transfers(asked.shop).values())
        return written(listed(rows, "/transfers", asked.words, self._book.now))

    async def transfer(self, asked: Asked) -> web.Response:
        return written(self._transfer(asked))

    async def update_transfer(self, asked: Asked) -> web.Response:
        transfer = self._unsent(asked)
        if (satang := whole(asked.words, "amount")) is not None:
            if satang < TRANSFER_MIN:
                raise bad(f"amount is at least {TRANSFER_MIN}", "invalid_amount")
            transfer |= {"amount": satang, "net": satang - _FEE - _FEE_VAT}
        self._mail.send(asked.shop, "transfer.update", transfer)
        return written(transfer)

    async def delete_transfer(self, asked: Asked) -> web.Response:
        transfer = self._unsent(asked)
        del self._transfers(asked.shop)[transfer["id"]]
        self._mail.send(asked.shop, "transfer.destroy", transfer)
        return written({"object": "transfer", "id": transfer["id"], "livemode": False, "deleted": True})

    async def mark_as_sent(self, asked: Asked) -> web.Response:
        transfer = self._unsent(asked)
        line = self._book.enter(
            asked.shop, "transfer.sent.debit", "debit", Money(transfer["amount"]), transfer["id"]
        )
        transfer |= {
            "sent": True,
            "sendable": False,
            "sent_at": rfc3339(self._book.now),
            "transactions": [line],
        }
        self._mail.send(asked.shop, "transfer.send", transfer)
        return written(transfer)

    async def mark_as_paid(self, asked: Asked) -> web.Response:
        transfer = self._transfer(asked)
        if not transfer["sent"] or transfer["paid"]:
            raise bad("only a transfer that was sent and has not arrived is paid")
        transfer |= {"paid": True, "paid_at": rfc3339(self._book.now)}
        self._mail.send(asked.shop, "transfer.pay", transfer)
        return written(transfer)

    async def create_recipient(self, asked: Asked) -> web.Response:
        words, bank = asked.words, mapping(asked.words, "bank_account")
        if not text(words, "name") or text(words, "type") not in ("individual", "corporation"):
            raise bad("name is missing, or type is none of individual and corporation")
        if not text(bank, "number") or not text(bank, "name"):
            raise bad("bank_account needs number and name")
        name = self._book.new_id("recp", asked.shop)
        recipient: Json = {
            "object": "recipient",
            "id": name,
            "livemode": asked.shop.is_live,
            "location": f"/recipients/{name}",
            "name": text(words, "name"),
            "type": text(words, "type"),
            "email": text(words, "email") or None,
            "tax_id": text(words, "tax_id") or None,
            "bank_account": _bank_account(bank),
            "verified": False,
            "active": False,
            "failure_code": None,
            "created_at": rfc3339(self._book.now),
        }
        self._recipients(asked.shop)[name] = recipient
        self._mail.send(asked.shop, "recipient.create", recipient)
        return written(recipient)

    async def recipients(self, asked: Asked) -> web.Response:
        rows = list(self._recipients(asked.shop).values())
        return written(listed(rows, "/recipients", asked.words, self._book.now))

    async def recipient(self, asked: Asked) -> web.Response:
        return written(self._recipient(asked))

    async def verify_recipient(self, asked: Asked) -> web.Response:
        recipient = self._recipient(asked)
        recipient |= {"verified": True, "active": True}
        self._mail.send(asked.shop, "recipient.verify", recipient)
        return written(recipient)

    def _transfers(self, shop: Shop) -> dict[str, Json]:
        return self._book.transfers.setdefault(shop.secret_key, {})

    def _recipients(self, shop: Shop) -> dict[str, Json]:
        return self._book.recipients.setdefault(shop.secret_key, {})

    def _transfer(self, asked: Asked) -> Json:
        name = asked.request.match_info["transfer"]
        return _by_id(list(self._transfers(asked.shop).values()), name)

    def _recipient(self, asked: Asked) -> Json:
        name = asked.request.match_info["recipient"]
        return _by_id(list(self._recipients(asked.shop).values()), name)

    def _unsent(self, asked: Asked) -> Json:
        transfer = self._transfer(asked)
        if transfer["sent"]:
            raise bad("the transfer has been sent")
        return transfer


class Front:
    """What an account is and can do, and its events."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def capability(self, asked: Asked) -> web.Response:
        return written(
            {
                "object": "capability",
                "location": "/capability",
                "country": "TH",
                "limits": {
                    "charge_amount": {"min": CHARGE_MIN, "max": CHARGE_MAX},
                    "transfer_amount": {"min": TRANSFER_MIN, "max": None},
                    "installment_amount": {"min": INSTALMENT_MIN},
                },
                "payment_methods": [_method("card", _CARD_BRANDS, None), *map(_source_method, TYPES)],
                "tokenization_methods": ["googlepay", "applepay"],
                "zero_interest_installments": False,
            }
        )

    async def account(self, asked: Asked) -> web.Response:
        return written(_account(asked.shop))

    async def update_account(self, asked: Asked) -> web.Response:
        url = text(asked.words, "webhook_uri")
        if url and ADDRESS.fullmatch(url) is None:
            raise bad("webhook_uri is an https address")
        if "webhook_uri" in asked.words:
            asked.shop.webhook_uri = url
        return written(_account(asked.shop))

    async def events(self, asked: Asked) -> web.Response:
        rows = self._book.events.get(asked.shop.secret_key, [])
        return written(listed(rows, "/events", asked.words, self._book.now))

    async def event(self, asked: Asked) -> web.Response:
        rows = self._book.events.get(asked.shop.secret_key, [])
        return written(_by_id(rows, asked.request.match_info["event"]))


def _by_id(rows: list[Json], name: str) -> Json:
    found = next((row for row in rows if row["id"] == name), None)
    if found is None:
        raise missing(name)
    return found


def _account(shop: Shop) -> Json:
    return {
        "object": "account",
        "id": "acct_quickkub" if shop.is_live else "acct_test_quickkub",
        "livemode": shop.is_live,
        "location": "/account",
        "country": "TH",
        "currency": "THB",
        "email": "shop@example.com",
        "api_version": "2019-05-29",
        "webhook_uri": shop.webhook_uri or None,
    }


def _source_method(kind: str) -> Json:
    terms = TERMS.get(kind.removeprefix("installment_").removeprefix("wlb_"))
    return _method(kind, None, list(terms) if terms else None)


def _method(name: str, brands: list[str] | None, terms: list[int] | None) -> Json:
    return {
        "object": "payment_method",
        "name": name,
        "currencies": ["THB"],
        "card_brands": brands,
        "installment_terms": terms,
        "banks": [],
    }


def _bank_account(said: Json) -> Any:
    number = str(said.get("number") or "0000006789")
    return {
        "object": "bank_account",
        "bank_code": said.get("bank_code") or said.get("brand") or "test",
        "last_digits": number[-4:],
        "name": said.get("name") or "QUICKKUB DEMO",
    }
