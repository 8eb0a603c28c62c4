"""How a dispute looks from outside, and the event that tells of it."""

from __future__ import annotations

from typing import Any

from quickkub.disputes.model import Dispute
from quickkub.kernel.clock import rfc3339
from quickkub.storage import Connection
from quickkub.storage.outbox import Event, emit


def dispute_view(dispute: Dispute) -> dict[str, Any]:
    """The dispute object of the API."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "mode": dispute.mode,
        "payment": dispute.payment,
        "provider": dispute.provider,
        "provider_dispute": dispute.provider_dispute,
        "amount": dispute.amount.minor,
        "currency": dispute.amount.currency.code,
        "reason": dispute.reason,
        "status": dispute.state.value,
        "respond_by": rfc3339(dispute.respond_by) if dispute.respond_by else None,
        "submitted_at": rfc3339(dispute.submitted_at) if dispute.submitted_at else None,
        "created_at": rfc3339(dispute.created_at),
        "updated_at": rfc3339(dispute.updated_at),
        "closed_at": rfc3339(dispute.closed_at) if dispute.closed_at else None,
        "version": dispute.version,
    }


async def announce(tx: Connection, dispute: Dispute, kind: str) -> None:
    """Write `dispute.<kind>` for the dispute as it stands now (E1)."""
    await emit(
        tx,
        Event(
            merchant=dispute.merchant,
            mode=dispute.mode,
            type=f"dispute.{kind}",
            object_id=dispute.id,
            version=dispute.version,
            data={"object": dispute_view(dispute)},
        ),
    )
