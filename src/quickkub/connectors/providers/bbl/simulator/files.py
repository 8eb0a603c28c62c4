"""The reconciliation file of a day, 256 characters a record (bbl.md B8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from quickkub.connectors.providers.bbl.simulator.book import Order
from quickkub.connectors.simulation.base import Movement
from quickkub.kernel.clock import BANGKOK

WIDTH: Final = 256
ACCOUNT: Final = "1010000001"


def day_file(day: date, paid: Iterable[tuple[Order, Movement]], encoding: str = "cp874") -> bytes:
    """Header, one record for each bill payment of the Bangkok day, a debit for one taken back, total."""
    lines = [_header(day)]
    sums = {"C": (0, 0), "D": (0, 0)}
    for order, moved in paid:
        for kind in ("C", "D") if moved.reversed else ("C",):
            lines.append(_detail(len(lines) + 1, order, moved, kind))
            amount, count = sums[kind]
            sums[kind] = (amount + moved.amount.minor, count + 1)
    lines.append(_total(len(lines) + 1, sums))
    return "".join(line + "\r\n" for line in lines).encode(encoding)


def _put(fields: Iterable[tuple[int, int, str]]) -> str:
    """Texts at their places, first and last position counted from 1."""
    record = [" "] * WIDTH
    for first, last, text in fields:
        width = last - first + 1
        record[first - 1 : last] = list(text[:width].ljust(width))
    return "".join(record)


def _head(kind: str, number: int) -> list[tuple[int, int, str]]:
    return [(1, 1, kind), (2, 7, f"{number:06d}"), (8, 10, "002"), (11, 20, ACCOUNT)]


def _header(day: date) -> str:
    return _put([*_head("H", 1), (21, 60, "QUICKKUB DEMO"), (61, 68, f"{day:%d%m%Y}"), (69, 76, "QK01")])


def _detail(number: int, order: Order, moved: Movement, kind: str) -> str:
    local = moved.paid_at.astimezone(BANGKOK)
    return _put(
        [
            *_head("D", number),
            (21, 28, f"{local:%d%m%Y}"),
            (29, 34, f"{local:%H%M%S}"),
            (35, 84, "สมชาย ใจดี"),
            (85, 104, order.reference),
            (105, 124, order.reference2),
            (125, 144, order.reference3),
            (145, 148, "0000"),
            (149, 152, "0001"),
            (153, 153, kind),
            (154, 156, "XBP"),
            (157, 163, "0000000"),
            (164, 176, f"{moved.amount.minor:013d}"),
            (177, 179, "000"),
            (197, 211, order.merchant.biller_id),
            (244, 246, moved.details["from_bank"]),
            (247, 256, "0000000000"),
        ]
    )


def _total(number: int, sums: dict[str, tuple[int, int]]) -> str:
    (debit, debit_count), (credit, credit_count) = sums["D"], sums["C"]
    return _put(
        [
            *_head("T", number),
            (21, 33, f"{debit:013d}"),
            (34, 39, f"{debit_count:06d}"),
            (40, 52, f"{credit:013d}"),
            (53, 58, f"{credit_count:06d}"),
        ]
    )
