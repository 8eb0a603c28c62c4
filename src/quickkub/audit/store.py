"""SQL for audit entries."""

from __future__ import annotations

from typing import Final

from quickkub.audit.acting import current_actor
from quickkub.audit.cleaning import AGENT_LETTERS_MAX, clean, clean_text
from quickkub.audit.model import Act
from quickkub.kernel.ids import new_id
from quickkub.storage import Connection

_INSERT: Final = """
    INSERT INTO audit_logs (id, merchant_id, mode, actor_kind, actor_id, role, action, resource_type,
                            resource_id, outcome, details, ip_address, user_agent, request_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


async def record(tx: Connection, act: Act) -> str:
    """Write an entry in the transaction of the act itself; the actor is the task's. Returns its id.

    Secrets and personal data are masked on the way in. What is written is never changed; a sealer puts it
    into its chain after the commit.
    """
    actor = current_actor()
    entry = new_id("aud")
    await tx.execute(
        _INSERT,
        entry,
        act.merchant,
        act.mode,
        actor.kind.value,
        clean_text(actor.id),
        clean_text(actor.role),
        act.action,
        act.resource_type,
        clean_text(act.resource_id),
        act.outcome,
        {"before": clean(act.before), "after": clean(act.after)},
        clean_text(actor.ip_address),
        clean_text(actor.user_agent, AGENT_LETTERS_MAX),
        actor.request_id,
    )
    return entry
