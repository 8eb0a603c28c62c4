"""Whether the books say what the bank says: the pass bar of T3, a line for each thing that must hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from tests.support.chaos.bank import StormyBank
from tests.support.chaos.database import StormDatabase
from tests.support.chaos.hooks import Hooks
from tests.support.chaos.merchant import Merchant

_LEDGER_TOTAL: Final = (
    "SELECT coalesce(sum(amount), 0)::bigint AS n FROM entries WHERE account LIKE 'provider:%'"
)
_RECEIPTS: Final = "SELECT transaction_id, amount FROM receipts"
_PAYMENTS: Final = """
SELECT payment.id, payment.state, payment.amount, payment.reference, payment.captured_amount,
       attempt.reference AS said, attempt.state AS attempt_state, attempt.next_check_at - now() AS next_check,
       attempt.lease_until - now() AS lease, attempt.checks, attempt.failure_code
  FROM payments payment
  JOIN attempts attempt ON attempt.merchant_id = payment.merchant_id AND attempt.payment_id = payment.id
"""
_OUTBOX: Final = """
SELECT event_id, state, tries, next_try_at - now() AS next_try, lease_until - now() AS lease
  FROM webhook_deliveries WHERE state <> 'delivered'
"""
_INBOX: Final = "SELECT split_part(event_key, ':', 1) AS transaction, state FROM inbox"
_EVENTS: Final = "SELECT id FROM events"

UNSETTLED: Final = frozenset({"created", "unknown"})


@dataclass(frozen=True, slots=True)
class Truth:
    """Both sides. What others were told was taken down before our side was read, so it has to be there."""

    bank: StormyBank
    merchant: Merchant
    hooks: Hooks
    told_succeeded: frozenset[str]
    asked: Counter[str]
    accepted: frozenset[str]
    rows: dict[str, list[Any]]


async def look(bank: StormyBank, merchant: Merchant, hooks: Hooks, database: StormDatabase) -> Truth:
    """Read our side. Raises what asyncpg raises while the database is away."""
    questions = {
        "ledger": _LEDGER_TOTAL,
        "receipts": _RECEIPTS,
        "payments": _PAYMENTS,
        "outbox": _OUTBOX,
        "inbox": _INBOX,
        "events": _EVENTS,
    }
    told = frozenset(merchant.told_succeeded | hooks.told_succeeded)
    asked, accepted = Counter(bank.references), frozenset(bank.accepted())
    rows = {name: await database.asks(sql) for name, sql in questions.items()}
    return Truth(bank, merchant, hooks, told, asked, accepted, rows)


def failings(truth: Truth) -> dict[str, str]:
    """What does not hold, each with what is seen instead; empty when all is well."""
    seen = {
        "provider total = ledger total": _totals(truth),
        "every movement booked once": _movements(truth),
        "no double charge": _double_charges(truth),
        "every intent answered, one payment each": _intents(truth),
        "no acknowledged success lost": _acknowledged(truth),
        "no outcome unknown that the provider knows": _unknown(truth),
        "every accepted notification kept": _accepted(truth),
        "outbox empty": _outbox(truth),
        "every event seen": _events(truth),
    }
    return {name: what for name, what in seen.items() if what}


def _totals(truth: Truth) -> str:
    booked = truth.rows["ledger"][0]["n"]
    return "" if booked == truth.bank.total else f"the bank has {truth.bank.total}, the ledger {booked}"


def _movements(truth: Truth) -> str:
    moved = {m.transaction_id: (m.amount.minor, m.reference) for m in truth.bank.world.movements}
    booked = Counter({row["transaction_id"]: 0 for row in truth.rows["receipts"]})
    booked.update(row["transaction_id"] for row in truth.rows["receipts"])
    wrong = [
        row["transaction_id"]
        for row in truth.rows["receipts"]
        if moved.get(row["transaction_id"], (None,))[0] != row["amount"]
    ]
    twice = [transaction for transaction, times in booked.items() if times > 1]
    missing = [_where(truth, moved[t][1]) for t in moved.keys() - booked.keys()]
    if not (wrong or twice or missing):
        return ""
    return f"{len(wrong)} wrong, {len(twice)} twice, {len(missing)} missing: {(wrong + twice + missing)[:3]}"


def _where(truth: Truth, reference: str) -> dict[str, str]:
    """How the payment stands whose money is missing."""
    for row in truth.rows["payments"]:
        if row["said"] == reference:
            return {name: str(value) for name, value in row.items() if name not in ("amount", "said")}
    return {"no attempt says": reference}


def _double_charges(truth: Truth) -> str:
    """One thing at the bank for each reference, one reference for each payment, each paid at most once."""
    ours = {row["said"] for row in truth.rows["payments"]}
    paid = Counter(m.reference for m in truth.bank.world.movements)
    strangers = truth.asked.keys() - ours
    again = [name for counted in (truth.asked, paid) for name, times in counted.items() if times > 1]
    return f"unknown to us {sorted(strangers)[:3]}, twice {again[:3]}" if strangers or again else ""


def _intents(truth: Truth) -> str:
    by_key = Counter(row["reference"] for row in truth.rows["payments"])
    ids = {row["reference"]: row["id"] for row in truth.rows["payments"]}
    open_ones = [i.key for i in truth.merchant.intents if not i.payments and not i.refused]
    refused = [i.refused for i in truth.merchant.intents if i.refused]
    torn = [
        i.key
        for i in truth.merchant.intents
        if len(i.payments) > 1
        or len(i.answers) > 1
        or by_key[i.key] > 1
        or (i.payments and i.payments != {ids.get(i.key)})
    ]
    if not (open_ones or refused or torn):
        return ""
    return f"open {open_ones[:3]}, refused {refused[:3]}, with two answers or payments {torn[:3]}"


def _acknowledged(truth: Truth) -> str:
    states = {row["id"]: row["state"] for row in truth.rows["payments"]}
    lost = [payment for payment in truth.told_succeeded if states.get(payment) != "succeeded"]
    return f"{len(lost)}: {lost[:3]}" if lost else ""


def _unknown(truth: Truth) -> str:
    left = [_where(truth, r["said"]) for r in truth.rows["payments"] if r["attempt_state"] in UNSETTLED]
    return f"{len(left)}: {left[:3]}" if left else ""


def _accepted(truth: Truth) -> str:
    lost = truth.accepted - {row["transaction"] for row in truth.rows["inbox"]}
    return f"{len(lost)}: {sorted(lost)[:3]}" if lost else ""


def _outbox(truth: Truth) -> str:
    left = [{name: str(value) for name, value in row.items()} for row in truth.rows["outbox"]]
    return f"{len(left)}: {left[:3]}" if left else ""


def _events(truth: Truth) -> str:
    unseen = {row["id"] for row in truth.rows["events"]} - truth.hooks.seen.keys()
    return f"{len(unseen)} of {len(truth.rows['events'])}" if unseen else ""
