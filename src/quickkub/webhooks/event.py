"""An event as merchants see it, and the exact bytes that are signed and sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.clock import rfc3339

API_VERSION: Final = "2026-11-23"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of `events`."""

    id: str
    mode: str
    type: str
    object_id: str
    version: int
    data: Mapping[str, Any]
    created_at: datetime


def event_view(event: StoredEvent) -> dict[str, Any]:
    """The event object of the API and of webhooks, the same words in both."""
    return {
        "id": event.id,
        "object": "event",
        "type": event.type,
        "mode": event.mode,
        "created_at": rfc3339(event.created_at),
        "api_version": API_VERSION,
        "data": dict(event.data),
    }


def body_of(event: StoredEvent) -> bytes:
    """The same bytes on every try and every replay: compact JSON in UTF-8 with sorted keys."""
    return json.dumps(
        event_view(event), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    ).encode()
