"""The lives of merchants, of what is reviewed about them, and of acts that need a second person."""

from __future__ import annotations

from enum import Enum
from typing import Final

from quickkub.kernel.states import StateTable


class MerchantState(Enum):
    """Where a merchant stands. Only an active one is paid; a pending one builds in test mode."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    INACTIVE = "inactive"


class MerchantFact(Enum):
    """What the platform decides about a merchant."""

    APPROVED = "approved"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    CLOSED = "closed"


MERCHANT: Final = StateTable(
    "merchant",
    {
        (MerchantState.PENDING, MerchantFact.APPROVED): MerchantState.ACTIVE,
        (MerchantState.PENDING, MerchantFact.CLOSED): MerchantState.INACTIVE,
        (MerchantState.ACTIVE, MerchantFact.SUSPENDED): MerchantState.SUSPENDED,
        (MerchantState.ACTIVE, MerchantFact.CLOSED): MerchantState.INACTIVE,
        (MerchantState.SUSPENDED, MerchantFact.REINSTATED): MerchantState.ACTIVE,
        (MerchantState.SUSPENDED, MerchantFact.CLOSED): MerchantState.INACTIVE,
    },
)


class ReviewState(Enum):
    """Where an application or a document stands. What was decided stays; a new one is handed in instead."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class ReviewFact(Enum):
    """What a reviewer says."""

    APPROVE = "approve"
    REJECT = "reject"


REVIEW: Final = StateTable(
    "KYC review",
    {
        (ReviewState.PENDING, ReviewFact.APPROVE): ReviewState.APPROVED,
        (ReviewState.PENDING, ReviewFact.REJECT): ReviewState.REJECTED,
    },
)


class ApprovalState(Enum):
    """Where a request for a second person's yes stands."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApprovalFact(Enum):
    """What the second person says, or the first one takes back."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


APPROVAL: Final = StateTable(
    "approval",
    {
        (ApprovalState.OPEN, ApprovalFact.APPROVE): ApprovalState.APPROVED,
        (ApprovalState.OPEN, ApprovalFact.REFUSE): ApprovalState.REFUSED,
        (ApprovalState.OPEN, ApprovalFact.WITHDRAW): ApprovalState.WITHDRAWN,
    },
)
