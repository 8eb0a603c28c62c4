"""What a connector is asked and what it may answer.

A connector method is a generator: it yields what it wants done (`Request`, `TokenPlease`), is sent the
result, and returns an `Outcome`. The line in transport.py does the doing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeAlias

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret


class Forged(Refusal):
    """A callback does not prove where it comes from. A missing secret refuses too."""

    code, kind = "callback_forged", Kind.UNAUTHENTICATED


class Unreadable(Refusal):
    """A callback is not in the provider's format."""

    code, kind = "callback_unreadable", Kind.INVALID


class NoAnswer(Exception):
    """The line throws this into an exchange at the `yield` whose request has no usable answer.

    A connector that has already learned something worth keeping may catch it; otherwise it passes through and
    the line itself concludes (`NotSent` or `Unknown`). `sent` is False only when no byte left this machine.
    """

    def __init__(self, cause: str, *, sent: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.sent = sent


# --- on the wire -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to the account's base URL.

    `body` is the exact bytes to send. `deadline_seconds` bounds the whole exchange of this request.
    `asks_only` is True when the request cannot move money or make anything (an inquiry): a lost answer to it
    says nothing about the payment.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    deadline_seconds: int = 15
    asks_only: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers with lower-case names, and at most 1 MiB of body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how many seconds it lives from when it was given."""

    value: Secret
    lives_seconds: int


@dataclass(frozen=True, slots=True)
class TokenPlease:
    """Give me a token; `rejected` is one the provider just refused, which must not be given again."""

    rejected: Token | None = None


Effect: TypeAlias = Request | TokenPlease


# --- what the provider says -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """A movement of money the provider vouches for.

    `transaction_id` is the provider's own and unique per account; `paid_at` is aware UTC; `payer` holds only
    what the provider masked already.
    """

    transaction_id: str
    amount: Money
    paid_at: datetime
    payer: Mapping[str, str] = field(default_factory=dict)


class ActionKind(Enum):
    """What the payer has to do next."""

    DISPLAY_QR = "display_qr"
    REDIRECT = "redirect"
    OPEN_APP = "open_app"


@dataclass(frozen=True, slots=True)
class Action:
    """What to show the payer: the QR payload, the address to go to, or the app link to open."""

    kind: ActionKind
    value: str


class Failure(Enum):
    """Why a payment did not happen, in words shared by all providers."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    PAYER_CANCELLED = "payer_cancelled"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED = "expired"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    REQUEST_REFUSED = "request_refused"


@dataclass(frozen=True, slots=True)
class Paid:
    """The provider proves that money moved. One receipt per movement: a QR can be paid twice.

    `alert` is for a person, such as a movement that the provider took back; empty when all is well.
    """

    receipts: tuple[Receipt, ...]
    provider_reference: str | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider proves that nothing happened and nothing will."""

    failure: Failure
    provider_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The provider has the order and the payer has not paid. `action` is None when it is not news.

    `alert` is for a person, such as a part payment or a movement taken back; empty when all is well.
    """

    action: Action | None = None
    provider_reference: str | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is certain that no byte of the request left this machine."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell. Never a failure, never a success; settled only by asking again (P9)."""

    cause: str


Outcome: TypeAlias = Paid | Declined | Waiting | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Slip:
    """A transfer as the receiving provider has it, found by the two keys of a slip's mini-QR.

    `references` are the bill payment references in order, empty texts left out; names and accounts are as the
    provider masked them. The slip proves the transfer; whether it pays an order is for the caller to compare.
    """

    sending_bank: str
    trans_ref: str
    amount: Money
    paid_at: datetime
    receiving_bank: str
    receiver_id: str
    receiver_name: str
    sender_name: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSlip:
    """The provider knows no such transfer."""

    provider_code: str


SlipAnswer: TypeAlias = Slip | NoSlip | Declined | NotSent | Unknown

Exchange: TypeAlias = Generator[Effect, Any, Outcome]
SlipExchange: TypeAlias = Generator[Effect, Any, SlipAnswer]
TokenExchange: TypeAlias = Generator[Request, Response, Token | Declined | Unknown]


# --- what we ask ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's account at a provider: settings in clear, credentials as secrets."""

    merchant: MerchantId
    id: str
    mode: str
    provider: str
    settings: Mapping[str, str]
    credentials: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to be paid, in the words every provider understands.

    `reference` is ours, 1 to 20 of `A-Z0-9`, written down before the provider is called; a resend carries the
    same one (P10). `asked_at` and `expires_at` are aware UTC; `now` is when this call is made.
    """

    reference: str
    amount: Money
    method: str
    asked_at: datetime
    expires_at: datetime
    now: datetime
    provider_reference: str | None = None
    description: str = ""
    # Where the provider's app or page sends the payer back; empty when there is no such place.
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class RawCallback:
    """A callback as it came in: nothing parsed, header names in lower case."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    remote_ip: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackNews:
    """What a callback claims. `event_key` is the provider's own id of the news, the same for every repeat."""

    event_key: str
    reference: str
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the provider expects to hear."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One thing an account needs to know, for the form, the docs and the check."""

    name: str
    label_en: str
    label_th: str
    secret: bool = False
    required: bool = True
    default: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class MethodOffer:
    """A payment method a provider offers, with its limits in minor units."""

    method: str
    amount_min: int
    amount_max: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a provider is, for the settings form, the docs page, the seed and the health check."""

    name: str
    title_en: str
    title_th: str
    methods: tuple[MethodOffer, ...]
    fields: tuple[SettingField, ...]
    sandbox_base_url: str
    live_base_url: str
    simulator_port: int
    # Creating the same order again with the same reference makes nothing new.
    create_is_repeatable: bool = False
    # What the simulator knows from its start, by the provider's own names; for those who use it alone.
    simulator_credentials: Mapping[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """What every provider folder offers as `CONNECTOR` in its connector.py."""

    manifest: Manifest

    def token(self, account: Account) -> TokenExchange:
        """Fetch a fresh access token; the line caches it per account and asks only once at a time."""
        ...

    def create(self, account: Account, order: Order) -> Exchange:
        """Ask to be paid."""
        ...

    def inquire(self, account: Account, order: Order) -> Exchange:
        """Ask how an order stands. Returns Waiting when the provider shows no payment yet."""
        ...

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        """Verify on the raw bytes and read. Raises Forged or Unreadable."""
        ...

    def answer_callback(self, news: CallbackNews) -> CallbackAnswer:
        """The words that stop the provider from calling again."""
        ...

    def trusts_callbacks(self, account: Account) -> bool:
        """False: a callback is only a hint and the payment is settled by inquiry."""
        ...


class SlipReader(Protocol):
    """What a connector offers besides, when its provider can look up a transfer by its slip."""

    def verify_slip(self, account: Account, sending_bank: str, trans_ref: str) -> SlipExchange:
        """Ask whether this transfer exists. Reads only; a slip reference may be used once per receiver."""
        ...
