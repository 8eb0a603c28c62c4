"""Writing payment QRs: first every reason to refuse, then the objects ascending (promptpay pack 2.5, 8)."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from quickkub.promptpay import aids, templates
from quickkub.promptpay.amount import baht_text
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.errors import (
    BadMcc,
    BadVat,
    CityBadCharacter,
    CityTooLong,
    DuplicateId,
    FieldBadCharacter,
    FieldTooLong,
    NameBadCharacter,
    NameTooLong,
    OtaBadLength,
    QrRefusal,
    RefBadCharacter,
    RefTooLong,
    UnknownPointOfInitiation,
)
from quickkub.promptpay.fields import (
    BAHT,
    CITY_MAX,
    DYNAMIC,
    MCC_LENGTH,
    NAME_MAX,
    POSTAL_MAX,
    STATIC,
    THAILAND,
)
from quickkub.promptpay.findings import (
    BANK_ACCOUNT_PROXY,
    BILLER_ID_13_DIGITS,
    CHECK_DIGIT,
    DYNAMIC_WITHOUT_AMOUNT,
    STATIC_WITH_AMOUNT,
)
from quickkub.promptpay.model import (
    NO_DETAILS,
    AdditionalData,
    BillPayment,
    CreditTransfer,
    Details,
    Language,
    Vat,
)
from quickkub.promptpay.proxies import BANK_ACCOUNT, CITIZEN_OR_TAX, check_digit_matches, check_proxy
from quickkub.promptpay.receivers import OTA_LENGTH, OTA_TAG
from quickkub.promptpay.references import require_biller_id, require_reference
from quickkub.promptpay.tlv import HEADER, TWO_DIGITS, ascii_digits, printable_ascii, put, put_all

_AID: Final = {aid: put("00", aid) for aid in aids.RECEIVER_AIDS}
_CURRENCY: Final = put("53", BAHT)
_COUNTRY: Final = put("58", THAILAND)
_CRC_HEAD: Final = "6304"
_ADDITIONAL_TAGS: Final = {name: tag for tag, name in templates.ADDITIONAL_FIELDS.items()}
_FORMAT: Final = put("00", "01")
# Constant text around an ordinary QR, joined once.
_DYNAMIC: Final = _FORMAT + put("01", DYNAMIC)
_STATIC: Final = _FORMAT + put("01", STATIC)
_TAIL: Final = _COUNTRY + _CRC_HEAD
_TRANSFER_HEAD: Final = _AID[aids.MERCHANT_PRESENTED]
_TRANSFER_HEAD_SIZE: Final = len(_TRANSFER_HEAD) + HEADER


def build(payment: CreditTransfer | BillPayment) -> str:
    """The payload, root objects in ascending order, `12` with an amount and `11` without unless overridden.

    Refuses with the named error of the first thing that is wrong: receiver, references, amount, texts. Tips
    (55 to 57) are forbidden with PromptPay and cannot be asked for. What is built parses in strict mode.
    """
    receiver = _transfer(payment) if isinstance(payment, CreditTransfer) else _bill(payment)
    amount = ""
    if payment.amount is not None:
        text = baht_text(payment.amount)
        amount = f"54{TWO_DIGITS[len(text)]}{text}"
    details = payment.details
    ref3 = payment.ref3 if isinstance(payment, BillPayment) else None
    if details is NO_DETAILS and ref3 is None:
        body = f"{_DYNAMIC if amount else _STATIC}{receiver}{_CURRENCY}{amount}{_TAIL}"
    else:
        before, after = _details(details, ref3, receiver, bool(amount))
        body = f"{_FORMAT}{before}{_CURRENCY}{amount}{_COUNTRY}{after}{_CRC_HEAD}"
    return body + checksum(body)


def build_warnings(payment: CreditTransfer | BillPayment) -> tuple[str, ...]:
    """What the one who shows this QR should know: apps that will refuse it, ids that look mistyped."""
    found: list[str] = []
    if isinstance(payment, BillPayment):
        if len(payment.biller_id) == 13:  # noqa: PLR2004 - the form without the bank's suffix
            found.append(BILLER_ID_13_DIGITS)
    elif payment.proxy.tag == BANK_ACCOUNT:
        found.append(BANK_ACCOUNT_PROXY)
    elif payment.proxy.tag == CITIZEN_OR_TAX and not check_digit_matches(payment.proxy.value):
        found.append(CHECK_DIGIT)
    point = payment.details.point_of_initiation
    if point == STATIC and payment.amount is not None:
        found.append(STATIC_WITH_AMOUNT)
    if point == DYNAMIC and payment.amount is None:
        found.append(DYNAMIC_WITHOUT_AMOUNT)
    return tuple(found)


def _transfer(payment: CreditTransfer) -> str:
    proxy = payment.proxy
    check_proxy(proxy)
    if payment.ota is None:
        tag, wire = proxy
        size = len(wire)
        return f"29{TWO_DIGITS[_TRANSFER_HEAD_SIZE + size]}{_TRANSFER_HEAD}{tag}{TWO_DIGITS[size]}{wire}"
    if len(payment.ota) != OTA_LENGTH:
        raise OtaBadLength(param="ota")
    _require_printable(payment.ota, "ota")
    value = _AID[aids.CUSTOMER_PRESENTED] + put_all(((proxy.tag, proxy.value), (OTA_TAG, payment.ota)))
    return put(aids.TRANSFER_TAG, value)


def _bill(payment: BillPayment) -> str:
    require_biller_id(payment.biller_id)
    require_reference(payment.ref1, "ref1")
    if payment.ref2 is not None:
        require_reference(payment.ref2, "ref2")
    if payment.ref3 is not None:
        require_reference(payment.ref3, "ref3")
    aid = aids.BILL_CROSS_BORDER if payment.cross_border else aids.BILL_DOMESTIC
    inner = put_all((("01", payment.biller_id), ("02", payment.ref1), ("03", payment.ref2)))
    return put(aids.BILL_TAG, _AID[aid] + inner)


def _details(details: Details, ref3: str | None, receiver: str, has_amount: bool) -> tuple[str, str]:
    """Objects around currency, amount and country: those before them and those after."""
    point = details.point_of_initiation or (DYNAMIC if has_amount else STATIC)
    if point not in {DYNAMIC, STATIC}:
        raise UnknownPointOfInitiation(param="point_of_initiation")
    _check_texts(details)
    is_bill = receiver.startswith(aids.BILL_TAG)
    before = put("01", point) + receiver + put_all((("52", details.mcc),))
    after = put_all(
        (
            ("59", details.merchant_name),
            ("60", details.merchant_city),
            ("61", details.postal_code),
            (templates.ADDITIONAL_TAG, _additional(details.additional, ref3, is_bill=is_bill)),
            (templates.LANGUAGE_TAG, _language(details.language)),
            (templates.VAT_TAG, _vat(details.vat)),
            (templates.MESSAGE_TAG, _message(details.message)),
        )
    )
    return before, after


def _check_texts(details: Details) -> None:
    if details.mcc is not None and not (len(details.mcc) == MCC_LENGTH and ascii_digits(details.mcc)):
        raise BadMcc(param="mcc")
    _require_text(details.merchant_name, NAME_MAX, "merchant_name", NameTooLong, NameBadCharacter)
    _require_text(details.merchant_city, CITY_MAX, "merchant_city", CityTooLong, CityBadCharacter)
    _require_text(details.postal_code, POSTAL_MAX, "postal_code", FieldTooLong, FieldBadCharacter)


def _require_text(
    text: str | None, most: int, field: str, too_long: type[QrRefusal], bad_character: type[QrRefusal]
) -> None:
    if text is None:
        return
    if len(text) > most:
        raise too_long(param=field)
    if not text or not printable_ascii(text):
        raise bad_character(param=field)


def _require_printable(text: str, field: str) -> None:
    if not printable_ascii(text):
        raise FieldBadCharacter(param=field)


def _additional(data: AdditionalData | None, ref3: str | None, *, is_bill: bool) -> str | None:
    """Tag 62 with reference 3, which for a bill is the terminal label and keeps the references' alphabet."""
    given = {} if data is None else {f.name: getattr(data, f.name) for f in fields(data)}
    values = {_ADDITIONAL_TAGS[name]: text for name, text in given.items() if text is not None}
    if ref3 is not None and values.setdefault("07", ref3) != ref3:
        raise DuplicateId("reference 3 and the terminal label are the same object", param="ref3")
    for tag, text in values.items():
        most, name = templates.additional_max(tag), templates.ADDITIONAL_FIELDS[tag]
        if is_bill and tag == "07":
            _require_reference3(text, name)
        _require_text(text, most, f"additional.{name}", FieldTooLong, FieldBadCharacter)
    return put_all(sorted(values.items())) or None


