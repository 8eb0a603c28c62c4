"""Answering a dispute, and asking how one stands."""

from __future__ import annotations

import json
from typing import Any

from quickkub.audit import Act, record
from quickkub.connectors.contract import (
    Account,
    DisputeDesk,
    DisputeNews,
    DisputeState,
    Evidence,
)
from quickkub.disputes import store
from quickkub.disputes.model import (
    Dispute,
    DisputeClosed,
    DisputeNotFound,
    EvidenceElsewhere,
    EvidenceNotTaken,
)
from quickkub.disputes.settle import apply
from quickkub.disputes.view import dispute_view
from quickkub.payments import attempt_store
from quickkub.payments.model import Answered, Attempt
from quickkub.payments.office import Office
from quickkub.payments.orders import account_of
from quickkub.payments.replay import stored
from quickkub.payments.view import Render
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, claim, keep_answer, stop_waiting
from quickkub.storage.vault import Place


async def contest(
    office: Office, dispute_id: str, evidence: Evidence, once: Once, render: Render
) -> Answered:
    """Hand evidence in. Raises DisputeNotFound, DisputeClosed, EvidenceElsewhere, EvidenceNotTaken,
    KeyReused, KeyBusy."""
    return await _answer(office, dispute_id, evidence, once, render)


async def accept(office: Office, dispute_id: str, once: Once, render: Render) -> Answered:
    """Give in. Raises as `contest` does."""
    return await _answer(office, dispute_id, None, once, render)


async def _answer(
    office: Office, dispute_id: str, evidence: Evidence | None, once: Once, render: Render
) -> Answered:
    async with office.db.transaction() as tx:
        before = await claim(tx, once, dispute_id)
        dispute = await store.find(tx, once.merchant, once.mode, dispute_id)
        if dispute is None:
            raise DisputeNotFound()
        replayed = stored(before) if before is not None else None
        if replayed is not None:
            return replayed
        if dispute.state is not DisputeState.NEEDS_RESPONSE:
            if before is None:
                raise DisputeClosed(f"the dispute is {dispute.state.value}")
            # The provider was told and we were cut off: telling it again would only be refused.
            return await _as_it_stands(tx, once, dispute, render)
        attempt = await attempt_store.find_attempt(tx, once.merchant, dispute.attempt)
        assert attempt is not None, "a foreign key holds the attempt"
        account = await account_of(office, tx, attempt)
        connector: Any = office.connector(dispute.provider)
        if not isinstance(connector, DisputeDesk):
            raise EvidenceElsewhere("this provider takes evidence in its own portal only")
        await record(tx, _asked(dispute, evidence))
    try:
        after = await _tell(office, connector, account, attempt, dispute, evidence)
    except EvidenceNotTaken:
        async with office.db.transaction() as tx:
            await stop_waiting(tx, once)
        raise
    status, body = render(dispute_view(after))
    async with office.db.transaction() as tx:
        await keep_answer(tx, once, status, body)
    return Answered(status, body, replayed=False)


def _asked(dispute: Dispute, evidence: Evidence | None) -> Act:
    """What was asked for; whether the provider took it is in the dispute's events."""
    return Act(
        "dispute.accept_asked" if evidence is None else "dispute.contest_asked",
        "dispute",
        dispute.id,
        merchant=dispute.merchant,
        mode=dispute.mode,
        before={"status": dispute.state.value},
    )


async def _as_it_stands(tx: Connection, once: Once, dispute: Dispute, render: Render) -> Answered:
    status, body = render(dispute_view(dispute))
    await keep_answer(tx, once, status, body)
    return Answered(status, body, replayed=True)


async def _tell(
    office: Office,
    connector: DisputeDesk,
    account: Account,
    attempt: Attempt,
    dispute: Dispute,
    evidence: Evidence | None,
) -> Dispute:
    if evidence is None:
        exchange, sealed = connector.accept_dispute(account, dispute.provider_dispute), None
    else:
        exchange = connector.contest_dispute(account, dispute.provider_dispute, evidence)
        sealed = _seal(office, dispute, evidence)
    told = await office.line.run(account, exchange)
    news = told.outcome
    if not isinstance(news, DisputeNews):
        raise EvidenceNotTaken("the provider did not confirm it; nothing changed", retry_after=5)
    after = await apply(office, attempt, news, told.transcript, "answer", sealed_evidence=sealed)
    assert after is not None, "a dispute that is answered was written down before"
    return after


def _seal(office: Office, dispute: Dispute, evidence: Evidence) -> bytes:
    """Texts are kept, files by name and size only: the provider has them."""
    files = [{"name": name, "type": kind, "bytes": len(body)} for name, kind, body in evidence.files]
    said = json.dumps({"text": evidence.text, "files": files}).encode()
    return office.vault.seal(
        said, Place("disputes", "evidence", dispute.merchant, dispute.id, mode=dispute.mode)
    )


async def check(office: Office, dispute: Dispute) -> None:
    """Ask how a claimed dispute stands, where the provider can be asked."""
    async with office.db.read() as reader:
        attempt = await attempt_store.find_attempt(reader, dispute.merchant, dispute.attempt)
        assert attempt is not None, "a foreign key holds the attempt"
        account = await account_of(office, reader, attempt)
    connector: Any = office.connector(dispute.provider)
    if not isinstance(connector, DisputeDesk):
        return
    told = await office.line.run(account, connector.inquire_dispute(account, dispute.provider_dispute))
    if isinstance(told.outcome, DisputeNews):
        await apply(office, attempt, told.outcome, told.transcript, "inquiry")
