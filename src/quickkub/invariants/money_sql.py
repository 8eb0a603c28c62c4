"""Payments, attempts, instructions, refunds and disputes: what must be true of them (P1 to P13, L4)."""

from __future__ import annotations

from typing import Final

from quickkub.ledger.checks import Check

_CAPTURED_WITHIN_HELD: Final = """
SELECT merchant_id, id AS what,
       jsonb_build_object('amount', amount, 'authorized', authorized_amount, 'captured', captured_amount,
                          'capturing', capturing_amount) AS details
  FROM payments
 WHERE captured_amount + capturing_amount > amount OR captured_amount > authorized_amount
    OR (capture_later AND captured_amount + capturing_amount > authorized_amount)
"""

_CAPTURES_COUNTED: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('capturing', payment.capturing_amount, 'under_way', coalesce(told.total, 0)) AS
       details
  FROM payments payment
  LEFT JOIN (SELECT merchant_id, payment_id, sum(amount) AS total FROM instructions
              WHERE doing = 'capture' AND state IN ('created', 'processing', 'unknown')
              GROUP BY merchant_id, payment_id) told
    ON told.merchant_id = payment.merchant_id AND told.payment_id = payment.id
 WHERE payment.capturing_amount <> coalesce(told.total, 0)
"""

_REFUNDS_WITHIN_CAPTURED: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('captured', payment.captured_amount, 'refunded', payment.refunded_amount,
                          'refunding', payment.refunding_amount, 'succeeded', coalesce(refund.succeeded, 0),
                          'pending', coalesce(refund.pending, 0)) AS details
  FROM payments payment
  LEFT JOIN (SELECT merchant_id, payment_id,
                    sum(amount) FILTER (WHERE state = 'succeeded') AS succeeded,
                    sum(amount) FILTER (WHERE state IN ('processing', 'requires_transfer')) AS pending
               FROM refunds WHERE unapplied_receipt_id IS NULL GROUP BY merchant_id, payment_id) refund
    ON refund.merchant_id = payment.merchant_id AND refund.payment_id = payment.id
 WHERE payment.refunded_amount + payment.refunding_amount > payment.captured_amount
    OR payment.refunded_amount <> coalesce(refund.succeeded, 0)
    OR payment.refunding_amount <> coalesce(refund.pending, 0)
"""

_NOBODYS_MONEY_COUNTED: Final = """
SELECT unapplied.merchant_id, unapplied.receipt_id AS what,
       jsonb_build_object('amount', unapplied.amount, 'left_of_receipt', receipt.amount -
       receipt.applied_amount,
                          'refunded', unapplied.refunded, 'refunding', unapplied.refunding,
                          'accepted', unapplied.accepted, 'succeeded', coalesce(refund.succeeded, 0),
                          'pending', coalesce(refund.pending, 0)) AS details
  FROM unapplied
  JOIN receipts receipt ON receipt.merchant_id = unapplied.merchant_id AND receipt.id = unapplied.receipt_id
  LEFT JOIN (SELECT merchant_id, unapplied_receipt_id,
                    sum(amount) FILTER (WHERE state = 'succeeded') AS succeeded,
                    sum(amount) FILTER (WHERE state IN ('processing', 'requires_transfer')) AS pending
               FROM refunds WHERE unapplied_receipt_id IS NOT NULL
              GROUP BY merchant_id, unapplied_receipt_id) refund
    ON refund.merchant_id = unapplied.merchant_id AND refund.unapplied_receipt_id = unapplied.receipt_id
 WHERE unapplied.amount <> receipt.amount - receipt.applied_amount
    OR unapplied.refunding + unapplied.refunded + unapplied.accepted > unapplied.amount
    OR unapplied.refunded <> coalesce(refund.succeeded, 0)
    OR unapplied.refunding <> coalesce(refund.pending, 0)
"""

_REFUND_AMOUNTS: Final = """
SELECT refund.merchant_id, refund.id AS what,
       jsonb_build_object('amount', refund.amount, 'currency', refund.currency, 'of', payment.currency) AS
       details
  FROM refunds refund
  LEFT JOIN payments payment ON payment.merchant_id = refund.merchant_id AND payment.id = refund.payment_id
  LEFT JOIN unapplied ON unapplied.merchant_id = refund.merchant_id
                     AND unapplied.receipt_id = refund.unapplied_receipt_id
 -- What was never the payment's own goes back in the currency it came in.
 WHERE refund.amount < 1 OR coalesce(unapplied.currency, payment.currency) IS DISTINCT FROM refund.currency
    OR (payment.id IS NOT NULL AND payment.mode <> refund.mode)
"""

_ONE_SUCCESS: Final = """
SELECT merchant_id, payment_id AS what, jsonb_build_object('attempts', jsonb_agg(id ORDER BY id)) AS details
  FROM attempts WHERE state = 'succeeded' GROUP BY merchant_id, payment_id HAVING count(*) > 1
"""

