"""Payments as a payer sees them, without a database: builders that fill in what a test does not mention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from quickkub.checkout.model import Checkout, Key, Standing, Step
from quickkub.connectors.contract import ActionKind
from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.kernel.money import Money
from quickkub.payments.states import PaymentState
from quickkub.promptpay import BillPayment, build

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
"""12:00 in Bangkok."""

KEY = Key(MerchantId("mer_" + "1" * 32), PaymentId("pay_" + "2" * 32))
BILL = build(BillPayment("010555123456700", "QK0123456789ABCDEFGH", "QKB1", amount=Money(123_450)))


def standing(
    state: PaymentState = PaymentState.REQUIRES_ACTION,
    *,
    seconds_left: int = 900,
    seen_at: datetime = NOON,
    failure_code: str | None = None,
    updated_at: datetime | None = None,
) -> Standing:
    """A payment that still has 15 minutes."""
    return Standing(
        state=state,
        failure_code=failure_code,
        expires_at=NOON + timedelta(seconds=seconds_left),
        updated_at=updated_at or NOON,
        paid_at=NOON if state is PaymentState.SUCCEEDED else None,
        seen_at=seen_at,
    )


def checkout(state: PaymentState = PaymentState.REQUIRES_ACTION, **values: Any) -> Checkout:
    """1,234.50 baht for a coffee shop, by PromptPay. `standing=` takes a whole standing."""
    defaults: dict[str, Any] = {
        "key": KEY,
        "mode": "test",
        "amount": Money(123_450),
        "merchant_name": "Klong San Coffee",
        "merchant_name_th": "ร้านกาแฟคลองสาน",
        "reference": "ORDER-1042",
        "description": "เมล็ดกาแฟ 250 กรัม",
        "return_url": "https://shop.example/thanks",
        "method": "promptpay",
        "step": Step(ActionKind.DISPLAY_QR, qr_text=BILL),
        "standing": standing(state),
    }
    return Checkout(**(defaults | values))
