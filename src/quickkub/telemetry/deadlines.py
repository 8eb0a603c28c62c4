"""What the law or a standard gives a time for, as the last look found."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

from quickkub.telemetry.metrics import REGISTRY

DEADLINES: Final = Gauge(
    "quickkub_deadlines",
    "Open duties with a time: people's requests, breaches, looks at pages, audit anchors, nightly work",
    ["duty", "standing"],
    registry=REGISTRY,
)
LAST_LOOK: Final = Gauge(
    "quickkub_deadlines_checked_timestamp_seconds", "When deadlines were looked at last", registry=REGISTRY
)
DRILLED: Final = Gauge(
    "quickkub_restore_drill_timestamp_seconds",
    "When a restore drill that passed was last written down; 0 when there was none",
    registry=REGISTRY,
)
