"""The words of merchants: particulars, limits, fees, settlement account, KYC.

See schema.py for what they share.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from quickkub.api.access_schema import MailAddress, Reason
from quickkub.api.schema import ForwardQuery, Mode, Time, Url, exactly
from quickkub.kernel.money import AMOUNT_MAX
from quickkub.merchants.documents import BYTES_MAX

DOCUMENT_LETTERS_MAX: Final = (BYTES_MAX + 2) // 3 * 4

MerchantStatus = Literal["pending", "active", "suspended", "inactive"]
Tier = Literal["starter", "standard", "enterprise"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Phone = Annotated[str, Meta(pattern=exactly(r"^\+?[0-9]{9,15}$"), examples=["+66812345678"])]
SupportPhone = Annotated[str, Meta(pattern=exactly(r"^\+?[0-9]{4,15}$"), examples=["1234"])]
Colour = Annotated[str, Meta(pattern=exactly("^#[0-9a-f]{6}$"), examples=["#0b5fff"])]
Registration = Annotated[str, Meta(pattern=exactly("^[0-9]{13}$"), description="13 digits.")]
Most = Annotated[int, Meta(ge=0, le=AMOUNT_MAX, description="Whole minor units.")]
MethodName = Annotated[str, Meta(min_length=1, max_length=40, pattern=exactly("^[a-z0-9_]+$"))]
DocumentKind = Literal[
    "company_certificate", "id_card", "bank_book", "vat_certificate", "shop_photograph", "other"
]


class ChangeMerchant(Struct, kw_only=True, forbid_unknown_fields=True):
    """Change what is said; null empties a field, what is left out stays."""

    name: Name | UnsetType = UNSET
    name_th: Name | UnsetType | None = UNSET
    legal_name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType | None = UNSET
    registration_number: Registration | UnsetType | None = UNSET
    business_kind: Name | UnsetType | None = UNSET
    address: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType | None = UNSET
    email: MailAddress | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    website: Url | UnsetType | None = UNSET
    display_name: Annotated[str, Meta(min_length=1, max_length=60)] | UnsetType | None = UNSET
    colour: Colour | UnsetType | None = UNSET
    support_email: MailAddress | UnsetType | None = UNSET
    support_phone: SupportPhone | UnsetType | None = UNSET


class Branding(Struct, kw_only=True):
    """How payers see a merchant."""

    display_name: str | None
    colour: str | None
    support_email: str | None
    support_phone: str | None


class Merchant(Struct, kw_only=True):
    """A merchant."""

    id: str
    object: Literal["merchant"]
    status: MerchantStatus
    status_reason: str
    tier: Tier
    name: str
    name_th: str | None
    legal_name: str | None
    registration_number: str | None
    business_kind: str | None
    address: str | None
    email: str | None
    phone: str | None
    website: str | None
    branding: Branding
    payouts_held_until: Time | None
    created_at: Time


class Limit(Struct, kw_only=True, forbid_unknown_fields=True):
    """The most a merchant may ask for, by one method or (null) altogether; null: no limit."""

    method: MethodName | None = None
    per_payment: Most | None = None
    per_day: Annotated[Most, Meta(description="By the day of Bangkok.")] | None = None
    per_month: Annotated[Most, Meta(description="By the month of Bangkok.")] | None = None


class Limits(Struct, kw_only=True):
    """All limits of a merchant."""

    object: Literal["limits"]
    limits: list[Limit]


class ReplaceLimits(Struct, kw_only=True, forbid_unknown_fields=True):
    """All limits at once: what is not named is gone."""

    limits: Annotated[list[Limit], Meta(max_length=50)]


class AddFeePlan(Struct, kw_only=True, forbid_unknown_fields=True):
    """What payments cost from a moment on."""

    method: MethodName | None = None
    percent: Annotated[str, Meta(max_length=12, pattern=exactly(r"^[0-9]{1,3}(\.[0-9]{1,6})?$"))]
    fixed_satang: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0
    begins_at: Annotated[Time, Meta(description="Left out: now.")] | None = None


class FeePlan(Struct, kw_only=True):
    """What payments of one method (null: of all others) cost in a span of time."""

    id: str
    object: Literal["fee_plan"]
    method: str | None
    percent: Annotated[str, Meta(examples=["2.65"])]
    fixed_satang: int
    begins_at: Time
    ends_at: Time | None


class ProposeSettlementAccount(Struct, kw_only=True, forbid_unknown_fields=True):
    """Another account to be paid out to. It counts when somebody else has approved it."""

    bank: Annotated[str, Meta(pattern=exactly("^[0-9]{3}$"), examples=["004"])]
    account_number: Annotated[str, Meta(pattern=exactly("^[0-9]{10,15}$"))]
    holder: Name


class SettlementAccount(Struct, kw_only=True):
    """Where you are paid out to."""

    id: str
    object: Literal["settlement_account"]
    bank: str
    holder: str
    last_four: str
    active_since: Time


class KycPerson(Struct, kw_only=True, forbid_unknown_fields=True):
    """A person who owns or directs the business."""

    name: Name
    role: Literal["director", "owner", "beneficial_owner", "signatory"]
    id_number: Annotated[str, Meta(min_length=5, max_length=20, pattern=exactly("^[A-Za-z0-9]+$"))]
    born_on: Annotated[str, Meta(pattern=exactly("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] | None = None
    nationality: Annotated[str, Meta(pattern=exactly("^[A-Z]{2}$"))] = "TH"
    share_percent: Annotated[int, Meta(ge=0, le=100)] | None = None


class SubmitKyc(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who you are. Kept sealed."""

    legal_form: Literal["individual", "company", "partnership", "foundation", "other"]
    legal_name: Annotated[str, Meta(min_length=1, max_length=200)]
    registration_number: Registration
    address: Annotated[str, Meta(min_length=1, max_length=500)]
    business: Annotated[str, Meta(min_length=1, max_length=500, description="What you sell.")]
    people: Annotated[list[KycPerson], Meta(min_length=1, max_length=20)]


