"""Secrets and personal data do not get into an entry (security-reliability 5.7)."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.audit.cleaning import clean, clean_text
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import new_key


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("secret", "anything", "***"),
        ("totp", "123456", "***"),
        ("recovery_codes", ["a", "b"], "***"),
        ("phone", "0812345678", "***5678"),
        ("national_id", "1101700230708", "***0708"),
        ("account_number", "1234567890", "***7890"),
        ("account_no", 1234567890, "***7890"),
        ("account_number", "12345", "***"),
        ("email", "somchai@shop.example", "s***@shop.example"),
        ("note", "card 4111111111111111", "card 411111***1111"),
        ("note", "whsec_C2FVsBQIhrscChlQIMV", "whsec_***"),
        ("held", Secret("skey_1"), "***"),
        ("account_id", "acc_0192f5e1aaaa7bbb8ccc123456789012", "acc_0192f5e1aaaa7bbb8ccc123456789012"),
        ("amount", 15_000, 15_000),
        ("phone_verified", True, True),
    ],
)
def test_a_value_is_masked_by_its_name_or_its_shape(name: str, value: Any, shown: Any) -> None:
    assert clean({name: value}) == {name: shown}
    assert clean({"inner": [{name: value}]}) == {"inner": [{name: shown}]}


def test_a_key_in_a_user_agent_is_masked() -> None:
    assert "qk_live_sk_***" in str(clean_text(f"curl {new_key('live').reveal()}"))
