"""SQL for the simulation's merchants."""

from __future__ import annotations

from datetime import datetime

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Connection


async def add_merchant(tx: Connection, name: str, made_at: datetime) -> MerchantId:
    """A merchant that was made at a time of our choice."""
    merchant = MerchantId(new_id("mer"))
    await tx.execute(
        "INSERT INTO merchants (id, name, created_at) VALUES ($1, $2, $3)", merchant, name, made_at
    )
    return merchant


async def add_old_payment(tx: Connection, merchant: MerchantId, mode: str, at: datetime) -> None:
    """The last payment of a shop that closed."""
    milliseconds = int(at.timestamp()) * 1000
    await tx.execute(
        """
        INSERT INTO payments (merchant_id, id, mode, amount, currency, state, method, checkout_token,
        expires_at,
                              created_at)
        VALUES ($1, 'pay_' || $2, $3, 10000, 'THB', 'expired', 'promptpay', 'old', $4, $4)
        """,
        merchant,
        f"{milliseconds:012x}7{'0' * 19}",
        mode,
        at,
    )
