"""The chart of accounts: the accounts there can be, and no others."""

import re

import pytest

from quickkub.kernel.ids import new_id
from quickkub.ledger.chart import (
    CHART,
    FEES_EARNED,
    MERCHANT_PAYABLE,
    MERCHANT_UNAPPLIED,
    OUTPUT_VAT,
    PROVIDER_RECEIVABLE,
    ROUNDING,
    AccountKind,
    Side,
    UnknownAccount,
    chart_table,
    heading_of,
    provider_receivable,
)


def test_a_provider_account_has_a_receivable_of_its_own() -> None:
    account = new_id("acc")
    code = provider_receivable("scb", account)
    assert code == f"provider:scb:{account}:receivable"
    assert heading_of(code) is PROVIDER_RECEIVABLE


@pytest.mark.parametrize("provider", ["", "SCB", "scb:live", "scb\n", "ไทยพาณิชย์", "s" * 61])
def test_words_that_would_make_another_code_are_refused(provider: str) -> None:
    with pytest.raises(UnknownAccount):
        provider_receivable(provider, "acc_1")


@pytest.mark.parametrize(
    "code", ["", "merchant", "merchant:payable ", "merchant:payable\n", "Merchant:payable", "roundings"]
)
def test_a_code_outside_the_chart_is_unknown(code: str) -> None:
    with pytest.raises(UnknownAccount):
        heading_of(code)


@pytest.mark.parametrize(
    ("code", "kind", "side"),
    [
        (provider_receivable("scb", "acc_1"), AccountKind.ASSET, Side.DEBIT),
        (MERCHANT_PAYABLE, AccountKind.LIABILITY, Side.CREDIT),
        (MERCHANT_UNAPPLIED, AccountKind.LIABILITY, Side.CREDIT),
        (FEES_EARNED, AccountKind.INCOME, Side.CREDIT),
        (OUTPUT_VAT, AccountKind.LIABILITY, Side.CREDIT),
        (ROUNDING, AccountKind.EXPENSE, Side.DEBIT),
    ],
)
def test_each_account_grows_on_the_side_of_its_kind(code: str, kind: AccountKind, side: Side) -> None:
    assert heading_of(code).kind is kind
    assert kind.normal_side is side


def test_no_code_belongs_to_two_headings() -> None:
    examples = [re.sub(r"\{[a-z]+\}", "x", heading.pattern) for heading in CHART]
    assert [[row for row in CHART if re.fullmatch(row.regex, code)] for code in examples] == [
        [row] for row in CHART
    ]


def test_the_table_for_the_docs_has_a_row_per_heading_in_both_languages() -> None:
    lines = chart_table().splitlines()
    assert len(lines) == 2 + len(CHART)
    assert {line.count("|") for line in lines} == {7}
    assert all(row.name_en in chart_table() and row.name_th in chart_table() for row in CHART)
