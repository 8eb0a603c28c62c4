"""Where a merchant's money is paid out to. A change takes two people and stops payouts for 72 hours.

Whoever takes over the account of a person who may change this has one of the two, and the merchant has three
days to notice (security-reliability 5.3, four eyes).
"""

from __future__ import annotations

from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.approvals import Approval, Effect, ask
from quickkub.merchants.keys import Caller
from quickkub.merchants.states import ApprovalState
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place, Vault

CHANGE: Final = "settlement_account.change"
HOLD_HOURS: Final = 72


class NoSettlementAccount(Refusal):
    """The merchant has not named an account to be paid out to, or nobody approved it yet."""

    code, kind = "settlement_account_missing", Kind.NOT_FOUND


def _place(merchant: str, account: str) -> Place:
    return Place("settlement_accounts", "account_number", merchant, account)


async def propose(
    tx: Connection, vault: Vault, caller: Caller, *, bank: str, number: str, holder: str
) -> Approval:
    """Ask for another account; it counts when somebody else has said yes."""
    account = new_id("sac")
    await tx.execute(
        """
        INSERT INTO settlement_accounts (merchant_id, id, state, bank, holder, account_number, last_four,
                                         proposed_by)
        VALUES ($1, $2, 'proposed', $3, $4, $5, $6, $7)
        """,
        caller.merchant,
        account,
        bank,
        holder,
        vault.seal(number.encode(), _place(caller.merchant, account)),
        number[-4:],
        caller.id,
    )
    payload = {"settlement_account": account, "bank": bank, "last_four": number[-4:]}
    return await ask(tx, caller.merchant, CHANGE, payload, caller.id)


async def _decided(tx: Connection, approval: Approval) -> None:
    """A yes makes the account count and holds payouts; a no leaves all as it was."""
    account = approval.payload["settlement_account"]
    if approval.state is not ApprovalState.APPROVED:
        await _set(tx, approval.merchant, account, "refused")
        return
    was = await tx.fetchval(
        """
        UPDATE settlement_accounts SET state = 'replaced' WHERE merchant_id = $1 AND state = 'active'
        RETURNING id
        """,
        approval.merchant,
    )
    await _set(tx, approval.merchant, account, "active")
    await tx.execute(
        "UPDATE merchants SET payouts_held_until = now() + make_interval(hours => $2) WHERE id = $1",
        approval.merchant,
        HOLD_HOURS,
    )
    entry = Act(
        "settlement_account.changed",
        "settlement_account",
        account,
        approval.merchant,
        before={"settlement_account": was},
        after={"approval": approval.id, "payouts_held_hours": HOLD_HOURS},
    )
    await record(tx, entry)


EFFECTS: Final[dict[str, Effect]] = {CHANGE: _decided}


async def current(reader: Connection, merchant: MerchantId) -> dict[str, Any]:
    """The account that counts, as shown: its last four digits. Raises NoSettlementAccount."""
    row = await _active(reader, merchant)
    return {
        "id": row["id"],
        "object": "settlement_account",
        "bank": row["bank"],
        "holder": row["holder"],
        "last_four": row["last_four"],
        "active_since": rfc3339(row["active_at"]),
    }


async def number_of(reader: Connection, vault: Vault, merchant: MerchantId) -> Secret:
    """The whole number, for a payout. Raises NoSettlementAccount, CannotOpen."""
    row = await _active(reader, merchant)
    return Secret(vault.open(bytes(row["account_number"]), _place(merchant, row["id"])).decode())


async def _active(reader: Connection, merchant: MerchantId) -> Row:
    row: Row | None = await reader.fetchrow(
        """
        SELECT id, bank, holder, last_four, account_number, active_at FROM settlement_accounts
         WHERE merchant_id = $1 AND state = 'active'
        """,
        merchant,
    )
    if row is None:
        raise NoSettlementAccount("no account to be paid out to is approved")
    return row


async def _set(tx: Connection, merchant: MerchantId, account: str, state: str) -> None:
    await tx.execute(
        """
        UPDATE settlement_accounts SET state = $3, active_at = CASE WHEN $3 = 'active' THEN now() END
         WHERE merchant_id = $1 AND id = $2 AND state = 'proposed'
        """,
        merchant,
        account,
        state,
    )
