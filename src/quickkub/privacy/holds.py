"""Legal holds: placed and lifted by people, seen by erasures, retention and the tables themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quickkub.audit import Act, current_actor, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.privacy import erase_store
from quickkub.privacy.index import tokens_of
from quickkub.privacy.office import HoldNotFound, HoldUnclear, Office
from quickkub.privacy.person import Person
from quickkub.storage import Connection, Row

_PLACE: Final = """
INSERT INTO legal_holds (merchant_id, id, covers, payment_id, token, reason, placed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *
"""


async def place(
    tx: Connection,
    office: Office,
    merchant: MerchantId,
    reason: str,
    *,
    payment: str | None = None,
    person: Person | None = None,
) -> dict[str, Any]:
    """Hold a payment, a person, or (neither said) all of a merchant. Waits for an erasure under way.

    A person is held by one thing that is known of them. Raises HoldUnclear, MerchantNotFound.
    """
    known = person.known() if person is not None else {}
    if (payment is not None and person is not None) or (person is not None and len(known) != 1):
        raise HoldUnclear("hold a merchant, a payment, or a person by one of e-mail, phone and name")
    await erase_store.lock(tx, merchant)
    if not await tx.fetchval("SELECT EXISTS (SELECT FROM merchants WHERE id = $1)", merchant):
        raise MerchantNotFound
    if payment is not None and not await tx.fetchval(
        "SELECT EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND id = $2)", merchant, payment
    ):
        raise HoldUnclear("there is no such payment", param="payment")
    (token,) = tokens_of(office.index, merchant, known).values() or (None,)
    covers = "payment" if payment is not None else "person" if person is not None else "merchant"
    row = await tx.fetchrow(_PLACE, merchant, new_id("hld"), covers, payment, token, reason, _by())
    assert row is not None, "an insert returns its row"
    after = {"covers": covers, "payment": payment, "reason": reason}
    await record(tx, Act("legal_hold.placed", "legal_hold", row["id"], merchant=merchant, after=after))
    return view_of(row)


async def lift(tx: Connection, merchant: MerchantId, hold: str, reason: str) -> dict[str, Any]:
    """The law asks for it no more. Raises HoldNotFound."""
    row = await tx.fetchrow(
        """
        UPDATE legal_holds SET lifted_at = now(), lifted_by = $3, lifted_because = $4
         WHERE merchant_id = $1 AND id = $2 AND lifted_at IS NULL RETURNING *
        """,
        merchant,
        hold,
        _by(),
        reason,
    )
    if row is None:
        raise HoldNotFound("there is no such hold, or it was lifted", param="id")
    after = {"reason": reason}
    await record(tx, Act("legal_hold.lifted", "legal_hold", hold, merchant=merchant, after=after))
    return view_of(row)


async def standing(reader: Connection, merchant: MerchantId | None = None) -> list[dict[str, Any]]:
    """Holds that stand, oldest first: a merchant's, or all."""
    rows = await reader.fetch(
        "SELECT * FROM legal_holds WHERE lifted_at IS NULL AND ($1::text IS NULL OR merchant_id = $1)"
        " ORDER BY id",
        merchant,
    )
    return [view_of(row) for row in rows]


def view_of(row: Row | Mapping[str, Any]) -> dict[str, Any]:
    """As it is shown: not whom it holds, only that it is a person."""
    return {
        "id": row["id"],
        "object": "legal_hold",
        "merchant": row["merchant_id"],
        "covers": row["covers"],
        "payment": row["payment_id"],
        "reason": row["reason"],
        "placed_by": row["placed_by"],
        "placed_at": rfc3339(row["placed_at"]),
        "lifted_at": rfc3339(row["lifted_at"]) if row["lifted_at"] else None,
        "lifted_because": row["lifted_because"],
    }


def _by() -> str:
    actor = current_actor()
    return actor.id or actor.kind.value
