"""The hash of an entry is the same for everybody who computes it, and for nobody who changed a letter."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.audit.canonical import NotCanonical, canonical_json
from quickkub.audit.chain import FIELDS, GENESIS, link, plain
from quickkub.audit.cleaning import TEXT_LETTERS_MAX, clean, clean_text

ENTRY: dict[str, Any] = dict.fromkeys(FIELDS) | {
    "id": "aud_" + "0" * 32,
    "action": "settings.changed",
    "outcome": "done",
    "details": {"before": {"under_tolerance": 0}, "after": {"under_tolerance": 500}},
    "created_at": datetime(2026, 11, 25, 9, 30, 0, 7, UTC),
}

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats() | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_the_hash_is_sha256_over_the_hash_before_and_the_sorted_json() -> None:
    said = plain(ENTRY)
    by_hand = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert link(GENESIS, said) == hashlib.sha256(GENESIS + by_hand).digest()


def test_the_same_moment_in_another_zone_hashes_the_same() -> None:
    bangkok = ENTRY["created_at"].astimezone(timezone(timedelta(hours=7)))
    assert link(GENESIS, plain(ENTRY)) == link(GENESIS, plain(ENTRY | {"created_at": bangkok}))


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_an_entry_is_hashed(name: str) -> None:
    other: Any = {"details": {}, "created_at": ENTRY["created_at"] + timedelta(microseconds=1)}.get(name, "x")
    assert link(GENESIS, plain(ENTRY | {name: other})) != link(GENESIS, plain(ENTRY))


@given(st.dictionaries(st.text(), ANY_JSON, max_size=5))
def test_whatever_a_room_says_is_stored_and_read_back_to_the_same_hash(values: dict[str, Any]) -> None:
    stored = clean(values)
    written = msgspec.json.encode(stored)
    assert b"\\u0000" not in written
    # PostgreSQL keeps the value, not the order of names.
    read = msgspec.json.decode(written)
    shuffled = dict(reversed(list(read.items())))
    assert link(GENESIS, {"details": shuffled}) == link(GENESIS, {"details": stored})


@given(st.dictionaries(st.text(), ANY_JSON, max_size=5))
def test_cleaning_twice_is_cleaning_once(values: dict[str, Any]) -> None:
    assert clean(clean(values)) == clean(values)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(-9, 9), max_size=8))
def test_canonical_json_is_read_as_what_was_written(values: dict[str, int]) -> None:
    said = canonical_json(values)
    assert json.loads(said) == values
    assert canonical_json(dict(sorted(values.items(), reverse=True))) == said


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical_json({"value": value})


def test_nesting_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"inner": deep}
    with pytest.raises(NotCanonical):
        canonical_json(deep)


def test_an_entry_stays_small() -> None:
    stored = clean({"note": "ก" * 5_000, "list": list(range(500)), "map": {str(n): n for n in range(500)}})
    assert len(stored["note"]) == TEXT_LETTERS_MAX
    assert len(stored["list"]) == len(stored["map"]) == 101
    assert stored["map"]["…"] == "400 more"


def test_a_nul_is_shown_and_not_sent_to_the_database() -> None:
    assert clean_text("a\0b") == "a␀b"
    assert clean_text(None) is None
