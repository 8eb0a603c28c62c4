"""SQL for audit entries."""

from __future__ import annotations

from quickkub.audit.acting import current_actor
from quickkub.audit.model import Act
from quickkub.kernel.ids import new_id
from quickkub.storage import Connection


async def record(tx: Connection, act: Act) -> str:
    """Write an entry in the transaction of the act itself; the actor is the task's. Returns its id."""
    actor = current_actor()
    entry = new_id("aud")
    await tx.execute(
        """
        INSERT INTO audit_logs (id, merchant_id, mode, actor_kind, actor_id, role, action, resource_type,
                                resource_id, outcome, details, ip_address, user_agent, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        entry,
        act.merchant,
        act.mode,
        actor.kind.value,
        actor.id,
        actor.role,
        act.action,
        act.resource_type,
        act.resource_id,
        act.outcome,
        {"before": dict(act.before), "after": dict(act.after)},
        actor.ip_address,
        actor.user_agent,
        actor.request_id,
    )
    return entry
