"""What a merchant decides about money that does not fit exactly."""

from __future__ import annotations

from dataclasses import dataclass

from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much too little or too much still counts as paid, in minor units."""

    under: int = 0
    over: int = 0


async def tolerance_of(reader: Connection, merchant: MerchantId) -> Tolerance:
    """The merchant's own rule; nothing is tolerated unless the merchant says so."""
    row = await reader.fetchrow(
        "SELECT under_tolerance, over_tolerance FROM merchants WHERE id = $1", merchant
    )
    assert row is not None, "a foreign key holds the merchant"
    return Tolerance(row["under_tolerance"], row["over_tolerance"])
