"""JSON objects in the shape of the test vectors' `input` as typed input, and any input as its payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from quickkub.kernel.money import Money
from quickkub.promptpay.amount import read_baht
from quickkub.promptpay.barcode import build_barcode
from quickkub.promptpay.build import build, build_warnings
from quickkub.promptpay.errors import (
    AmountBadCharacter,
    BadRequestLine,
    BadSendingBank,
    EmptyTarget,
    MissingBillerId,
    MissingProxy,
    TipForbidden,
)
from quickkub.promptpay.model import (
    NO_DETAILS,
    AdditionalData,
    BankSlip,
    BillBarcode,
    BillPayment,
    CreditTransfer,
    Details,
    Language,
    TrueMoneySlip,
    Vat,
)
from quickkub.promptpay.names import ADDITIONAL_NAMES, LANGUAGE_NAMES, VAT_NAMES
from quickkub.promptpay.proxies import (
    Proxy,
    bank_account,
    ewallet,
    mobile,
    national_id,
    tax_id,
    truemoney_wallet,
)
from quickkub.promptpay.references import require_biller_id, require_reference
from quickkub.promptpay.slip import build_slip, build_truemoney_slip

Buildable = CreditTransfer | BillPayment | BankSlip | TrueMoneySlip | BillBarcode

_PROXIES: Final[dict[str, Callable[[str], Proxy]]] = {
    "mobile": mobile,
    "national_id": national_id,
    "tax_id": tax_id,
    "ewallet": ewallet,
}
_DETAILS: Final = frozenset(
    {"poi", "point_of_initiation", "mcc", "merchant_name", "merchant_city", "postal_code"}
    | {"additional", "language", "vat", "tip"}
)
_FIELDS: Final = {
    "credit_transfer": _DETAILS | {"kind", "proxy", "id", "bank_code", "account", "amount", "ota"},
    "bill_payment": _DETAILS | {"kind", "biller_id", "ref1", "ref2", "ref3", "amount", "cross_border"},
    "truemoney": _DETAILS | {"kind", "mobile", "id", "amount", "message"},
    "slip": {"kind", "sending_bank", "trans_ref"},
    "truemoney_slip": {"kind", "event_type", "transaction_id", "date"},
    "bot_barcode": {"kind", "biller_id", "ref1", "ref2", "amount"},
}


def write(value: Buildable) -> str:
    """The payload of any input, whatever its kind. Raises QrRefusal."""
    match value:
        case BankSlip():
            return build_slip(value)
        case TrueMoneySlip():
            return build_truemoney_slip(value)
        case BillBarcode():
            return build_barcode(value)
        case _:
            return build(value)


def warnings_of(value: Buildable) -> tuple[str, ...]:
    """What to tell the one who builds this; see `build_warnings`."""
    return build_warnings(value) if isinstance(value, CreditTransfer | BillPayment) else ()


def read_input(record: object) -> Buildable:
    """The typed input for a JSON object in the shape of the vectors' `input`.

    Texts are JSON strings; an amount is baht as text. Raises QrRefusal: receiver first, then amount, then the
    shape of the texts; a field nobody knows is refused, because a misspelt `amount` would build a static QR.
    """
    if not isinstance(record, Mapping):
        raise BadRequestLine("an input is a JSON object")
    kind = record.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise BadRequestLine(f"kind is one of {', '.join(sorted(_FIELDS))}", param="kind")
    unknown = sorted(str(name) for name in record if name not in _FIELDS[kind])
    if unknown:
        raise BadRequestLine("a field this kind does not have", param=unknown[0])
    match kind:
        case "slip":
            bank = _text(record, "sending_bank")
            if bank is None:
                raise BadSendingBank(param="sending_bank")
            return BankSlip(bank, _text(record, "trans_ref") or "")
        case "truemoney_slip":
            event, transaction, day = (
                _text(record, n) or "" for n in ("event_type", "transaction_id", "date")
            )
            return TrueMoneySlip(event, transaction, day)
        case "credit_transfer":
            proxy = _proxy(record)
            return CreditTransfer(proxy, _amount(record), _text(record, "ota"), _details(record))
        case "truemoney":
            wallet = truemoney_wallet(_text(record, "mobile") or _text(record, "id") or "")
            return CreditTransfer(wallet, _amount(record), None, _details(record))
        case _:
            return _bill(record, kind)


def _bill(record: Mapping[str, object], kind: str) -> BillPayment | BillBarcode:
    biller_id = _text(record, "biller_id")
    if not biller_id:
        raise MissingBillerId(param="biller_id")
    require_biller_id(biller_id)
    refs: dict[str, str | None] = {name: _text(record, name) or None for name in ("ref1", "ref2", "ref3")}
    for name, text in refs.items():
        if text is not None or name == "ref1":
            require_reference(text or "", name)
    ref1 = refs["ref1"] or ""
    if kind == "bot_barcode":
        return BillBarcode(biller_id, ref1, refs["ref2"], _amount(record))
    abroad = record.get("cross_border") or False
    if not isinstance(abroad, bool):
        raise BadRequestLine("cross_border is true or false", param="cross_border")
    amount, details = _amount(record), _details(record)
    return BillPayment(
        biller_id, ref1, refs["ref2"], refs["ref3"], amount, cross_border=abroad, details=details
    )


def _proxy(record: Mapping[str, object]) -> Proxy:
    kind = _text(record, "proxy")
    if not kind:
        raise MissingProxy(param="proxy")
    if kind == "bank_account":
        account = _text(record, "account") or _text(record, "id") or ""
        return bank_account(_text(record, "bank_code") or "", account)
    reader = _PROXIES.get(kind)
    if reader is None:
        raise BadRequestLine(f"proxy is one of {', '.join((*_PROXIES, 'bank_account'))}", param="proxy")
    text = _text(record, "id")
    if not text:
        raise EmptyTarget(param="id")
    return reader(text)


def _amount(record: Mapping[str, object]) -> Money | None:
    value = record.get("amount")
    if value is None:
        return None
    if not isinstance(value, str):
        raise AmountBadCharacter("an amount is baht as text", param="amount")
    return read_baht(value)


def _text(record: Mapping[str, object], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequestLine("this field is text", param=name)
    return value


def _details(record: Mapping[str, object]) -> Details:
    if record.get("tip") is not None:
        raise TipForbidden(param="tip")
    message = _text(record, "message")
    details = Details(
        point_of_initiation=_text(record, "point_of_initiation") or _text(record, "poi"),
        mcc=_text(record, "mcc"),
        merchant_name=_text(record, "merchant_name") or None,
        merchant_city=_text(record, "merchant_city") or None,
        postal_code=_text(record, "postal_code") or None,
        additional=_additional(record),
        language=_language(record),
        vat=_vat(record),
        message=message or None,
    )
    return NO_DETAILS if details == NO_DETAILS else details


def _part(record: Mapping[str, object], name: str, names: Mapping[str, str]) -> dict[str, str | None] | None:
    """A nested object as our own field names; either spelling of a name is read."""
    part = record.get(name)
    if part is None:
        return None
    if not isinstance(part, Mapping):
        raise BadRequestLine("this field is a JSON object", param=name)
    ours = {**names, **{field: field for field in names.values()}}
    unknown = sorted(str(key) for key in part if key not in ours)
    if unknown:
        raise BadRequestLine("a field this object does not have", param=f"{name}.{unknown[0]}")
    return {ours[key]: _text(part, key) or None for key in part}


def _additional(record: Mapping[str, object]) -> AdditionalData | None:
    part = _part(record, "additional", ADDITIONAL_NAMES)
    data = None if part is None else AdditionalData(**part)
    return None if data == AdditionalData() else data


def _language(record: Mapping[str, object]) -> Language | None:
    part = _part(record, "language", LANGUAGE_NAMES)
    return (
        None
        if part is None
        else Language(part.get("language") or "", part.get("name") or "", part.get("city"))
    )


def _vat(record: Mapping[str, object]) -> Vat | None:
    part = _part(record, "vat", VAT_NAMES)
    return None if part is None else Vat(part.get("branch") or "", part.get("rate"), part.get("amount"))
