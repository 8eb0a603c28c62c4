"""API keys: their shape, their checksum, and what is stored of them (security-reliability 5.3)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import ALPHABET, KeyKind, checksum, hash_key, looks_right, new_key

KEY = new_key("test").reveal()
PREFIX = len("qk_test_sk_")


@pytest.mark.parametrize("mode", ["live", "test"])
@pytest.mark.parametrize("kind", list(KeyKind))
def test_a_key_says_its_mode_and_kind_and_has_38_characters_after_them(mode: str, kind: KeyKind) -> None:
    key = new_key(mode, kind).reveal()
    assert re.fullmatch(rf"qk_{mode}_{kind.value}_[0-9A-Za-z]{{38}}", key)
    assert looks_right(key)


def test_no_two_keys_are_alike() -> None:
    assert len({new_key("test").reveal() for _ in range(1000)}) == 1000


def test_any_single_wrong_character_is_noticed() -> None:
    for place in range(PREFIX, len(KEY)):
        for letter in ALPHABET:
            if letter != KEY[place]:
                assert not looks_right(KEY[:place] + letter + KEY[place + 1 :])


def test_any_two_swapped_neighbours_are_noticed() -> None:
    for place in range(PREFIX, len(KEY) - 1):
        swapped = KEY[:place] + KEY[place + 1] + KEY[place] + KEY[place + 2 :]
        assert swapped == KEY or not looks_right(swapped)


def test_a_test_key_relabelled_as_live_is_noticed() -> None:
    assert not looks_right(KEY.replace("qk_test_", "qk_live_"))


@pytest.mark.parametrize(
    "wrong",
    ["", "qk_test_sk_", KEY[:-1], KEY + "a", KEY + "\n", " " + KEY, KEY.upper(), KEY[:-1] + "๑", "sk_test_1"],
    ids=range(9),
)
def test_what_has_not_the_shape_of_a_key_is_none(wrong: str) -> None:
    assert not looks_right(wrong)


@given(st.text(max_size=60) | st.from_regex(r"qk_(live|test)_(sk|pk|rk)_[0-9A-Za-z]{38}", fullmatch=True))
def test_any_text_is_looked_at_without_an_exception(text: str) -> None:
    assert looks_right(text) == (len(text) == 49 and text.isascii() and checksum(text[:-6]) == text[-6:])


def test_the_checksum_is_six_base62_characters_and_never_changes() -> None:
    # Keys are in merchants' hands: another checksum would refuse them all.
    assert checksum("qk_test_sk_" + "0" * 32) == "2D6UFm"


def test_the_hash_depends_on_the_pepper_and_shows_nothing_of_the_key() -> None:
    one, other = hash_key(KEY, Secret("a" * 32)), hash_key(KEY, Secret("b" * 32))
    assert one != other
    assert len(one) == 32
    assert KEY.encode() not in one


def test_a_new_key_cannot_be_printed_by_accident() -> None:
    assert str(new_key("test")) == repr(new_key("test")) == "***"
