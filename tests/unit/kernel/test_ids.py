"""Ids, provider references and unguessable addresses."""

import re
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.ids import MerchantId, has_shape, new_id, new_reference, uuid7_hex
from quickkub.kernel.tokens import merchant_of, new_token


def test_an_id_is_a_uuid_of_version_7_that_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    value = uuid.UUID(uuid7_hex())
    after = time.time_ns() // 1_000_000
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert before <= value.int >> 80 <= after


def test_ten_thousand_ids_are_all_different() -> None:
    assert len({new_id("pay") for _ in range(10_000)}) == 10_000
    assert len({new_reference() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "prefix", ["mer", "key", "acc", "pay", "att", "evd", "rcp", "cbk", "case", "evt", "we", "jrn"]
)
def test_every_prefix_of_the_house_makes_ids_of_the_right_shape(prefix: str) -> None:
    assert has_shape(new_id(prefix), prefix)
    assert not has_shape(new_id(prefix), "other")


@pytest.mark.parametrize(
    "text",
    ["", "pay", "pay_", "pay_" + "0" * 31, "pay_" + "0" * 33, "pay_" + "A" * 32, "PAY_" + "0" * 32,
     "pay_" + "0" * 32 + "\n", " pay_" + "0" * 32, "pay_" + "\N{THAI DIGIT ONE}" * 32, "pay_pay_" + "0" * 32],
    ids=repr,
)  # fmt: skip
def test_what_only_looks_like_an_id_is_not_one(text: str) -> None:
    assert not has_shape(text, "pay")


def test_a_reference_is_20_characters_that_every_thai_bank_takes() -> None:
    assert all(re.fullmatch(r"QK[0-9A-Z]{18}", new_reference()) for _ in range(1_000))


def test_references_sort_by_the_time_the_money_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [0, 1, time.time_ns() // 10**6, 2**41, 2**48 - 1]
    made = []
    for moment in moments:
        monkeypatch.setattr(time, "time_ns", lambda now=moment: now * 10**6)
        made.append(new_reference())
    assert made == sorted(made)
    assert {len(reference) for reference in made} == {20}


def test_a_token_says_whose_it_is_and_never_the_same_way_twice() -> None:
    merchant = MerchantId(new_id("mer"))
    first, second = new_token(merchant), new_token(merchant)
    assert first != second
    assert merchant_of(first) == merchant_of(second) == merchant
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", first)


@given(st.one_of(st.text(max_size=50), st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)))
def test_any_text_is_a_token_of_some_merchant_or_of_nobody(text: str) -> None:
    merchant = merchant_of(text)
    assert (merchant is None) != (re.fullmatch(r"[A-Za-z0-9_-]{43}", text) is not None)
    assert merchant is None or has_shape(merchant, "mer")
