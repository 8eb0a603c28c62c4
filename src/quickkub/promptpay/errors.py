"""Every way a QR, a slip or a barcode is refused, each with the stable code that scripts read.

The first group is the public list shared with the test vectors (`error_classes`); the second group names what
that list has no word for, nearly all of it input to `build`. One class per code, so that a caller can catch
exactly what it can explain to a payer.
"""

from __future__ import annotations

from typing import ClassVar, Final

from quickkub.kernel.errors import Kind, Refusal


class QrRefusal(Refusal):
    """A text is not what it should be, or an input cannot become a QR.

    `errors` holds every code that was found, in the order of the checks; the first is this refusal's own.
    `param` is the tag path (`29-01`) when parsing and the input's field when building.
    """

    code: ClassVar[str] = "qr_refused"
    kind: ClassVar[Kind] = Kind.INVALID

    def __init__(
        self, detail: str | None = None, *, param: str | None = None, errors: tuple[str, ...] = ()
    ) -> None:
        meaning = (type(self).__doc__ or self.code).strip()
        super().__init__(detail or meaning, param=param)
        self.errors = errors or (self.code,)


class EmptyPayload(QrRefusal):
    """No text."""

    code = "empty_payload"


class TruncatedTlv(QrRefusal):
    """The text ends inside an object header or inside the CRC value."""

    code = "truncated_tlv"


class ValueOverrun(QrRefusal):
    """A length reaches past the end of its container or into the CRC object."""

    code = "value_overrun"


class NonDigitLength(QrRefusal):
    """The two length characters are not ASCII digits."""

    code = "non_digit_length"


class NonDigitId(QrRefusal):
    """The two id characters are not ASCII digits."""

    code = "non_digit_id"


class BadSubTlv(QrRefusal):
    """A template does not split exactly into sub-objects."""

    code = "bad_sub_tlv"


class DuplicateId(QrRefusal):
    """An id occurs twice at one level."""

    code = "duplicate_id"


class BadCrc(QrRefusal):
    """CRC value differs from the computed one or is not hexadecimal."""

    code = "bad_crc"


class CrcMissing(QrRefusal):
    """No tag 63 (or 91 in a slip)."""

    code = "crc_missing"


class CrcWrongLength(QrRefusal):
    """CRC object length is not 04."""

    code = "crc_wrong_length"


class CrcNotLast(QrRefusal):
    """Anything after the CRC object, or CRC in the middle."""

    code = "crc_not_last"


class CrcNotUppercase(QrRefusal):
    """CRC right but in lower case."""

    code = "crc_not_uppercase"


class LeadingWhitespace(QrRefusal):
    """White space before the payload."""

    code = "leading_whitespace"


class TrailingWhitespace(QrRefusal):
    """White space after the payload."""

    code = "trailing_whitespace"


class MissingPayloadFormat(QrRefusal):
    """No tag 00."""

    code = "missing_payload_format"


class FirstObjectNot00(QrRefusal):
    """Tag 00 is not first."""

    code = "first_object_not_00"


class UnknownPayloadFormat(QrRefusal):
    """Tag 00 is not 01."""

    code = "unknown_payload_format"


class UnknownPointOfInitiation(QrRefusal):
    """Tag 01 is not 11 or 12."""

    code = "unknown_point_of_initiation"


class MissingCurrency(QrRefusal):
    """No tag 53."""

    code = "missing_currency"


class CurrencyNotThb(QrRefusal):
    """Tag 53 is not 764."""

    code = "currency_not_thb"


class MissingCountry(QrRefusal):
    """No tag 58 (51 in a slip)."""

    code = "missing_country"


class CountryNotTh(QrRefusal):
    """Country is not TH."""

    code = "country_not_th"


class MissingMerchantAccount(QrRefusal):
    """Neither tag 29 nor tag 30 with a PromptPay AID."""

    code = "missing_merchant_account"


class MissingAid(QrRefusal):
    """Template without sub-tag 00."""

    code = "missing_aid"


class UnknownAid(QrRefusal):
    """AID unknown or under the wrong tag, compared case-sensitively."""

    code = "unknown_aid"


class OtaMissing(QrRefusal):
    """Customer-presented AID without OTA."""

    code = "ota_missing"


class OtaBadLength(QrRefusal):
    """OTA is not 10 characters."""

    code = "ota_bad_length"


class MissingProxy(QrRefusal):
    """Tag 29 without 01/02/03/04."""

    code = "missing_proxy"


class MultipleProxies(QrRefusal):
    """Tag 29 with more than one of 01/02/03/04."""

    code = "multiple_proxies"


class BadMobile(QrRefusal):
    """Wire form is not 0066 + 9 digits, or the input is not a Thai mobile."""

    code = "bad_mobile"


