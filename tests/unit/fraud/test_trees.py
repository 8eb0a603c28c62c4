"""Rules as trees: what can be written, what is refused, and three-valued truth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.fraud.fields import FIELDS
from quickkub.fraud.model import RuleInvalid, Truth, Value
from quickkub.fraud.reading import read_rule, read_rule_set, show_rule_set, with_versions
from quickkub.fraud.starter import starter_rules, starter_words
from quickkub.fraud.tree import DEPTH_MAX, NODES_MAX, check_tree, fields_of, holds

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


def is_(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({} if value is None else {"value": value})


@pytest.mark.parametrize(
    ("tree", "truth"),
    [
        (is_("amount", "at_least", 100), YES),
        (is_("amount", "above", 100), NO),
        (is_("amount", "at_most", 100), YES),
        (is_("amount", "below", 100), NO),
        (is_("method", "one_of", ["card", "promptpay"]), YES),
        (is_("method", "none_of", ["card"]), NO),
        (is_("bin", "starts_with", "4111"), YES),
        (is_("email_domain", "ends_with", ".ru"), NO),
        (is_("card_country", "differs", {"field": "payer_country"}), YES),
        (is_("card_country", "equals", {"field": "payer_country"}), NO),
        (is_("device.1h.cards", "at_least", 3), UNKNOWN),
        ({"not": is_("device.1h.cards", "at_least", 3)}, UNKNOWN),
        (is_("device.1h.cards", "is_unknown"), YES),
        (is_("amount", "is_known"), YES),
        ({"all": [is_("amount", "above", 100), is_("device.1h.cards", "at_least", 3)]}, NO),
        ({"all": [is_("amount", "at_least", 100), is_("device.1h.cards", "at_least", 3)]}, UNKNOWN),
        ({"any": [is_("amount", "at_least", 100), is_("device.1h.cards", "at_least", 3)]}, YES),
        ({"any": [is_("amount", "above", 100), is_("device.1h.cards", "at_least", 3)]}, UNKNOWN),
    ],
)
def test_a_condition_is_true_false_or_unknown(tree: dict[str, Any], truth: Truth) -> None:
    known: dict[str, Value] = {
        "amount": 100,
        "method": "card",
        "bin": "411111",
        "email_domain": "example.com",
        "card_country": "TH",
        "payer_country": "VN",
    }
    check_tree(tree, "when")
    assert holds(tree, known) is truth


def deep(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = is_("amount", "above", 1)
    for _ in range(levels):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {},
        {"all": []},
        {"all": {}},
        {"all": [{}], "any": [{}]},
        {"xor": []},
        deep(DEPTH_MAX),
        {"all": [is_("amount", "above", 1)] * NODES_MAX},
        is_("amonut", "above", 1),
        is_("amount", "matches", ".*"),
        is_("amount", "above", "1"),
        is_("amount", "above", True),
        is_("amount", "above"),
        is_("amount", "is_known", 1),
        is_("amount", "starts_with", 1),
        is_("amount", "one_of", []),
        is_("amount", "one_of", [1, "2"]),
        is_("email", "equals", "x@example.com"),
        is_("email", "starts_with", "x"),
        is_("email", "one_of", ["x"]),
        is_("amount", "equals", {"field": "email_domain"}),
        is_("amount", "equals", {"field": ["amount"]}),
        {"field": ["amount"], "operator": "above", "value": 1},
        {"field": "amount", "operator": {}, "value": 1},
        is_("capture_later", "equals", 1),
        is_("amount", "above", 10**16),
    ],
)
def test_what_is_no_condition_is_refused(tree: Any) -> None:
    with pytest.raises(RuleInvalid):
        check_tree(tree, "when")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(sorted(FIELDS)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "operator", "value", "x"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_whatever_is_sent_is_refused_or_can_be_evaluated(said: Any) -> None:
    try:
        check_tree(said, "when")
    except RuleInvalid:
        return
    assert holds(said, {}) in Truth


NUMBERS = ["amount", "hour", "card.1h.count"]
comparisons = st.builds(
    is_, st.sampled_from(NUMBERS), st.sampled_from(["at_least", "below", "equals"]), st.integers(0, 3)
)
trees = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(lambda one: {"not": one}, inner)
        | st.builds(
            lambda word, parts: {word: parts},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        )
    ),
    max_leaves=8,
)
knowns = st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 3))


@given(trees, knowns, st.integers(0, 3))
def test_learning_more_never_turns_a_yes_into_a_no(
    tree: dict[str, Any], known: dict[str, int], new: int
) -> None:
    before = holds(tree, known)
    after = holds(tree, {**dict.fromkeys(NUMBERS, new), **known})
    assert after is not UNKNOWN
    assert before in (after, UNKNOWN)


@given(trees, knowns)
def test_a_condition_and_its_opposite_are_never_both_true(
    tree: dict[str, Any], known: dict[str, int]
) -> None:
    opposite = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}
    assert holds({"not": tree}, known) is opposite[holds(tree, known)]


@given(trees)
def test_a_condition_looks_at_nothing_but_its_fields(tree: dict[str, Any]) -> None:
    known = dict.fromkeys(NUMBERS, 1)
    only = {name: known[name] for name in fields_of(tree)}
    assert holds(tree, only) is holds(tree, known)


RULE: dict[str, Any] = {
    "id": "r",
    "owner": "o",
    "reason": {"en": "e", "th": "ท"},
    "action": "block",
    "when": is_("amount", "above", 1),
}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"id": "Not Small"}, "rule.id"),
        ({"owner": ""}, "rule.owner"),
        ({"reason": {"en": "e"}}, "rule.reason.th"),
        ({"action": "delete"}, "rule.action"),
        ({"weight": -1}, "rule.weight"),
        ({"weight": True}, "rule.weight"),
        ({"mode": "on"}, "rule.mode"),
        ({"expires_at": "tomorrow"}, "rule.expires_at"),
        ({"expires_at": "2026-01-01T00:00:00"}, "rule.expires_at"),
        ({"code": "1"}, "rule"),
    ],
)
def test_a_rule_that_lacks_something_says_what(change: dict[str, Any], param: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        read_rule({**RULE, **change})
    assert refused.value.param == param


def test_two_rules_cannot_have_one_name() -> None:
    with pytest.raises(RuleInvalid):
        read_rule_set({"rules": [RULE, RULE]}, 1)


def test_a_set_is_written_as_it_is_read() -> None:
    read = starter_rules("live")
    assert read_rule_set(json.loads(json.dumps(show_rule_set(read))), 1) == read
    assert starter_words()["rules"][0]["mode"] == "shadow"


def test_a_changed_rule_gets_the_next_version_and_the_others_keep_theirs() -> None:
    before = read_rule_set({"rules": [RULE, {**RULE, "id": "s", "version": 4}]}, 1)
    after = with_versions(
        read_rule_set({"rules": [{**RULE, "weight": 3, "version": 77}, {**RULE, "id": "s"}]}, 2), before
    )
    assert [(rule.id, rule.version) for rule in after.rules] == [("r", 2), ("s", 4)]
