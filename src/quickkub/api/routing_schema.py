"""The words of routing rules, provider health and slips. See schema.py for what they share."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import Amount, Mode, PaymentStatus, Time, exactly
from quickkub.payments.routes.model import SAMPLES_MIN, WINDOW_MINUTES
from quickkub.payments.slips_picture import BYTES_MAX

RULES_MAX: Final = 50
ACCOUNTS_MAX: Final = 20
NAME_LETTERS_MAX: Final = 60
VERSION_MAX: Final = 2**31 - 1
IMAGE_LETTERS_MAX: Final = (BYTES_MAX + 2) // 3 * 4

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Strategy = Literal["priority", "weighted", "least_cost", "success_rate"]
AccountId = Annotated[
    str, Meta(min_length=1, max_length=60, description="A provider account's id.", examples=["acc_..."])
]


# --- asked ------------------------------------------------------------------------------------------------


class RuleHours(Struct, kw_only=True, forbid_unknown_fields=True):
    """Full hours of Bangkok from `start` to before `end`; a start after the end spans midnight."""

    start: Annotated[int, Meta(ge=0, le=23)]
    end: Annotated[int, Meta(ge=0, le=24)]


class RuleWhen(Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Conditions that must all hold; what is left out always holds."""

    amount_min: Annotated[Amount, Meta(description="Whole minor units, included.")] | None = None
    amount_max: Annotated[Amount, Meta(description="Whole minor units, included.")] | None = None
    methods: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=40, examples=["promptpay"])]], Meta(max_length=20)
    ] = []
    hours: RuleHours | None = None
    weekdays: Annotated[list[Weekday], Meta(max_length=7)] = []


class RuleUse(Struct, kw_only=True, forbid_unknown_fields=True):
    """An account to pay through. The cost is your own price there, for `least_cost`."""

    account: AccountId
    weight: Annotated[int, Meta(ge=1, le=1_000, description="Its share of draws, for `weighted`.")] = 1
    cost_basis_points: (
        Annotated[int, Meta(ge=0, le=10_000, description="Hundredths of a percent of the amount.")] | None
    ) = None
    cost_fixed: Annotated[int, Meta(ge=0, le=1_000_000, description="Satang per payment.")] = 0


class RoutingRule(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which accounts a payment may go through, in which order. The next one is asked when the one before
    certainly did nothing."""

    when: RuleWhen = RuleWhen()
    strategy: Strategy = "priority"
    use: Annotated[
        list[RuleUse],
        Meta(max_length=ACCOUNTS_MAX, description="Empty: every account that can take the payment."),
    ] = []
    even_if_degraded: Annotated[
        bool, Meta(description="False: accounts that are degraded are tried last.")
    ] = False
    name: Annotated[str, Meta(max_length=NAME_LETTERS_MAX, description="For your own reading.")] = ""


class ChangeRoutingRules(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new version of all rules of this mode. The first rule that applies decides."""

    rules: Annotated[list[RoutingRule], Meta(max_length=RULES_MAX)]
    window_minutes: Annotated[int, Meta(ge=1, le=60, description="How far success rates look back.")] = (
        WINDOW_MINUTES
    )
    samples_min: Annotated[
        int, Meta(ge=1, le=1_000, description="Fewer outcomes than this say nothing about an account.")
    ] = SAMPLES_MIN
    replaces: (
        Annotated[int, Meta(ge=0, le=VERSION_MAX, description="The version you have seen, 0 for none.")]
        | None
    ) = None


class RoutingRulesQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which version."""

    version: Annotated[int, Meta(ge=0, le=VERSION_MAX, description="Left out, the newest.")] | None = None


class VerifySlip(Struct, kw_only=True, forbid_unknown_fields=True):
    """A slip to look up: the text of its QR, or a picture of it. What it should be for is compared."""

    payload: (
        Annotated[str, Meta(min_length=1, max_length=512, description="The text of the slip's QR.")] | None
    ) = None
    image: (
        Annotated[
            str,
            Meta(
                min_length=4,
                max_length=IMAGE_LETTERS_MAX,
                pattern=exactly("^[A-Za-z0-9+/]+={0,2}$"),
                description="A PNG or JPEG in base64, up to 3 MiB. Only the QR in it is read.",
            ),
        ]
        | None
    ) = None
    payment: (
        Annotated[
            str, Meta(min_length=1, max_length=60, description="The payment it is shown for: one per slip.")
        ]
        | None
    ) = None
    amount: Amount | None = None
    account: Annotated[AccountId, Meta(description="The account whose bank is asked.")] | None = None


# --- answered ---------------------------------------------------------------------------------------------


class RoutingRules(Struct, kw_only=True):
    """One version of the rules. Version 0 has none: the first account that has the method is used."""

    object: Literal["routing_rules"]
    mode: Mode
    version: int
    rules: list[RoutingRule]
    window_minutes: int
    samples_min: int
    created_at: Time | None
    created_by: str | None


class ProviderError(Struct, kw_only=True):
    """The newest trouble with an account; `unknown` when an outcome could not be told."""

    code: str
    at: Time


class ProviderHealth(Struct, kw_only=True):
    """How a provider account is doing, by the outcomes of the window. The payer's own doing is left out."""

    object: Literal["provider_health"]
    account: str
    provider: str
    mode: Mode
    status: Literal["healthy", "degraded"]
    circuit: Literal["open", "closed"]
    window_minutes: int
    outcomes: int
    success_basis_points: int | None
    last_error: ProviderError | None


class SlipChecks(Struct, kw_only=True):
    """True: it is so. False: it is not. Null: there was nothing to compare with."""

    amount: bool | None
    receiver: bool | None
    reference: bool | None
    time: bool | None


class SlipVerification(Struct, kw_only=True):
    """What a bank knows of the transfer on a slip, and whether it is what it should be.

    `pending`: the bank does not know it yet or could not be asked; ask again in some minutes. `refused`: the
    transfer exists and is not the one you asked about, for the named `reasons`.
    """

    object: Literal["slip_verification"]
    verified: bool
    status: Literal["verified", "pending", "refused"]
    reasons: list[
        Literal[
            "not_found",
            "bank_cannot_tell",
            "lookup_refused",
            "amount_differs",
            "receiver_differs",
            "receiver_not_comparable",
            "reference_differs",
            "time_differs",
        ]
    ]
    checks: SlipChecks
    sending_bank: str
    trans_ref: str
    amount: int | None
    currency: str | None
    paid_at: Time | None
    receiving_bank: str | None
    receiver_id: str | None
    receiver_name: str | None
    sender_name: Annotated[str | None, Meta(description="First letters only.")]
    references: list[str]
    payment: str | None
    payment_status: PaymentStatus | None
    used_for: str | None
    account: str
    provider: str
