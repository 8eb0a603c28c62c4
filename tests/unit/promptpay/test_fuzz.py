"""A short run of the fuzzer. QR_FUZZ_EXAMPLES asks for a longer one and QR_FUZZ_SEED for the same again."""

from __future__ import annotations

import os
import random

from hypothesis import given
from hypothesis import strategies as st

from quickkub.promptpay import Op
from tests.unit.promptpay import fuzz
from tests.unit.promptpay.material import VALID, seal

any_text = st.text(st.characters(exclude_categories=()))

EXAMPLES = int(os.environ.get("QR_FUZZ_EXAMPLES", "4000"))
SEED = int(os.environ.get("QR_FUZZ_SEED", "20261123"))


def test_no_damaged_text_ends_without_a_name() -> None:
    assert fuzz.run(EXAMPLES, SEED).total() == EXAMPLES


def test_the_fuzzer_reaches_sound_texts_and_many_kinds_of_refusal() -> None:
    outcomes = fuzz.run(4000, 7)
    assert outcomes["ok"] > 200
    assert len(outcomes) > 30


def test_an_equal_seed_gives_equal_examples() -> None:
    first, second = random.Random(5), random.Random(5)
    assert [fuzz.damaged(first) for _ in range(50)] == [fuzz.damaged(second) for _ in range(50)]


@given(any_text, st.none() | st.sampled_from(list(Op)))
def test_any_text_at_all_is_read_or_refused_by_name(text: str, op: Op | None) -> None:
    assert fuzz.examine_one(text, op)


@given(st.sampled_from(VALID), st.integers(0, 300), st.integers(0, 9), any_text, st.booleans())
def test_a_text_with_anything_put_into_it_is_read_or_refused_by_name(
    vector: dict[str, str], at: int, gone: int, put: str, sealed: bool
) -> None:
    text = vector["payload"][:at] + put + vector["payload"][at + gone :]
    assert fuzz.examine_one(seal(text[:-8]) if sealed else text, None)
