"""Looking at a payment: before a provider is asked, and again with what the provider said.

Both happen in the transaction that writes the payment or its outcome. Nothing here goes out of the house.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quickkub.fraud import store, velocity_store
from quickkub.fraud.decide import Looked, looked_at, shown_results
from quickkub.fraud.facts import FactBook, derived_values
from quickkub.fraud.model import Action, RuleMode, RuleSet, Truth, Verdict
from quickkub.fraud.store import Decision, NewReview
from quickkub.fraud.subject import Hasher, Subject, direct_values
from quickkub.fraud.tree import fields_of
from quickkub.fraud.velocity import flat
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.storage import Connection

_KEPT_MAX: Final = 2_000

AFTER_FIELDS: Final = (
    "payer_account",
    "transfer",
    "liability_shifted",
    "refund_after_minutes",
    "refund_elsewhere",
)
"""What is known only after the provider spoke. Rules that look at none of it are not asked a second time."""

CHALLENGED: Final = "challenged"
"""The mark of a payment whose provider is told to make the payer prove who they are (3-D Secure)."""

LIST_REASONS: Final = {
    "list:legal": {"en": "On a legal list.", "th": "อยู่ในรายชื่อตามกฎหมาย"},
    "list:block": {"en": "On the block list.", "th": "อยู่ในรายการที่ถูกบล็อก"},
}


@dataclass(frozen=True, slots=True)
class Screened:
    """What was decided about a payment and is written down. `mark` is the payment's `screening`."""

    decision: str
    action: Action
    mark: str
    decided_by: str


class Screen:
    """The room's own eye. One for each process; rule sets are kept by version, which never changes."""

    def __init__(self, hasher: Hasher, facts: FactBook | None = None) -> None:
        self._hasher = hasher
        self._facts = facts or FactBook()
        self._rules: OrderedDict[tuple[str, str, int], RuleSet] = OrderedDict()

    async def before(self, tx: Connection, subject: Subject, version: int) -> Screened:
        """Count the payment, look at it, and write the decision. `version` 0: only legal lists are looked at.

        A payment that waits for another one of the same card or device sees that one counted.
        """
        began_ns = time.perf_counter_ns()
        rules = await self._rules_of(tx, subject.merchant, subject.mode, version)
        looked = await self._look(tx, subject, rules)
        verdict = looked.verdict(rules, subject.at)
        mark = _mark(verdict, looked)
        decision = _decision(subject, "before", rules, looked, verdict, began_ns)
        if version or verdict.action is not Action.ALLOW:
            review = _review(rules, verdict) if mark == "review" else None
            await store.keep_decision(tx, subject.merchant, decision, mark, review)
        return Screened(decision.id, verdict.action, mark, verdict.decided_by)

    async def failed(self, tx: Connection, subject: Subject) -> None:
        """The provider said no: that counts as a failure of everything the payment was counted under."""
        first = await store.decision_before(tx, subject.merchant, subject.payment)
        if first is not None:
            keys = _bytes(looked_at(first.inputs).keys)
            await velocity_store.count_failure(tx, subject.merchant, subject.mode, keys, subject.at)

    async def again(self, tx: Connection, subject: Subject) -> Screened | None:
        """Money came, or goes back: look again with what is known now. None: there was nothing new.

        What the provider knows of the payer comes as `payer_account` and `transfer`, all else in `more`. It
        is too late to block; whatever is worse than allowed becomes a review.
        """
        began_ns = time.perf_counter_ns()
        first = await store.decision_before(tx, subject.merchant, subject.payment)
        if first is None:
            return None
        rules = await self._rules_of(tx, subject.merchant, subject.mode, first.rules_version)
        new = {
            kind: key
            for kind, key in self._hasher.keys(subject).items()
            if kind in ("payer_account", "transfer")
        }
        if not (new or subject.more) or not _asks_afterwards(rules):
            return None
        looked = await self._look_again(
            tx, subject, looked_at(first.inputs), new, was_challenged=first.action == Action.CHALLENGE.value
        )
        verdict = looked.verdict(rules, subject.at)
        mark = _mark_afterwards(first, verdict, looked)
        decision = _decision(subject, "after", rules, looked, verdict, began_ns)
        is_worse = verdict.action is not Action.ALLOW and mark != CHALLENGED
        review = _review(rules, verdict) if is_worse else None
        await store.keep_decision(tx, subject.merchant, decision, mark, review)
        return Screened(decision.id, verdict.action, mark, verdict.decided_by)

    async def _rules_of(self, tx: Connection, merchant: MerchantId, mode: str, version: int) -> RuleSet:
        place = (merchant, mode, version)
        if place in self._rules:
            self._rules.move_to_end(place)
            return self._rules[place]
        found = await store.of_version(tx, merchant, mode, version)
        assert found is not None, "versions of rules are never deleted"
        self._rules[place] = found.rules
        if len(self._rules) > _KEPT_MAX:
            self._rules.popitem(last=False)
        return found.rules

    async def _look(self, tx: Connection, subject: Subject, rules: RuleSet) -> Looked:
        keys = self._hasher.keys(subject)
        wanted = self._hasher.listed_as(subject)
        if not rules.runs:
            seen = await velocity_store.look(tx, subject, {}, wanted, new=())
            return Looked({}, direct_values(subject, keys), {}, {}, seen.listed)
        facts = self._facts.known(subject)
        seen = await velocity_store.look(tx, subject, keys, wanted, new=keys, with_facts=facts is None)
        if seen.facts is not None:
            facts = seen.facts
            self._facts.keep(subject, facts)
        assert facts is not None, "they were asked for where they were not known"
        counted = flat(seen.counters, seen.partners)
        values = (
            direct_values(subject, keys)
            | facts.values(subject.at)
            | derived_values(facts, counted, subject.amount.minor)
        )
        return Looked(_hex(keys), values, seen.counters, seen.partners, seen.listed)

    async def _look_again(
        self,
        tx: Connection,
        subject: Subject,
        first: Looked,
        new: Mapping[str, bytes],
        *,
        was_challenged: bool,
    ) -> Looked:
        """What is new is counted; what was counted before is only read again."""
        keys = _bytes(first.keys) | dict(new)
        seen = await velocity_store.look(tx, subject, keys, self._hasher.listed_as(subject), new=new)
        values = dict(first.values) | {kind: key.hex() for kind, key in new.items() if kind != "transfer"}
        if "challenge_offered" in values:
            # It is too late to challenge anybody, unless that is what was done.
            values["challenge_offered"] = was_challenged
        listed = (*first.listed, *(one for one in seen.listed if one not in first.listed))
        return Looked(_hex(keys), values | dict(subject.more), seen.counters, seen.partners, listed)


