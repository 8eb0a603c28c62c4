"""What a rule would have done to the payments of the last days, from what their decisions kept.

Only payments that were screened have a history: rules in shadow make one without touching anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from quickkub.fraud import store
from quickkub.fraud.decide import looked_at
from quickkub.fraud.model import Action, Rule, RuleMode, RuleSet, Truth
from quickkub.fraud.tree import holds
from quickkub.kernel.ids import MerchantId
from quickkub.storage import Connection

DAYS_MAX: Final = 90
AT_ONCE: Final = 500
EXAMPLES: Final = 10


@dataclass(slots=True)
class Backtest:
    """What came of it: how many payments were looked at, what the rule said of them, and what would change.

    `changed` counts by "from -> to" what the whole set would have decided with the rule live. Amounts are
    satang.
    """

    rule: str
    days: int
    looked: int = 0
    amount: int = 0
    said: dict[str, int] = field(default_factory=lambda: {one.value: 0 for one in Truth})
    hit_amount: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """As the API answers it."""
        return {
            "object": "fraud_backtest",
            "rule": self.rule,
            "days": self.days,
            "payments": self.looked,
            "amount": self.amount,
            "hit": self.said[Truth.YES.value],
            "hit_amount": self.hit_amount,
            "missed": self.said[Truth.NO.value],
            "unknown": self.said[Truth.UNKNOWN.value],
            "changed": dict(sorted(self.changed.items())),
            "examples": list(self.examples),
        }


async def backtest(reader: Connection, merchant: MerchantId, mode: str, rule: Rule, days: int) -> Backtest:
    """Play the rule against stored decisions, beside the rules each was made by. Changes nothing."""
    told = Backtest(rule.id, days)
    live = replace(rule, mode=RuleMode.LIVE, expires_at=None)
    sets: dict[int, RuleSet] = {}
    after = ""
    while True:
        found = await store.history(reader, merchant, mode, days, after, AT_ONCE)
        for decision in found:
            version = decision.rules_version
            if version not in sets:
                known = await store.of_version(reader, merchant, mode, version)
                assert known is not None, "versions of rules are never deleted"
                others = tuple(one for one in known.rules.rules if one.id != rule.id)
                sets[version] = replace(known.rules, rules=(*others, live))
            _add(told, decision, live, sets[version])
        if len(found) < AT_ONCE:
            return told
        after = found[-1].id


def _add(told: Backtest, decision: store.Decision, rule: Rule, rules: RuleSet) -> None:
    looked = looked_at(decision.inputs)
    truth = holds(rule.when, looked.inputs())
    amount = int(looked.values["amount"])
    told.looked += 1
    told.amount += amount
    told.said[truth.value] += 1
    if truth is Truth.YES:
        told.hit_amount += amount
        if len(told.examples) < EXAMPLES:
            told.examples.append(decision.id)
    would = looked.verdict(rules, decision.decided_at).action
    if would is not Action(decision.action):
        change = f"{decision.action} -> {would.value}"
        told.changed[change] = told.changed.get(change, 0) + 1
