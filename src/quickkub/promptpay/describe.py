"""What was read, as plain JSON values in the words of the test vectors' `input`."""

from __future__ import annotations

from collections.abc import Mapping

from quickkub.kernel.money import decimal_text
from quickkub.promptpay import templates
from quickkub.promptpay.banks import BANKS
from quickkub.promptpay.check import Read
from quickkub.promptpay.model import BankSlip, BillBarcode, PaymentQr, QrKind, TrueMoneySlip
from quickkub.promptpay.names import ADDITIONAL_NAMES, LANGUAGE_NAMES, VAT_NAMES, Record
from quickkub.promptpay.proxies import BANK_ACCOUNT
from quickkub.promptpay.slip import slip_date
from quickkub.promptpay.tlv import Objects


def describe(read: Read) -> Record:
    """Everything known about a text that was read, as plain JSON values; absent things are null."""
    match read:
        case PaymentQr():
            return _describe_payment(read)
        case BankSlip():
            return _describe_slip(read)
        case TrueMoneySlip():
            day = slip_date(read)
            return {
                "kind": QrKind.TRUEMONEY_SLIP.value,
                "event_type": read.event_type,
                "transaction_id": read.transaction_id,
                "date": read.date,
                "day": None if day is None else day.isoformat(),
                "objects": _lists(read.objects),
                "templates": _envelope(read.objects),
                "warnings": list(read.warnings),
            }
        case BillBarcode():
            return {
                "kind": QrKind.BARCODE.value,
                "biller_id": read.biller_id,
                "ref1": read.ref1,
                "ref2": read.ref2,
                "amount": None if read.amount is None else decimal_text(read.amount),
                "warnings": list(read.warnings),
            }


def _describe_slip(slip: BankSlip) -> Record:
    bank = BANKS.get(slip.sending_bank)
    return {
        "kind": QrKind.SLIP.value,
        "sending_bank": slip.sending_bank,
        "bank": bank.short if bank else None,
        "bank_name": bank.name if bank else None,
        "trans_ref": slip.trans_ref,
        "country": dict(slip.objects).get("51"),
        "objects": _lists(slip.objects),
        "templates": _envelope(slip.objects),
        "warnings": list(slip.warnings),
    }


def _describe_payment(qr: PaymentQr) -> Record:
    root = dict(qr.objects)
    # The amount of a foreign QR is not ours to interpret: its text, as it stood.
    amount = root.get("54") if qr.kind is QrKind.EMV else qr.amount and decimal_text(qr.amount)
    nested = {tag: templates.split(text) for tag, text in qr.objects if tag in templates.NESTING_TAGS}
    return {
        "kind": qr.kind.value,
        "amount": amount,
        "currency": root.get("53"),
        "country": root.get("58"),
        "point_of_initiation": qr.point_of_initiation,
        **_describe_receiver(qr, root),
        "merchant_name": root.get("59"),
        "merchant_city": root.get("60"),
        "postal_code": root.get("61"),
        "mcc": root.get("52"),
        "additional": _renamed(templates.read_additional(root.get("62", "")), ADDITIONAL_NAMES),
        "language": _renamed(templates.read_language(root.get("64", "")), LANGUAGE_NAMES),
        "vat": _renamed(templates.read_vat(root.get("80", "")), VAT_NAMES),
        "message": templates.read_message(root["81"]) if "81" in root else None,
        "objects": _lists(qr.objects),
        "templates": {tag: _lists(parts) for tag, parts in nested.items() if parts},
        "warnings": list(qr.warnings),
    }


def _describe_receiver(qr: PaymentQr, root: Mapping[str, str]) -> Record:
    proxy, biller = qr.proxy, qr.biller
    is_account = proxy is not None and proxy.tag == BANK_ACCOUNT
    ref3 = dict(templates.split(root.get("62", "")) or ()).get("07") if biller else None
    return {
        "proxy": proxy.kind if proxy else None,
        "id": proxy.id if proxy else None,
        "proxy_value": proxy.value if proxy else None,
        "bank_code": proxy.bank_code if proxy else None,
        "account": proxy.id if proxy and is_account else None,
        "mobile": proxy.truemoney_mobile if proxy else None,
        "ota": qr.ota,
        "biller_id": biller.biller_id if biller else None,
        "ref1": biller.ref1 if biller else None,
        "ref2": biller.ref2 if biller else None,
        "ref3": ref3,
        "cross_border": qr.cross_border,
    }


def _renamed(part: object, names: Mapping[str, str]) -> Record | None:
    given = {theirs: getattr(part, ours, None) for theirs, ours in names.items()}
    filled: Record = {name: text for name, text in given.items() if text is not None}
    return filled or None


def _envelope(objects: Objects) -> Record:
    return {"00": _lists(templates.split(dict(objects)["00"]) or ())}


def _lists(objects: Objects) -> list[list[str]]:
    return [[ident, value] for ident, value in objects]
