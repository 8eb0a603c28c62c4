"""Routing rules, what a decision looks at, and the decision, as plain values that are stored as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WINDOW_MINUTES: Final = 15
"""How far success rates look back unless the merchant says otherwise."""

SAMPLES_MIN: Final = 20
"""Fewer outcomes than this say nothing about an account."""

DEGRADED_BELOW_PERCENT: Final = 50
"""An account that succeeds less often than this, over enough outcomes, is degraded."""


class Strategy(Enum):
    """How the accounts of a rule are put in order.

    PRIORITY: as they are listed. WEIGHTED: drawn by weight. LEAST_COST: the cheapest for this amount first.
    SUCCESS_RATE: the one that succeeded most often lately first; one with too few outcomes to tell counts as
    perfect, so that it is tried and becomes known.
    """

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    LEAST_COST = "least_cost"
    SUCCESS_RATE = "success_rate"


@dataclass(frozen=True, slots=True)
class Hours:
    """Full hours of Bangkok, `start` included and `end` not; a start after the end spans midnight."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class When:
    """Conditions that must all hold; what is left out always holds. Amounts are satang, both included."""

    amount_min: int | None = None
    amount_max: int | None = None
    methods: tuple[str, ...] = ()
    hours: Hours | None = None
    weekdays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """An account of a rule.

    The cost is the merchant's own price there: basis points of the amount, and satang per payment; without
    basis points the provider's list price counts.
    """

    account: str
    weight: int = 1
    cost_basis_points: int | None = None
    cost_fixed: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """`use` empty means every account that can take the payment, in the order they were opened."""

    when: When = When()
    strategy: Strategy = Strategy.PRIORITY
    use: tuple[Use, ...] = ()
    even_if_degraded: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a merchant's rules in one mode; version 0 is none. Windows are for success rates."""

    version: int = 0
    rules: tuple[Rule, ...] = ()
    window_minutes: int = WINDOW_MINUTES
    samples_min: int = SAMPLES_MIN


NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Tally:
    """Outcomes of an account in the window. The payer's own doing (no money, a change of mind) is neither."""

    good: int = 0
    bad: int = 0

    @property
    def samples(self) -> int:
        """Outcomes in all."""
        return self.good + self.bad


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account as the decision sees it. `excluded` is why it cannot take this payment, None when it can."""

    account: str
    provider: str
    excluded: str | None = None
    cost_basis_points: int | None = None
    circuit_open: bool = False
    good: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a decision depends on besides rules and seed. `at` is aware UTC in whole seconds.

    `one_provider`: what the payer brought (a one-time token of its page) is worth something at one provider
    only, so there is no way from the first account to one of another provider. `first_only` are providers
    that may be asked first and never after another one.
    """

    amount: int
    currency: str
    method: str
    capture_later: bool
    at: datetime
    candidates: tuple[Candidate, ...]
    one_provider: bool = False
    first_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Accounts in the order to try them. `rule` counts from 1; None when no rule had a say."""

    rule: int | None
    order: tuple[str, ...]
