"""Four eyes: acts that one person asks for and another approves (security-reliability 5.3).

An act is a word such as `settlement_account.change`; its payload names rows, never values that are secret.
What happens on a yes or a no is the act's effect, run in the transaction that writes the decision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.states import APPROVAL, ApprovalFact, ApprovalState
from quickkub.storage import Connection, Row

APPROVAL_SECONDS: Final = 72 * 3600
"""How long a request waits for its second person."""


class ApprovalNotFound(Refusal):
    """There is no such request for approval."""

    code, kind = "approval_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such request for approval", param="id")


class ApprovalOver(Refusal):
    """The request was decided before, or nobody decided it in time."""

    code, kind = "approval_over", Kind.CONFLICT


class SecondPersonNeeded(Refusal):
    """Whoever asks for this cannot approve it: it takes another person."""

    code, kind = "second_person_needed", Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as it stands. `is_late`: open, and past its time."""

    merchant: MerchantId
    id: str
    act: str
    payload: Mapping[str, Any]
    state: ApprovalState
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    is_late: bool


Effect: TypeAlias = Callable[[Connection, Approval], Awaitable[None]]
"""What follows a decision; it reads from the approval's state which one it was."""

_COLUMNS: Final = """merchant_id, id, act, payload, state, asked_by, asked_at, expires_at, decided_by,
    decided_at, reason, state = 'open' AND expires_at <= now() AS is_late"""


async def ask(
    tx: Connection,
    merchant: MerchantId,
    act: str,
    payload: Mapping[str, Any],
    asked_by: str,
    *,
    seconds: int = APPROVAL_SECONDS,
) -> Approval:
    """Write down what waits for a second person."""
    row = await tx.fetchrow(
        f"""
        INSERT INTO approvals (merchant_id, id, act, payload, asked_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) RETURNING {_COLUMNS}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        new_id("apr"),
        act,
        dict(payload),
        asked_by,
        seconds,
    )
    asked = _read(row)
    await record(tx, _entry("approval.asked", asked))
    return asked


async def decide(
    tx: Connection,
    merchant: MerchantId,
    approval_id: str,
    fact: ApprovalFact,
    by: str,
    effects: Mapping[str, Effect],
    *,
    reason: str = "",
) -> Approval:
    """Say yes or no, or take a request back, and do what follows.

    Raises ApprovalNotFound, ApprovalOver, SecondPersonNeeded.
    """
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM approvals WHERE merchant_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        merchant,
        approval_id,
    )
    if row is None:
        raise ApprovalNotFound
    asked = _read(row)
    if asked.is_late or not APPROVAL.allows(asked.state, fact):
        raise ApprovalOver(f"this request is {'too old' if asked.is_late else asked.state.value}")
    if (asked.asked_by == by) is not (fact is ApprovalFact.WITHDRAW):
        raise SecondPersonNeeded(
            "only who asked can take a request back"
            if fact is ApprovalFact.WITHDRAW
            else "somebody else has to decide what you asked for"
        )
    decided = await _write(tx, asked, APPROVAL.after(asked.state, fact), by, reason)
    if (effect := effects.get(asked.act)) is not None:
        await effect(tx, decided)
    await record(tx, _entry(f"approval.{decided.state.value}", decided))
    return decided


async def approvals(
    reader: Connection, merchant: MerchantId, *, after: str | None, limit: int
) -> list[Approval]:
    """Requests of a merchant, newest first, below the id `after`."""
    rows = await reader.fetch(
        f"""
        SELECT {_COLUMNS} FROM approvals WHERE merchant_id = $1 AND ($2::text IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        after,
        limit,
    )
    return [_read(row) for row in rows]


def view_of(approval: Approval) -> dict[str, Any]:
    """A request as the API shows it."""
    return {
        "id": approval.id,
        "object": "approval",
        "act": approval.act,
        "payload": dict(approval.payload),
        "status": "expired" if approval.is_late else approval.state.value,
        "asked_by": approval.asked_by,
        "asked_at": rfc3339(approval.asked_at),
        "expires_at": rfc3339(approval.expires_at),
        "decided_by": approval.decided_by,
        "decided_at": None if approval.decided_at is None else rfc3339(approval.decided_at),
        "reason": approval.reason,
    }


async def _write(tx: Connection, asked: Approval, state: ApprovalState, by: str, reason: str) -> Approval:
    row = await tx.fetchrow(
        f"""
        UPDATE approvals SET state = $3, decided_by = $4, decided_at = now(), reason = $5
         WHERE merchant_id = $1 AND id = $2 RETURNING {_COLUMNS}
        """,  # noqa: S608 -- only our own column names are put in
        asked.merchant,
        asked.id,
        state.value,
        by,
        reason,
    )
    return _read(row)


def _entry(action: str, approval: Approval) -> Act:
    return Act(
        action,
        "approval",
        approval.id,
        merchant=approval.merchant,
        after={"act": approval.act, "payload": dict(approval.payload), "reason": approval.reason},
    )


def _read(row: Row | None) -> Approval:
    assert row is not None, "it was written in this transaction"
    fields = dict(row)
    merchant, state = MerchantId(fields.pop("merchant_id")), ApprovalState(fields.pop("state"))
    return Approval(merchant=merchant, state=state, **fields)
