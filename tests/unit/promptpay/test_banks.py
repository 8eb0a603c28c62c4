"""The table of bank codes."""

from __future__ import annotations

import pytest

from quickkub.promptpay import BANKS


@pytest.mark.parametrize(
    ("code", "short"),
    [("002", "BBL"), ("004", "KBANK"), ("006", "KTB"), ("011", "TTB"), ("014", "SCB"), ("025", "BAY")],
)
def test_the_large_banks_are_known_by_their_codes(code: str, short: str) -> None:
    assert BANKS[code].short == short


def test_codes_are_three_digits_and_short_names_are_unique() -> None:
    assert all(len(code) == 3 and code.isdigit() and code == bank.code for code, bank in BANKS.items())
    assert len({bank.short for bank in BANKS.values()}) == len(BANKS) == 35


@pytest.mark.parametrize("code", ["021", "023", "079", "080"])
def test_a_code_nobody_confirmed_has_no_name(code: str) -> None:
    assert code not in BANKS
