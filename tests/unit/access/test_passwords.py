"""Which passwords are taken (security-reliability 5.2, ASVS 5.0 6.2)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.access.passwords import (
    LETTERS_MAX,
    LETTERS_MIN,
    PasswordRefused,
    _words,
    check_password,
    is_common,
    normal,
)

EMAIL, NAME = "somchai.jaidee@example.com", "Somchai Jaidee"


def checked(password: str) -> str:
    return check_password(password, email=EMAIL, name=NAME)


@pytest.mark.parametrize(
    "password",
    [
        "violet otters paddle upstream",
        "correct horse battery staple",
        "kT9x2mQv7Lp4",
        "839201746528",
        "แมวสีส้มกินปลาทู",
        "##))((*&%^#@",
        "ALL CAPITAL AND NOTHING ELSE",
        "🐘🦏🦛🐪🐫🦒🦘🐃🐂🐄🐎🐖",
    ],
)
def test_any_long_enough_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert checked(password) == normal(password)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password1234!",
        "P@ssw0rd1234",
        "P4$$w0rd!!!!",
        "passwordpassword",
        "password qwerty",
        "123456789012",
        "987654321098",
        "abcdefghijkl",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "!QAZ2wsx1234",
        "!@#$%^&*()_+",
        "iloveyou2024",
        "Thailand2569!",
        "Bangkok@12345",
        "quickkub12345",
        "aaaaaaaaaaaa",
        "aaaaaaaaaaab",
        "abababababab",
        "รหัสผ่าน1234",
        "รหัสผ่านรหัสผ่าน",
        "สวัสดีครับ๑๒๓",
        "ฟหกดฟหกดฟหกด",
        "กขฃคฅฆงจฉชซฌ",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused, match="everybody tries first"):
        checked(password)


@pytest.mark.parametrize(
    "password",
    [
        EMAIL,
        EMAIL.upper(),
        "somchai.jaidee",
        "Somchai Jaidee",
        "somchaijaidee",
        "SomchaiJaideeSomchaiJaidee",
        "somchai_jaidee!",
    ],
)
def test_ones_own_name_and_address_are_refused(password: str) -> None:
    with pytest.raises(PasswordRefused, match="your name or e-mail"):
        checked(password)


def test_the_list_refuses_far_more_than_three_thousand_passwords_of_the_length_that_is_asked_for() -> None:
    endings = ("1", "12", "123", "1234", "!", "2024", "2025", "2026", "2567", "2568", "2569")
    made = {word + ending for word in _words() for ending in endings if len(word + ending) >= LETTERS_MIN}
    made |= {word * 2 for word in _words() if len(word) >= LETTERS_MIN // 2}
    assert len(made) > 3000
    assert [one for one in made if not is_common(one)] == []


@pytest.mark.parametrize(("length", "taken"), [(11, False), (12, True), (128, True), (129, False)])
def test_twelve_to_a_hundred_and_twenty_eight_characters(length: int, taken: bool) -> None:
    password = ("violet otters paddle upstream and back again to their holts before night " * 2)[:length]
    if taken:
        assert checked(password) == password
    else:
        with pytest.raises(PasswordRefused, match="characters"):
            checked(password)


def test_length_is_counted_in_characters_of_the_normal_form() -> None:
    # Twelve times e and a combining accent: twelve characters once they are put together.
    spread = "".join(unicodedata.normalize("NFD", letter) for letter in "éàüñôçåîêøÿá")
    assert len(spread) > LETTERS_MIN
    assert len(checked(spread)) == LETTERS_MIN


@given(st.text(max_size=LETTERS_MAX + 20))
def test_a_password_is_taken_in_both_spellings_or_in_neither(text: str) -> None:
    def taken(password: str) -> str | None:
        try:
            return checked(password)
        except PasswordRefused:
            return None

    assert taken(unicodedata.normalize("NFC", text)) == taken(unicodedata.normalize("NFD", text))


@given(st.text(max_size=200))
def test_no_text_breaks_the_check_and_what_is_taken_has_the_length_asked_for(text: str) -> None:
    try:
        found = checked(text)
    except PasswordRefused:
        return
    assert LETTERS_MIN <= len(found) <= LETTERS_MAX


# Words of two letters cannot make up twelve letters with digits that are no run.
@given(st.sampled_from(sorted(word for word in _words() if len(word) > 2)), st.integers(0, 99999))
def test_digits_behind_a_listed_word_make_it_no_better(word: str, number: int) -> None:
    assert is_common(f"{word}{number}")
    if word.isalpha():
        assert is_common(f"{number}{word.upper()}!")
