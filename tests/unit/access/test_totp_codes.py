"""Codes of the app against RFC 6238, and how far a clock may be off."""

from __future__ import annotations

import math
import re
from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.access import recovery
from quickkub.access.totp import code_at, new_totp_secret, step_of, uri
from quickkub.kernel.secrets import Secret

RFC = Secret(b32encode(b"12345678901234567890").decode())


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# RFC 6238, appendix B, SHA-1: the last six of its eight digits.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_at(RFC, at(seconds)) == code
    assert step_of(RFC, code, at(seconds)) == seconds // 30


@given(st.integers(100, 4_000_000_000), st.integers(-3, 3))
def test_a_code_is_good_for_its_own_step_and_its_neighbours(seconds: int, steps: int) -> None:
    code = code_at(RFC, at(seconds) + timedelta(seconds=30 * steps))
    found = step_of(RFC, code, at(seconds))
    if abs(steps) <= 1:
        assert found is not None
    elif found is not None:
        # By chance a neighbour has the same six digits.
        assert code in {code_at(RFC, at(seconds) + timedelta(seconds=30 * n)) for n in (-1, 0, 1)}


@pytest.mark.parametrize(
    "code",
    [
        "",
        "28708",
        "2870820",
        "28 7082",
        " 287082",
        "287082\n",
        "\uff12\uff18\uff17\uff10\uff18\uff12",
        "-87082",
    ],
)
def test_only_six_plain_digits_are_a_code(code: str) -> None:
    assert step_of(RFC, code, at(59)) is None


def test_secrets_are_160_bits_and_never_the_same() -> None:
    made = {new_totp_secret().reveal() for _ in range(50)}
    assert len(made) == 50
    assert {len(one) for one in made} == {32}


def test_the_qr_code_says_issuer_and_account() -> None:
    said = uri(RFC, "somchai@example.com")
    assert said.startswith("otpauth://totp/QuickKub:somchai%40example.com?secret=")
    assert "issuer=QuickKub" in said


def test_recovery_codes_are_ten_and_never_taken_for_codes_of_an_app() -> None:
    codes = recovery.new_codes()
    assert len(set(codes)) == 10
    assert all(recovery.looks_like_one(code) for code in codes)
    assert not recovery.looks_like_one("123456")


def test_a_recovery_code_has_112_bits_or_more_and_is_easy_to_copy_from_paper() -> None:
    assert math.log2(len(recovery._ALPHABET) ** recovery._LETTERS) >= 112
    for code in recovery.new_codes():
        assert re.fullmatch(r"(?:[2-9a-hjkmnp-z]{4}-){5}[2-9a-hjkmnp-z]{4}", code)


def test_a_recovery_code_is_the_same_however_it_is_written_down_and_only_its_owners() -> None:
    code = recovery.new_codes()[0]
    spellings = {code, code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code} "}
    assert len({recovery.hash_code("usr_1", one) for one in spellings}) == 1
    assert recovery.hash_code("usr_1", code) != recovery.hash_code("usr_2", code)
