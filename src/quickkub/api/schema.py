"""The words of the API: what may be sent, and what is answered. OpenAPI is written from these types.

Amounts are whole minor units (satang for THB). Times are RFC 3339 in UTC with whole seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from quickkub.api.text import (
    METADATA_KEY_LETTERS_MAX,
    METADATA_KEYS_MAX,
    METADATA_VALUE_LETTERS_MAX,
    URL_LETTERS_MAX,
)
from quickkub.kernel.money import AMOUNT_MAX
from quickkub.webhooks.event import API_VERSION

T = TypeVar("T")

LIMIT_MAX: Final = 100
LIMIT_DEFAULT: Final = 10
EXPIRES_IN_SECONDS_MIN: Final = 60
EXPIRES_IN_SECONDS_MAX: Final = 86_400
EXPIRES_IN_SECONDS: Final = 900
REFERENCE_LETTERS_MAX: Final = 100
DESCRIPTION_LETTERS_MAX: Final = 500


def exactly(pattern: str) -> str:
    """A pattern `^...$` as JSON Schema means it: to the very end of the text.

    Python's `$` also fits before a line break, and would let in a number that has one behind it.
    """
    return pattern.removesuffix("$") + r"\Z"


Amount = Annotated[
    int,
    Meta(ge=1, le=AMOUNT_MAX, description="Whole minor units: 15000 is 150.00 THB.", examples=[15000]),
]
Metadata = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=METADATA_KEY_LETTERS_MAX)],
        Annotated[str, Meta(max_length=METADATA_VALUE_LETTERS_MAX)],
    ],
    Meta(max_length=METADATA_KEYS_MAX, description="Your own notes. Never secrets or card numbers."),
]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-11-23T03:33:12Z"])]
Url = Annotated[str, Meta(max_length=URL_LETTERS_MAX, extra_json_schema={"format": "uri"})]
Mode = Literal["live", "test"]
PaymentStatus = Literal[
    "created", "requires_action", "processing", "authorized", "succeeded", "failed", "expired", "cancelled"
]


# --- asked ------------------------------------------------------------------------------------------------


class PayerInput(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of the payer. Methods say which of it they need. Kept sealed."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    email: Annotated[str, Meta(max_length=200, pattern=exactly(r"^[^@\s]+@[^@\s]+$"))] | None = None
    phone: Annotated[str, Meta(pattern=exactly("^0[0-9]{9}$"), examples=["0812345678"])] | None = None
    card_token: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=200,
                pattern=exactly("^[A-Za-z0-9._=+/-]+$"),
                description="The provider's one-time token of the payer's browser. Never a card number.",
            ),
        ]
        | None
    ) = None
    code: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=100,
                pattern=exactly("^[A-Za-z0-9]+$"),
                description="What the payer's app shows to be scanned.",
            ),
        ]
        | None
    ) = None
    device: Literal["phone", "desktop"] = "desktop"
    language: Literal["th", "en"] = "th"
    ip_address: (
        Annotated[
            str,
            Meta(
                min_length=2,
                max_length=45,
                pattern=exactly("^[0-9A-Fa-f:.]+$"),
                description="Where the payer's request to you came from.",
                examples=["203.0.113.7"],
            ),
        ]
        | None
    ) = None
    device_id: (
        Annotated[
            str,
            Meta(min_length=8, max_length=100, description="Your own lasting mark of the payer's device."),
        ]
        | None
    ) = None
    card_fingerprint: (
        Annotated[
            str,
            Meta(
                min_length=8,
                max_length=100,
                pattern=exactly("^[A-Za-z0-9_=+/-]+$"),
                description="The provider's fingerprint of the card, the same for every token of it.",
            ),
        ]
        | None
    ) = None
    card_bin: (
        Annotated[str, Meta(pattern=exactly("^[0-9]{6,8}$"), description="The first digits of the card.")]
        | None
    ) = None
    card_country: (
        Annotated[str, Meta(pattern=exactly("^[A-Z]{2}$"), description="Where the card was issued.")] | None
    ) = None
    country: (
        Annotated[str, Meta(pattern=exactly("^[A-Z]{2}$"), description="Where the payer seems to be.")] | None
    ) = None


class CreatePayment(Struct, kw_only=True, forbid_unknown_fields=True):
    """Ask a payer for money."""

    amount: Amount
    currency: Annotated[
        str,
        Meta(
            min_length=3,
            max_length=3,
            pattern=exactly("^[A-Z]{3}$"),
            description="ISO 4217.",
            examples=["THB"],
        ),
    ]
    method: Annotated[
        str,
        Meta(min_length=1, max_length=40, description="See `/v1/payment_methods`.", examples=["promptpay"]),
    ]
    reference: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=REFERENCE_LETTERS_MAX,
                description="Your own number, such as an order's.",
            ),
        ]
        | None
    ) = None
    description: (
        Annotated[
            str,
            Meta(min_length=1, max_length=DESCRIPTION_LETTERS_MAX, description="Shown to the payer."),
        ]
        | None
    ) = None
    metadata: Metadata | None = None
    return_url: (
        Annotated[Url, Meta(description="Where the checkout page sends the payer afterwards.")] | None
    ) = None
    expires_in: Annotated[
        int,
        Meta(
            ge=EXPIRES_IN_SECONDS_MIN, le=EXPIRES_IN_SECONDS_MAX, description="Seconds the payer has to pay."
        ),
    ] = EXPIRES_IN_SECONDS
    capture: Annotated[
        Literal["automatic", "manual"],
        Meta(description="`manual`: the money is held until you capture it, where the method can."),
    ] = "automatic"
    provider: (
        Annotated[
            str,
            Meta(
                pattern=exactly("^[a-z0-9]{2,20}$"),
                description="Only through this provider. Left out, your routing rules choose.",
                examples=["scb"],
            ),
        ]
        | None
    ) = None
    payer: PayerInput | None = None


Description = Annotated[str, Meta(max_length=DESCRIPTION_LETTERS_MAX)]
EventTypes = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=60, examples=["payment.succeeded"])]],
    Meta(max_length=50, description="Types wanted; empty means all."),
]
WebhookUrl = Annotated[Url, Meta(description="https, port 443 or 8443, a public host.")]
Signatures = Literal["both", "standard", "compatible"]


class CreateWebhookEndpoint(Struct, kw_only=True, forbid_unknown_fields=True):
    """Have events sent to an address of yours."""

    url: WebhookUrl
    events: EventTypes | None = None
    description: Description | None = None
    signatures: Annotated[
        Signatures,
        Meta(description="`standard`: webhook-* headers. `compatible`: x-webhook-* headers."),
    ] = "both"


class UpdateWebhookEndpoint(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. `enabled` also forgets earlier failures."""

    url: WebhookUrl | None = None
    events: EventTypes | None = None
    description: Description | None = None
    signatures: Signatures | None = None
    status: Literal["enabled", "disabled"] | None = None


