"""Single payments and days of a merchant from an amount on (AML reporting; the amount is a setting)."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

THRESHOLD_SATANG: Final = 200_000_000
"""2,000,000 baht, the amount of cash reports. Which amount counts for a licence is unverified
(security-reliability 8), so it is an option of the command."""

_UNVERIFIED: Final = Words(
    "จำนวนเงินเป็นค่าที่ตั้งได้ ต้องยืนยันกับที่ปรึกษากฎหมาย", "The amount is an option; have counsel confirm it."
)

TRANSACTIONS: Final = Kind(
    "threshold-transactions",
    Words("ธุรกรรมถึงจำนวนที่กำหนด", "Payments from the threshold on"),
    ("merchant", "payment", "mode", "method", "amount_satang", "currency", "paid_at"),
    """
    SELECT merchant_id AS merchant, id AS payment, mode, method, captured_amount AS amount_satang, currency,
           paid_at
      FROM payments WHERE paid_at >= $1 AND paid_at < $2 AND captured_amount >= $3
     ORDER BY paid_at, merchant_id, id
    """,
    ("since", "until", "threshold_satang"),
    note=_UNVERIFIED,
)
DAYS: Final = Kind(
    "threshold-days",
    Words("ยอดรวมรายวันของร้านค้าถึงจำนวนที่กำหนด", "Merchants' days from the threshold on"),
    ("merchant", "day", "mode", "currency", "count", "amount_satang"),
    """
    SELECT merchant_id AS merchant, to_char(paid_at AT TIME ZONE 'Asia/Bangkok', 'YYYY-MM-DD') AS day, mode,
           currency, count(*) AS count, sum(captured_amount)::bigint AS amount_satang
      FROM payments WHERE paid_at >= $1 AND paid_at < $2
     GROUP BY 1, 2, 3, 4 HAVING sum(captured_amount) >= $3 ORDER BY 1, 2, 3, 4
    """,
    ("since", "until", "threshold_satang"),
    note=_UNVERIFIED,
)
