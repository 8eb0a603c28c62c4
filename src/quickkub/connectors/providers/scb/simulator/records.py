"""A payment in the bank's words: confirmation call, inquiry row, card record, slip (pack 6, 7)."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quickkub.connectors.providers.scb.simulator.register import Options
from quickkub.connectors.providers.scb.simulator.sales import CARD, Kind, Payment, Sale
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, decimal_text

BANK: Final = "014"
THB: Final = "764"


def number(money: Money) -> Decimal:
    """An amount as a JSON number with two decimals."""
    return Decimal(decimal_text(money))


def confirmation(payment: Payment, options: Options) -> bytes:
    """The body of the confirmation call."""
    said = _card_confirmation(payment) if payment.by == CARD else _bill_confirmation(payment, options)
    return json.dumps(said | {"amount": _amount(payment.movement.amount, options)}).encode()


def forged(payment: Payment, options: Options) -> bytes:
    """A confirmation nobody's money stands behind: another transaction id, and twice the amount."""
    said = json.loads(confirmation(payment, options), parse_float=str)
    doubled = Money(2 * payment.movement.amount.minor, payment.movement.amount.currency)
    return json.dumps(
        said | {"transactionId": f"FORGED{payment.number:09d}", "amount": decimal_text(doubled)}
    ).encode()


def _bill_confirmation(payment: Payment, options: Options) -> dict[str, Any]:
    sale, payer, biller = payment.sale, payment.payer, payment.sale.biller
    assert biller is not None, "only bills are confirmed to billers"
    proxy = payer.phone if options.payer_proxy_type == "MSISDN" else payer.account
    return {
        "transactionDateandTime": payment.movement.paid_at.astimezone(BANGKOK).isoformat(timespec="seconds"),
        "sendingBankCode": payer.bank,
        "payerName": payer.name,
        "payerProxyType": options.payer_proxy_type,
        "payerProxyId": proxy,
        "payerAccountNumber": payer.account,
        "receivingBankCode": BANK,
        "payeeName": biller.name,
        "payeeProxyType": "BILLERID",
        "payeeProxyId": biller.biller_id,
        "payeeAccountNumber": biller.account,
        "amount": "",
        "currencyCode": THB,
        "transactionId": payment.confirmation_id,
        "transactionType": "Domestic Transfers",
        "billPaymentRef1": sale.ref1,
        "billPaymentRef2": sale.ref2,
        "billPaymentRef3": sale.ref3,
        "channelCode": "PMH",
    }


def _card_confirmation(payment: Payment) -> dict[str, Any]:
    sale = payment.sale
    paid_at = payment.movement.paid_at
    # Card QR confirmations carry Greenwich time without saying so, all others Bangkok time (pack 14.4).
    when = f"{paid_at:%Y-%m-%dT%H:%M:%S}"
    method = "QRCS"
    if sale.kind is Kind.LINK:
        when, method = (
            paid_at.astimezone(BANGKOK).isoformat(timespec="seconds"),
            payment.movement.details["by"],
        )
    said = {
        "transactionId": payment.confirmation_id,
        "amount": "",
        "transactionDateandTime": when,
        "currencyCode": THB,
        "transactionType": "AUTH",
        "paymentMethod": method,
        **_card_ids(payment),
    }
    if plan := sale.asked.get("installmentPaymentPlan"):
        said |= {"tenor": plan["tenor"], "ippType": plan["ippType"], "productCode": plan["prodCode"]}
    return said


def _card_ids(payment: Payment) -> dict[str, Any]:
    sale = payment.sale
    return {
        "merchantId": sale.merchant.merchant_id if sale.merchant else "",
        "terminalId": sale.terminal,
        "qrId": sale.qr_code_id,
        "traceNo": f"{payment.number % 10**6:06d}",
        "authorizeCode": f"{(payment.number * 7919) % 10**6:06d}",
        "merchantPAN": "4xxxxxxxxxxxx001",
        "consumerPAN": "xxxxxxxxxxxx1234",
        "invoice": sale.invoice,
        "note": sale.note,
        "channelCode": "VISA",
    }


def _amount(money: Money, options: Options) -> str:
    """`100` or `100.00` for a hundred baht: both are seen (pack 14.10)."""
    text = decimal_text(money)
    return text.removesuffix(".00") if options.amount_style == "short" else text


