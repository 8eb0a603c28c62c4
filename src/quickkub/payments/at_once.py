"""The commonest end of a request, in one statement: the payer has something to pay with, and nobody else has
touched the payment since it was said.

It writes what `settle.apply` would write for the same news: evidence, attempt, payment, event, deliveries and
the stored answer. Where anything but the expected is found, nothing is written and the long way is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from quickkub.connectors.contract import Outcome, Waiting
from quickkub.kernel.ids import new_id
from quickkub.payments import rules
from quickkub.payments.announce import news_of
from quickkub.payments.attempt_store import JITTER
from quickkub.payments.forms import seal_form, to_keep, whole_view
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.office import Office, Told
from quickkub.payments.proof_store import evidence_place
from quickkub.payments.states import ATTEMPT, PAYMENT, Fact
from quickkub.payments.view import Render, action_view
from quickkub.storage import Connection
from quickkub.storage.idempotency import Once, keep_answer
from quickkub.storage.outbox import DELIVERIES

# Locked in the order of `desk.lock`; whoever was first has changed a version or a state.
_TAKE: Final = f"""
WITH held AS (
    SELECT p.merchant_id, p.mode
      FROM attempts a JOIN payments p ON p.merchant_id = a.merchant_id AND p.id = a.payment_id
     WHERE a.merchant_id = $1 AND a.id = $3 AND a.state = 'created'
       AND p.id = $2 AND p.version = $4 AND p.state = 'created'
       FOR UPDATE OF p, a
), proof AS (
    INSERT INTO evidence (merchant_id, id, mode, payment_id, attempt_id, provider, kind, outcome, transcript)
    SELECT $1, $5, mode, $2, $3, $6, 'answer', 'waiting', $7::bytea FROM held
), shown AS (
    UPDATE attempts
       SET state = $8, updated_at = now(), checks = 0, next_action = $9, form_fields = $22,
           evidence_id = $5,
           provider_reference = coalesce($10, provider_reference),
           next_check_at = now() + make_interval(secs => $11 * {JITTER})
      FROM held WHERE attempts.merchant_id = $1 AND attempts.id = $3
), moved AS (
    UPDATE payments SET state = $12, version = version + 1, updated_at = $13
      FROM held WHERE payments.merchant_id = $1 AND payments.id = $2
    RETURNING payments.merchant_id, payments.id, payments.mode, payments.version
), event AS (
    INSERT INTO events (merchant_id, id, mode, type, object_id, object_version, data)
    SELECT merchant_id, $14, mode, $15, id, version, $16::jsonb FROM moved
    RETURNING merchant_id, id, mode, type
), deliveries AS ({DELIVERIES}), answered AS (
    UPDATE idempotency_keys SET status = $19, answer = $20, form_fields = $23
      FROM held
     WHERE idempotency_keys.merchant_id = $1 AND idempotency_keys.mode = $17 AND operation = $18
       AND key = $21 AND answer IS NULL
)
SELECT true FROM moved
"""  # noqa: S608 -- only our own fragments are put in


@dataclass(frozen=True, slots=True)
class Asker:
    """Who waits for the answer, and how it is kept for repeats of the same request."""

    office: Office
    once: Once
    render: Render

    def answer(self, payment: Payment, attempt: Attempt) -> tuple[int, bytes]:
        """Status and bytes as the edge will send them."""
        return self.render(self._view(payment, attempt))

    def kept(self, payment: Payment, attempt: Attempt) -> tuple[int, bytes, bytes | None]:
        """The same as it is stored: what names the payer is sealed."""
        return to_keep(self.office.vault, self.once, self.render, self._view(payment, attempt))

    async def keep(self, tx: Connection, payment: Payment, attempt: Attempt) -> None:
        """Store the answer in the transaction that finishes the work."""
        await keep_answer(tx, self.once, *self.kept(payment, attempt))

    def _view(self, payment: Payment, attempt: Attempt) -> dict[str, Any]:
        return whole_view(self.office.vault, payment, attempt, self.office.public_url)


async def take_at_once(
    asker: Asker, payment: Payment, attempt: Attempt, told: Told[Outcome], *, seconds: float
) -> tuple[Payment, Attempt] | None:
    """Take in what the provider answered about a payment that was said `seconds` ago.

    None, and nothing is written: the news is of another kind, or somebody was here before us. Raises
    DatabaseAway.
    """
    outcome = told.outcome
    if not isinstance(outcome, Waiting) or outcome.action is None or outcome.alert:
        return None
    after = replace(
        payment,
        state=PAYMENT.after(payment.state, Fact.AWAITS_PAYER),
        version=payment.version + 1,
        # The database's clock at the saying and our own since then: no time of this machine is told (D5).
        updated_at=payment.seen_at + timedelta(seconds=seconds),
    )
    shown = replace(
        attempt,
        state=ATTEMPT.after(attempt.state, Fact.AWAITS_PAYER),
        next_action=action_view(outcome.action),
        sealed_form=seal_form(asker.office.vault, outcome.action, attempt),
        provider_reference=outcome.provider_reference or attempt.provider_reference,
    )
    return (after, shown) if await _write(asker, payment, after, shown, told.transcript) else None


async def _write(asker: Asker, before: Payment, after: Payment, shown: Attempt, transcript: bytes) -> bool:
    evidence = new_id("evd")
    place = evidence_place(before.merchant, evidence, before.mode)
    news = news_of(after, shown, after.state.value, asker.office.public_url)
    status, answer, form_fields = asker.kept(after, shown)
    async with asker.office.db.statement() as connection:
        written = await connection.fetchval(
            _TAKE,
            before.merchant,
            before.id,
            shown.id,
            before.version,
            evidence,
            shown.provider,
            asker.office.vault.seal(transcript, place),
            shown.state.value,
            shown.next_action,
            shown.provider_reference,
            rules.first_look_seconds(shown_late=False),
            after.state.value,
            after.updated_at,
            new_id("evt"),
            news.type,
            dict(news.data),
            asker.once.mode,
            asker.once.operation,
            status,
            answer,
            asker.once.key,
            shown.sealed_form,
            form_fields,
        )
    return written is not None
