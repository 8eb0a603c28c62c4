"""What a provider is asked: by whom, for what, and what to do with it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from quickkub.kernel.ids import MerchantId
from quickkub.kernel.money import Money
from quickkub.kernel.secrets import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's account at a provider: settings in clear, credentials as secrets.

    `callback_url` is where this account's callbacks reach us, for providers that are told with every order.
    """

    merchant: MerchantId
    id: str
    mode: str
    provider: str
    settings: Mapping[str, str]
    credentials: Mapping[str, Secret]
    callback_url: str = ""


@dataclass(frozen=True, slots=True)
class Payer:
    """What is known of the payer. Empty where it is not; a method says what it needs (`MethodOffer.needs`).

    `phone` is 10 digits beginning with 0. `card_token` is the provider's own one-time token, made in the
    payer's browser: a card number never comes here. `code` is what the payer's app shows to be scanned
    (B-scan-C). `device` is `phone` or `desktop`; `language` is `th` or `en`.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    card_token: str = ""
    code: str = ""
    device: str = "desktop"
    language: str = "th"
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to be paid, in the words every provider understands.

    `reference` is ours, of `A-Z0-9` and no longer than the manifest's `reference_letters_max`, written down
    before the provider is called; a resend carries the same one (P10). `asked_at` and `expires_at` are aware
    UTC; `now` is when this call is made. `capture_later`: only hold the money (authorise). `wanted` is False
    once the merchant or time ended the payment: an inquiry then only looks, and confirms nothing.
    `challenge`: the payer has to prove who they are; only asked of methods with `Can.CHALLENGE`.
    """

    reference: str
    amount: Money
    method: str
    asked_at: datetime
    expires_at: datetime
    now: datetime
    provider_reference: str | None = None
    description: str = ""
    # Where the provider's app or page sends the payer back, also by a form post; empty when there is none.
    return_url: str = ""
    capture_later: bool = False
    wanted: bool = True
    payer: Payer = field(default_factory=Payer)
    challenge: bool = False


class Doing(Enum):
    """What can be done with an order that the provider has.

    CAPTURE takes held money. VOID lets held money go, or takes back a sale on the day it was made where a
    provider calls that a void. REFUND gives captured money back. CANCEL calls an unpaid order off.
    """

    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to be done with an order, written down before the provider is told.

    `reference` is ours and the same on a resend (P10). `provider_reference` is the provider's id of this
    instruction once it said so. `transaction_id` is the receipt to give back, for a refund. `captured` and
    `refunded` are what is proven so far, this instruction not included. `is_last` on a capture: what is left
    of the hold is let go.
    """

    doing: Doing
    reference: str
    amount: Money
    asked_at: datetime
    now: datetime
    captured: Money
    refunded: Money
    reason: str = ""
    provider_reference: str | None = None
    transaction_id: str | None = None
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a merchant says against a dispute: a text, and files as (name, media type, bytes)."""

    text: str
    files: tuple[tuple[str, str, bytes], ...] = ()
