"""The bookings, as an accountant would check them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.ids import PaymentId
from quickkub.kernel.money import AMOUNT_MAX, Money, Rate, baht
from quickkub.ledger.journal import BookedJournal, Journal, JournalId, differences
from quickkub.ledger.recipes import (
    NotReversed,
    WrongSign,
    correction_of,
    payment_received,
    reversal_of,
    unapplied_received,
)

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PAYMENT = PaymentId("pay_1")

amounts = st.builds(Money, st.integers(1, AMOUNT_MAX))
deductions = st.builds(Money, st.integers(0, AMOUNT_MAX))


def received(gross: Money, fee: Money, fee_vat: Money) -> Journal:
    return payment_received(
        "rcp_1",
        PAYMENT,
        provider="scb",
        account_id="acc_1",
        gross=gross,
        fee=fee,
        fee_vat=fee_vat,
        paid_at=NOON,
    )


def unapplied(gross: Money) -> Journal:
    return unapplied_received("rcp_1", PAYMENT, provider="scb", account_id="acc_1", gross=gross, paid_at=NOON)


def booked(journal: Journal) -> BookedJournal:
    return BookedJournal(JournalId("jrn_1"), journal, NOON)


def told(journal: Journal) -> list[str]:
    return [str(line) for line in journal.lines]


def test_a_payment_of_150_baht_at_2_65_percent_plus_vat() -> None:
    fee = Rate.percent("2.65").of(baht(150))
    assert told(received(baht(150), fee, Rate.percent("7").of(fee))) == [
        "Dr provider:scb:acc_1:receivable 150.00 THB",
        "Cr merchant:payable 145.74 THB",
        "Cr fees:earned 3.98 THB",
        "Cr tax:output_vat 0.28 THB",
    ]


def test_a_payment_without_a_fee_has_two_lines() -> None:
    assert told(received(baht(150), baht(0), baht(0))) == [
        "Dr provider:scb:acc_1:receivable 150.00 THB",
        "Cr merchant:payable 150.00 THB",
    ]


def test_a_fee_larger_than_the_payment_is_owed_by_the_merchant() -> None:
    assert told(received(baht(5), baht(10), baht("0.70"))) == [
        "Dr provider:scb:acc_1:receivable 5.00 THB",
        "Dr merchant:payable 5.70 THB",
        "Cr fees:earned 10.00 THB",
        "Cr tax:output_vat 0.70 THB",
    ]


def test_money_nobody_waited_for_is_owed_in_full_and_earns_no_fee() -> None:
    assert told(unapplied(baht(150))) == [
        "Dr provider:scb:acc_1:receivable 150.00 THB",
        "Cr merchant:unapplied 150.00 THB",
    ]


def test_a_receipt_is_one_fact_whether_applied_or_not() -> None:
    applied, extra = received(baht(150), baht(0), baht(0)), unapplied(baht(150))
    assert (applied.kind, applied.source_kind, applied.source_id) == (
        extra.kind,
        extra.source_kind,
        extra.source_id,
    )


@given(amounts, deductions, deductions)
def test_a_received_payment_balances_whatever_the_fee(gross: Money, fee: Money, fee_vat: Money) -> None:
    journal = received(gross, fee, fee_vat)
    assert differences(journal.lines) == {}
    assert journal.lines[0].amount == gross


@given(st.lists(amounts, min_size=1, max_size=8), st.integers(0, 10_000))
def test_a_fee_divided_among_receipts_is_earned_to_the_last_satang(grosses: list[Money], bp: int) -> None:
    fee = Rate(bp, 10_000).of(sum(grosses, start=Money(0)))
    shares = fee.split([gross.minor for gross in grosses])
    journals = [received(gross, share, Money(0)) for gross, share in zip(grosses, shares, strict=True)]
    lines = [line for one in journals for line in one.lines if line.account == "fees:earned"]
    assert -sum((line.amount for line in lines), start=Money(0)) == fee


@given(amounts, deductions, deductions)
def test_a_journal_and_its_reversal_leave_nothing_on_any_account(
    gross: Money, fee: Money, fee_vat: Money
) -> None:
    mistake = received(gross, fee, fee_vat)
    reversal = reversal_of(booked(mistake), "wrong fee plan", NOON)
    left = {line.account: 0 for line in mistake.lines}
    for line in mistake.lines + reversal.lines:
        left[line.account] += line.amount.minor
    assert set(left.values()) == {0}
    assert (reversal.source_kind, reversal.source_id) == ("journal", "jrn_1")


def test_a_correction_follows_a_reversal() -> None:
    mistake, right = received(baht(150), baht(9), baht(0)), received(baht(150), baht(3), baht(0))
    reversal = reversal_of(booked(mistake), "wrong fee plan", NOON)
    correction = correction_of(booked(reversal), right.lines, "fee plan of November", NOON)
    assert correction.lines == right.lines
    assert (correction.kind, correction.source_kind) == ("correction", "journal")


def test_a_mistake_that_still_stands_cannot_be_corrected() -> None:
    mistake = received(baht(150), baht(9), baht(0))
    with pytest.raises(NotReversed):
        correction_of(booked(mistake), mistake.lines, "wrong fee plan", NOON)


@pytest.mark.parametrize(
    ("gross", "fee", "fee_vat"), [(0, 0, 0), (-1, 0, 0), (100, -1, 0), (100, 0, -1)], ids=str
)
def test_amounts_of_the_wrong_sign_are_refused(gross: int, fee: int, fee_vat: int) -> None:
    with pytest.raises(WrongSign):
        received(Money(gross), Money(fee), Money(fee_vat))


def test_unapplied_money_of_nothing_is_refused() -> None:
    with pytest.raises(WrongSign):
        unapplied(Money(0))
