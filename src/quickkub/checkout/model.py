"""A payment as its payer sees it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from quickkub.kernel.ids import MerchantId, PaymentId
from quickkub.kernel.money import Money
from quickkub.payments.states import PaymentState


class Stage(Enum):
    """What the payer is told. A payment's state says what we know; a stage says what to do about it."""

    PREPARING = "preparing"
    WAITING = "waiting"
    CHECKING = "checking"
    APPROVED = "approved"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Key(NamedTuple):
    """A payment, named the way the database is asked for it: by merchant first."""

    merchant: MerchantId
    payment: PaymentId


@dataclass(frozen=True, slots=True)
class Standing:
    """How a payment stands at `seen_at`, by the database's clock; all times are aware UTC."""

    state: PaymentState
    failure_code: str | None
    expires_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Checkout:
    """Everything the checkout page shows. `qr_payload` is what the provider gave us to draw, if anything."""

    key: Key
    mode: str
    amount: Money
    merchant_name: str
    merchant_name_th: str | None
    reference: str | None
    description: str | None
    return_url: str | None
    qr_payload: str | None
    standing: Standing
