"""What the last look at payers' pages found."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

from quickkub.telemetry.metrics import REGISTRY

DIFFERENCES: Final = Gauge(
    "quickkub_page_differences",
    "Differences between payers' pages as they are sent and as they are shipped, as the last look found",
    registry=REGISTRY,
)
UNREACHED: Final = Gauge(
    "quickkub_page_watch_unreached",
    "1 when the last look at payers' pages got no answer from the public address",
    registry=REGISTRY,
)
WATCHED: Final = Gauge(
    "quickkub_pages_watched_timestamp_seconds",
    "When this process last looked at all of payers' pages; alarm when older than seven days",
    registry=REGISTRY,
)