_UNAPPLIED_IS_KEPT: Final = """
SELECT receipt.merchant_id, receipt.id AS what,
       jsonb_build_object('amount', receipt.amount, 'applied', receipt.applied_amount,
                          'cases', (SELECT count(*) FROM cases WHERE cases.merchant_id = receipt.merchant_id
                                       AND cases.receipt_id = receipt.id)) AS details
  FROM receipts receipt
  LEFT JOIN unapplied ON unapplied.merchant_id = receipt.merchant_id AND unapplied.receipt_id = receipt.id
 WHERE receipt.amount > receipt.applied_amount
   AND (unapplied.receipt_id IS NULL
        OR NOT EXISTS (SELECT 1 FROM cases
                        WHERE cases.merchant_id = receipt.merchant_id
                          AND (cases.receipt_id = receipt.id OR cases.fact = receipt.id)))
"""

_SUCCESS_IN_FULL: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('state', payment.state, 'paid_at', payment.paid_at, 'receipts', count(receipt.id),
                          'journals', count(journal.id), 'events', max(told.n)) AS details
  FROM payments payment
  LEFT JOIN receipts receipt ON receipt.merchant_id = payment.merchant_id AND receipt.payment_id = payment.id
                            AND receipt.applied
  LEFT JOIN journals journal ON journal.merchant_id = receipt.merchant_id AND journal.source_kind = 'receipt'
                            AND journal.source_id = receipt.id
  LEFT JOIN LATERAL (SELECT count(*) AS n FROM events
                      WHERE events.merchant_id = payment.merchant_id AND events.object_id = payment.id
                        AND events.type = 'payment.succeeded') told ON true
 WHERE payment.state = 'succeeded'
 GROUP BY payment.merchant_id, payment.id, payment.state, payment.paid_at
HAVING count(receipt.id) = 0 OR count(journal.id) <> count(receipt.id) OR max(told.n) <> 1
"""

_SUCCESS_HAS_EVIDENCE: Final = """
SELECT attempt.merchant_id, attempt.id AS what,
       jsonb_build_object('kind', 'attempt', 'evidence', attempt.evidence_id) AS details
  FROM attempts attempt
  LEFT JOIN evidence ON evidence.merchant_id = attempt.merchant_id AND evidence.id = attempt.evidence_id
 WHERE attempt.state IN ('succeeded', 'authorized') AND evidence.id IS NULL
UNION ALL
SELECT told.merchant_id, told.id, jsonb_build_object('kind', 'instruction', 'evidence', told.evidence_id)
  FROM instructions told
  LEFT JOIN evidence ON evidence.merchant_id = told.merchant_id AND evidence.id = told.evidence_id
 WHERE told.state = 'succeeded' AND evidence.id IS NULL
UNION ALL
SELECT receipt.merchant_id, receipt.id, jsonb_build_object('kind', 'receipt', 'evidence', receipt.evidence_id)
  FROM receipts receipt
  LEFT JOIN evidence ON evidence.merchant_id = receipt.merchant_id AND evidence.id = receipt.evidence_id
 WHERE evidence.id IS NULL
"""

# A clear no is a provider's word or the certainty that nothing was sent; an unanswered call is neither.
_NO_GUESSED_FAILURE: Final = """
SELECT attempt.merchant_id, attempt.id AS what,
       jsonb_build_object('failure', attempt.failure_code, 'outcome', evidence.outcome) AS details
  FROM attempts attempt
  LEFT JOIN evidence ON evidence.merchant_id = attempt.merchant_id AND evidence.id = attempt.evidence_id
 WHERE attempt.state = 'failed' AND evidence.outcome IS DISTINCT FROM 'declined'
   AND evidence.outcome IS DISTINCT FROM 'notsent'
UNION ALL
SELECT told.merchant_id, told.id,
       jsonb_build_object('failure', told.failure_code, 'outcome', evidence.outcome, 'doing', told.doing)
  FROM instructions told
  LEFT JOIN evidence ON evidence.merchant_id = told.merchant_id AND evidence.id = told.evidence_id
 WHERE told.state = 'failed' AND evidence.outcome IS DISTINCT FROM 'declined'
   AND evidence.outcome IS DISTINCT FROM 'notsent'
"""

_REFERENCES_ARE_ONE: Final = """
SELECT merchant_id, min(id) AS what, jsonb_build_object('reference', reference, 'times', count(*)) AS details
  FROM attempts GROUP BY merchant_id, provider, account_id, reference HAVING count(*) > 1
UNION ALL
SELECT merchant_id, min(id), jsonb_build_object('reference', reference, 'times', count(*))
  FROM instructions GROUP BY merchant_id, provider, account_id, reference HAVING count(*) > 1
"""

# As far as the past can be read from events: no event of a lower rank follows one of a higher.
_STATES_MOVED_UP: Final = """
SELECT merchant_id, object_id AS what,
       jsonb_build_object('version', object_version, 'from', before, 'to', state) AS details
  FROM (SELECT merchant_id, object_id, object_version, data->'object'->>'status' AS state,
               lag(data->'object'->>'status') OVER (PARTITION BY merchant_id, object_id
                                                    ORDER BY object_version) AS before
          FROM events WHERE type LIKE 'payment.%') told
 WHERE payment_state_rank(state) < payment_state_rank(before)
