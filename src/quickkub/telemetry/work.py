"""Counters of work that falls due: how much was done, failed, or was put aside for a person.

A label is the name of a loop or a schedule, of which there are a handful.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

from quickkub.telemetry.metrics import REGISTRY

WORK: Final = Counter("quickkub_work", "Items of due work that were ended", ["job"], registry=REGISTRY)
WORK_FAILED: Final = Counter(
    "quickkub_work_failed",
    "Items of due work that broke on an error of ours and will be tried again",
    ["job"],
    registry=REGISTRY,
)
WORK_PUT_ASIDE: Final = Counter(
    "quickkub_work_put_aside",
    "Items of due work that broke again and again and were put before a person",
    ["job"],
    registry=REGISTRY,
)
WEBHOOK_TRIES: Final = Counter(
    "quickkub_webhook_tries",
    "Tries of webhooks by what became of the delivery: delivered, pending, dead, or its lease was lost",
    ["outcome"],
    registry=REGISTRY,
)
WEBHOOK_CIRCUITS_OPEN: Final = Gauge(
    "quickkub_webhook_circuits_open",
    "Endpoints this process leaves alone because they failed several times in a row",
    registry=REGISTRY,
)
