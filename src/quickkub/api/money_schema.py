"""The words of captures, refunds, disputes, decisions and rules. See schema.py for what they share."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import Amount, Failure, ForwardQuery, Metadata, Mode, Time, exactly
from quickkub.kernel.money import AMOUNT_MAX
from quickkub.payments.test_clock import ADVANCE_SECONDS_MAX

NOTE_LETTERS_MAX: Final = 500
FILE_BYTES_MAX: Final = 180_000
FILES_MAX: Final = 5
TOLERANCE_MAX: Final = 1_000_000

Note = Annotated[str, Meta(min_length=1, max_length=NOTE_LETTERS_MAX)]
RefundReason = Literal[
    "requested_by_payer", "duplicate", "fraudulent", "goods_not_delivered", "wrong_amount", "other"
]
RefundStatus = Literal["processing", "requires_transfer", "succeeded", "failed", "cancelled"]


# --- asked ------------------------------------------------------------------------------------------------


class CapturePayment(Struct, kw_only=True, forbid_unknown_fields=True):
    """Take held money. Left out, `amount` is all that is left."""

    amount: Amount | None = None
    final: Annotated[bool, Meta(description="Whether what is left of the hold is let go afterwards.")] = True


class BankAccount(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where a transfer goes to."""

    bank: Annotated[
        str,
        Meta(
            pattern=exactly("^([0-9]{3}|promptpay)$"),
            description="The bank's three-digit code, or `promptpay` with a PromptPay id as the account.",
            examples=["014"],
        ),
    ]
    account: Annotated[str, Meta(pattern=exactly("^[0-9]{10,15}$"), examples=["1234567890"])]
    name: Annotated[str, Meta(min_length=1, max_length=100)]


class CreateRefund(Struct, kw_only=True, forbid_unknown_fields=True):
    """Give money of a payment back. Left out, `amount` is all that is left."""

    payment: Annotated[str, Meta(min_length=1, max_length=60, description="The payment's id.")]
    amount: Amount | None = None
    reason: RefundReason = "requested_by_payer"
    note: Annotated[Note, Meta(description="For your own records; some providers see it.")] | None = None
    destination: (
        Annotated[
            BankAccount,
            Meta(description="For methods whose provider refunds nothing, such as PromptPay."),
        ]
        | None
    ) = None
    metadata: Metadata | None = None


class ReportTransfer(Struct, kw_only=True, forbid_unknown_fields=True):
    """A transfer that a person made for a refund."""

    transfer_reference: Annotated[
        str,
        Meta(
            min_length=4,
            max_length=100,
            pattern=exactly("^[A-Za-z0-9./_-]+$"),
            description="The bank's number of the transfer, as on its slip.",
        ),
    ]


class EvidenceFile(Struct, kw_only=True, forbid_unknown_fields=True):
    """A document against a dispute."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=exactly(r"^[A-Za-z0-9._-]+$"))]
    media_type: Literal["application/pdf", "image/png", "image/jpeg"]
    content: Annotated[str, Meta(min_length=4, max_length=FILE_BYTES_MAX, description="Base64 of the file.")]


class ContestDispute(Struct, kw_only=True, forbid_unknown_fields=True):
    """What speaks for you."""

    text: Annotated[str, Meta(min_length=1, max_length=5000)]
    files: Annotated[list[EvidenceFile], Meta(max_length=FILES_MAX)] = []


class ResolveCase(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is decided about a case."""

    decision: Annotated[
        Literal["close", "refund", "accept"],
        Meta(
            description=(
                "`refund`: give nobody's money back. `accept`: it is yours. `close`: there is nothing to do."
            )
        ),
    ]
    note: Note
    destination: (
        Annotated[BankAccount, Meta(description="Where a refund goes to; for `refund` only.")] | None
    ) = None


class ChangeSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. It counts for money that comes from now on."""

    under_tolerance: (
        Annotated[
            int,
            Meta(ge=0, le=TOLERANCE_MAX, description="Minor units a payer may pay too little."),
        ]
        | None
    ) = None
    over_tolerance: (
        Annotated[
            int,
            Meta(ge=0, le=TOLERANCE_MAX, description="Minor units a payer may pay too much."),
        ]
        | None
    ) = None
    orphan_payments: (
        Annotated[
            Literal["hold", "refund"],
            Meta(description="Money no payment was waiting for: kept for a person, or given back."),
        ]
        | None
    ) = None
    refund_step_up_over: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=AMOUNT_MAX,
                description=(
                    "Of one payment a person gives back no more minor units than this without a step-up. "
                    "1000000 unless you say otherwise."
                ),
            ),
        ]
        | None
    ) = None
    unique_satang: (
        Annotated[
            bool,
            Meta(
                description=(
                    "Whether up to 0.99 baht is added to what a static PromptPay QR asks for, so that no two "
                    "that may still be paid ask for the same."
                )
            ),
        ]
        | None
    ) = None
    return_addresses: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=2048)]],
            Meta(
                max_length=50,
                description=(
                    "All addresses a payer may be sent back to, instead of those before: https origins, or "
                    "beginnings of paths below them. Test mode knows loopback addresses besides, and every "
                    "address while the list is empty."
                ),
            ),
        ]
        | None
    ) = None


class AdvanceTestClock(Struct, kw_only=True, forbid_unknown_fields=True):
    """Let time pass in test mode."""

    advance_seconds: Annotated[int, Meta(ge=1, le=ADVANCE_SECONDS_MAX)]


class RefundsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of refunds."""

    payment: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    status: RefundStatus | None = None


class DisputesQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of disputes."""

    payment: Annotated[str, Meta(min_length=1, max_length=60)] | None = None


# --- answered ---------------------------------------------------------------------------------------------


class Destination(Struct, kw_only=True):
    """Where a transfer goes to. Masked but for who makes it: last four digits, first letters of the name."""

    bank: str
    account: str
    name: str


class Refund(Struct, kw_only=True):
    """Money on its way back, and what came of it. `requires_transfer`: a person has to transfer it."""

    id: str
    object: Literal["refund"]
    mode: Mode
    payment: str | None
    receipt: str | None
    amount: int
    currency: str
    status: RefundStatus
    reason: RefundReason
    note: str | None
    way: Literal["provider", "bank_transfer"]
    destination: Destination | None
    transfer_reference: str | None
    failure: Failure | None
    metadata: dict[str, str]
    created_at: Time
    updated_at: Time
    finished_at: Time | None
    version: int


class Dispute(Struct, kw_only=True):
    """A payment that the payer's bank wants back."""

    id: str
    object: Literal["dispute"]
    mode: Mode
    payment: str
    provider: str
    provider_dispute: str
    amount: int
    currency: str
    reason: str
    status: Literal["needs_response", "under_review", "won", "lost"]
    respond_by: Time | None
    submitted_at: Time | None
    created_at: Time
    updated_at: Time
    closed_at: Time | None
    version: int


class Case(Struct, kw_only=True):
    """Something that waits for a person, such as money that came twice."""

    id: str
    object: Literal["case"]
    mode: Mode
    kind: str
    payment: str | None
    receipt: str | None
    status: Literal["open", "closed"]
    details: dict[str, Any]
    resolution: str | None
    resolved_by: str | None
    opened_at: Time
    closed_at: Time | None
    version: int
    refund: str | None = None


class Settings(Struct, kw_only=True):
    """What you decided about money that does not fit, and where your payers may be sent back to."""

    object: Literal["settings"]
    under_tolerance: int
    over_tolerance: int
    orphan_payments: Literal["hold", "refund"]
    unique_satang: bool
    refund_step_up_over: int
    return_addresses: list[str]


class TestClock(Struct, kw_only=True):
    """How far the test clock was moved ahead in all."""

    object: Literal["test_clock"]
    seconds_ahead: int
