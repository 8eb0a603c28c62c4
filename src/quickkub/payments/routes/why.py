"""The explanation that is stored with an attempt, and playing it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from quickkub.kernel.clock import rfc3339
from quickkub.payments.routes.decide import decide, is_degraded
from quickkub.payments.routes.model import Candidate, Decision, Inputs, Rules

NOT_IN_RULE: Final = "not_in_rule"
OTHER_PROVIDER: Final = "other_provider"
"""What the payer brought is of use at the provider of the first account only."""
FIRST_ONLY: Final = "first_only"
"""Its amount has to be made unlike all others before anybody is asked."""
OURS: Final = (NOT_IN_RULE, OTHER_PROVIDER, FIRST_ONLY)


def explain(rules: Rules, inputs: Inputs, seed: str, decision: Decision) -> dict[str, Any]:
    """Everything the decision came from, in words that are JSON; `chosen` is the account tried first."""
    rule = rules.rules[decision.rule - 1] if decision.rule else None
    return {
        "rules_version": rules.version,
        "rule": decision.rule,
        "rule_name": rule.name if rule else "",
        "strategy": rule.strategy.value if rule else "first_account_with_method",
        "seed": seed,
        "amount": inputs.amount,
        "currency": inputs.currency,
        "method": inputs.method,
        "capture_later": inputs.capture_later,
        "at": rfc3339(inputs.at),
        "one_provider": inputs.one_provider,
        "first_only": list(inputs.first_only),
        "candidates": [_told(candidate, rules, inputs, decision) for candidate in inputs.candidates],
        "order": list(decision.order),
        "chosen": decision.order[0],
        "failover": None,
    }


def _told(candidate: Candidate, rules: Rules, inputs: Inputs, decision: Decision) -> dict[str, Any]:
    excluded = candidate.excluded
    if excluded is None and candidate.account not in decision.order:
        excluded = _why_not(candidate, inputs)
    health = "degraded" if is_degraded(candidate, rules.samples_min) else "healthy"
    return {**asdict(candidate), "excluded": excluded, "health": health}


def _why_not(candidate: Candidate, inputs: Inputs) -> str:
    if candidate.provider in inputs.first_only:
        return FIRST_ONLY
    return OTHER_PROVIDER if inputs.one_provider else NOT_IN_RULE


def after_failure(why: Mapping[str, Any], tried: list[str], of: str, reason: str) -> dict[str, Any] | None:
    """The same decision once `tried` could not take the payment; None when nobody is left.

    `of` is the attempt that failed, `reason` the failure's code.
    """
    left = [account for account in why["order"] if account not in tried]
    if not left:
        return None
    return {**why, "chosen": left[0], "failover": {"of": of, "reason": reason, "tried": tried}}


def inputs_of(why: Mapping[str, Any]) -> Inputs:
    """What the decision looked at, read back from its explanation."""
    return Inputs(
        amount=why["amount"],
        currency=why["currency"],
        method=why["method"],
        capture_later=why["capture_later"],
        at=datetime.fromisoformat(why["at"]),
        candidates=tuple(_candidate(told) for told in why["candidates"]),
        one_provider=why["one_provider"],
        first_only=tuple(why["first_only"]),
    )


def _candidate(told: Mapping[str, Any]) -> Candidate:
    fields = {name: value for name, value in told.items() if name != "health"}
    found = Candidate(**fields)
    return replace(found, excluded=None) if found.excluded in OURS else found


def replay(why: Mapping[str, Any], rules: Rules) -> str:
    """Decide again with the rules of the version named in `why`. Returns the account to try.

    The version stays readable for ever, because rules are only added. Raises ValueError for other rules.
    """
    if rules.version != why["rules_version"]:
        raise ValueError(f"decided by version {why['rules_version']}, not {rules.version}")
    tried = why["failover"]["tried"] if why["failover"] else []
    order = decide(rules, inputs_of(why), why["seed"]).order
    return next(account for account in order if account not in tried)
