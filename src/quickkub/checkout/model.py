"""A payment as its payer sees it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from quickkub.connectors.contract import ActionKind
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


class Way(Enum):
    """How the payer pays, as far as the words on the page differ.

    QR: a bank app scans. OTHER_QR: the app of the method scans. COUNTER: a picture is shown at a counter.
    PAGE: on to the provider's page. APP: on to an app. APPROVE: an app asks by itself. UNSHOWN: the provider
    gave something that cannot be shown here.
    """

    QR = "qr"
    OTHER_QR = "other_qr"
    COUNTER = "counter"
    PAGE = "page"
    APP = "app"
    APPROVE = "approve"
    UNSHOWN = "unshown"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture the provider drew: its media type, its bytes, and both as the `data:` address it came as."""

    media_type: str
    body: bytes
    address: str

    @property
    def can_be_kept(self) -> bool:
        """Whether phones put it among the photos, where a bank app finds it: an SVG they do not."""
        return self.media_type != "image/svg+xml"


@dataclass(frozen=True, slots=True)
class Step:
    """What the payer has to do; see ActionKind. Addresses in it are harmless to open (`checkout/steps.py`).

    `qr_text` is what to draw: the payload, or an app link for those who look at a desktop. `app_url` is the
    link for phones beside `url`; empty when there is none.
    """

    kind: ActionKind
    qr_text: str = ""
    picture: Picture | None = None
    url: str = ""
    app_url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


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
    """Everything the checkout page shows. `step` is what the payer has to do, if the provider said so."""

    key: Key
    mode: str
    amount: Money
    method: str
    merchant_name: str
    merchant_name_th: str | None
    reference: str | None
    description: str | None
    return_url: str | None
    step: Step | None
    standing: Standing
