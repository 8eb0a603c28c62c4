"""Callbacks: what a provider sends us by itself, and what it wants to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from quickkub.connectors.contract.outcomes import DisputeNews, Receipt
from quickkub.kernel.errors import Kind, Refusal


class Forged(Refusal):
    """A callback does not prove where it comes from. A missing secret refuses too."""

    code, kind = "callback_forged", Kind.UNAUTHENTICATED


class Unreadable(Refusal):
    """A callback is not in the provider's format."""

    code, kind = "callback_unreadable", Kind.INVALID


@dataclass(frozen=True, slots=True)
class RawCallback:
    """A callback as it came in: nothing parsed, header names in lower case."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    remote_ip: str | None = None


class About(Enum):
    """What a callback is about. NOTHING: words we have to answer politely and need not act on."""

    PAYMENT = "payment"
    INSTRUCTION = "instruction"
    DISPUTE = "dispute"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CallbackNews:
    """What a callback claims. `event_key` is the provider's own id of the news, the same for every repeat.

    `reference` is ours (the attempt's, or the instruction's with About.INSTRUCTION); where the provider does
    not repeat it, it is empty and `provider_reference` is the provider's id of the payment or instruction.
    """

    event_key: str
    reference: str
    receipt: Receipt | None
    about: About = About.PAYMENT
    provider_reference: str = ""
    dispute: DisputeNews | None = None
    # What the answer has to repeat, such as a time stamp of the callback.
    for_answer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the provider expects to hear."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
