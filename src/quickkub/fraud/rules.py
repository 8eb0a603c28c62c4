"""From rules and inputs to a verdict: a pure function, so the same inputs give the same answer for ever."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from quickkub.fraud.model import (
    Action,
    Inputs,
    Result,
    Rule,
    RuleAction,
    RuleMode,
    RuleSet,
    Truth,
    Verdict,
)
from quickkub.fraud.tree import holds

LEGAL_LIST, BLOCK_LIST, ALLOW_LIST = "legal", "block", "allow"
"""The lists a payment may be on."""

NOTHING: Final = "nothing"
"""What decided where no list, no rule and no score did."""


def evaluate(rules: RuleSet, inputs: Inputs, lists: Collection[str], at: datetime) -> Verdict:
    """Look at every rule; none stops another. `lists` are those that the payment is on; `at` is aware UTC.

    Precedence: legal block, list block, challenge, allow list, block, review, score band. An allow list never
    lifts a legal block (security-reliability 6). Where the inputs say that nothing can be challenged
    (`challenge_offered`), a challenge is a review, or the block that is asked for beside it.
    """
    results = tuple(
        _result(rule, inputs)
        for rule in rules.rules
        if rule.mode is not RuleMode.OFF and (rule.expires_at is None or at < rule.expires_at)
    )
    live = [result for result in results if result.mode == RuleMode.LIVE.value]
    can_challenge = inputs.get("challenge_offered") is not False
    action, decided_by, score = _decide(rules, live, lists, can_challenge=can_challenge)
    shadow_action, _, _ = _decide(rules, results, lists, can_challenge=can_challenge)
    return Verdict(action, decided_by, score, shadow_action, results)


def _result(rule: Rule, inputs: Inputs) -> Result:
    return Result(
        rule.id, rule.version, rule.mode.value, rule.action.value, rule.weight, holds(rule.when, inputs)
    )


def _decide(
    rules: RuleSet, results: Collection[Result], lists: Collection[str], *, can_challenge: bool
) -> tuple[Action, str, int]:
    hit = [result for result in results if result.truth is Truth.YES]
    score = sum(result.weight for result in hit)
    for blocking in (LEGAL_LIST, BLOCK_LIST):
        if blocking in lists:
            return Action.BLOCK, f"list:{blocking}", score
    challenge = _first(hit, RuleAction.CHALLENGE)
    if challenge is not None and can_challenge:
        return Action.CHALLENGE, f"rule:{challenge}", score
    if ALLOW_LIST in lists:
        # It never lifts a challenge, nor what stands for one.
        return (
            (Action.REVIEW, f"rule:{challenge}", score) if challenge else (Action.ALLOW, "list:allow", score)
        )
    by_rule = _by_rule(hit)
    if challenge is not None and (by_rule is None or by_rule[0] is not Action.BLOCK):
        by_rule = Action.REVIEW, f"rule:{challenge}"
    action, decided_by = by_rule or _by_score(rules, score)
    if action is Action.CHALLENGE and not can_challenge:
        action = Action.REVIEW
    return action, decided_by, score


def _by_rule(hit: Collection[Result]) -> tuple[Action, str] | None:
    for action, becomes in ((RuleAction.BLOCK, Action.BLOCK), (RuleAction.REVIEW, Action.REVIEW)):
        found = _first(hit, action)
        if found is not None:
            return becomes, f"rule:{found}"
    return None


def _by_score(rules: RuleSet, score: int) -> tuple[Action, str]:
    reached = [band for band in rules.bands if score >= band.at_least]
    if reached:
        band = max(reached, key=lambda one: one.at_least)
        return band.action, f"score:{band.at_least}"
    return Action.ALLOW, NOTHING


def _first(hit: Collection[Result], action: RuleAction) -> str | None:
    return next((result.rule for result in hit if result.action == action.value), None)
