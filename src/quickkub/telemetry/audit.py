"""How the sealing of the audit log keeps up."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

from quickkub.telemetry.metrics import REGISTRY

UNSEALED_AGE: Final = Gauge(
    "quickkub_audit_unsealed_age_seconds",
    "How long the oldest audit entry has waited for its seal, as the sealer saw it last",
    registry=REGISTRY,
)
SEALED: Final = Counter(
    "quickkub_audit_sealed", "Audit entries this process put into chains", registry=REGISTRY
)
ANCHORED: Final = Gauge(
    "quickkub_audit_anchored_timestamp_seconds",
    "When this process last wrote signed heads of the audit chains to the anchor folder",
    registry=REGISTRY,
)
BROKEN: Final = Gauge(
    "quickkub_audit_broken",
    "Chains that were changed, cut or do not fit their anchors, as the last verification found",
    registry=REGISTRY,
)
VERIFIED: Final = Gauge(
    "quickkub_audit_verified_timestamp_seconds", "When all audit chains were verified last", registry=REGISTRY
)