"""

_EVIDENCE_FITS: Final = """
SELECT receipt.merchant_id, receipt.id AS what,
       jsonb_build_object('received', receipt.amount, 'applied', receipt.applied_amount, 'asked',
       attempt.amount,
                          'currency', receipt.currency) AS details
  FROM receipts receipt
  JOIN attempts attempt ON attempt.merchant_id = receipt.merchant_id AND attempt.id = receipt.attempt_id
  JOIN payments payment ON payment.merchant_id = receipt.merchant_id AND payment.id = receipt.payment_id
 WHERE receipt.applied
   AND (receipt.currency <> attempt.currency OR receipt.applied_amount > attempt.amount
        OR NOT payment.capture_later AND receipt.applied_amount <> attempt.amount - payment.short_amount)
"""

_UNKNOWN_IS_ASKED: Final = """
SELECT merchant_id, id AS what, jsonb_build_object('kind', 'attempt', 'checks', checks) AS details
  FROM attempts WHERE state IN ('created', 'unknown') AND next_check_at IS NULL
UNION ALL
SELECT merchant_id, id, jsonb_build_object('kind', 'instruction', 'checks', checks)
  FROM instructions WHERE state IN ('created', 'unknown', 'processing') AND next_check_at IS NULL
"""

_DISPUTES_HELD: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('disputed', payment.disputed_amount, 'not_won', coalesce(dispute.total, 0)) AS
       details
  FROM payments payment
  LEFT JOIN (SELECT merchant_id, payment_id, sum(amount) FILTER (WHERE state <> 'won') AS total
               FROM disputes GROUP BY merchant_id, payment_id) dispute
    ON dispute.merchant_id = payment.merchant_id AND dispute.payment_id = payment.id
 WHERE payment.disputed_amount <> coalesce(dispute.total, 0)
"""

# What is promised is in the books exactly once, and what ended is paid or dropped exactly once.
_REFUNDS_BOOKED: Final = """
SELECT refund.merchant_id, refund.id AS what,
       jsonb_build_object('state', refund.state, 'promised', coalesce(booked.promised, 0),
                          'paid', coalesce(booked.paid, 0), 'dropped', coalesce(booked.dropped, 0)) AS details
  FROM refunds refund
  LEFT JOIN (SELECT journal.merchant_id, journal.source_id,
                    count(*) FILTER (WHERE journal.kind = 'refund_promised') AS promised,
                    count(*) FILTER (WHERE journal.kind = 'refund_paid') AS paid,
                    count(*) FILTER (WHERE journal.kind = 'refund_dropped') AS dropped
               FROM journals journal WHERE journal.source_kind = 'refund'
              GROUP BY journal.merchant_id, journal.source_id) booked
    ON booked.merchant_id = refund.merchant_id AND booked.source_id = refund.id
 WHERE coalesce(booked.promised, 0) <> 1
    OR coalesce(booked.paid, 0) <> CASE WHEN refund.state = 'succeeded' THEN 1 ELSE 0 END
    OR coalesce(booked.dropped, 0) <> CASE WHEN refund.state IN ('failed', 'cancelled') THEN 1 ELSE 0 END
"""

CHECKS: Final = (
    Check("P1", "captured never exceeds what is held", "payments", _CAPTURED_WITHIN_HELD),
    Check("P2", "captures under way are counted, each once", "payments", _CAPTURES_COUNTED),
    Check(
        "P3",
        "refunds asked for and made never exceed the captured",
        "payments",
        _REFUNDS_WITHIN_CAPTURED,
    ),
    Check("P3", "nobody's money is given away once", "unapplied", _NOBODYS_MONEY_COUNTED),
    Check("P4", "a refund is at least one minor unit, in its payment's currency", "refunds", _REFUND_AMOUNTS),
    Check("P5", "one attempt at most counts as the payment's success", "attempts", _ONE_SUCCESS),
    Check("P6", "money that fits nothing is kept, with a case", "receipts", _UNAPPLIED_IS_KEPT),
    Check("P7", "a success is in payment, books and one event", "payments", _SUCCESS_IN_FULL),
    Check("P8", "a success is backed by stored evidence", "evidence", _SUCCESS_HAS_EVIDENCE),
    Check("P9", "nothing failed without a clear no", "attempts", _NO_GUESSED_FAILURE),
    Check("P10", "a reference stands for one intent", "attempts", _REFERENCES_ARE_ONE),
    Check("P11", "states only moved up", "events", _STATES_MOVED_UP),
    Check("P12", "what was taken is what was asked", "receipts", _EVIDENCE_FITS),
    Check("P13", "what nobody can tell is asked about again", "attempts", _UNKNOWN_IS_ASKED),
    Check("L4", "disputed amounts equal the disputes", "payments", _DISPUTES_HELD),
    Check("L3", "a refund is promised once, and paid or dropped once", "refunds", _REFUNDS_BOOKED),
)
