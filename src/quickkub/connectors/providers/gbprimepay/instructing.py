"""Money goes back in GBPrimePay's portal only; what was voided there is seen by asking (pack 5.11)."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import (
    Declined,
    Doing,
    Done,
    Failure,
    Instruction,
    InstructionOutcome,
    Unknown,
)
from quickkub.connectors.providers.gbprimepay.wire import Row

_CODES: Final = {
    Doing.REFUND: "refund_not_supported_by_api",
    Doing.VOID: "void_not_supported_by_api",
    Doing.CAPTURE: "capture_not_supported_by_api",
    Doing.CANCEL: "cancel_not_supported_by_api",
}


def refused(instruction: Instruction) -> Declined:
    """There is no call for any of it, so nothing was sent and nothing happened."""
    return Declined(
        Failure.NOT_ALLOWED_NOW, _CODES[instruction.doing], "a person does this in GBPrimePay's portal"
    )


def standing(rows: list[Row], instruction: Instruction) -> InstructionOutcome:
    """`V` proves that a person gave all of it back or let it go; a part given back is not visible."""
    if instruction.doing not in (Doing.REFUND, Doing.VOID):
        return refused(instruction)
    row = next((row for row in rows if row.number == instruction.transaction_id), rows[-1])
    if row.status != "V":
        return refused(instruction)
    is_whole = instruction.doing is Doing.VOID or instruction.amount == row.amount
    if not is_whole:
        return Unknown("GBPrimePay shows the payment as voided, and a part of it was to go back")
    return Done(f"{row.number}V", instruction.amount, instruction.now, row.number)
