"""What is taken out of text by its shape (security-reliability 5.7, invariant A4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.ids import new_id
from quickkub.merchants.keys import new_key
from quickkub.telemetry.redaction import redact, redact_value

KEY = new_key("live").reveal()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} used", "key qk_live_sk_*** used"),
        ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_***"),
        ("Authorization: Bearer abc.def-ghi=", "Authorization: Bearer ***"),
        ("authorization: basic dXNlcjpwdw==", "authorization: basic ***"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "***"),
        ("postgresql://app:hunter2@db:5432/quickkub", "postgresql://***@db:5432/quickkub"),
        ("card 4111111111111111 declined", "card 411111***1111 declined"),
        ("card 4111 1111 1111 1111", "card 411111***1111"),
        ("card 5500-0055-5555-5559", "card 550000***5559"),
        ("citizen 1101700230708", "citizen ***0708"),
    ],
    ids=lambda text: str(len(text)),
)
def test_a_secret_or_a_personal_number_is_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "payment pay_0192f5e1aaaa7bbb8ccc1234567890123 of 15000 THB",
        "reference QK4111111111111111AB",
        "2026-11-23T03:33:12Z took 1795423818481 ns",
        "1234567890123",
        "คำสั่งซื้อ 1042",
    ],
)
def test_ordinary_text_stays_readable(text: str) -> None:
    assert redact(text) == text


def test_our_own_ids_are_never_taken_for_card_numbers() -> None:
    for _ in range(500):
        one = new_id("pay")
        assert redact(one) == one


@given(st.text())
def test_any_text_can_be_redacted_and_written(text: str) -> None:
    assert redact(text).encode() == redact(redact(text)).encode()


def test_values_under_a_secret_name_are_stars_whatever_they_look_like() -> None:
    shown = redact_value(
        {"password": "a", "api_key": 5, "Set-Cookie": "x", "inner": [{"client_secret": "y"}]}
    )
    assert shown == {
        "password": "***",
        "api_key": "***",
        "Set-Cookie": "***",
        "inner": [{"client_secret": "***"}],
    }


@pytest.mark.parametrize(
    ("value", "shown"), [(4111111111111111, "411111***1111"), (15_000, 15_000), (True, True)]
)
def test_numbers_are_looked_at_by_their_digits(value: Any, shown: Any) -> None:
    assert redact_value(value) == shown
