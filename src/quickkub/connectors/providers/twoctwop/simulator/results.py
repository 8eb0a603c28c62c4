"""A payment in 2C2P's words: what inquiries and notifications say (pack 4.5, 5.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.providers.twoctwop.simulator.answers import said
from quickkub.connectors.providers.twoctwop.simulator.book import Book, Sale, State
from quickkub.connectors.providers.twoctwop.simulator.register import Options
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

_SCHEMES: Final = {
    "PPQR": "ETQ", "TRUEMONEY": "TM", "LINE": "LP", "SHPPAY": "SH", "ALIPAY": "AL", "WCQR": "WQ",
    "GRAB": "GP", "GRABBNPL": "GP", "123": "AP", "COUNTER": "AP", "IMBANK": "AP", "WEBPAY": "AP",
}  # fmt: skip
_SPECIAL: Final = {"AE": "5017", "AL": "5016", "AM": "5015", "V": "0003"}


def code_of(sale: Sale, book: Book) -> str:
    """The verdict, or how far it is."""
    status = book.status(sale)
    if sale.charged_back or status in _SPECIAL:
        return "4130" if sale.charged_back else _SPECIAL[status]
    if sale.state is State.FAILED:
        return sale.code
    if sale.state is State.NEW:
        return "2001" if book.lives(sale) else "2002"
    if sale.state is State.PENDING:
        over = "9020" if sale.is_card else "5009"
        return over if book.is_over(sale) else "2001"
    whole = sale.captured is not None and sale.given_back >= sale.captured.minor and status == "RF"
    return "4120" if whole else "0000"


def result(sale: Sale, book: Book) -> dict[str, Any]:
    """The claims of an inquiry's answer, and of a notification."""
    code = code_of(sale, book)
    if code == "2002":
        return said(code)
    if code == "2001":
        return said(code, {"invoiceNo": sale.invoice})
    paid_at = sale.paid_at or sale.expires_at
    scheme = _SCHEMES.get(sale.channel, "VI")
    claims: dict[str, Any] = {
        "merchantID": sale.merchant.merchant_id,
        "invoiceNo": sale.invoice,
        "amount": amount_in(sale.captured or sale.paid or sale.amount, book.options),
        "currencyCode": sale.amount.currency.code,
        "transactionDateTime": f"{paid_at.astimezone(BANGKOK):%Y%m%d%H%M%S}",
        "agentCode": sale.agent or ("KBANK" if sale.is_card else sale.channel),
        "channelCode": scheme if sale.is_card else sale.channel,
        "approvalCode": sale.reference[-6:] if sale.is_card and sale.state is State.APPROVED else "",
        "referenceNo": sale.reference,
        "tranRef": sale.tran_ref,
        "accountNo": "411111XXXXXX1111" if sale.is_card else "",
        "cardType": "CREDIT" if sale.is_card else "",
        "issuerCountry": "TH" if sale.is_card else "",
        "eci": "05" if sale.is_card else "",
        "paymentScheme": scheme,
        "paymentID": f"ccpp_{sale.reference}" if sale.reference else "",
        "idempotencyID": sale.asked.get("idempotencyID", ""),
    }
    echoed = {f"userDefined{n}": sale.asked.get(f"userDefined{n}", "") for n in range(1, 6)}
    return said(code, claims | echoed)


def amount_in(money: Money, options: Options) -> Any:
    """A number, a text, or the padded text of some clients (pack 3)."""
    text = decimal_text(money)
    match options.amount_style:
        case "text":
            return text
        case "padded":
            return f"{text}000".rjust(18, "0")
        case _:
            return Decimal(text)