def _mark(verdict: Verdict, looked: Looked) -> str:
    match verdict.action:
        case Action.ALLOW:
            return "passed"
        case Action.BLOCK:
            return "blocked"
        case Action.CHALLENGE if looked.values.get("challenge_offered"):
            return CHALLENGED
        case _:
            return "review"


def _mark_afterwards(first: Decision, verdict: Verdict, looked: Looked) -> str:
    """Whoever proved who they are has answered what challenged them; anything else is for a person."""
    was_challenged = first.action == Action.CHALLENGE.value and looked.values.get("challenge_offered") is True
    if was_challenged and verdict.action in (Action.ALLOW, Action.CHALLENGE):
        return CHALLENGED
    is_well = verdict.action is Action.ALLOW and first.action == Action.ALLOW.value
    return "passed" if is_well else "review"


def _decision(
    subject: Subject, stage: str, rules: RuleSet, looked: Looked, verdict: Verdict, began_ns: int
) -> Decision:
    return Decision(
        id=new_id("frd"),
        mode=subject.mode,
        payment=subject.payment,
        stage=stage,
        rules_version=rules.version,
        inputs=looked.stored(),
        results=shown_results(verdict.results),
        score=verdict.score,
        action=verdict.action.value,
        decided_by=verdict.decided_by,
        shadow_action=verdict.shadow_action.value,
        latency_us=(time.perf_counter_ns() - began_ns) // 1000,
        decided_at=subject.at,
    )


def _review(rules: RuleSet, verdict: Verdict) -> NewReview:
    true = {one.rule for one in verdict.results if one.truth is Truth.YES and one.mode == RuleMode.LIVE.value}
    reasons = [
        {"rule": rule.id, "en": rule.reason_en, "th": rule.reason_th}
        for rule in rules.rules
        if rule.id in true
    ]
    if verdict.decided_by in LIST_REASONS:
        reasons.insert(0, {"rule": verdict.decided_by, **LIST_REASONS[verdict.decided_by]})
    return NewReview(new_id("frv"), reasons, rules.review_hours, rules.on_expiry)


def _asks_afterwards(rules: RuleSet) -> bool:
    names = {name for rule in rules.rules if rule.mode is not RuleMode.OFF for name in fields_of(rule.when)}
    return any(name.split(".")[0] in AFTER_FIELDS for name in names)


def _hex(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {kind: key.hex() for kind, key in keys.items()}


def _bytes(keys: Mapping[str, str]) -> dict[str, bytes]:
    return {kind: bytes.fromhex(key) for kind, key in keys.items()}
