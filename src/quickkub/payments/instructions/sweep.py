"""Instructions that fall due: told for the first time by the worker, or asked about again."""

from __future__ import annotations

from quickkub.connectors.contract import Doing
from quickkub.kernel.ids import new_id
from quickkub.payments import case_store, rules
from quickkub.payments.instructions import settle, store
from quickkub.payments.instructions.ask import ask, tell
from quickkub.payments.instructions.model import Told
from quickkub.payments.instructions.states import UNDER_WAY, InstructionState
from quickkub.payments.office import Office
from quickkub.storage import Connection


async def claim(office: Office, limit: int, lease_seconds: int) -> list[Told]:
    """Take up to `limit` instructions whose inquiry is due."""
    async with office.db.transaction() as tx:
        return await store.claim_due(tx, limit, lease_seconds)


async def check(office: Office, told: Told) -> None:
    """Tell or ask, take in the answer, and set the next inquiry.

    Telling again is only for instructions that nobody but the worker ever told (`checks` 0 and due at once),
    and for providers to whom a repeat with the same reference is no second instruction (P10).
    """
    repeatable = office.connector(told.provider).manifest.instruct_is_repeatable
    unsettled = told.state in (InstructionState.CREATED, InstructionState.UNKNOWN)
    may_tell = told.state is InstructionState.CREATED or (unsettled and repeatable)
    if may_tell:
        await office.gate.pass_or_refuse(office.db)
    first_time = told.state is InstructionState.CREATED and await _never_told(office, told)
    if first_time or (unsettled and repeatable and told.doing is not Doing.CANCEL):
        heard, kind = await tell(office, told), "answer" if first_time else "inquiry"
    else:
        heard, kind = await ask(office, told), "inquiry"
    _, after = await settle.apply(office, told.merchant, told.id, heard, kind)
    async with office.db.transaction() as tx:
        if after.state is not told.state:
            await store.finish_check(tx, told, None)
            return
        checks = told.checks + 1
        await store.finish_check(tx, told, rules.next_instruction_seconds(told.state.value, checks))
        if after.state in UNDER_WAY and checks >= rules.UNKNOWN_CHECKS_MAX:
            await _hand_to_person(tx, told)


async def _never_told(office: Office, told: Told) -> bool:
    """Mark an instruction as told before telling it; False when somebody marked it before."""
    async with office.db.transaction() as tx:
        return await store.mark_told(tx, told)


async def _hand_to_person(tx: Connection, told: Told) -> None:
    await case_store.open_case(
        tx,
        told.merchant,
        case_id=new_id("case"),
        mode=told.mode,
        kind="instruction_unknown",
        fact=told.id,
        payment=told.payment,
        details={"instruction": told.id, "doing": told.doing.value, "reference": told.reference},
    )