def _require_reference3(text: str, name: str) -> None:
    try:
        require_reference(text, name)
    except (RefTooLong, RefBadCharacter) as refused:
        refused.param = f"additional.{name}"
        raise


def _language(language: Language | None) -> str | None:
    """Tag 64. Any Unicode but control characters and lone surrogates."""
    if language is None:
        return None
    if not templates.language_code_ok(language.language):
        raise FieldBadCharacter("a language is two letters of ISO 639", param="language.language")
    for field, text, most in (
        ("name", language.name, templates.LANGUAGE_NAME_MAX),
        ("city", language.city, templates.LANGUAGE_CITY_MAX),
    ):
        if text is not None and len(text) > most:
            raise FieldTooLong(param=f"language.{field}")
        if text is not None and not (text and text.isprintable()):
            raise FieldBadCharacter(param=f"language.{field}")
    return put_all((("00", language.language), ("01", language.name), ("02", language.city)))


def _vat(vat: Vat | None) -> str | None:
    if vat is None:
        return None
    if not templates.vat_ok(vat):
        raise BadVat(param="vat")
    return put_all((("00", vat.branch), ("01", vat.rate), ("02", vat.amount)))


def _message(text: str | None) -> str | None:
    if not text:
        return None
    try:
        value = templates.write_message(text)
    except UnicodeEncodeError as exc:
        raise FieldBadCharacter("a message has no lone surrogates", param="message") from exc
    if len(value) > templates.MESSAGE_HEX_MAX:
        raise FieldTooLong("a message holds 24 UTF-16 units", param="message")
    return value
