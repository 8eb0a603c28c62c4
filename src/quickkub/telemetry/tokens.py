"""Counters of what should never happen to tokens. Each is an alarm (security-reliability 9)."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

from quickkub.telemetry.metrics import REGISTRY

TOKEN_REUSE: Final = Counter(
    "quickkub_token_reuse",
    "Refresh tokens and authorisation codes that were brought a second time; all they had led to was revoked",
    ["kind"],
    registry=REGISTRY,
)
