"""What fraud rules stopped or people looked into, and payouts frozen by order."""

from __future__ import annotations

from typing import Final

from quickkub.reports.model import Kind
from quickkub.reports.words import Words

CASES: Final = Kind(
    "suspicious-cases",
    Words("กรณีต้องสงสัย", "Suspicious cases"),
    ("merchant", "id", "kind", "mode", "payment", "amount_satang", "currency", "state", "reasons",
     "decided_by", "opened_at", "ended_at"),
    """
    SELECT item.merchant_id AS merchant, item.id, item.kind, item.mode, item.payment_id AS payment,
           payment.amount AS amount_satang, payment.currency, item.state, item.reasons, item.decided_by,
           item.opened_at, item.ended_at
      FROM (SELECT merchant_id, id, 'review' AS kind, mode, payment_id, state, reasons::text AS reasons,
                   decided_by, opened_at, decided_at AS ended_at
              FROM fraud_reviews WHERE opened_at >= $1 AND opened_at < $2
            UNION ALL
            SELECT merchant_id, id, 'block', mode, payment_id, action, NULL, decided_by, decided_at,
                   decided_at
              FROM fraud_decisions WHERE action = 'block' AND decided_at >= $1 AND decided_at < $2) item
      LEFT JOIN payments payment ON payment.merchant_id = item.merchant_id AND payment.id = item.payment_id
     ORDER BY item.opened_at, item.merchant_id, item.id
    """,
    ("since", "until"),
)  # fmt: skip
FREEZES: Final = Kind(
    "payout-freezes",
    Words("การระงับการจ่ายเงินตามคำสั่ง", "Payouts frozen by order"),
    ("merchant", "id", "legal_basis", "starts_at", "expires_at", "created_by", "created_at", "ended_at"),
    """
    SELECT merchant_id AS merchant, id, legal_basis, starts_at, ends_at AS expires_at,
           ordered_by AS created_by, created_at, lifted_at AS ended_at
      FROM payout_freezes WHERE created_at < $2 AND (lifted_at IS NULL OR lifted_at >= $1)
     ORDER BY created_at, merchant_id, id
    """,
    ("since", "until"),
)
RISKS: Final = Kind(
    "merchant-risks",
    Words("ความเสี่ยงของร้านค้า", "Merchants' risk (KYM)"),
    ("merchant", "state", "kind", "reason", "expires_at", "created_by", "changed_at"),
    """
    SELECT merchant.id AS merchant, merchant.state, coalesce(risk.risk_class, 'not judged') AS kind,
           risk.reason, risk.review_by AS expires_at, risk.created_by, risk.created_at AS changed_at
      FROM merchants merchant
      LEFT JOIN LATERAL (SELECT * FROM merchant_risks WHERE merchant_id = merchant.id
                          ORDER BY version DESC LIMIT 1) risk ON true
     ORDER BY merchant.id
    """,
)
