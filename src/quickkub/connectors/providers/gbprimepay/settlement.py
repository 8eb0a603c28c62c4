"""The settlement list a merchant downloads from GBPrimePay's portal, as CSV (pack 5.12).

ASSUMED: its form is not public. Columns go by the names of the webhook's fields, keyed by gbpReferenceNo. Fee
and VAT are written finer than a satang and are rounded to one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from quickkub.connectors.contract import Report, ReportKind, ReportLine
from quickkub.connectors.reading import Garbled
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import AMOUNT_MAX, Money, round_half_up

LINES_MAX: Final = 1_000_000
_NEEDED: Final = frozenset({"gbpReferenceNo", "amount", "date", "time"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_FINEST: Final = 10**4
"""Parts of a satang that six decimals of a baht can show."""


def read(file: bytes) -> Report:
    """Every line of the list; a negative amount is money that went back. Raises Garbled.

    A list of which one line cannot be read is not read at all.
    """
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Garbled("the list is not UTF-8") from None
    return Report(tuple(_lines(text)))


def _lines(text: str) -> Iterator[ReportLine]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    seen: set[tuple[str, bool]] = set()
    try:
        names = rows.fieldnames or []
        if len(set(names)) != len(names) or not _NEEDED.issubset(names):
            raise Garbled(f"the list has not each of {', '.join(sorted(_NEEDED))} once")
        for number, row in enumerate(rows, start=2):
            if number > LINES_MAX or None in row or None in row.values():
                raise Garbled(f"line {number} has not as many fields as the first")
            line = _line(row, number)
            key = (line.transaction_id, line.kind is ReportKind.PAYMENT)
            if key in seen:
                raise Garbled(f"line {number} is there twice")
            seen.add(key)
            yield line
    except csv.Error as trouble:
        raise Garbled(f"the list is no CSV: {trouble}") from None


def _line(row: Mapping[str, str], number: int) -> ReportLine:
    amount, fee, vat = (_satang(row.get(name, ""), name, number) for name in ("amount", "fee", "vat"))
    theirs = row["gbpReferenceNo"].strip()
    if not theirs or not amount:
        raise Garbled(f"line {number} has no gbpReferenceNo or no amount")
    return ReportLine(
        kind=ReportKind.PAYMENT if amount.minor > 0 else ReportKind.REFUND,
        transaction_id=theirs,
        reference=row.get("referenceNo", "").strip(),
        amount=amount,
        fee=fee,
        fee_vat=vat,
        at=_moment(row["date"].strip() + row["time"].strip(), number),
        provider_words={"paymentType": row.get("paymentType", "").strip()},
    )


def _satang(text: str, name: str, number: int) -> Money:
    text = text.strip().replace(",", "")
    if not text and name != "amount":
        return Money(0)
    if _NUMBER.fullmatch(text) is None:
        raise Garbled(f"{name} of line {number} is not an amount")
    parts = int(Decimal(text).scaleb(6))
    if name == "amount" and parts % _FINEST:
        raise Garbled(f"amount of line {number} is finer than a satang")
    satang = round_half_up(parts, _FINEST)
    if abs(satang) > AMOUNT_MAX:
        raise Garbled(f"{name} of line {number} is out of range")
    return Money(satang)


def _moment(text: str, number: int) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) == 14):  # noqa: PLR2004 -- DDMMYYYYHHMMSS
        raise Garbled(f"date and time of line {number} are not a time")
    try:
        return datetime.strptime(text, "%d%m%Y%H%M%S").replace(tzinfo=BANGKOK).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Garbled(f"date and time of line {number} are not a time") from None
