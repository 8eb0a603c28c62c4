"""A short run of the fuzzer. QR_FUZZ_EXAMPLES asks for a longer one and QR_FUZZ_SEED for the same again."""

from __future__ import annotations

import os
import random

from tests.unit.promptpay import fuzz

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
