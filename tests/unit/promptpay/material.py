"""What the tests of this folder are made of: the vectors, and generators of inputs and damaged texts."""

from __future__ import annotations

import json
from binascii import crc_hqx
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from quickkub.kernel.money import Money
from quickkub.promptpay import (
    AdditionalData,
    BankSlip,
    BillBarcode,
    BillPayment,
    CreditTransfer,
    Details,
    Language,
    Proxy,
    TrueMoneySlip,
    Vat,
)
from quickkub.promptpay.amount import SATANG_MAX
from quickkub.promptpay.model import NO_DETAILS

_FILE: Final = Path(__file__).parents[2] / "vectors" / "promptpay_vectors.json"
VECTORS: Final[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))
VALID: Final[list[dict[str, Any]]] = VECTORS["valid"]
INVALID: Final[list[dict[str, Any]]] = VECTORS["invalid"]

MOBILE_100: Final = "00020101021229370016A0000006770101110113006681234567853037645406100.005802TH6304F142"

_DIGITS: Final = "0123456789"
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_THAI: Final = "กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวศษสหอฮะาำิีึืุูเแโใไ่้๊๋์ๆฯ ABCabc012"


def op_of(vector: dict[str, Any]) -> str:
    """The operation a valid vector is read with."""
    slips = {"slip", "slip_short", "truemoney_slip"}
    if vector["profile"] in slips:
        return "parse_slip"
    return "parse_barcode" if vector["profile"] == "barcode" else "parse_payment"


def seal(body: str, tag: str = "63") -> str:
    """The body with a right checksum. Written here again, so that the tests do not lean on what they test."""
    text = f"{body}{tag}04"
    return f"{text}{crc_hqx(text.encode('utf-8', 'surrogatepass'), 0xFFFF):04X}"


def tlv(*objects: tuple[str, str]) -> str:
    """Objects as text, whatever their values."""
    return "".join(f"{ident}{len(value):02d}{value}" for ident, value in objects)


def qr(**changes: str | None) -> str:
    """A transfer of 100 baht with tags replaced (`t54="0"`), added, or left out (None), sealed rightly."""
    objects: dict[str, str | None] = {
        "00": "01",
        "01": "12",
        "29": "0016A00000067701011101130066812345678",
        "53": "764",
        "54": "100.00",
        "58": "TH",
    }
    objects |= {name.removeprefix("t"): value for name, value in changes.items()}
    return seal(tlv(*((ident, value) for ident, value in objects.items() if value is not None)))


def bill(*, ref1: str = "INV1", biller: str = "010555123456700", **changes: str | None) -> str:
    """The same for a bill payment."""
    inner = tlv(("00", "A000000677010112"), ("01", biller), ("02", ref1))
    return qr(**{"t29": None, "t30": inner, **changes})


def digits(least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(_DIGITS, min_size=least, max_size=most or least)


def printable(most: int) -> st.SearchStrategy[str]:
    return st.text(_PRINTABLE, min_size=1, max_size=most)


references = st.text(_DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=20)
billers = st.one_of(digits(15), digits(13))
amounts = st.integers(1, SATANG_MAX).map(Money)
proxies = st.one_of(
    st.builds(lambda first, rest: Proxy("01", f"0066{first}{rest}"), st.sampled_from("689"), digits(8)),
    digits(13).map(lambda value: Proxy("02", value)),
    digits(15).map(lambda value: Proxy("03", value)),
    digits(8).map(lambda value: Proxy("03", f"1400008{value}")),
    digits(4, 43).map(lambda value: Proxy("04", value)),
)
_thai = st.text(_THAI, min_size=1, max_size=15)
additional = st.builds(
    AdditionalData,
    bill_number=st.none() | printable(9),
    store_label=st.none() | printable(9),
    reference_label=st.none() | st.just("***"),
    consumer_data=st.none() | st.sampled_from(("A", "ME")),
    merchant_tax_id=st.none() | digits(13),
).map(lambda data: None if data == AdditionalData() else data)
details = st.builds(
    Details,
    point_of_initiation=st.none(),
    mcc=st.none() | digits(4),
    merchant_name=st.none() | printable(25),
    merchant_city=st.none() | printable(15),
    postal_code=st.none() | printable(10),
    additional=st.none() | additional,
    language=st.none() | st.builds(Language, st.just("TH"), _thai, st.none() | _thai),
    vat=st.none() | st.builds(Vat, digits(4), st.none() | st.just("7"), st.none() | st.just("7.00")),
    message=st.none() | st.text(_THAI + "😀", min_size=1, max_size=12),
).map(lambda made: NO_DETAILS if made == NO_DETAILS else made)
some_details = st.just(NO_DETAILS) | details
transfers = st.builds(
    CreditTransfer,
    proxies,
    st.none() | amounts,
    st.none() | printable(10).map(lambda t: t.ljust(10)),
    some_details,
)
bills = st.builds(
    BillPayment,
    billers,
    references,
    st.none() | references,
    st.none() | references,
    st.none() | amounts,
    cross_border=st.booleans(),
    details=some_details,
)
payments = st.one_of(transfers, bills)
slips = st.builds(
    BankSlip,
    digits(3),
    st.text(_DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=1, max_size=25),
)
truemoney_slips = st.builds(
    TrueMoneySlip,
    printable(25),
    printable(30),
    st.dates().map(lambda day: f"{day.day:02d}{day.month:02d}{day.year:04d}"),
)
barcodes = st.builds(BillBarcode, billers, references, st.none() | references, st.none() | amounts)
