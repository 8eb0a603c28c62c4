"""Which word counts when rules and lists say different things (security-reliability 6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.fraud.model import Action, RuleSet
from quickkub.fraud.reading import read_rule_set
from quickkub.fraud.rules import evaluate

AT = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
TRUE = {"field": "amount", "operator": "at_least", "value": 0}


def rules(*actions: str, mode: str = "live", bands: Any = (), **more: Any) -> RuleSet:
    said = [
        {
            "id": f"{action}-{number}",
            "owner": "o",
            "reason": {"en": "e", "th": "ท"},
            "action": action,
            "mode": mode,
            "when": TRUE,
            **more,
        }
        for number, action in enumerate(actions)
    ]
    return read_rule_set({"rules": said, "bands": [*bands]}, 1)


def decided(known: RuleSet, *lists: str) -> tuple[str, str]:
    verdict = evaluate(known, {"amount": 1}, set(lists), AT)
    return verdict.action.value, verdict.decided_by


ALL = rules("review", "block", "challenge", "score", weight=50, bands=[{"at_least": 100, "action": "block"}])


@pytest.mark.parametrize(
    ("known", "lists", "says"),
    [
        (ALL, ("legal", "block", "allow"), ("block", "list:legal")),
        (ALL, ("block", "allow"), ("block", "list:block")),
        (ALL, ("allow",), ("challenge", "rule:challenge-2")),
        (rules("review", "block"), ("allow",), ("allow", "list:allow")),
        (rules("review", "block"), (), ("block", "rule:block-1")),
        (rules("review", "score"), (), ("review", "rule:review-0")),
        (rules("score", weight=7, bands=[{"at_least": 7, "action": "review"}]), (), ("review", "score:7")),
        (rules("score", weight=7, bands=[{"at_least": 8, "action": "review"}]), (), ("allow", "nothing")),
        (rules("block", mode="off"), (), ("allow", "nothing")),
        (rules("block", mode="shadow"), (), ("allow", "nothing")),
        (rules(), ("legal",), ("block", "list:legal")),
    ],
)
def test_the_order_is_law_list_challenge_allow_block_review_score(
    known: RuleSet, lists: tuple[str, ...], says: tuple[str, str]
) -> None:
    assert decided(known, *lists) == says


@pytest.mark.parametrize(
    ("known", "lists", "says"),
    [
        (rules("challenge"), (), ("review", "rule:challenge-0")),
        (rules("challenge"), ("allow",), ("review", "rule:challenge-0")),
        (rules("challenge", "review"), (), ("review", "rule:challenge-0")),
        (rules("challenge", "block"), (), ("block", "rule:block-1")),
        (rules("challenge", "block"), ("allow",), ("review", "rule:challenge-0")),
        (
            rules("challenge", "score", weight=9, bands=[{"at_least": 9, "action": "block"}]),
            (),
            ("review", "rule:challenge-0"),
        ),
        (rules("score", weight=9, bands=[{"at_least": 9, "action": "challenge"}]), (), ("review", "score:9")),
        (rules("challenge"), ("block",), ("block", "list:block")),
    ],
)
def test_where_nothing_can_be_challenged_a_person_looks_or_the_block_beside_it_counts(
    known: RuleSet, lists: tuple[str, ...], says: tuple[str, str]
) -> None:
    verdict = evaluate(known, {"amount": 1, "challenge_offered": False}, set(lists), AT)
    assert (verdict.action.value, verdict.decided_by) == says
    if "block" not in lists:
        offered = evaluate(known, {"amount": 1, "challenge_offered": True}, set(lists), AT)
        assert offered.action is Action.CHALLENGE


def test_every_rule_is_looked_at_whatever_the_first_one_said() -> None:
    verdict = evaluate(ALL, {"amount": 1}, {"legal"}, AT)
    assert [one.truth.value for one in verdict.results] == ["yes"] * 4
    assert verdict.score == 200


def test_the_highest_band_that_is_reached_counts() -> None:
    bands = [{"at_least": 10, "action": "block"}, {"at_least": 5, "action": "review"}]
    assert decided(rules("score", weight=6, bands=bands)) == ("review", "score:5")
    assert decided(rules("score", weight=10, bands=bands)) == ("block", "score:10")


def test_shadow_says_what_would_have_been() -> None:
    verdict = evaluate(rules("block", mode="shadow"), {"amount": 1}, set(), AT)
    assert (verdict.action, verdict.shadow_action) == (Action.ALLOW, Action.BLOCK)


def test_a_rule_past_its_expiry_is_not_looked_at() -> None:
    known = rules("block", expires_at="2026-11-25T05:00:00Z")
    assert decided(known) == ("allow", "nothing")
    assert evaluate(known, {"amount": 1}, set(), AT - timedelta(seconds=1)).action is Action.BLOCK


@given(
    st.lists(st.sampled_from(["score", "review", "challenge", "block"]), max_size=6),
    st.sets(st.sampled_from(["block", "allow", "legal"])),
)
def test_no_allow_list_ever_lifts_what_the_law_or_a_block_list_says(
    actions: list[str], lists: set[str]
) -> None:
    verdict = evaluate(rules(*actions), {"amount": 1}, lists, AT)
    if lists & {"legal", "block"}:
        assert verdict.action is Action.BLOCK
    elif "allow" in lists:
        assert verdict.action in (Action.ALLOW, Action.CHALLENGE)
