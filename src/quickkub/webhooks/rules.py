"""What merchants may subscribe to, and what an answer means for a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from quickkub.kernel.errors import Kind, Refusal
from quickkub.webhooks.answers import Answer, Delivered, NotReached, Refused
from quickkub.webhooks.schedule import seconds_until_next

EVENT_TYPES: Final = (
    "payment.created",
    "payment.requires_action",
    "payment.processing",
    "payment.authorized",
    "payment.captured",
    "payment.voided",
    "payment.succeeded",
    "payment.failed",
    "payment.expired",
    "payment.cancelled",
    "payment.overpaid",
    "payment.underpaid",
    "refund.created",
    "refund.processing",
    "refund.requires_transfer",
    "refund.succeeded",
    "refund.failed",
    "refund.cancelled",
    "dispute.created",
    "dispute.updated",
    "dispute.won",
    "dispute.lost",
    "case.opened",
    "case.closed",
)
"""Every type the rooms below give to `storage.outbox`; the guide has the same list with a sentence each."""

ENDPOINTS_MAX: Final = 16
"""Per merchant and mode. Every event makes a delivery for each endpoint, so the number is bounded."""

DESCRIPTION_MAX: Final = 500

_GONE: Final = 410


class UnknownEventType(Refusal):
    """A subscription names an event that does not exist."""

    code, kind = "event_type_unknown", Kind.INVALID


class DescriptionInvalid(Refusal):
    """An endpoint's description is longer than 500 characters or holds a character that cannot be stored."""

    code, kind = "webhook_description_invalid", Kind.INVALID


class TooManyEndpoints(Refusal):
    """The merchant has as many endpoints as it may have."""

    code, kind = "webhook_endpoints_limit", Kind.CONFLICT


class EndpointNotFound(Refusal):
    """No such endpoint; somebody else's looks the same (A3)."""

    code, kind = "webhook_endpoint_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such webhook endpoint")


class EndpointDisabled(Refusal):
    """Nothing is delivered to a disabled endpoint; enable it first."""

    code, kind = "webhook_endpoint_disabled", Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("the webhook endpoint is disabled; enable it first")


class EventNotFound(Refusal):
    """No such event; somebody else's looks the same (A3)."""

    code, kind = "event_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such event")


def subscription(events: Sequence[str]) -> list[str]:
    """The event types an endpoint wants, each once; empty means all. Raises UnknownEventType."""
    for event in events:
        if event not in EVENT_TYPES:
            raise UnknownEventType(f"{event[:64]!r} is not an event type", param="events")
    return sorted(set(events))


def description(text: str) -> str | None:
    """A description as it is stored; the empty text is none. Raises DescriptionInvalid."""
    if len(text) > DESCRIPTION_MAX or not text.isprintable():
        raise DescriptionInvalid(
            f"a description is at most {DESCRIPTION_MAX} printable characters", param="description"
        )
    return text or None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try means for its delivery, and for the endpoint when it is gone."""

    state: Literal["delivered", "pending", "dead"]
    wait_seconds: float | None = None
    status: int | None = None
    error: str | None = None
    text: str | None = None
    endpoint_gone: bool = False


def judge(answer: Answer, tries: int, chance: float) -> Verdict:
    """Read the answer to failed or successful try number `tries`. `chance` in [0, 1) spreads the next one."""
    match answer:
        case Delivered(status=status, text=text):
            return Verdict("delivered", status=status, text=text)
        case Refused(status=status, text=text) if status == _GONE:
            gone = "the endpoint answered 410 Gone and was disabled"
            return Verdict("dead", status=status, error=gone, text=text, endpoint_gone=True)
        case Refused(status=status, text=text, retry_after=retry_after):
            wait = seconds_until_next(tries, chance, retry_after)
            return Verdict(_waits(wait), wait, status, _redirect(status), text)
        case NotReached(reason=reason):
            wait = seconds_until_next(tries, chance)
            return Verdict(_waits(wait), wait, error=reason)


def _waits(wait: float | None) -> Literal["pending", "dead"]:
    return "dead" if wait is None else "pending"


def _redirect(status: int) -> str | None:
    return "redirects are not followed" if 300 <= status <= 399 else None  # noqa: PLR2004
