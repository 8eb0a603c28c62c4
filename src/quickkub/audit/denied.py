"""What somebody who is known was not let do: an entry, and no more of the same for a minute (5.6).

A program that goes on asking for what it may not have would otherwise fill the log, and hide others in it.
"""

from __future__ import annotations

import time
from typing import Final

from quickkub.audit.acting import current_actor
from quickkub.audit.chain import PLATFORM
from quickkub.audit.model import Act
from quickkub.audit.store import record
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection

DENIED: Final = "access.denied"
QUIET_SECONDS: Final = 60
_ID_SLACK_SECONDS: Final = 300
"""How far machines' clocks may be apart. Ids begin with a time, so the newest are found by the index."""

_NEWEST: Final = """
SELECT floor(extract(epoch FROM clock_timestamp() - max(created_at)))::integer FROM audit_logs
 WHERE chain = $1 AND id > $2 AND action = $3 AND actor_id = $4 AND resource_id = $5
   AND created_at > clock_timestamp() - make_interval(secs => $6)
"""


async def record_denied(
    tx: Connection, operation: str, code: str, merchant: MerchantId | None, mode: str | None
) -> int:
    """The task's actor was refused an operation, with the code of the refusal.

    Of several processes that come here at once, one writes. Returns for how many seconds the same needs no
    entry.
    """
    actor = current_actor().id
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"denied {actor} {operation}")
    since = int((time.time() - QUIET_SECONDS - _ID_SLACK_SECONDS) * 1000)
    ago: int | None = await tx.fetchval(
        _NEWEST, merchant or PLATFORM, f"aud_{since:012x}", DENIED, actor, operation, QUIET_SECONDS
    )
    if ago is not None:
        return max(QUIET_SECONDS - ago, 1)
    await record(
        tx, Act(DENIED, "operation", operation, merchant, mode, outcome="refused", after={"code": code})
    )
    return QUIET_SECONDS
