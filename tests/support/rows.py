"""Builders that write rows straight into the tables, filling in what a test does not mention.

They take any connection and go round the rooms on purpose: a test of a guard has to try what the rooms never
do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quickkub.kernel.ids import MerchantId, PaymentId, new_id, new_reference
from quickkub.kernel.tokens import new_token
from quickkub.storage import Connection

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
"""12:00 in Bangkok."""

OPEN_STATES = ("created", "requires_action", "processing", "unknown")


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with one account at SCB."""

    merchant: MerchantId
    account_id: str
    mode: str


async def insert(connection: Connection, table: str, **values: Any) -> None:
    """One row, as said."""
    columns = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", *values.values())


async def add_shop(connection: Connection, *, mode: str = "test", merchant: MerchantId | None = None) -> Shop:
    """A merchant (or another account of one) with an account at SCB in this mode."""
    account_id = new_id("acc")
    if merchant is None:
        merchant = MerchantId(new_id("mer"))
        await insert(connection, "merchants", id=merchant, name="ร้านกาแฟคลองสาน")
    await insert(
        connection,
        "provider_accounts",
        merchant_id=merchant,
        id=account_id,
        mode=mode,
        provider="scb",
        credentials=b"sealed",
        callback_token_hash=hashlib.sha256(account_id.encode()).digest(),
    )
    return Shop(merchant, account_id, mode)


async def add_payment(connection: Connection, shop: Shop, **values: Any) -> PaymentId:
    """A payment of 150 baht that waits for its payer."""
    payment = PaymentId(new_id("pay"))
    state = values.setdefault("state", "requires_action")
    defaults: dict[str, Any] = {
        "mode": shop.mode,
        "amount": 15_000,
        "currency": "THB",
        "method": "promptpay",
        "checkout_token": new_token(shop.merchant),
        "expires_at": NOON,
        "due_at": NOON if state in OPEN_STATES else None,
        "paid_at": NOON if state == "succeeded" else None,
    }
    held = values.get("amount", 15_000) if state == "authorized" else 0
    values.setdefault("authorized_amount", max(held, values.get("captured_amount", 0)))
    await insert(connection, "payments", merchant_id=shop.merchant, id=payment, **(defaults | values))
    return payment


async def add_attempt(connection: Connection, shop: Shop, payment: str, **values: Any) -> str:
    """An attempt at SCB for a payment; one that succeeded gets its evidence, an open one its next look."""
    attempt = new_id("att")
    state = values.setdefault("state", "requires_action")
    defaults: dict[str, Any] = {
        "mode": shop.mode,
        "provider": "scb",
        "account_id": shop.account_id,
        "amount": 15_000,
        "currency": "THB",
        "reference": new_reference(),
        "next_check_at": NOON if state in OPEN_STATES else None,
    }
    if state == "succeeded" and "evidence_id" not in values:
        values["evidence_id"] = await add_evidence(connection, shop, payment, attempt)
    await insert(
        connection,
        "attempts",
        merchant_id=shop.merchant,
        id=attempt,
        payment_id=payment,
        **(defaults | values),
    )
    return attempt


async def add_evidence(connection: Connection, shop: Shop, payment: str, attempt: str) -> str:
    """What SCB said about an attempt."""
    evidence = new_id("evd")
    await insert(
        connection,
        "evidence",
        merchant_id=shop.merchant,
        id=evidence,
        payment_id=payment,
        attempt_id=attempt,
        provider="scb",
        kind="inquiry",
        outcome="paid",
        transcript=b"sealed",
        mode="test",
    )
    return evidence


async def add_receipt(connection: Connection, shop: Shop, payment: str, attempt: str, **values: Any) -> str:
    """150 baht that SCB proved, applied to the payment."""
    receipt = new_id("rcp")
    defaults: dict[str, Any] = {
        "mode": shop.mode,
        "provider": "scb",
        "account_id": shop.account_id,
        "transaction_id": f"20261123{receipt[-12:]}",
        "amount": 15_000,
        "currency": "THB",
        "applied": True,
        "paid_at": NOON,
    }
    if "evidence_id" not in values:
        values["evidence_id"] = await add_evidence(connection, shop, payment, attempt)
    said = defaults | values
    values.setdefault("applied_amount", said["amount"] if said["applied"] else 0)
    await insert(
        connection,
        "receipts",
        merchant_id=shop.merchant,
        id=receipt,
        payment_id=payment,
        attempt_id=attempt,
        **(defaults | values),
    )
    return receipt
