"""What is known of the merchant a payment is for; asked once a minute, because it changes slowly."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quickkub.fraud.model import Value
from quickkub.fraud.subject import Subject

KEPT_SECONDS: Final = 60
_KEPT_MAX: Final = 10_000

REFUND_PAYMENTS_MIN: Final = 20
DISPUTE_PAYMENTS_MIN: Final = 100
USUAL_PAYMENTS_MIN: Final = 20
HOUR_PAYMENTS_MIN: Final = 50
_HOURS_OF_7_DAYS: Final = 7 * 24

# Ids begin with the time of making (UUIDv7), so what is older or newer than a moment is a range of an index.
FACTS: Final = """
SELECT merchants.created_at, risk.risk_class, risk.category, risk.declared_amount,
       (SELECT max(changed_at) FROM payout_account_changes WHERE merchant_id = $1) AS payout_account_at,
       (SELECT created_at FROM payments
         WHERE merchant_id = $1 AND mode = $2
           AND id < 'pay_' || lpad(to_hex(
               (extract(epoch FROM $14::timestamptz - interval '24 hours') * 1000)::bigint), 12, '0')
         ORDER BY id DESC LIMIT 1) AS last_payment_at,
       (SELECT coalesce(sum(amount), 0)::bigint FROM refunds
         WHERE merchant_id = $1 AND mode = $2 AND state IN ('processing', 'requires_transfer', 'succeeded')
           AND id >= 're_' || lpad(to_hex(
               (extract(epoch FROM $14::timestamptz - interval '30 days') * 1000)::bigint), 12, '0')
       ) AS refunded,
       (SELECT count(*) FROM disputes
         WHERE merchant_id = $1 AND mode = $2
           AND id >= 'dp_' || lpad(to_hex(
               (extract(epoch FROM $14::timestamptz - interval '30 days') * 1000)::bigint), 12, '0')
       ) AS disputes
  FROM merchants LEFT JOIN LATERAL (
       SELECT risk_class, category, declared_amount FROM merchant_risks
        WHERE merchant_id = $1 ORDER BY version DESC LIMIT 1) risk ON true
 WHERE merchants.id = $1
"""
"""Read beside the counters (`velocity_store.look`): $1 is the merchant, $2 the mode, $14 the moment."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A merchant as rules see it. Times are aware UTC; amounts satang."""

    created_at: datetime
    risk_class: str | None
    category: str | None
    declared_amount: int | None
    payout_account_at: datetime | None
    last_payment_at: datetime | None
    refunded: int
    disputes: int

    def values(self, at: datetime) -> dict[str, Value]:
        """The fields that need no counter."""
        found: dict[str, Value] = {"merchant_age_days": _days(at - self.created_at)}
        if self.risk_class is not None:
            found["merchant_class"] = self.risk_class
        if self.category is not None:
            found["merchant_category"] = self.category
        if self.declared_amount is not None:
            found["merchant_declared_amount"] = self.declared_amount
        if self.payout_account_at is not None:
            found["payout_account_changed_hours"] = (at - self.payout_account_at) // timedelta(hours=1)
        if self.last_payment_at is not None:
            found["merchant_idle_days"] = _days(at - self.last_payment_at)
        return found


def _days(span: timedelta) -> int:
    return max(span // timedelta(days=1), 0)


def derived_values(facts: Facts, seen: Mapping[str, int], amount: int) -> dict[str, Value]:
    """The fields that set one number against another; unknown where there is too little to go by."""
    found: dict[str, Value] = {}
    count, total = seen.get("merchant.30d.count", 0) - 1, seen.get("merchant.30d.amount", 0) - amount
    if count >= USUAL_PAYMENTS_MIN and total > 0:
        found["amount_percent_of_usual"] = amount * 100 * count // total
    if count >= REFUND_PAYMENTS_MIN and total > 0:
        found["merchant_refund_percent"] = facts.refunded * 100 // total
    if count >= DISPUTE_PAYMENTS_MIN:
        found["merchant_dispute_basis_points"] = facts.disputes * 10_000 // count
    week = seen.get("merchant.7d.count", 0)
    if week >= HOUR_PAYMENTS_MIN:
        in_an_hour = seen.get("merchant.1h.count", 0)
        found["merchant_hour_percent_of_usual"] = in_an_hour * 100 * _HOURS_OF_7_DAYS // week
    return found


class FactBook:
    """Facts of merchants, kept for `kept_seconds` by the process's own clock."""

    def __init__(self, kept_seconds: int = KEPT_SECONDS) -> None:
        self._kept_seconds = kept_seconds
        self._kept: dict[tuple[str, str], tuple[float, Facts]] = {}  # not money: when it was asked

    def known(self, subject: Subject) -> Facts | None:
        """The facts about the subject's merchant, unless they have to be asked for."""
        known = self._kept.get((subject.merchant, subject.mode))
        if known is None or time.monotonic() - known[0] >= self._kept_seconds:
            return None
        return known[1]

    def keep(self, subject: Subject, facts: Facts) -> None:
        """They were asked for just now."""
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[(subject.merchant, subject.mode)] = (time.monotonic(), facts)
