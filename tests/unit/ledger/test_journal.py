"""A journal that does not balance cannot be built (L1), and says by how much it is out."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quickkub.kernel.money import JPY, THB, USD, Money, baht
from quickkub.ledger.chart import FEES_EARNED, MERCHANT_PAYABLE, MERCHANT_UNAPPLIED, OUTPUT_VAT, AccountCode
from quickkub.ledger.journal import Journal, Line, Unbookable, credit, debit, differences, without_zeros

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
ACCOUNTS = (MERCHANT_PAYABLE, MERCHANT_UNAPPLIED, FEES_EARNED, OUTPUT_VAT)

lines_of_any_kind = st.lists(
    st.builds(
        Line,
        st.sampled_from(ACCOUNTS),
        st.builds(Money, st.integers(-(10**12), 10**12), st.sampled_from((THB, JPY, USD))),
    ),
    max_size=6,
)


def journal(
    *lines: Line, kind: str = "money_received", source_id: str = "rcp_1", at: datetime = NOON
) -> Journal:
    return Journal(kind, "receipt", source_id, "a test", at, lines)


def problems_of(*lines: Line) -> Unbookable:
    with pytest.raises(Unbookable) as refused:
        journal(*lines)
    return refused.value


@given(lines_of_any_kind)
def test_lines_that_do_not_sum_to_zero_in_each_currency_are_no_journal(lines: list[Line]) -> None:
    assume(differences(tuple(lines)))
    assert problems_of(*lines).out_by == differences(tuple(lines))


@given(lines_of_any_kind)
def test_any_lines_with_their_opposites_are_a_journal(lines: list[Line]) -> None:
    kept = without_zeros(*lines)
    assume(kept)
    opposites = tuple(Line(line.account, -line.amount) for line in kept)
    assert journal(*kept, *opposites).lines == kept + opposites


def test_the_refusal_names_the_difference_in_satang() -> None:
    refused = problems_of(debit(MERCHANT_PAYABLE, baht(5)), credit(FEES_EARNED, baht(4)))
    assert refused.detail == "not a journal: debits exceed credits by 100 satang"
    assert refused.out_by == {"THB": 100}


def test_the_difference_of_each_currency_is_named_on_its_own() -> None:
    refused = problems_of(debit(MERCHANT_PAYABLE, Money(5, THB)), credit(MERCHANT_PAYABLE, Money(5, USD)))
    assert refused.problems == (
        "debits exceed credits by 5 satang",
        "credits exceed debits by 5 minor units of USD",
    )


def test_a_journal_without_lines_and_one_with_a_single_line_are_refused() -> None:
    assert "this has 0" in problems_of().detail
    assert "this has 1" in problems_of(debit(MERCHANT_PAYABLE, baht(5))).detail


def test_a_line_of_nothing_is_refused_even_where_the_rest_balances() -> None:
    refused = problems_of(
        debit(MERCHANT_PAYABLE, baht(5)), credit(FEES_EARNED, baht(5)), credit(OUTPUT_VAT, baht(0))
    )
    assert refused.problems == ("line 3 on tax:output_vat has an amount of 0",)


def test_an_amount_larger_than_the_column_is_refused() -> None:
    huge = Money(2**63)
    assert len(problems_of(debit(MERCHANT_PAYABLE, huge), credit(FEES_EARNED, huge)).problems) == 2


def test_an_account_outside_the_chart_is_refused() -> None:
    typing_error = AccountCode("merchant:payble")
    assert "merchant:payble" in problems_of(debit(typing_error, baht(5)), credit(FEES_EARNED, baht(5))).detail


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(Unbookable) as refused:
        journal(credit(AccountCode("gold"), baht(1)), kind="Money", source_id="", at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert len(refused.value.problems) == 6


def test_a_line_reads_as_an_accountant_writes_it() -> None:
    assert str(debit(MERCHANT_PAYABLE, baht("145.74"))) == "Dr merchant:payable 145.74 THB"
    assert str(credit(MERCHANT_PAYABLE, baht("145.74"))) == "Cr merchant:payable 145.74 THB"
