from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.checkout.model import Stage
from quickkub.checkout.rules import (
    LATE_MONEY_WATCH,
    is_watched,
    seconds_left,
    stage,
    text_to_draw,
    way_back,
    what_to_type,
)
from quickkub.payments.states import PaymentState
from quickkub.promptpay import BillPayment, CreditTransfer, build, ewallet, mobile, national_id
from tests.support.standings import BILL, NOON, checkout, standing

STATES = st.sampled_from(PaymentState)
SECONDS = st.integers(min_value=-100_000, max_value=100_000)


def test_every_state_of_a_payment_has_a_stage() -> None:
    assert {stage(standing(state)) for state in PaymentState} == set(Stage)


@pytest.mark.parametrize("state", [PaymentState.CREATED, PaymentState.REQUIRES_ACTION])
def test_a_qr_is_over_at_the_second_its_time_is_up_even_before_a_worker_says_so(state: PaymentState) -> None:
    assert stage(standing(state, seconds_left=1)) is not Stage.EXPIRED
    assert stage(standing(state, seconds_left=0)) is Stage.EXPIRED


def test_a_payment_nobody_can_tell_about_is_being_checked_however_late_it_is() -> None:
    assert stage(standing(PaymentState.PROCESSING, seconds_left=-86_400)) is Stage.CHECKING


@given(STATES, SECONDS)
def test_only_the_state_succeeded_is_ever_shown_as_paid(state: PaymentState, left: int) -> None:
    assert (stage(standing(state, seconds_left=left)) is Stage.PAID) == (state is PaymentState.SUCCEEDED)


@given(STATES, SECONDS)
def test_a_qr_is_handed_out_only_while_the_payer_may_pay_it(state: PaymentState, left: int) -> None:
    shown = text_to_draw(checkout(standing=standing(state, seconds_left=left)))
    assert shown == (BILL if state is PaymentState.REQUIRES_ACTION and left > 0 else None)


def test_a_started_second_counts_as_a_second() -> None:
    assert seconds_left(standing(seconds_left=10, seen_at=NOON - timedelta(milliseconds=1))) == 11
    assert seconds_left(standing(seconds_left=10, seen_at=NOON + timedelta(milliseconds=1))) == 10
    assert seconds_left(standing(seconds_left=10, seen_at=NOON + timedelta(seconds=11))) == 0


def test_a_paid_page_has_nothing_more_to_ask() -> None:
    assert not is_watched(standing(PaymentState.SUCCEEDED))


@pytest.mark.parametrize("state", [PaymentState.REQUIRES_ACTION, PaymentState.EXPIRED])
def test_an_expired_page_looks_for_late_money_for_a_while(state: PaymentState) -> None:
    assert is_watched(standing(state, seen_at=NOON + timedelta(seconds=901)))
    assert not is_watched(standing(state, seen_at=NOON + timedelta(seconds=900) + LATE_MONEY_WATCH))


@pytest.mark.parametrize("state", [PaymentState.FAILED, PaymentState.CANCELLED])
def test_a_page_that_is_over_looks_for_late_money_from_the_moment_it_ended(state: PaymentState) -> None:
    assert is_watched(standing(state, seen_at=NOON + LATE_MONEY_WATCH - timedelta(seconds=1)))
    assert not is_watched(standing(state, seen_at=NOON + LATE_MONEY_WATCH))


def test_the_way_back_to_the_shop_is_shown_once_there_is_nothing_left_to_do() -> None:
    shown = {state for state in PaymentState if way_back(checkout(state)) is not None}
    assert shown == {
        PaymentState.AUTHORIZED,
        PaymentState.SUCCEEDED,
        PaymentState.FAILED,
        PaymentState.EXPIRED,
        PaymentState.CANCELLED,
    }


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,hello", "//shop.example", "thanks", None],
)
def test_an_address_that_is_not_a_web_page_is_no_way_back(address: str | None) -> None:
    assert way_back(checkout(PaymentState.SUCCEEDED, return_url=address)) is None


def test_a_bill_is_typed_by_biller_and_references() -> None:
    payload = build(BillPayment("010555123456700", "QK01", "QKB1"))
    assert what_to_type(payload) == [("biller_id", "010555123456700"), ("ref1", "QK01"), ("ref2", "QKB1")]


def test_a_bill_without_a_second_reference_leaves_it_out() -> None:
    assert what_to_type(build(BillPayment("010555123456700", "QK01")))[-1] == ("ref1", "QK01")


def test_a_transfer_is_typed_by_its_promptpay_id_as_people_write_it() -> None:
    assert what_to_type(build(CreditTransfer(mobile("081 234 5678")))) == [("proxy_mobile", "0812345678")]
    assert what_to_type(build(CreditTransfer(national_id("1234567890121")))) == [
        ("proxy_id", "1234567890121")
    ]
    assert what_to_type(build(CreditTransfer(ewallet("004999000000001")))) == [
        ("proxy_ewallet", "004999000000001")
    ]


@pytest.mark.parametrize("payload", ["", "not a QR", BILL[:-1]])
def test_a_payload_we_cannot_read_is_not_offered_for_typing(payload: str) -> None:
    assert what_to_type(payload) == []
