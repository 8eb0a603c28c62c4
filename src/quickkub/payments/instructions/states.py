"""The life of an instruction, as a table."""

from __future__ import annotations

from enum import Enum
from typing import Final

from quickkub.kernel.states import StateTable


class InstructionState(Enum):
    """PROCESSING: the provider has it. UNKNOWN: nobody can tell, and we keep asking."""

    CREATED = "created"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Heard(Enum):
    """What can be heard about it."""

    ACCEPTED = "accepted"
    CANNOT_TELL = "cannot_tell"
    DONE = "done"
    REFUSED = "refused"


S, H = InstructionState, Heard

INSTRUCTION: Final = StateTable(
    "instruction",
    {
        (S.CREATED, H.ACCEPTED): S.PROCESSING,
        (S.CREATED, H.CANNOT_TELL): S.UNKNOWN,
        (S.CREATED, H.DONE): S.SUCCEEDED,
        (S.CREATED, H.REFUSED): S.FAILED,
        (S.PROCESSING, H.DONE): S.SUCCEEDED,
        (S.PROCESSING, H.REFUSED): S.FAILED,
        (S.UNKNOWN, H.ACCEPTED): S.PROCESSING,
        (S.UNKNOWN, H.DONE): S.SUCCEEDED,
        (S.UNKNOWN, H.REFUSED): S.FAILED,
    },
)

UNDER_WAY: Final = frozenset({S.CREATED, S.PROCESSING, S.UNKNOWN})
