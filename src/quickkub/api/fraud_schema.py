"""The words of the API about fraud. Amounts are whole minor units, times RFC 3339 in UTC."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quickkub.api.schema import ForwardQuery, Mode, Time, exactly
from quickkub.fraud.backtest import DAYS_MAX
from quickkub.fraud.lists import REASON_LETTERS_MAX, VALUE_LETTERS_MAX
from quickkub.fraud.reading import REVIEW_HOURS_MAX, RULES_MAX, WEIGHT_MAX

NOTE_LETTERS_MAX = 500
ENTRIES_MAX = 100

RuleWord = Annotated[str, Meta(min_length=1, max_length=60, pattern=exactly("^[a-z0-9]+(-[a-z0-9]+)*$"))]
FraudAction = Literal["allow", "review", "challenge", "block"]
ListKind = Literal[
    "card",
    "payer_account",
    "phone",
    "email",
    "email_domain",
    "address",
    "network",
    "device",
    "country",
    "bin",
]
When = Annotated[
    dict[str, Any],
    Meta(
        description=(
            'A tree: `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}`, or '
            '`{"field": "card.10m.count", "operator": "at_least", "value": 5}`. '
            "See the fields and operators in the guide about fraud."
        ),
        examples=[{"field": "card.10m.count", "operator": "at_least", "value": 5}],
    ),
]


class Reason(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why, for the people who look at a review."""

    en: Annotated[str, Meta(min_length=1, max_length=300)]
    th: Annotated[str, Meta(min_length=1, max_length=300)]


class FraudRule(Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule. `version` is counted by us and ignored when sent; `shadow` writes down and changes
    nothing."""

    id: RuleWord
    owner: Annotated[str, Meta(min_length=1, max_length=60)]
    reason: Reason
    action: Literal["score", "review", "challenge", "block"]
    when: When
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    weight: Annotated[int, Meta(ge=0, le=WEIGHT_MAX)] = 0
    mode: Literal["off", "shadow", "live"] = "shadow"
    expires_at: Time | None = None


class ScoreBand(Struct, kw_only=True, forbid_unknown_fields=True):
    """The action for a score of at least so much."""

    at_least: Annotated[int, Meta(ge=1, le=1_000_000)]
    action: Literal["review", "challenge", "block"]


class ChangeFraudRules(Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole set that counts from now on. With `replaces`, only if that is the version that counts now."""

    rules: Annotated[list[FraudRule], Meta(max_length=RULES_MAX)]
    bands: Annotated[list[ScoreBand], Meta(max_length=3)] = []
    review_hours: Annotated[int, Meta(ge=1, le=REVIEW_HOURS_MAX)] = 72
    on_expiry: Annotated[
        Literal["keep", "approve", "decline"],
        Meta(description="What becomes of a review nobody decided in time; `keep` holds the money."),
    ] = "keep"
    replaces: Annotated[int, Meta(ge=0)] | None = None


class FraudRules(Struct, kw_only=True):
    """A version of the rules. Version 0 has none and is nobody's."""

    object: Literal["fraud_rules"]
    mode: Mode
    version: int
    rules: list[FraudRule]
    bands: list[ScoreBand]
    review_hours: int
    on_expiry: str
    created_at: Time | None
    created_by: str | None


class FraudRulesQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Left out, the rules that count now. `starter`: the rules to begin with, in shadow."""

    version: Annotated[int, Meta(ge=0)] | None = None
    starter: Literal["true", "false"] = "false"


class BacktestRule(Struct, kw_only=True, forbid_unknown_fields=True):
    """A rule to be played against the payments of the last days."""

    rule: FraudRule
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = 30


class FraudBacktest(Struct, kw_only=True):
    """What a rule would have done. `changed` counts decisions by what they were and would have been."""

    object: Literal["fraud_backtest"]
    rule: str
    days: int
    payments: int
    amount: int
    hit: int
    hit_amount: int
    missed: int
    unknown: int
    changed: dict[str, int]
    examples: list[str]


class ListEntry(Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody or something to be listed."""

    kind: ListKind
    value: Annotated[str, Meta(min_length=1, max_length=VALUE_LETTERS_MAX)]
    reason: Annotated[str, Meta(min_length=1, max_length=REASON_LETTERS_MAX)]
    expires_at: Time | None = None


# Named here: inside a class with a field `list`, the word means something else.
Entries = Annotated[list[ListEntry], Meta(min_length=1, max_length=ENTRIES_MAX)]


class AddToFraudList(Struct, kw_only=True, forbid_unknown_fields=True):
    """Entries for one list; all of them are written, or none."""

    list: Literal["block", "allow"]
    entries: Entries


class AddToLegalList(Struct, kw_only=True, forbid_unknown_fields=True):
    """Entries for the legal list; all of them are written, or none."""

    entries: Entries


class AddedToFraudList(Struct, kw_only=True):
    """How many entries stand on the list now because of this request."""

    object: Literal["fraud_list_upload"]
    list: str
    entries: int


class FraudListEntry(Struct, kw_only=True):
    """An entry. What belongs to a person is shown masked and kept as a hash only."""

    id: str
    object: Literal["fraud_list_entry"]
    list: Literal["block", "allow", "legal"]
    kind: str
    value: str
    reason: str
    expires_at: Time | None
    created_at: Time
    created_by: str


class FraudListQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of the lists, or of one of them."""

    list: Literal["block", "allow"] | None = None


class UploadQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which list the file is for."""

    list: Literal["block", "allow"]


class RuleResult(Struct, kw_only=True):
    """What came of one rule. `unknown`: it looks at what nobody knows, so it is not true."""

    rule: str
    version: int
    mode: str
    action: str
    result: Literal["yes", "no", "unknown"]
    score: int


class FraudDecision(Struct, kw_only=True):
    """What was decided about a payment, why, and everything that was looked at. People are hashes in it."""

    id: str
    object: Literal["fraud_decision"]
    mode: Mode
    payment: str
    stage: Literal["before", "after"]
    action: FraudAction
    decided_by: str
    score: int
    shadow_action: FraudAction
    rules_version: int
    results: list[RuleResult]
    inputs: dict[str, Any]
    latency_us: int
    decided_at: Time


class FraudDecisionsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of decisions."""

    payment: Annotated[str, Meta(min_length=1, max_length=60)] | None = None
    action: FraudAction | None = None


class FraudReplay(Struct, kw_only=True):
    """The same decision made again from what was kept; `differences` is empty when nothing differs."""

    object: Literal["fraud_replay"]
    decision: str
    same: bool
    action: FraudAction
    decided_by: str
    score: int
    differences: list[str]


class ReviewReason(Struct, kw_only=True):
    """A rule that was true, and why it is there."""

    rule: str
    en: str
    th: str


class FraudReview(Struct, kw_only=True):
    """A payment that is not settled until somebody has looked at it."""

    id: str
    object: Literal["fraud_review"]
    mode: Mode
    payment: str
    decision: str
    status: Literal["open", "approved", "declined", "expired"]
    reasons: list[ReviewReason]
    note: str | None
    decided_by: str | None
    decided_at: Time | None
    opened_at: Time
    expires_at: Time
    on_expiry: Literal["keep", "approve", "decline"]


class FraudReviewsQuery(ForwardQuery, kw_only=True, forbid_unknown_fields=True):
    """One page of reviews."""

    status: Literal["open", "approved", "declined", "expired"] | None = None


class DecideReview(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why; kept with the review."""

    note: Annotated[str, Meta(min_length=1, max_length=NOTE_LETTERS_MAX)]
