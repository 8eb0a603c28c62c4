"""Endpoints, deliveries and tries as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from quickkub.kernel.ids import MerchantId
from quickkub.storage.vault import Place
from quickkub.webhooks.event import StoredEvent

Signatures: TypeAlias = Literal["both", "standard", "compatible"]


def secret_place(merchant: str, endpoint: str, mode: str) -> Place:
    """Where an endpoint's secret is sealed."""
    return Place("webhook_endpoints", "secret", merchant, endpoint, mode=mode)


def previous_secret_place(merchant: str, endpoint: str, mode: str) -> Place:
    """Where the secret before it is sealed during a rotation; a sealed value moved there does not open."""
    return Place("webhook_endpoints", "previous_secret", merchant, endpoint, mode=mode)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A merchant's address for webhooks. `events` empty means all; times are aware UTC."""

    merchant: MerchantId
    id: str
    mode: str
    url: str
    description: str | None
    events: Sequence[str]
    state: Literal["enabled", "disabled", "deleted"]
    disabled_reason: str | None
    signatures: Signatures
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under lease, with all that sending needs. `token` proves the lease at the end (D6).

    `tries` counts this one. `secret` and `previous_secret` are sealed; the latter only during a rotation.
    """

    merchant: MerchantId
    endpoint: str
    event: StoredEvent
    token: int
    tries: int
    url: str
    signatures: Signatures
    secret: bytes
    previous_secret: bytes | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the delivery of one event to one endpoint stands."""

    event: str
    endpoint: str
    state: Literal["pending", "delivered", "dead"]
    tries: int
    next_try_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None
    last_try_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Try:
    """One finished try. `status` is None when no answer came."""

    tried_at: datetime
    took_ms: int
    status: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """For alarms: deliveries that wait, how long the most overdue has waited, and dead letters."""

    pending: int
    overdue_seconds: int
    dead: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, as the API shows its items."""

    items: tuple[Mapping[str, Any], ...]
    has_more: bool