class ReplayEvent(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to; left out, every enabled endpoint that wants the event's type."""

    endpoint: (
        Annotated[str, Meta(min_length=1, max_length=60, description="A webhook endpoint's id.")] | None
    ) = None


Cursor = Annotated[str, Meta(min_length=1, max_length=80)]


class ForwardQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """One page of a list, newest first, read in one direction only."""

    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    starting_after: Annotated[Cursor, Meta(description="The page after the object with this id.")] | None = (
        None
    )


class PageQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of a list, newest first."""

    ending_before: Annotated[Cursor, Meta(description="The page before the object with this id.")] | None = (
        None
    )


class PaymentsQuery(PageQuery, kw_only=True, forbid_unknown_fields=True, rename={"expand": "expand[]"}):
    """One page of payments."""

    status: PaymentStatus | None = None
    reference: Annotated[str, Meta(min_length=1, max_length=REFERENCE_LETTERS_MAX)] | None = None
    expand: list[Literal["attempts"]] | None = None


class PaymentQuery(Struct, kw_only=True, forbid_unknown_fields=True, rename={"expand": "expand[]"}):
    """How much of a payment to show."""

    expand: list[Literal["attempts"]] | None = None


class EventsQuery(PageQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of events."""

    type: Annotated[str, Meta(min_length=1, max_length=60, examples=["payment.succeeded"])] | None = None


class DeliveriesQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of deliveries."""

    state: Literal["pending", "delivered", "dead"] | None = None
    endpoint: (
        Annotated[str, Meta(min_length=1, max_length=60, description="A webhook endpoint's id.")] | None
    ) = None


class MethodsQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """With either, only what your own provider accounts offer, for this amount."""

    amount: Annotated[Amount, Meta(description="Whole minor units; leave it out for any amount.")] | None = (
        None
    )
    currency: Annotated[str, Meta(pattern=exactly("^[A-Z]{3}$"), description="ISO 4217.")] | None = None


class NoQuery(Struct, forbid_unknown_fields=True):
    """No query parameters."""


# --- answered ---------------------------------------------------------------------------------------------


class List(Struct, Generic[T], kw_only=True):
    """One page. `has_more` says whether there are more in the direction asked."""

    object: Literal["list"]
    data: list[T]
    has_more: bool
    url: str


class Failure(Struct, kw_only=True):
    """Why a payment did not happen: one code for all providers, told in English and in Thai."""

    code: str
    message: str
    message_th: str


class NextAction(Struct, kw_only=True):
    """What the payer has to do.

    `display_qr`: pay the QR with this payload. `display_image`: pay the QR in this `data:` picture.
    `redirect`: go to the address. `form_post`: post the fields to the address. `open_app`: open the app link.
    `approve_in_app`: approve in the wallet's app. The checkout page does all of these.
    """

    type: Literal["display_qr", "display_image", "redirect", "form_post", "open_app", "approve_in_app"]
    qr_payload: str | None = None
    image: str | None = None
    url: str | None = None
    app_url: str | None = None
    fields: dict[str, str] | None = None


class Attempt(Struct, kw_only=True):
    """One try at one provider. `unknown`: nobody can tell yet; the payment then shows as `processing`."""

    id: str
    object: Literal["attempt"]
    provider: str
    amount: int
    currency: str
    status: PaymentStatus | Literal["unknown"]
    reference: str
    provider_reference: str | None
    failure: Failure | None
    provider_code: str | None
    why: Annotated[
        dict[str, Any],
        Meta(description="Why this account was chosen, with everything the decision looked at."),
    ]
    created_at: Time


class Payment(Struct, kw_only=True):
    """What a payer is asked to pay and what came of it."""

    id: str
    object: Literal["payment"]
    mode: Mode
    amount: int
    amount_to_pay: Annotated[
        int, Meta(description="With the satang that make it unlike all others, where you want that.")
    ]
    currency: str
    status: PaymentStatus
    method: str
    provider: str | None
    reference: str | None
    description: str | None
    metadata: dict[str, str]
    captured_amount: int
    refunded_amount: int
    capture: Literal["automatic", "manual"]
    authorized_amount: int
    capturable_amount: int
    capturing_amount: int
    refunding_amount: int
    disputed_amount: int
    capture_before: Time | None
    next_action: NextAction | None
    checkout_url: str
    return_url: str | None
    failure: Failure | None
    expires_at: Time
    created_at: Time
    updated_at: Time
    paid_at: Time | None
    version: int
    attempts: list[Attempt] = []


class MethodName(Struct, kw_only=True):
    """The name payers know it by."""

    en: str
    th: str


class MethodAccount(Struct, kw_only=True):
    """One of your provider accounts that offers a method, and on which terms.

    `captures` says whether the money can be held first; `refund` how money goes back, `transfer` meaning a
    bank transfer that a person makes; `refund_days` for how long, null when the provider names no limit;
    `needs` which fields of `payer` have to be given; `actions` what the payer may have to do.
    `fee_basis_points` is the provider's list price in hundredths of a percent, null when it is not public.
    """

    account: str
    provider: str
    amount_min: int
    amount_max: int
    captures: list[Literal["automatic", "manual"]]
    captures_part: bool
    refund: Literal["full_or_part", "full", "transfer"]
    refund_days: int | None
    needs: list[str]
    actions: list[str]
    fee_basis_points: int | None


class PaymentMethod(Struct, kw_only=True):
    """A way to pay that can be used here, with its limits in minor units."""

    id: str
    object: Literal["payment_method"]
    name: MethodName
    kind: Literal["qr", "bank_app", "wallet", "card"]
    currency: str
    amount_min: int
    amount_max: int
    providers: list[str]
    accounts: list[MethodAccount] | UnsetType = UNSET


class WebhookEndpoint(Struct, kw_only=True):
    """An address events are sent to."""

    id: str
    object: Literal["webhook_endpoint"]
    mode: Mode
    url: str
    description: str | None
    events: list[str]
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    signatures: Signatures
    failing_since: Time | None
    previous_secret_until: Time | None
    created_at: Time


class NewWebhookEndpoint(WebhookEndpoint, kw_only=True):
    """An endpoint with the secret its deliveries are signed with. The secret is not shown again."""

    secret: str


class DeletedWebhookEndpoint(Struct, kw_only=True):
    """An endpoint that is gone."""

    id: str
    object: Literal["webhook_endpoint"]
    deleted: bool


class Redelivery(Struct, kw_only=True):
    """How many dead letters will be delivered again."""

    object: Literal["webhook_redelivery"]
    endpoint: str
    deliveries: int


class WebhookDelivery(Struct, kw_only=True):
    """How the delivery of one event to one endpoint stands. Its id is the event's and the endpoint's."""

    id: str
    object: Literal["webhook_delivery"]
    event: str
    endpoint: str
    status: Literal["pending", "delivered", "dead"]
    tries: int
    next_try_at: Time | None
    last_try_at: Time | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None
    delivered_at: Time | None
    created_at: Time


class EventData(Struct, kw_only=True):
    """The object as it was when the event happened."""

    object: dict[str, Any]


class Event(Struct, kw_only=True):
    """Something happened to an object. Webhooks carry the same."""

    id: str
    object: Literal["event"]
    type: str
    mode: Mode
    created_at: Time
    api_version: Annotated[str, Meta(examples=[API_VERSION])]
    data: EventData


class Replay(Struct, kw_only=True):
    """To how many endpoints an event will be delivered again."""

    object: Literal["event_replay"]
    event: str
    deliveries: int


class BalanceAmount(Struct, kw_only=True):
    """An amount of one currency; negative when the balance stands on its other side."""

    amount: int
    currency: str


class Balance(Struct, kw_only=True):
    """What the books say, per currency in minor units."""

    object: Literal["balance"]
    mode: Mode
    payable: list[BalanceAmount]
    unapplied: list[BalanceAmount]
    receivable: list[BalanceAmount]
