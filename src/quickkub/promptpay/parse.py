"""Reading payment QRs: a shortcut for flawless ones, the full examination for everything else.

The shortcut answers only when it has made sure that the examination would find neither an error nor a
warning; otherwise it says nothing and the examination decides. The tests hold the two against each other.
"""

from __future__ import annotations

import re
from typing import Final

from quickkub.promptpay import aids
from quickkub.promptpay.amount import usual_satang
from quickkub.promptpay.crc import checksum
from quickkub.promptpay.envelope import CRC_CHARACTERS, CRC_OBJECT
from quickkub.promptpay.examine import examine
from quickkub.promptpay.fields import BAHT, CITY_MAX, DYNAMIC, NAME_MAX, POSTAL_MAX, STATIC, THAILAND
from quickkub.promptpay.findings import Findings
from quickkub.promptpay.model import Biller, PaymentQr, QrKind
from quickkub.promptpay.proxies import CITIZEN_OR_TAX, EWALLET, MOBILE, Proxy, check_digit_matches
from quickkub.promptpay.receivers import kind_of
from quickkub.promptpay.references import REFERENCE, REFERENCE_MAX
from quickkub.promptpay.tlv import HEADER, VALUE_MAX, printable_ascii

_EXTRA: Final = ("59", "60", "61", "62")
_COMMON: Final = ("01", aids.TRANSFER_TAG, aids.BILL_TAG, "53", "54", "58")
# Headers of the objects an ordinary QR has, with how far it is to the next header, and the id. One look-up
# checks both, and what is not ordinary is not found.
_HEADERS: Final = {
    f"{ident}{size:02d}": (size + HEADER, ident)
    for ident in (*_COMMON, *_EXTRA)
    for size in range(VALUE_MAX + 1)
}
_tuple: Final = tuple.__new__
_OPENING: Final = "000201"
_TRANSFER: Final = re.compile(
    rf"0016{aids.MERCHANT_PRESENTED}(?:0113(0066[0-9]{{9}})|0213([0-9]{{13}})|0315([0-9]{{15}}))"
)
_TRANSFER_TAGS: Final = ("", MOBILE, CITIZEN_OR_TAX, EWALLET)
_BILL: Final = re.compile(rf"0016({aids.BILL_DOMESTIC}|{aids.BILL_CROSS_BORDER})0115([0-9]{{15}})")
_BILL_HEAD: Final = 39
_REFERENCES: Final = {
    f"{tag}{size:02d}": size for tag in ("02", "03", "07") for size in range(1, REFERENCE_MAX + 1)
}


def parse_payment(payload: str, *, strict: bool = True) -> PaymentQr:
    """Read a Thai payment QR, or an EMVCo QR of another country as kind EMV.

    Strict mode also refuses what lenient mode turns into warnings: surrounding white space, a lower-case
    checksum, missing 53 or 58, tag 00 not first, lower-case or punctuated references (pack section 8).
    Raises the QrRefusal named after the first fault; its `errors` has the codes of all of them.
    """
    return flawless(payload) or thorough(payload, strict=strict)


def thorough(payload: str, *, strict: bool) -> PaymentQr:
    """`parse_payment` without the shortcut."""
    found = Findings(strict=strict)
    qr = examine(payload, found)
    found.raise_if_refused()
    assert qr is not None  # examine gives None only together with an error
    return qr


def flawless(text: str) -> PaymentQr | None:
    """The QR when it is an ordinary one without a fault or a remark; None says nothing about it."""
    end = len(text) - CRC_OBJECT
    if text[end : end + 4] != "6304" or text[:6] != _OPENING:
        return None
    root = _split(text, end)
    if root is None or root.get("53") != BAHT or root.get("58") != THAILAND:
        return None
    amount, point = root.get("54"), root.get("01")
    satang = None if amount is None else usual_satang(amount)
    # A label that does not go with the amount earns a warning, and zero satang an error.
    if satang == 0 or (point is not None and point != (STATIC if satang is None else DYNAMIC)):
        return None
    receiver = _transfer(root) or _bill(root)
    if receiver is None or not _texts_plain(root):
        return None
    kind, proxy, biller = receiver
    # The named constructor would only unpack and pack these again, at a twentieth of the whole cost.
    return _tuple(PaymentQr, (kind, point, satang, proxy, None, biller, tuple(root.items()), ()))


def _split(text: str, end: int) -> dict[str, str] | None:
    """Root objects and checksum when they end exactly at `end`, no id repeats and the checksum is right."""
    try:
        if checksum(text[:-CRC_CHARACTERS]) != text[-CRC_CHARACTERS:]:
            return None
    except UnicodeEncodeError:
        return None
    root = {"00": "01"}
    at, count = len(_OPENING), 1
    headers = _HEADERS
    try:
        while at < end:
            size, ident = headers[text[at : at + 4]]
            root[ident] = text[at + 4 : at + size]
            at += size
            count += 1
    except KeyError:
        return None
    if at != end or len(root) != count:
        return None
    root["63"] = text[-CRC_CHARACTERS:]
    return root


def _texts_plain(root: dict[str, str]) -> bool:
    if root.keys().isdisjoint(_EXTRA):
        return True
    name, city, postal = root.get("59", ""), root.get("60", ""), root.get("61", "")
    return (
        len(name) <= NAME_MAX
        and len(city) <= CITY_MAX
        and len(postal) <= POSTAL_MAX
        and printable_ascii(name + city + postal)
        and ("62" not in root or (aids.BILL_TAG in root and _is_reference3(root["62"])))
    )


def _transfer(root: dict[str, str]) -> tuple[QrKind, Proxy, None] | None:
    value = root.get(aids.TRANSFER_TAG)
    plain = None if value is None or aids.BILL_TAG in root else _TRANSFER.fullmatch(value)
    if plain is None or plain.lastindex is None:
        return None
    proxy = Proxy(_TRANSFER_TAGS[plain.lastindex], plain[plain.lastindex])
    if proxy.tag == MOBILE:
        return QrKind.CREDIT_TRANSFER, proxy, None
    if proxy.tag == CITIZEN_OR_TAX and not check_digit_matches(proxy.value):
        return None
    return kind_of(proxy), proxy, None


def _bill(root: dict[str, str]) -> tuple[QrKind, None, Biller] | None:
    value = root.get(aids.BILL_TAG)
    head = None if value is None or aids.TRANSFER_TAG in root else _BILL.match(value)
    if value is None or head is None:
        return None
    size = _REFERENCES.get(value[_BILL_HEAD : _BILL_HEAD + HEADER], 0)
    at = _BILL_HEAD + HEADER + size
    ref1, rest = value[at - size : at], value[at:]
    ref2 = rest[HEADER:] or None
    if value[_BILL_HEAD : _BILL_HEAD + 2] != "02" or not _is_reference(ref1, size):
        return None
    if rest and not (ref2 and rest[:2] == "03" and _is_reference(ref2, _REFERENCES.get(rest[:HEADER], 0))):
        return None
    return QrKind.BILL_PAYMENT, None, Biller(head[1], head[2], ref1, ref2)


def _is_reference3(value: str) -> bool:
    return value[:2] == "07" and _is_reference(value[HEADER:], _REFERENCES.get(value[:HEADER], 0))


def _is_reference(text: str, size: int) -> bool:
    return len(text) == size and REFERENCE.fullmatch(text) is not None
