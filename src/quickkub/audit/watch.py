"""The nightly look at every chain, told as metrics and in the log: alarms page on anything broken."""

from __future__ import annotations

import asyncio

from quickkub.audit.anchoring import AnchorPlace
from quickkub.audit.anchors import read_lines
from quickkub.audit.verify import Verified, verify
from quickkub.storage import Database
from quickkub.telemetry import get_logger
from quickkub.telemetry.audit import BROKEN, VERIFIED

log = get_logger("audit")


async def watch(db: Database, place: AnchorPlace) -> Verified:
    """Verify all chains against this installation's anchors, and tell."""
    lines = await asyncio.to_thread(lambda: list(read_lines(place.folder, place.key())))
    found = await verify(db, lines)
    BROKEN.set(len(found.bad))
    VERIFIED.set_to_current_time()
    for bad in found.bad:
        log.error("the audit log was changed", reference=bad.entry, reason=bad.told())
    return found