class BadNationalId(QrRefusal):
    """Not 13 ASCII digits."""

    code = "bad_national_id"


class BadEwallet(QrRefusal):
    """Not 15 ASCII digits."""

    code = "bad_ewallet"


class AmountZero(QrRefusal):
    """Zero."""

    code = "amount_zero"


class AmountNegative(QrRefusal):
    """Negative."""

    code = "amount_negative"


class AmountTooManyDecimals(QrRefusal):
    """More than two decimals."""

    code = "amount_too_many_decimals"


class AmountTooLong(QrRefusal):
    """More than 13 characters."""

    code = "amount_too_long"


class AmountBadCharacter(QrRefusal):
    """Anything but digits and one decimal mark."""

    code = "amount_bad_character"


class AmountEmpty(QrRefusal):
    """Length 00."""

    code = "amount_empty"


class AmountNotFinite(QrRefusal):
    """NaN or infinity."""

    code = "amount_not_finite"


class MissingBillerId(QrRefusal):
    """Tag 30 without 01."""

    code = "missing_biller_id"


class BadBillerId(QrRefusal):
    """Not 15 digits (13 digits accepted on parse), or not digits."""

    code = "bad_biller_id"


class MissingRef1(QrRefusal):
    """No or empty reference 1."""

    code = "missing_ref1"


class RefTooLong(QrRefusal):
    """More than 20 characters."""

    code = "ref_too_long"


class RefBadCharacter(QrRefusal):
    """Outside A-Z 0-9."""

    code = "ref_bad_character"


class NameTooLong(QrRefusal):
    """Tag 59 over 25."""

    code = "name_too_long"


class NameBadCharacter(QrRefusal):
    """Tag 59 outside printable ASCII."""

    code = "name_bad_character"


class CityTooLong(QrRefusal):
    """Tag 60 over 15."""

    code = "city_too_long"


class EmptyTarget(QrRefusal):
    """No receiver."""

    code = "empty_target"


class NotASlip(QrRefusal):
    """Well formed but not a slip envelope."""

    code = "not_a_slip"


class NotAPayment(QrRefusal):
    """Well formed but not a payment QR."""

    code = "not_a_payment"


class UnknownSlipApi(QrRefusal):
    """Slip api id is not 000001."""

    code = "unknown_slip_api"


class BadSendingBank(QrRefusal):
    """Bank code is not 3 digits."""

    code = "bad_sending_bank"


class MissingTransRef(QrRefusal):
    """No transaction reference."""

    code = "missing_trans_ref"


class NotABarcode(QrRefusal):
    """No leading pipe."""

    code = "not_a_barcode"


class BarcodeMissingField(QrRefusal):
    """Fewer than three carriage returns."""

    code = "barcode_missing_field"


class BarcodeWrongSeparator(QrRefusal):
    """Other separator than a carriage return."""

    code = "barcode_wrong_separator"


# What the shared list has no word for.


class BadBankAccount(QrRefusal):
    """Not a 3-digit bank code followed by an account number of at most 40 characters."""

    code = "bad_bank_account"


class BadMcc(QrRefusal):
    """Merchant category code is not 4 ASCII digits."""

    code = "bad_mcc"


class CityBadCharacter(QrRefusal):
    """City outside printable ASCII."""

    code = "city_bad_character"


class FieldTooLong(QrRefusal):
    """A text is longer than its field."""

    code = "field_too_long"


class FieldBadCharacter(QrRefusal):
    """A text has characters its field does not take."""

    code = "field_bad_character"


class BadVat(QrRefusal):
    """VAT branch, rate or amount is not in the form tag 80 takes."""

    code = "bad_vat"


class BadDate(QrRefusal):
    """Not a calendar date written DDMMYYYY."""

    code = "bad_date"


class TipForbidden(QrRefusal):
    """Tips and convenience fees are forbidden with PromptPay, so none is ever built."""

    code = "tip_forbidden"


class BadRequestLine(QrRefusal):
    """The line or input object is not what the command reads."""

    code = "bad_request_line"


BY_CODE: Final[dict[str, type[QrRefusal]]] = {cls.code: cls for cls in QrRefusal.__subclasses__()}
"""The refusal for each code. The vectors' `error` values are keys of this table."""


def refusal(code: str, *, where: str | None = None, errors: tuple[str, ...] = ()) -> QrRefusal:
    """The refusal for `code`, with its meaning as text and the place it was found at."""
    cls = BY_CODE[code]
    meaning = (cls.__doc__ or code).strip()
    return cls(f"{meaning.rstrip('.')} (tag {where})." if where else meaning, param=where, errors=errors)
