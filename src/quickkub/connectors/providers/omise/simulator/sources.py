"""Source types of Thailand: flows, limits, what each needs to know (pack 3.3), and making one (pack 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from quickkub.connectors.providers.omise.simulator.answers import Json, bad, written
from quickkub.connectors.providers.omise.simulator.book import Book
from quickkub.connectors.providers.omise.simulator.desk import Asked, flag, mapping, text, whole
from quickkub.connectors.providers.omise.simulator.register import Shop
from quickkub.connectors.providers.omise.simulator.things import Source, source_shown
from quickkub.kernel.money import THB, Money

CHARGE_MIN: Final = 2_000
CHARGE_MAX: Final = 15_000_000
INSTALMENT_MIN: Final = 200_000

_PHONE: Final = re.compile(r"0[0-9]{9}|\+66[0-9]{9}")
_PLATFORMS: Final = ("WEB", "IOS", "ANDROID")
_EXTRAS: Final = (
    "name",
    "email",
    "mobile_number",
    "bank",
    "barcode",
    "store_id",
    "store_name",
    "terminal_id",
)

TERMS: Final = {
    "bay": (3, 4, 6, 9, 10),
    "bbl": (4, 6, 8, 10),
    "first_choice": (3, 4, 6, 9, 10, 12, 18, 24, 36),
    "kbank": (3, 6, 10),
    "ktc": tuple(range(3, 11)),
    "scb": (3, 4, 6, 9, 10),
    "ttb": (3, 4, 6, 10),
    "uob": (3, 4, 6, 10),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A source type. `refunds` says whether Omise gives money back; `lives_minutes` None is the account's."""

    flow: str
    refunds: bool = True
    amount_min: int = CHARGE_MIN
    amount_max: int = CHARGE_MAX
    lives_minutes: int | None = None
    fee_rate: str = "3.65"


TYPES: Final = {
    "promptpay": Kind("offline", refunds=False, fee_rate="1.65"),
    **{
        f"mobile_banking_{bank}": Kind("app_redirect", refunds=False)
        for bank in ("kbank", "scb", "bbl", "bay", "ktb")
    },
    "truemoney": Kind("redirect", amount_max=10_000_000),
    "truemoney_jumpapp": Kind("app_redirect", amount_max=10_000_000),
    "truemoney_qr": Kind("offline", amount_max=10_000_000),
    "rabbit_linepay": Kind("redirect", lives_minutes=20),
    "shopeepay": Kind("redirect"),
    "shopeepay_jumpapp": Kind("app_redirect"),
    **{f"installment_{bank}": Kind("redirect", amount_min=INSTALMENT_MIN) for bank in TERMS},
    **{f"installment_wlb_{bank}": Kind("redirect", amount_min=INSTALMENT_MIN) for bank in TERMS},
    "bill_payment_tesco_lotus": Kind("offline", refunds=False, amount_max=4_900_000),
    **{f"direct_debit_{bank}": Kind("redirect", refunds=False) for bank in ("bay", "kbank", "ktb", "scb")},
    "alipay": Kind("redirect"),
    "wechat_pay": Kind("offline"),
    "grabpay": Kind("redirect"),
}


def amount_in(words: Json) -> Money:
    """The amount of a charge or source. Raises Refused."""
    currency, satang = text(words, "currency").upper(), whole(words, "amount")
    if not currency:
        raise bad("currency is missing")
    if currency != THB.code:
        raise bad(f"{currency[:10]} is not supported", "currency_not_supported")
    if satang is None:
        raise bad("amount is missing", "invalid_amount")
    if satang < CHARGE_MIN:
        raise bad(f"amount is at least {CHARGE_MIN}", "invalid_amount")
    return Money(satang)


class SourceCounter:
    """Makes and shows sources."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def create(self, asked: Asked) -> web.Response:
        source = self.make(asked.shop, asked.words, amount_in(asked.words))
        return written(source_shown(source))

    async def show(self, asked: Asked) -> web.Response:
        source = self._book.source(asked.shop, asked.request.match_info["source"])
        return written(source_shown(source, self._book.charges.get(source.charge)))

    def make(self, shop: Shop, words: Json, amount: Money) -> Source:
        """Raises Refused for a type that is not offered, an amount outside its limits, a field that lacks."""
        kind_name = text(words, "type")
        kind = TYPES.get(kind_name)
        if kind is None:
            raise bad(f"type {kind_name[:40]!r} is not offered", "invalid_source")
        if not kind.amount_min <= amount.minor <= kind.amount_max:
            raise bad(f"amount is {kind.amount_min} to {kind.amount_max} for {kind_name}", "invalid_amount")
        source = Source(
            self._book.new_id("src", shop),
            shop,
            kind_name,
            kind.flow,
            amount,
            self._book.now,
            _extra(kind_name, words),
            document=self._book.new_id("docu", shop),
        )
        self._book.sources[source.id] = source
        return source


def _extra(kind: str, words: Json) -> Json:
    """The fields of a type, as they are kept. Raises Refused."""
    extra: Json = {name: value for name in _EXTRAS if (value := text(words, name))}
    extra |= {name: place for name in ("billing", "shipping") if (place := mapping(words, name))}
    phone = text(words, "phone_number")
    if kind == "truemoney" and _PHONE.fullmatch(phone) is None:
        raise bad("phone_number is a Thai mobile number", "invalid_phone_number")
    if phone:
        extra["phone_number"] = "+66" + phone[1:] if phone.startswith("0") else phone
    if platform := text(words, "platform_type"):
        if platform not in _PLATFORMS:
            raise bad(f"platform_type is one of {', '.join(_PLATFORMS)}")
        extra["platform_type"] = platform
    if kind.startswith("installment_"):
        extra |= _plan(kind.removeprefix("installment_").removeprefix("wlb_"), words)
    return extra


def _plan(bank: str, words: Json) -> Json:
    term = whole(words, "installment_term")
    if term not in TERMS[bank]:
        raise bad(
            f"installment_term is one of {', '.join(map(str, TERMS[bank]))}", "invalid_installment_term"
        )
    zero = flag(words, "zero_interest_installments", usual=False)
    absorbed = "merchant" if zero else "customer"
    return {"installment_term": term, "zero_interest_installments": zero, "absorption_type": absorbed}
