"""KBank's connector without a wire: which product is asked, what it makes of answers, what it never does."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Declined,
    Doing,
    Done,
    Failure,
    NoAnswer,
    NotSent,
    Outcome,
    Paid,
    Payer,
    Unknown,
    Waiting,
    Works,
)
from quickkub.connectors.providers.kbank import errors, kgp_wire, qr_wire, words
from quickkub.connectors.providers.kbank.connector import CONNECTOR
from quickkub.connectors.providers.kbank.qr_text import SAMPLE, check_qr
from quickkub.connectors.providers.kbank.settlement import Settled, settle
from quickkub.connectors.providers.kbank.simulator.answers import TEXTS
from quickkub.connectors.providers.kbank.simulator.qr_text import card_qr, thai_qr
from quickkub.connectors.reading import Garbled
from quickkub.kernel.money import Money, baht
from tests.support.kbank_words import (
    BODIES,
    KEY,
    NOON,
    account,
    answer,
    driven,
    instruction,
    ok,
    order,
    refused,
    stands,
    without,
    words_of,
)

# --- published vectors (pack D) ---


def test_the_basic_header_is_the_published_one() -> None:
    request = qr_wire.asks_token(account())
    assert request.headers["authorization"] == ("Basic ZGVtby1jb25zdW1lci1pZDpkZW1vLWNvbnN1bWVyLXNlY3JldA==")
    assert request.body == b"grant_type=client_credentials"


@pytest.mark.parametrize(
    ("ident", "amount", "currency", "status", "state", "key", "expected"),
    [
        ("chrg_test_0001demo", "200.50", "THB", "success", "Authorized", KEY,
         "6b7005ef806e061f36659eef038ec89b02ec8bd81b9ea78bc96eac7c7cdc0ab4"),
        ("chrg_test_0002demo", "15", "USD", "success", "Authorized", KEY,
         "cdeb782c0ed2d384598701e7d49558049c54e3bfc8d360af467285aafcbc1bf4"),
        ("chrg_test_0003demo", "1000.0", "THB", "fail", "Declined", KEY,
         "420d2588aff3bcd377a1f4395e82d86369bc2bcba97c60861fd3d16e036f8ddc"),
        ("chrg_test_0004qrdemo", "0.01", "THB", "success", "Authorized", "skey_prod_demoSECRET0002",
         "1d30c4399d69360076f6b769a5ee9db87c80d32aef07debe11fe4b6141b11d7f"),
    ],
)  # fmt: skip
def test_the_checksum_is_the_published_one(
    ident: str, amount: str, currency: str, status: str, state: str, key: str, expected: str
) -> None:
    for written in (Decimal(amount), amount):
        body = {
            "id": ident,
            "amount": written,
            "currency": currency,
            "status": status,
            "transaction_state": state,
        }
        assert kgp_wire.checksum(body, key) == expected
        assert kgp_wire.is_genuine({**body, "checksum": expected.upper()}, key)
        assert not kgp_wire.is_genuine({**body, "checksum": kgp_wire.checksum(body, "")}, "")


def test_the_documented_qr_is_taken_by_test_accounts_only() -> None:
    assert check_qr(SAMPLE, baht("12.81"), is_test=False) == SAMPLE
    assert check_qr(SAMPLE, baht("100.50"), is_test=True) == SAMPLE
    with pytest.raises(Garbled, match="another amount"):
        check_qr(SAMPLE, baht("100.50"), is_test=False)


# --- QR texts ---


@given(st.integers(1, 200_000_000))
def test_every_qr_of_the_bank_is_read_back_with_its_amount(satang: int) -> None:
    amount = Money(satang)
    for text in (thai_qr("LEX00000001", "ABC", amount), card_qr(7, amount)):
        assert check_qr(text, amount, is_test=False) == text
        with pytest.raises(Garbled):
            check_qr(text, Money(satang + 1), is_test=False)


@given(st.text(max_size=200))
def test_no_other_text_is_taken_for_a_qr(text: str) -> None:
    with pytest.raises(Garbled):
        check_qr(text, baht("100.50"), is_test=False)


# --- requests ---


def test_a_creation_is_named_by_our_reference_and_all_else_by_something_fresh() -> None:
    _, (made,) = driven(CONNECTOR.create(account(), order()), [refused("general_error")])
    assert words_of(made)["partnerTxnUid"] == "QK2601150001"
    uids = {words.fresh_uid() for _ in range(500)}
    assert len(uids) == 500 and all(re.fullmatch("[A-Z0-9]{15}", uid) for uid in uids)
    for doing in (Doing.CANCEL, Doing.REFUND):
        _, (told,) = driven(CONNECTOR.instruct(account(), order(), instruction(doing)), [ok()])
        assert words_of(told)["partnerTxnUid"] not in ("QK2601150001", "QK26011500A1")
        assert words_of(told)["origPartnerTxnUid"] == "QK2601150001"


def test_amounts_are_written_in_baht_with_two_decimals() -> None:
    _, (made,) = driven(CONNECTOR.create(account(), order(amount=baht("100"))), [refused("general_error")])
    assert b'"txnAmount":100.00' in made.body
    card = order(method="card", amount=baht("0.10"), payer=Payer(card_token="tokn_test_1"))
    _, (charged,) = driven(CONNECTOR.create(account(), card), [answer(500, {})])
    assert b'"amount":0.10' in charged.body and charged.host == "kgp"


def test_only_the_sandbox_s_own_address_gets_its_headers() -> None:
    assert qr_wire.is_exercise(account())
    assert not qr_wire.is_exercise(account(base_url="http://127.0.0.1:3111"))
    assert qr_wire.is_exercise(account(base_url="http://127.0.0.1:3111", test_mode="true"))
    assert not qr_wire.is_exercise(account(test_mode="off"))
    assert not qr_wire.is_exercise(dataclasses.replace(account(), mode="live"))


@pytest.mark.parametrize("name", ["partner_id", "merchant_id", "consumer_secret", "partner_secret"])
def test_an_account_that_lacks_something_asks_nothing(name: str) -> None:
    outcome, asked = driven(CONNECTOR.create(without(name), order()))
    assert isinstance(outcome, Declined) and outcome.failure is Failure.PROVIDER_MISCONFIGURED
    assert name in outcome.message and asked == []


def test_what_kgp_made_stays_with_kgp_when_the_switch_is_turned() -> None:
    turned = account(promptpay_by="openapi")
    _, (asked,) = driven(
        CONNECTOR.inquire(turned, order(provider_reference="chrg_test_1")), [answer(500, {})]
    )
    assert (asked.host, asked.path) == ("kgp", "/qr/v2/qr/chrg_test_1")
    _, (asked,) = driven(CONNECTOR.inquire(account(promptpay_by="kgp"), order()), [answer(500, {})])
    assert asked.host == "kgp"


def test_an_account_with_keys_of_kgp_only_makes_its_qrs_there() -> None:
    _, (asked,) = driven(CONNECTOR.create(without("consumer_id"), order()), [answer(500, {})])
    assert (asked.host, asked.path) == ("kgp", "/qr/v2/order")


def test_a_charge_id_cannot_lead_to_another_path() -> None:
    odd = order(method="card", provider_reference="../void?x=1")
    _, (asked,) = driven(CONNECTOR.inquire(account(), odd), [answer(500, {})])
    assert asked.path == "/card/v2/charge/..%2Fvoid%3Fx%3D1"


# --- answers ---


@pytest.mark.parametrize("code", sorted({code for code, _ in TEXTS.values()} | set(errors.MEANINGS)))
def test_every_documented_code_is_known_and_keeps_its_word(code: str) -> None:
    outcome, _ = driven(CONNECTOR.create(account(), order()), [refused(code, "Something (EMX)")])
    if errors.MEANINGS[code] is None:
        assert isinstance(outcome, Unknown) and code in outcome.cause
    else:
        assert isinstance(outcome, Declined) and outcome.provider_code == f"{code}/EMX"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("code", sorted(errors.MEANINGS))
def test_no_word_makes_a_server_error_a_refusal(status: int, code: str) -> None:
    for exchange in (
        CONNECTOR.create(account(), order()),
        CONNECTOR.inquire(account(), order()),
        CONNECTOR.instruct(account(), order(), instruction()),
        CONNECTOR.instruct(account(), order(), instruction(Doing.CANCEL)),
    ):
        outcome, _ = driven(exchange, [refused(code, "Something (EMX)", status)])
        assert isinstance(outcome, Unknown), (status, code)


@given(st.sampled_from([200, 400, 401, 404, 500]), BODIES)
def test_no_answer_out_of_the_blue_says_paid_or_done(status: int, body: dict[str, Any]) -> None:
    card = order(method="card", provider_reference="chrg_test_1", payer=Payer(card_token="tokn_test_1"))
    came = [answer(status, body)] * 4
    outcomes: list[Outcome | Done | object] = [
        driven(CONNECTOR.create(account(), order()), came)[0],
        driven(CONNECTOR.inquire(account(), order()), came)[0],
        driven(CONNECTOR.create(account(), card), came)[0],
        driven(CONNECTOR.instruct(account(), order(), instruction()), came)[0],
        driven(CONNECTOR.instruct(account(), card, instruction()), came)[0],
        driven(CONNECTOR.inquire_instruction(account(), card, instruction()), came)[0],
    ]
    assert not any(isinstance(outcome, Paid | Done | Works) for outcome in outcomes), outcomes


@given(st.integers(1, 200_000_000), st.integers(1, 200_000_000))
def test_paid_is_only_the_amount_that_was_asked(asked: int, said: int) -> None:
    text = f"{said // 100}.{said % 100:02d}"
    outcome, _ = driven(
        CONNECTOR.inquire(account(), order(amount=Money(asked))), [stands("PAID", txnAmount=text)]
    )
    assert isinstance(outcome, Paid) == (asked == said)


@pytest.mark.parametrize("number", ["APIC1579000000001", "", None, "26440008x", "-1"])
def test_without_a_payment_number_nobody_can_tell_which_payment_it_was(number: str | None) -> None:
    outcome, _ = driven(CONNECTOR.inquire(account(), order()), [stands("PAID", txnNo=number)])
    assert isinstance(outcome, Unknown)


def test_a_whole_card_number_is_not_kept() -> None:
    came = stands("PAID", cardNo="4147930000000001", cardScheme="VISA")
    outcome, _ = driven(CONNECTOR.inquire(account(), order(method="qr_credit")), [came])
    assert isinstance(outcome, Paid) and dict(outcome.receipts[0].payer) == {"scheme": "VISA"}


def test_a_card_qr_is_asked_for_until_ten_minutes_after_its_life() -> None:
    for minutes, kind in ((5, Waiting), (19, Waiting), (20, Declined)):
        late = order(method="qr_credit", now=NOON + timedelta(minutes=minutes))
        outcome, _ = driven(CONNECTOR.inquire(account(), late), [stands("CANCELLED")])
        assert isinstance(outcome, kind), minutes


@pytest.mark.parametrize(
    ("now", "is_asked"),
    [("2026-01-15T23:59:59+07:00", True), ("2026-01-16T00:00:00+07:00", False)],
)
def test_a_void_is_asked_for_on_its_day_only(now: str, is_asked: bool) -> None:
    told = instruction(now=datetime.fromisoformat(now))
    outcome, asked = driven(CONNECTOR.instruct(account(), order(), told), [ok()])
    assert bool(asked) is is_asked
    assert isinstance(outcome, Done) or outcome.failure is Failure.NOT_ALLOWED_NOW


def test_a_qr_made_before_midnight_and_paid_after_it_can_still_be_voided() -> None:
    late = order(asked_at=datetime(2026, 1, 15, 16, 55, tzinfo=UTC))
    told = instruction(now=datetime(2026, 1, 15, 20, 0, tzinfo=UTC))
    outcome, _ = driven(CONNECTOR.instruct(account(), late, told), [ok()])
    assert isinstance(outcome, Done)


def test_a_number_that_cannot_be_asked_for_means_that_no_void_was_sent() -> None:
    card = order(method="qr_credit")
    told = instruction(transaction_id=None)
    for came in (
        NoAnswer("no answer", sent=True),
        refused("general_error"),
        stands("REQUESTED", txnNo="APIC1"),
    ):
        outcome, asked = driven(CONNECTOR.instruct(account(), card, told), [came])
        assert isinstance(outcome, NotSent) and len(asked) == 1 and asked[0].asks_only


def test_captures_that_kbank_does_not_have_are_refused_without_a_call() -> None:
    for method in ("promptpay", "card", "kplus"):
        named = order(method=method, provider_reference="chrg_test_1" if method == "card" else "KMC1")
        outcome, asked = driven(CONNECTOR.instruct(account(), named, instruction(Doing.CAPTURE)))
        assert isinstance(outcome, Declined) and outcome.failure is Failure.NOT_ALLOWED_NOW and asked == []


# --- settlement and the live check ---


def test_a_settlement_tells_its_total() -> None:
    came = ok(
        settlementAmount=1250.75, settlementCurrencyCode="THB", accountNo="xxx-x-x1234-x", accountName="A"
    )
    outcome, (asked,) = driven(settle(account(), NOON), [came])
    assert outcome == Settled(baht("1250.75"), "xxx-x-x1234-x", "A")
    assert words_of(asked)["terminalId"] == "09000107" and words_of(asked)["qrType"] == "3"
    nothing, _ = driven(settle(account(), NOON), [ok(settlementAmount=0, settlementCurrencyCode="THB")])
    assert nothing == Settled(Money(0), "", "")


def test_a_settlement_at_night_is_refused_by_the_bank() -> None:
    outcome, _ = driven(settle(account(), NOON), [refused("settlement_error", "Closed (EMSMSG)")])
    assert isinstance(outcome, Declined) and outcome.provider_code == "settlement_error/EMSMSG"
    outcome, asked = driven(settle(without("terminal_id"), NOON))
    assert isinstance(outcome, Declined) and asked == []


def test_an_account_without_any_keys_does_not_work() -> None:
    nothing = dataclasses.replace(account(), credentials={})
    outcome, asked = driven(CONNECTOR.check(nothing))
    assert isinstance(outcome, Declined) and asked == []


def test_a_plain_refusal_of_a_token_is_a_matter_of_configuration() -> None:
    exchange = CONNECTOR.token(account())
    next(exchange)
    with pytest.raises(StopIteration) as end:
        exchange.send(answer(401, {"error": "invalid_client"}))
    assert isinstance(end.value.value, Declined)
