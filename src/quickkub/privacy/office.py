"""What this room works with, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quickkub.kernel.errors import Kind, Refusal
from quickkub.privacy.periods import Kind as Record
from quickkub.storage import Database
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.vault import Vault


class UnderLegalHold(Refusal):
    """A legal hold covers what was to be erased."""

    code, kind = "under_legal_hold", Kind.CONFLICT


class ErasureTooEarly(Refusal):
    """Something of the person is still under way: money cannot be followed to somebody who is not there."""

    code, kind = "erasure_too_early", Kind.CONFLICT


class NobodyFound(Refusal):
    """Nothing is held about this person."""

    code, kind = "person_not_found", Kind.NOT_FOUND


class RequestNotFound(Refusal):
    """There is no such privacy request."""

    code, kind = "privacy_request_not_found", Kind.NOT_FOUND


class RequestOver(Refusal):
    """The privacy request was done or refused already, or asks for something else."""

    code, kind = "privacy_request_over", Kind.CONFLICT


class HoldNotFound(Refusal):
    """There is no such hold, or it was lifted already."""

    code, kind = "legal_hold_not_found", Kind.NOT_FOUND


class HoldUnclear(Refusal):
    """A hold covers a merchant, one of its payments, or a person by one thing that is known of them."""

    code, kind = "legal_hold_unclear", Kind.INVALID


class BreachNotFound(Refusal):
    """There is no such breach, or it is closed."""

    code, kind = "breach_not_found", Kind.NOT_FOUND


class BreachUnreported(Refusal):
    """A breach is closed once it was reported, or with the reason why nobody had to hear of it."""

    code, kind = "breach_unreported", Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Office:
    """A database, its keys, and how long each kind of record is kept."""

    db: Database
    vault: Vault
    index: BlindIndex
    days: Mapping[Record, int]
