"""From rules, inputs and a seed to an order of accounts. Pure: the same three give the same order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias, assert_never

from quickkub.kernel.clock import BANGKOK
from quickkub.payments.routes.model import (
    DEGRADED_BELOW_PERCENT,
    WEEKDAYS,
    Candidate,
    Decision,
    Hours,
    Inputs,
    Rule,
    Rules,
    Strategy,
    Use,
    When,
)

Member: TypeAlias = "tuple[Use, Candidate]"


def decide(rules: Rules, inputs: Inputs, seed: str) -> Decision:
    """The first rule that applies and has an account able to take the payment puts its accounts in order.

    Without such a rule all able accounts stay in the order they were opened. Degraded accounts come last,
    because a degraded way is still better than none.
    """
    able = [candidate for candidate in inputs.candidates if candidate.excluded is None]
    for position, rule in enumerate(rules.rules, start=1):
        members = _members(rule, able) if applies(rule.when, inputs) else []
        if members:
            arranged = _arranged(rule, members, rules, inputs, seed)
            kept = arranged if rule.even_if_degraded else _healthy_first(arranged, rules)
            return Decision(position, _ids(kept, inputs))
    return Decision(None, _ids(_healthy_first(able, rules), inputs))


def _ids(ordered: Sequence[Candidate], inputs: Inputs) -> tuple[str, ...]:
    first = ordered[0].provider if ordered else ""
    return tuple(
        candidate.account
        for place, candidate in enumerate(ordered)
        if (not inputs.one_provider or candidate.provider == first)
        and (place == 0 or candidate.provider not in inputs.first_only)
    )


def applies(when: When, inputs: Inputs) -> bool:
    """Whether all conditions hold. Hours and weekdays are Bangkok's."""
    local = inputs.at.astimezone(BANGKOK)
    return (
        (when.amount_min is None or inputs.amount >= when.amount_min)
        and (when.amount_max is None or inputs.amount <= when.amount_max)
        and (not when.methods or inputs.method in when.methods)
        and (not when.weekdays or WEEKDAYS[local.weekday()] in when.weekdays)
        and (when.hours is None or _within(when.hours, local.hour))
    )


def _within(hours: Hours, hour: int) -> bool:
    if hours.start < hours.end:
        return hours.start <= hour < hours.end
    return hour >= hours.start or hour < hours.end


def is_degraded(candidate: Candidate, samples_min: int) -> bool:
    """Its circuit is open, or it lately failed more often than not over enough outcomes."""
    samples = candidate.good + candidate.bad
    fails = samples >= samples_min and candidate.good * 100 < DEGRADED_BELOW_PERCENT * samples
    return candidate.circuit_open or fails


def _members(rule: Rule, able: Sequence[Candidate]) -> list[Member]:
    if not rule.use:
        return [(Use(candidate.account), candidate) for candidate in able]
    by_account = {candidate.account: candidate for candidate in able}
    return [(use, by_account[use.account]) for use in rule.use if use.account in by_account]


def _healthy_first(candidates: Sequence[Candidate], rules: Rules) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: is_degraded(candidate, rules.samples_min))


def _arranged(rule: Rule, members: list[Member], rules: Rules, inputs: Inputs, seed: str) -> list[Candidate]:
    match rule.strategy:
        case Strategy.PRIORITY:
            arranged = members
        case Strategy.WEIGHTED:
            arranged = _drawn(members, f"{seed}:{rules.version}")
        case Strategy.LEAST_COST:
            arranged = sorted(members, key=lambda member: _cost(member, inputs.amount))
        case Strategy.SUCCESS_RATE:
            arranged = _by_success(members, rules.samples_min)
        case never:
            assert_never(never)
    return [candidate for _, candidate in arranged]


def _drawn(members: list[Member], seed: str) -> list[Member]:
    """Draw one after another by weight; the later ones are where the payment goes if the first cannot."""
    left = list(members)
    drawn: list[Member] = []
    while left:
        digest = hashlib.sha256(f"{seed}:{len(drawn)}".encode()).digest()
        ticket = int.from_bytes(digest, "big") % sum(use.weight for use, _ in left)
        for index, (use, _) in enumerate(left):
            ticket -= use.weight
            if ticket < 0:
                drawn.append(left.pop(index))
                break
    return drawn


def _cost(member: Member, amount: int) -> tuple[bool, int]:
    """Unknown prices last; in hundredths of a basis point of a satang, so that nothing is rounded."""
    use, candidate = member
    points = candidate.cost_basis_points if use.cost_basis_points is None else use.cost_basis_points
    if points is None:
        return (use.cost_fixed == 0, use.cost_fixed * 10_000)
    return (False, use.cost_fixed * 10_000 + points * amount)


def _by_success(members: list[Member], samples_min: int) -> list[Member]:
    """By rate, best first. Rates are compared as whole numbers over one common denominator."""

    def known(candidate: Candidate) -> bool:
        return candidate.good + candidate.bad >= max(samples_min, 1)

    common = 1
    for _, candidate in members:
        common *= candidate.good + candidate.bad if known(candidate) else 1

    def failures(member: Member) -> int:
        _, candidate = member
        return candidate.bad * (common // (candidate.good + candidate.bad)) if known(candidate) else 0

    return sorted(members, key=failures)
