"""The lives of a payment and of an attempt, as tables (decisions: words and states; invariant P11)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from quickkub.kernel.states import StateTable


class PaymentState(Enum):
    """Where a payment is. Refunds and disputes are objects of their own, never a payment state."""

    CREATED = "created"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AttemptState(Enum):
    """Where one try at one provider is. UNKNOWN: nobody can tell, and we keep asking."""

    CREATED = "created"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Fact(Enum):
    """What can happen to either."""

    AWAITS_PAYER = "awaits_payer"
    CANNOT_TELL = "cannot_tell"
    HELD = "held"
    PAID = "paid"
    LET_GO = "let_go"
    DECLINED = "declined"
    TIME_UP = "time_up"
    CALLED_OFF = "called_off"


P, A, F = PaymentState, AttemptState, Fact

PAYMENT: Final = StateTable(
    "payment",
    {
        (P.CREATED, F.AWAITS_PAYER): P.REQUIRES_ACTION,
        (P.CREATED, F.CANNOT_TELL): P.PROCESSING,
        (P.CREATED, F.PAID): P.SUCCEEDED,
        (P.CREATED, F.DECLINED): P.FAILED,
        (P.CREATED, F.TIME_UP): P.EXPIRED,
        (P.CREATED, F.CALLED_OFF): P.CANCELLED,
        (P.REQUIRES_ACTION, F.PAID): P.SUCCEEDED,
        (P.REQUIRES_ACTION, F.DECLINED): P.FAILED,
        (P.REQUIRES_ACTION, F.TIME_UP): P.EXPIRED,
        (P.REQUIRES_ACTION, F.CALLED_OFF): P.CANCELLED,
        # Nobody knows if the provider has it, so the merchant cannot end it, and time only with an answer.
        (P.PROCESSING, F.AWAITS_PAYER): P.REQUIRES_ACTION,
        (P.PROCESSING, F.PAID): P.SUCCEEDED,
        (P.PROCESSING, F.DECLINED): P.FAILED,
        (P.PROCESSING, F.TIME_UP): P.EXPIRED,
        (P.CREATED, F.HELD): P.AUTHORIZED,
        (P.REQUIRES_ACTION, F.HELD): P.AUTHORIZED,
        (P.PROCESSING, F.HELD): P.AUTHORIZED,
        # Held money moves when it is captured, or is let go: by the merchant, or by the hold's own end.
        (P.AUTHORIZED, F.PAID): P.SUCCEEDED,
        (P.AUTHORIZED, F.LET_GO): P.CANCELLED,
        (P.AUTHORIZED, F.TIME_UP): P.EXPIRED,
        # Money is money: a QR can be paid after we stopped waiting.
        (P.FAILED, F.PAID): P.SUCCEEDED,
        (P.EXPIRED, F.PAID): P.SUCCEEDED,
        (P.CANCELLED, F.PAID): P.SUCCEEDED,
    },
)

ATTEMPT: Final = StateTable(
    "attempt",
    {
        (A.CREATED, F.AWAITS_PAYER): A.REQUIRES_ACTION,
        (A.CREATED, F.CANNOT_TELL): A.UNKNOWN,
        (A.CREATED, F.PAID): A.SUCCEEDED,
        (A.CREATED, F.DECLINED): A.FAILED,
        (A.CREATED, F.TIME_UP): A.EXPIRED,
        (A.CREATED, F.CALLED_OFF): A.CANCELLED,
        (A.REQUIRES_ACTION, F.PAID): A.SUCCEEDED,
        (A.REQUIRES_ACTION, F.DECLINED): A.FAILED,
        (A.REQUIRES_ACTION, F.TIME_UP): A.EXPIRED,
        (A.REQUIRES_ACTION, F.CALLED_OFF): A.CANCELLED,
        (A.UNKNOWN, F.AWAITS_PAYER): A.REQUIRES_ACTION,
        (A.UNKNOWN, F.PAID): A.SUCCEEDED,
        (A.UNKNOWN, F.DECLINED): A.FAILED,
        (A.UNKNOWN, F.TIME_UP): A.EXPIRED,
        (A.CREATED, F.HELD): A.AUTHORIZED,
        (A.REQUIRES_ACTION, F.HELD): A.AUTHORIZED,
        (A.UNKNOWN, F.HELD): A.AUTHORIZED,
        (A.AUTHORIZED, F.PAID): A.SUCCEEDED,
        (A.AUTHORIZED, F.LET_GO): A.CANCELLED,
        (A.AUTHORIZED, F.TIME_UP): A.EXPIRED,
        (A.FAILED, F.PAID): A.SUCCEEDED,
        (A.EXPIRED, F.PAID): A.SUCCEEDED,
        (A.CANCELLED, F.PAID): A.SUCCEEDED,
    },
)

OPEN: Final = frozenset({P.CREATED, P.REQUIRES_ACTION, P.PROCESSING})
"""States in which a payment still waits for something."""

ENDED: Final = frozenset({P.SUCCEEDED, P.FAILED, P.EXPIRED, P.CANCELLED})
"""States in which a payment waits for nothing; only late money still moves it."""