class KycApplication(Struct, kw_only=True):
    """Where your application stands."""

    id: str
    object: Literal["kyc_application"]
    status: Literal["pending", "approved", "rejected"]
    submitted_by: str
    submitted_at: Time
    decided_by: str | None
    decided_at: Time | None
    reason: str


class KycDocument(Struct, kw_only=True):
    """A document, without its content."""

    id: str
    object: Literal["kyc_document"]
    kind: DocumentKind
    status: Literal["pending", "approved", "rejected"]
    media_type: str
    size_bytes: int
    sha256: str
    uploaded_by: str
    uploaded_at: Time
    decided_by: str | None
    decided_at: Time | None
    reason: str


class Kyc(Struct, kw_only=True):
    """What you handed in."""

    object: Literal["kyc"]
    application: KycApplication | None
    documents: list[KycDocument]


class AddKycDocument(Struct, kw_only=True, forbid_unknown_fields=True):
    """A PDF, PNG or JPEG of at most 10 MiB."""

    kind: DocumentKind
    content: Annotated[
        str,
        Meta(min_length=4, max_length=DOCUMENT_LETTERS_MAX, description="The file in base64."),
    ]


class AddProviderAccount(Struct, kw_only=True, forbid_unknown_fields=True):
    """An account at a provider, with the settings and credentials its manifest names."""

    provider: Annotated[str, Meta(min_length=1, max_length=30, examples=["scb"])]
    particulars: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=60)],
            Annotated[str, Meta(max_length=10_000)],
        ],
        Meta(max_length=40, description="By name; which ones, says the provider's page in the guide."),
    ]


class UpdateProviderAccount(Struct, kw_only=True, forbid_unknown_fields=True):
    """Switch an account on or off."""

    enabled: bool


class ProviderAccount(Struct, kw_only=True):
    """An account at a provider, without its credentials."""

    id: str
    object: Literal["provider_account"]
    mode: Mode
    provider: str
    settings: dict[str, str]
    enabled: bool
    created_at: Time


class NewProviderAccount(ProviderAccount, kw_only=True):
    """An account just added."""

    callback_url: str
    checked: Annotated[str, Meta(description="What the provider said.")]


# --- the platform's -----------------------------------------------------------------------------------------


class CreateMerchant(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new merchant, pending until it is known. Its first owner is invited by e-mail."""

    name: Name
    tier: Tier = "standard"
    owner_email: MailAddress


class MerchantsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of merchants."""

    status: MerchantStatus | None = None


class MoveMerchant(Struct, kw_only=True, forbid_unknown_fields=True):
    """A decision about a merchant, with its reason."""

    reason: Annotated[Reason, Meta(min_length=1)]


class SetTier(Struct, kw_only=True, forbid_unknown_fields=True):
    """Put a merchant into a tier."""

    tier: Tier


class DecideKyc(Struct, kw_only=True, forbid_unknown_fields=True):
    """A decision about what was handed in. A rejection has a reason."""

    decision: Literal["approve", "reject"]
    reason: Reason = ""


class KycReading(Struct, kw_only=True):
    """An application and what it says. Reading it is in the audit log."""

    object: Literal["kyc_reading"]
    application: KycApplication
    said: dict[str, Any]


class KycDocumentReading(Struct, kw_only=True):
    """A document and its content in base64. Reading it is in the audit log."""

    object: Literal["kyc_document_reading"]
    media_type: str
    content: str


class ModeQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of a mode's."""

    mode: Mode = "live"


class Rate(Struct, kw_only=True, forbid_unknown_fields=True):
    """How often a key may ask."""

    per_second: Annotated[int, Meta(ge=1, le=100_000)]
    burst: Annotated[int, Meta(ge=1, le=100_000)]


class SetKeyRate(Struct, kw_only=True, forbid_unknown_fields=True):
    """A rate of a key's own; null: the usual one."""

    rate: Rate | None


class KeyRate(Struct, kw_only=True):
    """A key's own rate."""

    id: str
    object: Literal["api_key_rate"]
    rate: Rate | None
