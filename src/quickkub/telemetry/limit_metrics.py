"""How often limits said no, and how often nobody could count."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

from quickkub.telemetry.metrics import REGISTRY

REFUSED: Final = Counter(
    "quickkub_rate_limited",
    "Requests refused because their caller asked too much",
    ["policy"],
    registry=REGISTRY,
)
UNCOUNTED: Final = Counter(
    "quickkub_limiter_unanswered",
    "Requests that the shared limiter did not count because it did not answer",
    ["policy", "then"],
    registry=REGISTRY,
)


def refused(policy: str) -> None:
    """A request was refused under this policy."""
    REFUSED.labels(policy).inc()


def uncounted(policy: str, then: str) -> None:
    """The limiter was away; `then` is "counted alone" (in this process) or "refused"."""
    UNCOUNTED.labels(policy, then).inc()
