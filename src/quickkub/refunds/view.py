"""How a refund looks from outside, and the event that tells of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from quickkub.kernel.clock import rfc3339
from quickkub.payments.view import failure_view
from quickkub.refunds.model import Destination, Refund
from quickkub.storage import Connection
from quickkub.storage.outbox import Event, emit
from quickkub.storage.vault import Place, Vault
from quickkub.telemetry import masks

_SHOWN_OF_ACCOUNT = 4


def _place(merchant: str, refund: str, mode: str) -> Place:
    return Place("refunds", "destination", merchant, refund, mode=mode)


def seal_destination(vault: Vault, destination: Destination, merchant: str, refund: str, mode: str) -> bytes:
    """Where a transfer goes to, as it is stored."""
    return vault.seal(json.dumps(asdict(destination)).encode(), _place(merchant, refund, mode))


def open_destination(vault: Vault, refund: Refund) -> Destination | None:
    """Where a transfer goes to, in clear, for whoever makes it."""
    if refund.sealed_destination is None:
        return None
    return Destination(
        **json.loads(
            vault.open(bytes(refund.sealed_destination), _place(refund.merchant, refund.id, refund.mode))
        )
    )


def masked(destination: Destination | None) -> dict[str, str] | None:
    """For whoever does not make the transfer: the account's last four digits, first letters of the name."""
    if destination is None:
        return None
    tail = destination.account[-_SHOWN_OF_ACCOUNT:]
    return {"bank": destination.bank, "account": f"…{tail}", "name": masks.name(destination.name)}


def refund_view(refund: Refund, destination: dict[str, str] | None = None) -> dict[str, Any]:
    """The refund object of the API."""
    return {
        "id": refund.id,
        "object": "refund",
        "mode": refund.mode,
        "payment": refund.payment,
        "receipt": refund.unapplied_receipt,
        "amount": refund.amount.minor,
        "currency": refund.amount.currency.code,
        "status": refund.state.value,
        "reason": refund.reason.value,
        "note": refund.note,
        "way": refund.way.value,
        "destination": destination,
        "transfer_reference": refund.transfer_reference,
        "failure": failure_view(refund.failure_code),
        "metadata": dict(refund.metadata),
        "created_at": rfc3339(refund.created_at),
        "updated_at": rfc3339(refund.updated_at),
        "finished_at": rfc3339(refund.finished_at) if refund.finished_at else None,
        "version": refund.version,
    }


async def announce(tx: Connection, refund: Refund, kind: str) -> None:
    """Write `refund.<kind>` for the refund as it stands now (E1)."""
    await emit(
        tx,
        Event(
            merchant=refund.merchant,
            mode=refund.mode,
            type=f"refund.{kind}",
            object_id=refund.id,
            version=refund.version,
            data={"object": refund_view(refund)},
        ),
    )
