"""What goes when its time is over: which rows, since when, and what is left of them.

Money rows stay for good: after their time they lose the words that may name somebody. The books name nobody
and are never cut. SQL here is over the row `t`; `$1` is the moment before which a record's time is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quickkub.privacy.bodies import BODIES, EMPTY_STORED_BYTES, Bodies
from quickkub.privacy.periods import Kind

_OF_EVENT: Final = (
    "(SELECT ARRAY[e.object_id, e.data -> 'object' ->> 'payment'] FROM events e"
    " WHERE e.merchant_id = t.merchant_id AND e.id = t.event_id)"
)
_CLOSED: Final = (
    "EXISTS (SELECT FROM merchants m WHERE m.id = t.merchant_id AND m.state = 'inactive'"
    " AND m.state_changed_at < $1)"
)
_ID: Final = ("merchant_id", "id")


@dataclass(frozen=True, slots=True)
class Rule:
    """`due`: the row's time is over and it still holds something. `about`: the objects whose holds keep it.

    `sets` is what becomes of it; empty: it is deleted. `bodies`: its body is emptied in its sealed form.
    """

    name: str
    kind: Kind
    table: str
    keys: tuple[str, ...]
    due: str
    about: str
    sets: str = ""
    bodies: Bodies | None = None


def _of_bodies(bodies: Bodies) -> Rule:
    column = bodies.column
    due = f"{bodies.since} < $1 AND {bodies.at_rest} AND length(t.{column.column}) > {EMPTY_STORED_BYTES}"
    return Rule(
        bodies.name, Kind.PROVIDER_BODIES, column.table, column.keys, due, bodies.about, bodies=bodies
    )


_EVENT_LEFT: Final = """data = jsonb_build_object('object', jsonb_strip_nulls(jsonb_build_object(
    'id', data -> 'object' -> 'id', 'object', data -> 'object' -> 'object',
    'payment', data -> 'object' -> 'payment', 'forgotten', true)))"""

RULES: Final[Sequence[Rule]] = (
    *(_of_bodies(bodies) for bodies in BODIES),
    Rule(
        "webhook_deliveries.last_answer",
        Kind.WEBHOOK_BODIES,
        "webhook_deliveries",
        ("merchant_id", "event_id", "endpoint_id"),
        "t.created_at < $1 AND t.last_answer IS NOT NULL",
        _OF_EVENT,
        "last_answer = NULL",
    ),
    Rule(
        "webhook_tries.answer",
        Kind.WEBHOOK_BODIES,
        "webhook_tries",
        ("merchant_id", "event_id", "endpoint_id", "lease_token"),
        "t.tried_at < $1 AND t.answer IS NOT NULL",
        _OF_EVENT,
        "answer = NULL",
    ),
    Rule(
        "events.data",
        Kind.WEBHOOK_BODIES,
        "events",
        _ID,
        "t.created_at < $1 AND NOT coalesce(t.data -> 'object' ? 'forgotten', false)",
        "ARRAY[t.object_id, t.data -> 'object' ->> 'payment']",
        _EVENT_LEFT,
    ),
    Rule(
        "payments.payer",
        Kind.PAYMENTS,
        "payments",
        _ID,
        "t.created_at < $1 AND t.state IN ('succeeded', 'failed', 'expired', 'cancelled')"
        " AND (t.payer IS NOT NULL OR t.description IS NOT NULL OR t.return_url IS NOT NULL"
        " OR t.metadata <> '{}')",
        "ARRAY[t.id]",
        "payer = NULL, description = NULL, return_url = NULL, metadata = '{}'",
    ),
    Rule(
        "attempts.form_fields",
        Kind.PROVIDER_BODIES,
        "attempts",
        _ID,
        "t.created_at < $1 AND t.form_fields IS NOT NULL"
        " AND t.state IN ('succeeded', 'failed', 'expired', 'cancelled')",
        "ARRAY[t.payment_id]",
        "form_fields = NULL",
    ),
    Rule(
        "attempts.next_action",
        Kind.PAYMENTS,
        "attempts",
        _ID,
        "t.created_at < $1 AND t.next_action IS NOT NULL"
        " AND t.state IN ('succeeded', 'failed', 'expired', 'cancelled')",
        "ARRAY[t.payment_id]",
        "next_action = NULL",
    ),
    Rule(
        "refunds.destination",
        Kind.PAYMENTS,
        "refunds",
        _ID,
        "t.created_at < $1 AND t.finished_at IS NOT NULL"
        " AND (t.destination IS NOT NULL OR t.note IS NOT NULL OR t.metadata <> '{}')",
        "ARRAY[t.payment_id, t.id]",
        "destination = NULL, note = NULL, metadata = '{}'",
    ),
    Rule(
        "cases.details",
        Kind.PAYMENTS,
        "cases",
        _ID,
        "t.closed_at < $1 AND (t.details <> '{}' OR t.resolution IS NOT NULL)",
        "ARRAY[t.payment_id, t.id]",
        "details = '{}', resolution = NULL",
    ),
    Rule(
        "person_tokens",
        Kind.PAYMENTS,
        "person_tokens",
        ("merchant_id", "object_id", "kind", "token"),
        "$1::timestamptz IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM payments p WHERE p.merchant_id = t.merchant_id AND p.id = t.object_id"
        " AND p.payer IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM refunds r WHERE r.merchant_id = t.merchant_id AND r.id = t.object_id"
        " AND r.destination IS NOT NULL)",
        "ARRAY[t.object_id]",
    ),
    Rule("kyc_documents", Kind.MERCHANT_CHECKS, "kyc_documents", _ID, _CLOSED, "ARRAY[t.id]"),
    Rule("kyc_applications", Kind.MERCHANT_CHECKS, "kyc_applications", _ID, _CLOSED, "ARRAY[t.id]"),
    Rule("settlement_accounts", Kind.MERCHANT_CHECKS, "settlement_accounts", _ID, _CLOSED, "ARRAY[t.id]"),
    Rule("sessions", Kind.ACCESS_LOGS, "sessions", ("id",), "t.ends_at < $1", "ARRAY[]::text[]"),
)
"""Whoever adds a record that ends gives it a line; the classification says what is of which kind."""
