"""The reconciliation file, in the cross-bank bill payment format (bbl.md B8): 256 characters a record.

Amounts are whole satang in the file already (two implied decimals). The payer's name is in clear there and is
left out here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from quickkub.connectors.contract import Account, Report, ReportKind, ReportLine
from quickkub.connectors.reading import Garbled
from quickkub.connectors.switches import setting
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money

WIDTH: Final = 256
RECORDS_MAX: Final = 1_000_000

_NOTHING: Final = Money(0)

HEADER: Final = {"company": (21, 60), "date": (61, 68), "service": (69, 76)}
DETAIL: Final = {
    "bank": (8, 10),
    "account": (11, 20),
    "date": (21, 28),
    "time": (29, 34),
    "ref1": (85, 104),
    "ref2": (105, 124),
    "ref3": (125, 144),
    "branch": (145, 148),
    "teller": (149, 152),
    "kind": (153, 153),
    "code": (154, 156),
    "cheque": (157, 163),
    "amount": (164, 176),
    "cheque_bank": (177, 179),
    "biller": (197, 211),
    "from_bank": (244, 246),
    "new_cheque": (247, 256),
}
TOTAL: Final = {"debit": (21, 33), "debits": (34, 39), "credit": (40, 52), "credits": (53, 58)}
"""First and last position of each field, counted from 1 as the bank does."""


def read_for(account: Account, file: bytes) -> Report:
    """A file of this account, in the encoding it names (`file.encoding`). Raises Garbled."""
    return read(file, setting(account, "file.encoding", "cp874"))


def read(file: bytes, encoding: str = "cp874") -> Report:
    """Every bill payment of the file, a reversal as money going out. Raises Garbled.

    A file whose records are out of order, or whose total is not the sum of its lines, is not read at all:
    half of a file looks like a whole one otherwise.
    """
    records = _records(file, encoding)
    if records[0][0] != "H" or records[-1][0] != "T":
        raise Garbled("the file does not begin with a header and end with a total")
    lines = []
    for number, record in enumerate(records, start=1):
        if _whole(record[1:7], "the sequence") != number:
            raise Garbled(f"record {number} is missing or out of order")
        if 1 < number < len(records):
            lines.append(_line(record))
    _check_total(lines, _cut(records[-1], TOTAL))
    return Report(tuple(lines))


def _records(file: bytes, encoding: str) -> list[str]:
    try:
        text = file.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise Garbled(f"the file is not in {encoding}") from None
    records = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(records) > RECORDS_MAX or any(len(record) != WIDTH for record in records):
        raise Garbled(f"a record does not have {WIDTH} characters")
    if len(records) < 2:  # noqa: PLR2004 -- header and total
        raise Garbled("the file has no records")
    return records


def _line(record: str) -> ReportLine:
    if record[0] != "D":
        raise Garbled("a record between header and total is no detail")
    said = _cut(record, DETAIL)
    amount, kind = Money(_whole(said["amount"], "the amount")), said["kind"]
    if kind not in ("C", "D") or not amount:
        raise Garbled("a record is neither credit nor debit, or of no amount")
    is_credit = kind == "C"
    return ReportLine(
        kind=ReportKind.PAYMENT if is_credit else ReportKind.REFUND,
        # The format has no id of a payment; day, account and number in the file are as good as one.
        transaction_id=f"{said['date']}-{said['account']}-{record[1:7]}",
        reference=said["ref1"],
        amount=amount if is_credit else -amount,
        fee=_NOTHING,
        fee_vat=_NOTHING,
        at=_moment(said["date"], said["time"]),
        provider_words={name: value for name, value in said.items() if value and name not in ("amount",)},
    )


def _check_total(lines: Sequence[ReportLine], total: Mapping[str, str]) -> None:
    for kind, amount, count in (
        (ReportKind.PAYMENT, "credit", "credits"),
        (ReportKind.REFUND, "debit", "debits"),
    ):
        ours = [abs(line.amount.minor) for line in lines if line.kind is kind]
        told = (_whole(total[amount], "the total"), _whole(total[count], "the count"))
        if (sum(ours), len(ours)) != told:
            raise Garbled(f"the total of {amount} is not the sum of the records")


def _cut(record: str, fields: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    return {name: record[first - 1 : last].strip() for name, (first, last) in fields.items()}


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Garbled(f"{what} is not a number")
    return int(text)


def _moment(day: str, time: str) -> datetime:
    # strptime alone would take fewer digits than the format has.
    if not (f"{day}{time}".isdigit() and len(day) == 8 and len(time) == 6):  # noqa: PLR2004 -- ddMMyyyy, HHmmss
        raise Garbled("a date or time is not of the form ddMMyyyy HHmmss")
    try:
        local = datetime.strptime(f"{day}{time}", "%d%m%Y%H%M%S").replace(tzinfo=BANGKOK)
    except ValueError:
        raise Garbled("a date or time does not exist") from None
    return local.astimezone(UTC)
