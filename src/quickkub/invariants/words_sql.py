"""Keys, events, deliveries and callbacks: what must be true of them (I1 to I3, E1 to E5, D6)."""

from __future__ import annotations

from typing import Final

from quickkub.ledger.checks import Check

_KEYS_NAME_ONE_EFFECT: Final = """
SELECT key.merchant_id, key.key AS what,
       jsonb_build_object('operation', key.operation, 'resource', key.resource_id) AS details
  FROM idempotency_keys key
 WHERE NOT EXISTS (SELECT 1 FROM payments WHERE merchant_id = key.merchant_id AND id = key.resource_id)
   AND NOT EXISTS (SELECT 1 FROM instructions WHERE merchant_id = key.merchant_id AND id = key.resource_id)
   AND NOT EXISTS (SELECT 1 FROM refunds WHERE merchant_id = key.merchant_id AND id = key.resource_id)
   AND NOT EXISTS (SELECT 1 FROM disputes WHERE merchant_id = key.merchant_id AND id = key.resource_id)
   AND NOT EXISTS (SELECT 1 FROM cases WHERE merchant_id = key.merchant_id AND id = key.resource_id)
"""

_ONE_KEY_PER_NEW_OBJECT: Final = """
SELECT merchant_id, resource_id AS what, jsonb_build_object('keys', jsonb_agg(key)) AS details
  FROM idempotency_keys WHERE resource_id LIKE 'ins\\_%' OR (resource_id LIKE 're\\_%' AND operation LIKE
  '%/refunds')
 GROUP BY merchant_id, resource_id, operation HAVING count(*) > 1
"""

_KEYS_ARE_BOUND_TO_WORDS: Final = """
SELECT merchant_id, key AS what, jsonb_build_object('operation', operation) AS details
  FROM idempotency_keys WHERE length(fingerprint) <> 32 OR (status IS NULL) <> (answer IS NULL)
"""

_KEYS_OUTLIVE_RETRIES: Final = """
SELECT payment.merchant_id, payment.id AS what, jsonb_build_object('created_at', payment.created_at) AS
details
  FROM payments payment
 WHERE payment.created_at > now() - interval '29 days'
   AND NOT EXISTS (SELECT 1 FROM idempotency_keys key
                    WHERE key.merchant_id = payment.merchant_id AND key.resource_id = payment.id)
"""

_EVERY_CHANGE_HAS_ITS_EVENT: Final = """
SELECT merchant_id, what, jsonb_build_object('version', version, 'events', events) AS details
  FROM (SELECT payment.merchant_id, payment.id AS what, payment.version, count(event.id) AS events
          FROM payments payment
          LEFT JOIN events event ON event.merchant_id = payment.merchant_id AND event.object_id = payment.id
         GROUP BY payment.merchant_id, payment.id, payment.version
        UNION ALL
        SELECT refund.merchant_id, refund.id, refund.version, count(event.id)
          FROM refunds refund
          LEFT JOIN events event ON event.merchant_id = refund.merchant_id AND event.object_id = refund.id
         GROUP BY refund.merchant_id, refund.id, refund.version
        UNION ALL
        SELECT dispute.merchant_id, dispute.id, dispute.version, count(event.id)
          FROM disputes dispute
          LEFT JOIN events event ON event.merchant_id = dispute.merchant_id AND event.object_id = dispute.id
         GROUP BY dispute.merchant_id, dispute.id, dispute.version) told
 WHERE version <> events
"""

_LAST_EVENT_IS_THE_STATE: Final = """
SELECT payment.merchant_id, payment.id AS what,
       jsonb_build_object('state', payment.state, 'told', event.data->'object'->>'status') AS details
  FROM payments payment
  JOIN events event ON event.merchant_id = payment.merchant_id AND event.object_id = payment.id
                   AND event.object_version = payment.version
 WHERE event.data->'object'->>'status' <> payment.state
    OR (event.data->'object'->>'captured_amount')::bigint <> payment.captured_amount
    OR (event.data->'object'->>'refunded_amount')::bigint <> payment.refunded_amount
"""

_DELIVERIES_END_OR_WAIT: Final = """
SELECT merchant_id, event_id || ' to ' || endpoint_id AS what,
       jsonb_build_object('state', state, 'tries', tries, 'next_try_at', next_try_at) AS details
  FROM webhook_deliveries
 WHERE (state = 'pending') <> (next_try_at IS NOT NULL) OR (state = 'delivered') <> (delivered_at IS NOT NULL)
"""

_CALLBACKS_KEPT_ONCE: Final = """
SELECT merchant_id, min(id) AS what, jsonb_build_object('event', event_key, 'times', count(*)) AS details
  FROM inbox GROUP BY merchant_id, provider, account_id, event_key HAVING count(*) > 1
"""

_CALLBACKS_END_OR_WAIT: Final = """
SELECT merchant_id, id AS what, jsonb_build_object('state', state, 'tries', tries) AS details
  FROM inbox WHERE (state = 'kept') <> (due_at IS NOT NULL)
UNION ALL
SELECT inbox.merchant_id, inbox.id, jsonb_build_object('state', inbox.state, 'case', false)
  FROM inbox
 WHERE inbox.state = 'quarantined'
   AND NOT EXISTS (SELECT 1 FROM cases WHERE cases.merchant_id = inbox.merchant_id AND cases.fact = inbox.id)
"""

_NOTHING_WAITS_UNCLAIMED: Final = """
SELECT merchant_id, id AS what, jsonb_build_object('kind', 'payment', 'state', state) AS details
  FROM payments WHERE state IN ('created', 'requires_action', 'processing') AND due_at IS NULL
"""

CHECKS: Final = (
    Check("I1", "a key names one effect that exists", "idempotency_keys", _KEYS_NAME_ONE_EFFECT),
    Check("I1", "an effect has one key", "idempotency_keys", _ONE_KEY_PER_NEW_OBJECT),
    Check("I2", "a key is bound to its words", "idempotency_keys", _KEYS_ARE_BOUND_TO_WORDS),
    Check("I3", "a key outlives every automatic retry", "payments", _KEYS_OUTLIVE_RETRIES),
    Check("E1", "every change has its event, and the reverse", "events", _EVERY_CHANGE_HAS_ITS_EVENT),
    Check("E1", "the last event tells the present state", "payments", _LAST_EVENT_IS_THE_STATE),
    Check("E2", "a delivery waits, was made, or is dead", "webhook_deliveries", _DELIVERIES_END_OR_WAIT),
    Check("E3", "a callback is kept once however often it comes", "inbox", _CALLBACKS_KEPT_ONCE),
    Check("E4", "a callback waits, was applied, or has a case", "inbox", _CALLBACKS_END_OR_WAIT),
    Check("D6", "an open payment waits for a time", "payments", _NOTHING_WAITS_UNCLAIMED),
)
