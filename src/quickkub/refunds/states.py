"""The life of a refund, as a table."""

from __future__ import annotations

from enum import Enum
from typing import Final

from quickkub.kernel.states import StateTable
from quickkub.refunds.model import RefundState


class RefundFact(Enum):
    """What can happen to a refund."""

    PAID_BACK = "paid_back"
    REFUSED = "refused"
    NEEDS_A_PERSON = "needs_a_person"
    TRANSFERRED = "transferred"
    DROPPED = "dropped"


S, F = RefundState, RefundFact

REFUND: Final = StateTable(
    "refund",
    {
        (S.PROCESSING, F.PAID_BACK): S.SUCCEEDED,
        (S.PROCESSING, F.REFUSED): S.FAILED,
        # The provider no longer takes it; the money stays set aside and a person transfers it.
        (S.PROCESSING, F.NEEDS_A_PERSON): S.REQUIRES_TRANSFER,
        (S.REQUIRES_TRANSFER, F.TRANSFERRED): S.SUCCEEDED,
        (S.REQUIRES_TRANSFER, F.DROPPED): S.CANCELLED,
    },
)
