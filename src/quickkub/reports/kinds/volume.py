"""Payments by business day and month in Bangkok, method and class of merchant."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

# What was asked for counts on the day it was asked, what was paid on the day it was paid, and what went back
# on the day it went back. Live and test money never meet in a line (L6).
_FACTS: Final = """
SELECT merchant_id, mode, method, currency, created_at AS at, 1 AS asked, amount AS asked_satang,
       0 AS paid, 0::bigint AS captured, 0 AS refunds, 0::bigint AS refunded,
       CASE WHEN state IN ('failed', 'expired', 'cancelled') THEN 1 ELSE 0 END AS failed
  FROM payments WHERE created_at >= $1 AND created_at < $2
UNION ALL
SELECT merchant_id, mode, method, currency, paid_at, 0, 0, 1, captured_amount, 0, 0, 0
  FROM payments WHERE paid_at >= $1 AND paid_at < $2
UNION ALL
SELECT refund.merchant_id, refund.mode, coalesce(payment.method, 'unapplied'), refund.currency,
       refund.finished_at, 0, 0, 0, 0, 1, refund.amount, 0
  FROM refunds refund
  LEFT JOIN payments payment ON payment.merchant_id = refund.merchant_id AND payment.id = refund.payment_id
 WHERE refund.state = 'succeeded' AND refund.finished_at >= $1 AND refund.finished_at < $2
"""
_SUMS: Final = """
       fact.mode, merchant.tier AS merchant_class, fact.method, fact.currency,
       sum(fact.asked)::bigint AS asked_count, sum(fact.asked_satang)::bigint AS asked_satang,
       sum(fact.paid)::bigint AS paid_count, sum(fact.captured)::bigint AS captured_satang,
       sum(fact.failed)::bigint AS failed_count,
       sum(fact.refunds)::bigint AS refunded_count, sum(fact.refunded)::bigint AS refunded_satang
"""
_GROUPED: Final = f"""
  FROM ({_FACTS}) fact JOIN merchants merchant ON merchant.id = fact.merchant_id
 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
_COLUMNS: Final = (
    "mode",
    "merchant_class",
    "method",
    "currency",
    "asked_count",
    "asked_satang",
    "paid_count",
    "captured_satang",
    "failed_count",
    "refunded_count",
    "refunded_satang",
)

DAILY: Final = Kind(
    "volume-daily",
    Words("ปริมาณการชำระเงินรายวัน", "Payments by day"),
    ("day", *_COLUMNS),
    f"SELECT to_char(fact.at AT TIME ZONE 'Asia/Bangkok', 'YYYY-MM-DD') AS day, {_SUMS} {_GROUPED}",
    ("since", "until"),
)
MONTHLY: Final = Kind(
    "volume-monthly",
    Words("ปริมาณการชำระเงินรายเดือน", "Payments by month"),
    ("month", *_COLUMNS),
    f"SELECT to_char(fact.at AT TIME ZONE 'Asia/Bangkok', 'YYYY-MM') AS month, {_SUMS} {_GROUPED}",
    ("since", "until"),
)
