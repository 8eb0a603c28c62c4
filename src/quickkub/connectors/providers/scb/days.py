"""Which days to look at for a payment: SCB answers for one day of payment at a time (pack 7.1)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from quickkub.connectors.contract import Order
from quickkub.kernel.clock import BANGKOK

NEAR_MIDNIGHT: Final = timedelta(minutes=30)
RECENT_DAYS: Final = 7


def days_to_ask(order: Order) -> list[date]:
    """The Bangkok days on which the order may have been paid, earliest first; nearly always one.

    The bank files a payment under its own date, so an order made within 30 minutes after midnight is looked
    for under the day before, too (pack 7.1). A version 1 QR can be paid on any later day: all days until now
    are asked, and once those are more than nine, the first two and the last seven, because we hear of later
    ones by callbacks and ask at once.
    """
    first = (order.asked_at - NEAR_MIDNIGHT).astimezone(BANGKOK).date()
    last = max(order.now, order.asked_at).astimezone(BANGKOK).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return days if len(days) <= 2 + RECENT_DAYS else days[:2] + days[-RECENT_DAYS:]
