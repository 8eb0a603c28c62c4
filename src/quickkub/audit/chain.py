"""How entries hang together: each seal's hash takes in the one before (security-reliability 5.6).

Nothing here reads or writes; sealing, verifying and the reader of an export all use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from quickkub.audit.canonical import canonical_json

PLATFORM: Final = "platform"
"""The chain of acts that belong to no merchant; every other chain has its merchant's id for a name."""

GENESIS: Final = bytes(32)
"""What stands before the first entry of a chain."""

FIELDS: Final = (
    "id",
    "merchant_id",
    "mode",
    "actor_kind",
    "actor_id",
    "role",
    "action",
    "resource_type",
    "resource_id",
    "outcome",
    "details",
    "ip_address",
    "user_agent",
    "request_id",
    "created_at",
)
"""Everything an entry says. All of it is hashed."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes: its length and the hash of its last seal. Length 0 goes with GENESIS."""

    length: int
    hash: bytes


START: Final = Head(0, GENESIS)


def plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as JSON values; the time in UTC to the microsecond."""
    said = {name: entry[name] for name in FIELDS}
    said["created_at"] = told_time(said["created_at"])
    return said


def told_time(moment: datetime) -> str:
    """A time as it is hashed and exported: `2026-11-25T09:30:00.000001Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(previous: bytes, said: Mapping[str, Any]) -> bytes:
    """SHA-256 over the hash before and the RFC 8785 JSON of the entry. Raises NotCanonical."""
    return hashlib.sha256(previous + canonical_json(dict(said))).digest()
