"""Merchants made, approved, suspended and closed; each by the platform, each with its reason in the log."""

from __future__ import annotations

from typing import Final

from quickkub.audit import Act, record
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.states import MERCHANT, MerchantFact, MerchantState
from quickkub.storage import Connection

TIERS: Final = ("starter", "standard", "enterprise")


class MerchantNotFound(Refusal):
    """There is no such merchant."""

    code, kind = "merchant_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such merchant", param="merchant")


class NotYetKnown(Refusal):
    """A merchant is paid only after its KYC application was approved."""

    code, kind = "kyc_not_approved", Kind.CONFLICT


async def create(
    tx: Connection, name: str, *, state: MerchantState = MerchantState.PENDING, tier: str = "standard"
) -> MerchantId:
    """A new merchant. `state` is active only where the operator is the merchant (one shop, own accounts)."""
    merchant = MerchantId(new_id("mer"))
    await tx.execute(
        "INSERT INTO merchants (id, name, state, tier) VALUES ($1, $2, $3, $4)",
        merchant,
        name,
        state.value,
        tier,
    )
    after = {"name": name, "status": state.value, "tier": tier}
    await record(tx, Act("merchant.created", "merchant", merchant, merchant, after=after))
    return merchant


async def move(tx: Connection, merchant: MerchantId, fact: MerchantFact, reason: str) -> MerchantState:
    """What the platform decided. Raises MerchantNotFound, WrongState, NotYetKnown.

    Money that is on its way when a merchant is suspended is still booked: only its requests are refused.
    """
    found = await tx.fetchval("SELECT state FROM merchants WHERE id = $1 FOR UPDATE", merchant)
    if found is None:
        raise MerchantNotFound
    state = MerchantState(found)
    after = MERCHANT.after(state, fact)
    if fact is MerchantFact.APPROVED and not await _is_known(tx, merchant):
        raise NotYetKnown("approve its KYC application first")
    await tx.execute(
        "UPDATE merchants SET state = $2, state_reason = $3, state_changed_at = now() WHERE id = $1",
        merchant,
        after.value,
        reason,
    )
    entry = Act(
        f"merchant.{fact.value}",
        "merchant",
        merchant,
        merchant,
        before={"status": state.value},
        after={"status": after.value, "reason": reason},
    )
    await record(tx, entry)
    return after


async def _is_known(tx: Connection, merchant: MerchantId) -> bool:
    newest: str | None = await tx.fetchval(
        "SELECT state FROM kyc_applications WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1", merchant
    )
    return newest == "approved"
