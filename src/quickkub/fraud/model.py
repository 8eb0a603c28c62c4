"""What a rule, a set of rules and a decision are, and the ways this room says no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from quickkub.kernel.errors import Kind, Refusal

Value: TypeAlias = "int | str | bool"
Inputs: TypeAlias = "Mapping[str, Value]"
"""What is known, by field. A field that is not in it is unknown, which is neither zero nor empty."""


class RuleInvalid(Refusal):
    """A rule cannot be read: an unknown field or operator, a value of the wrong kind, or too large a tree."""

    code, kind = "fraud_rule_invalid", Kind.INVALID


class RulesChanged(Refusal):
    """The rules are no longer the version that this change was made for."""

    code, kind = "fraud_rules_changed", Kind.CONFLICT


class RuleVersionUnknown(Refusal):
    """There is no such version of the rules."""

    code, kind = "fraud_rules_version_unknown", Kind.NOT_FOUND


class ListInvalid(Refusal):
    """A list has lines that cannot be read; nothing of it was written."""

    code, kind = "fraud_list_invalid", Kind.INVALID


class ListEntryNotFound(Refusal):
    """No entry of the merchant's lists has this id, or it was taken off."""

    code, kind = "fraud_list_entry_not_found", Kind.NOT_FOUND


class DecisionNotFound(Refusal):
    """No fraud decision of this merchant and mode has this id."""

    code, kind = "fraud_decision_not_found", Kind.NOT_FOUND


class ReviewNotFound(Refusal):
    """No review of this merchant and mode has this id."""

    code, kind = "fraud_review_not_found", Kind.NOT_FOUND


class ReviewClosed(Refusal):
    """Somebody decided about it already."""

    code, kind = "fraud_review_closed", Kind.CONFLICT


class Action(Enum):
    """What happens to a payment, from mild to strict."""

    ALLOW = "allow"
    REVIEW = "review"
    CHALLENGE = "challenge"
    BLOCK = "block"


class RuleAction(Enum):
    """What a rule asks for when it is true; `score` only adds its weight."""

    SCORE = "score"
    REVIEW = "review"
    CHALLENGE = "challenge"
    BLOCK = "block"


class RuleMode(Enum):
    """Off: not looked at. Shadow: written down, with no effect. Live: counts."""

    OFF = "off"
    SHADOW = "shadow"
    LIVE = "live"


class Truth(Enum):
    """Whether a rule is true of a payment; unknown where it looks at what nobody knows."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `when` is its tree as it was written; `expires_at` is aware UTC.

    `version` counts the changes of this rule; `weight` is added to the score when it is true.
    """

    id: str
    version: int
    owner: str
    reason_en: str
    reason_th: str
    action: RuleAction
    weight: int
    mode: RuleMode
    when: Mapping[str, Any]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A score of at least `at_least` gets the action; the highest band that is reached counts."""

    at_least: int
    action: Action


REVIEW_HOURS: Final = 72


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a merchant in one mode; version 0 has none and is nobody's.

    `on_expiry`: what becomes of a review that nobody decided within `review_hours`.
    """

    version: int = 0
    rules: tuple[Rule, ...] = ()
    bands: tuple[Band, ...] = ()
    review_hours: int = REVIEW_HOURS
    on_expiry: str = "keep"

    @property
    def runs(self) -> bool:
        """Whether any rule is looked at."""
        return any(rule.mode is not RuleMode.OFF for rule in self.rules)


NO_RULES: Final = RuleSet()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one rule that was looked at; one that is off or past its expiry has no result."""

    rule: str
    version: int
    mode: str
    action: str
    weight: int
    truth: Truth


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, by what, and what would have been decided were all shadow rules live."""

    action: Action
    decided_by: str
    score: int
    shadow_action: Action
    results: tuple[Result, ...] = field(default_factory=tuple)
