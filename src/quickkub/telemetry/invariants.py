"""What the last look at the invariants found."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

from quickkub.telemetry.metrics import REGISTRY

VIOLATIONS: Final = Gauge(
    "quickkub_invariant_violations",
    "Rows that break an invariant, as the last look found",
    ["invariant"],
    registry=REGISTRY,
)
LAST_LOOK: Final = Gauge(
    "quickkub_invariants_checked_timestamp_seconds", "When the last look ended", registry=REGISTRY
)