def row(payment: Payment) -> dict[str, Any]:
    """A row of the bill payment inquiry."""
    sale, payer, biller = payment.sale, payment.payer, payment.sale.biller
    assert biller is not None, "only bills have rows"
    return {
        "eventCode": sale.event_code,
        "transactionType": "Domestic Transfers",
        "reverseFlag": "R" if payment.movement.reversed else "",
        "payeeProxyId": biller.biller_id,
        "payeeProxyType": "BILLERID",
        "payeeAccountNumber": biller.account,
        "payeeName": biller.name,
        "payerProxyId": "",
        "payerProxyType": "",
        "payerAccountNumber": f"xxxxxx{payer.account[-4:]}",
        "payerName": payer.short_name,
        "sendingBankCode": payer.bank,
        "receivingBankCode": BANK,
        "amount": decimal_text(payment.movement.amount),
        "transactionId": payment.movement.transaction_id,
        "fastEasySlipNumber": f"{payment.number:012d}",
        "transactionDateandTime": payment.movement.paid_at.astimezone(BANGKOK).isoformat(
            timespec="milliseconds"
        ),
        "billPaymentRef1": sale.ref1,
        "billPaymentRef2": sale.ref2,
        "billPaymentRef3": sale.ref3,
        "currencyCode": THB,
        "equivalentAmount": "",
        "equivalentCurrencyCode": "",
        "exchangeRate": "",
        "channelCode": "PMH",
        "partnerTransactionId": sale.partner_transaction,
        "tepaCode": "",
    }


def card_record(payment: Payment) -> dict[str, Any]:
    """The record of a paid card QR; its time is Bangkok's, unlike its confirmation's."""
    return {
        "transactionId": payment.movement.transaction_id,
        "amount": decimal_text(payment.movement.amount),
        "transactionDateandTime": f"{payment.movement.paid_at.astimezone(BANGKOK):%Y%m%d %H:%M:%S}",
        "currencyCode": THB,
        "paymentMethod": "QRCS",
        "transactionType": "SETTLED",
        **_card_ids(payment),
    }


def slip(payment: Payment) -> dict[str, Any]:
    """The transfer behind a slip."""
    sale, payer, biller = payment.sale, payment.payer, payment.sale.biller
    assert biller is not None, "only bills have slips"
    local, amount = payment.movement.paid_at.astimezone(BANGKOK), decimal_text(payment.movement.amount)
    return {
        "language": "EN",
        "transRef": payment.trans_ref,
        "sendingBank": payer.bank,
        "receivingBank": BANK,
        "transDate": f"{local:%Y%m%d}",
        "transTime": f"{local:%H:%M:%S}",
        "sender": {
            "displayName": payer.short_name,
            "name": payer.short_name.upper(),
            "proxy": {"type": None, "value": None},
            "account": {"type": "BANKAC", "value": _masked(payer.account)},
        },
        "receiver": {
            "displayName": biller.name,
            "name": biller.name,
            "proxy": {"type": "BILLERID", "value": biller.biller_id},
            "account": {"type": "BANKAC", "value": _masked(biller.account)},
        },
        "amount": amount,
        "paidLocalAmount": amount,
        "paidLocalCurrency": THB,
        "countryCode": "TH",
        "transFeeAmount": "",
        "ref1": sale.ref1,
        "ref2": sale.ref2,
        "ref3": sale.ref3,
        "toMerchantId": "",
    }


def _masked(account: str) -> str:
    return f"xxx-x-x{account[-5:-1]}-x"


def link_details(sale: Sale, state: int, payments: list[Payment]) -> dict[str, Any]:
    """How a deep link stands (pack 5.1)."""
    paid = payments[0] if payments else None
    said = sale.asked
    bill = said.get("billPayment")
    return {
        "partnerId": "15102",
        "transactionMethod": paid.movement.details["by"] if paid else sale.sub_types[0],
        "updatedTimestamp": _stamp(sale.updated_at or sale.made_at),
        "createdTimestamp": _stamp(sale.made_at),
        "fee": 0,
        "statusCode": state,
        "transactionSubType": list(sale.sub_types),
        "userRefId": said["userRefId"],
        "sessionValidityPeriod": sale.session_seconds,
        "transactionId": sale.transaction,
        "transactionType": "PURCHASE",
        **({"billPayment": {"receiverBankCode": BANK, **bill, "currency": THB}} if bill else {}),
        **{
            name: said[name] | ({"approveCode": "123456", "traceNo": "000123"} if paid else {})
            for name in ("creditCardFullAmount", "installmentPaymentPlan")
            if name in said
        },
        "partnerName": sale.biller.name if sale.biller else "",
        "errorMessage": None,
        **({"paidAmount": number(paid.movement.amount), "accountFrom": paid.payer.account} if paid else {}),
        "merchantMetaData": {**said.get("merchantMetaData", {}), "deeplinkUrl": sale.qr_text},
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(BANGKOK).isoformat(timespec="milliseconds")
