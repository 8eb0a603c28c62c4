"""The life of a dispute, as a table. A provider's word that is not in it changes nothing."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import DisputeState
from quickkub.kernel.states import StateTable

S = DisputeState

DISPUTE: Final = StateTable(
    "dispute",
    {
        (S.NEEDS_RESPONSE, S.UNDER_REVIEW): S.UNDER_REVIEW,
        (S.NEEDS_RESPONSE, S.WON): S.WON,
        (S.NEEDS_RESPONSE, S.LOST): S.LOST,
        (S.UNDER_REVIEW, S.NEEDS_RESPONSE): S.NEEDS_RESPONSE,
        (S.UNDER_REVIEW, S.WON): S.WON,
        (S.UNDER_REVIEW, S.LOST): S.LOST,
    },
)
"""A fact is what the provider now says; it may ask for more after it began to review."""
