"""Inputs as they are stored with a decision, and the same verdict from them whenever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quickkub.fraud.model import Inputs, Result, RuleSet, Value, Verdict
from quickkub.fraud.rules import evaluate
from quickkub.fraud.store import Decision
from quickkub.fraud.velocity import flat
from quickkub.fraud.velocity_store import Listed


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything a decision looked at. `keys` are hex of hashes, `values` the fields that are not
    counters."""

    keys: Mapping[str, str]
    values: Mapping[str, Value]
    counters: Mapping[str, Sequence[Sequence[int]]]
    partners: Mapping[str, Sequence[int]]
    listed: tuple[Listed, ...] = ()

    def inputs(self) -> Inputs:
        """By field, as rules see them."""
        return {**flat(self.counters, self.partners), **self.values}

    def verdict(self, rules: RuleSet, at: datetime) -> Verdict:
        """What the rules make of it."""
        return evaluate(rules, self.inputs(), {one.list for one in self.listed}, at)

    def stored(self) -> dict[str, Any]:
        """As it is kept; nothing in it says who somebody is."""
        return {
            "keys": dict(self.keys),
            "values": dict(self.values),
            "counters": {kind: [list(one) for one in windows] for kind, windows in self.counters.items()},
            "partners": {pair: list(numbers) for pair, numbers in self.partners.items()},
            "listed": [[one.list, one.kind, one.entry] for one in self.listed],
        }


def looked_at(inputs: Mapping[str, Any]) -> Looked:
    """What `stored` wrote."""
    return Looked(
        inputs["keys"],
        inputs["values"],
        inputs["counters"],
        inputs["partners"],
        tuple(Listed(*one) for one in inputs["listed"]),
    )


def shown_results(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Each rule's result as it is kept; `score` is what it added."""
    return [
        {
            "rule": one.rule,
            "version": one.version,
            "mode": one.mode,
            "action": one.action,
            "result": one.truth.value,
            "score": one.weight if one.truth.value == "yes" else 0,
        }
        for one in results
    ]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision made again from what was kept. `differences` is empty when it is the same in every part."""

    decision: Decision
    action: str
    decided_by: str
    score: int
    differences: tuple[str, ...]


def replay(decision: Decision, rules: RuleSet) -> Replayed:
    """Decide again. `rules` is the version that the decision names."""
    verdict = looked_at(decision.inputs).verdict(rules, decision.decided_at)
    again: dict[str, Any] = {
        "action": verdict.action.value,
        "decided_by": verdict.decided_by,
        "score": verdict.score,
        "shadow_action": verdict.shadow_action.value,
        "results": shown_results(verdict.results),
    }
    differences = tuple(name for name, value in again.items() if value != getattr(decision, name))
    return Replayed(decision, again["action"], again["decided_by"], again["score"], differences)
