"""The words of privacy: what people ask for about their data, legal holds, breaches."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import ForwardQuery, Time, exactly

RequestKind = Literal["export", "erasure", "rectification", "objection", "restriction"]
RequestStatus = Literal["open", "done", "refused"]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class PersonWords(Struct, kw_only=True, forbid_unknown_fields=True):
    """By what somebody is found: at least one of these."""

    email: Annotated[str, Meta(max_length=254, pattern=exactly(r"^[^@\s]+@[^@\s]+$"))] | None = None
    phone: Annotated[str, Meta(pattern=exactly(r"^\+?[0-9 -]{8,20}$"), examples=["0812345678"])] | None = None
    name: Annotated[str, Meta(min_length=2, max_length=100)] | None = None


class FilePrivacyRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody asked you for, and who it was. It is owed within 30 days of their asking."""

    kind: RequestKind
    person: PersonWords
    asked_at: Annotated[Time, Meta(description="When they asked; now, if not said.")] | None = None


class PrivacyRequestsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of requests."""

    status: RequestStatus | None = None


class MaskedPerson(Struct, kw_only=True):
    """Somebody, as far as it takes to tell people apart; nobody once the request is closed."""

    email: str | None
    phone: str | None
    name: str | None


class PrivacyRequest(Struct, kw_only=True):
    """What somebody asked for about their data, and what became of it."""

    id: str
    object: Literal["privacy_request"]
    merchant: str
    kind: RequestKind
    status: RequestStatus
    person: MaskedPerson
    filed_by: str
    asked_at: Time
    due_at: Annotated[Time, Meta(description="30 days after they asked (PDPA s.30).")]
    done_at: Time | None
    reason: Annotated[str | None, Meta(description="Why it was refused.")]
    result: Annotated[
        dict[str, Any], Meta(description="The certificate of an erasure, or the digest of an export.")
    ]


class PrivacyExport(Struct, kw_only=True):
    """Everything held about somebody: a zip of JSON and CSV files, in base64."""

    object: Literal["privacy_export"]
    request: PrivacyRequest
    sha256: str
    content: str


class RefusePrivacyRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why; the person is to be told."""

    reason: Reason


class PlaceHold(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be kept: a payment, a person by one thing known of them, or all of the merchant."""

    reason: Reason
    payment: Annotated[str, Meta(pattern=exactly("^pay_[0-9a-f]{32}$"))] | None = None
    person: PersonWords | None = None


class LiftHold(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why the law asks for it no more."""

    reason: Reason


class LegalHold(Struct, kw_only=True):
    """What is not deleted, emptied or erased, whatever its time."""

    id: str
    object: Literal["legal_hold"]
    merchant: str
    covers: Literal["merchant", "payment", "person"]
    payment: str | None
    reason: str
    placed_by: str
    placed_at: Time
    lifted_at: Time | None
    lifted_because: str | None


class BreachNote(Struct, kw_only=True):
    """What was found or done."""

    at: Time
    by: str
    note: str


class Breach(Struct, kw_only=True):
    """A breach of personal data and its clock."""

    id: str
    object: Literal["breach"]
    title: str
    known_at: Time
    due_at: Annotated[Time, Meta(description="72 hours after it was known (PDPA s.37 (4)).")]
    minutes_left: Annotated[int | None, Meta(description="Below zero: too late. null: reported or closed.")]
    high_risk: bool
    people: int | None
    reported_at: Time | None
    in_time: bool | None
    closed_at: Time | None
    not_reported_because: str | None
    notes: list[BreachNote]
