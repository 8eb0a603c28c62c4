"""Counters and timings of this process in Prometheus' words. Labels are few and never come from outside.

A label is a route template, a provider's name or a status: never an id, a path as asked, or a merchant.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

# When a series began is told by its first sample; the extra series would double the page.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry(auto_describe=True)
"""Ours alone: no other library's metrics slip in unseen."""

HTTP_REQUESTS: Final = Counter(
    "quickkub_http_requests", "Requests answered", ["method", "route", "status"], registry=REGISTRY
)
HTTP_SECONDS: Final = Histogram(
    "quickkub_http_request_seconds",
    "Time from the first byte of a request's head to the last byte of its answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
HTTP_UNDER_WAY: Final = Gauge(
    "quickkub_http_requests_under_way", "Requests not answered yet", registry=REGISTRY
)


def request_answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. `route` is a template; unknown paths share the route "none"."""
    HTTP_REQUESTS.labels(method, route, str(status)).inc()
    HTTP_SECONDS.labels(method, route).observe(seconds)


def serve(port: int) -> None:
    """Show this process's metrics on loopback, for one that answers no HTTP of its own. Raises OSError."""
    start_http_server(port, addr="127.0.0.1", registry=REGISTRY)


def rendered() -> tuple[bytes, str]:
    """All metrics as text, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
