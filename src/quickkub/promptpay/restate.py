"""From a QR that was read back to the input that builds it, to rewrite any QR in QuickKub's order."""

from __future__ import annotations

from dataclasses import replace

from quickkub.promptpay import templates
from quickkub.promptpay.errors import MissingMerchantAccount
from quickkub.promptpay.model import (
    NO_DETAILS,
    AdditionalData,
    BillPayment,
    CreditTransfer,
    Details,
    PaymentQr,
)


def restate(qr: PaymentQr) -> CreditTransfer | BillPayment:
    """The typed input with the same meaning; tips, unknown objects and tag 31 are left behind.

    A QR that was only to be parsed comes back, too, and `build` refuses it. Raises MissingMerchantAccount for
    a QR of another country.
    """
    details = _details(qr)
    if qr.proxy is not None:
        return CreditTransfer(qr.proxy, qr.amount, qr.ota, details)
    if qr.biller is None:
        raise MissingMerchantAccount
    additional = details.additional
    ref3 = None if additional is None else additional.terminal_label
    if additional is not None:
        rest = replace(additional, terminal_label=None)
        details = _or_none(replace(details, additional=None if rest == AdditionalData() else rest))
    biller = qr.biller
    return BillPayment(
        biller.biller_id,
        biller.ref1,
        biller.ref2,
        ref3,
        qr.amount,
        cross_border=qr.cross_border,
        details=details,
    )


def _details(qr: PaymentQr) -> Details:
    root = dict(qr.objects)
    default_point = "11" if qr.amount_satang is None else "12"
    additional, language, vat, message = (root.get(tag, "") for tag in ("62", "64", "80", "81"))
    known = templates.read_additional(additional) if additional else None
    return _or_none(
        Details(
            point_of_initiation=None if qr.point_of_initiation == default_point else qr.point_of_initiation,
            mcc=root.get("52"),
            merchant_name=root.get("59"),
            merchant_city=root.get("60"),
            postal_code=root.get("61"),
            additional=None if known == AdditionalData() else known,
            language=templates.read_language(language) if language else None,
            vat=templates.read_vat(vat) if vat else None,
            message=templates.read_message(message) if message else None,
        )
    )


def _or_none(details: Details) -> Details:
    return NO_DETAILS if details == NO_DETAILS else details
