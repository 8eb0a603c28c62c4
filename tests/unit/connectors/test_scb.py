"""SCB's connector without a wire: what it asks, what it makes of answers, which days it looks at."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    Account,
    Declined,
    Failure,
    Forged,
    NoAnswer,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Response,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.providers.scb import errors, wire
from quickkub.connectors.providers.scb.connector import CONNECTOR
from quickkub.connectors.providers.scb.days import days_to_ask
from quickkub.connectors.providers.scb.manifest import MANIFEST
from quickkub.connectors.providers.scb.simulator.answers import TEXTS
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import Money, baht
from tests.support.driving import TOKEN, answer, driven
from tests.support.scb import BILLER, KEY, scb_account

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)


def order(**more: Any) -> Order:
    usual = Order("QK0001", baht("100.00"), "promptpay", NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, **more)


def account(**settings: str) -> Account:
    return scb_account("https://bank.example", **settings)


def refused(status: int, code: int) -> Response:
    return answer(status, {"status": {"code": code, "description": "no"}})


# --- asking ---


def test_a_request_carries_the_bank_s_headers_and_a_fresh_id() -> None:
    first, second = (wire.creates_qr(account(), TOKEN, order()).headers for _ in range(2))
    assert first["authorization"] == "Bearer token-1" and first["resourceOwnerId"] == KEY
    assert first["content-type"] == "application/json" and first["accept-language"] == "EN"
    assert re.fullmatch(r"[0-9a-f]{32}", first["requestUId"])
    assert first["requestUId"] != second["requestUId"]


def test_the_amount_of_a_version_1_qr_is_text_and_of_others_a_number_written_exactly() -> None:
    asked = order(amount=Money(10))
    assert b'"amount":"0.10"' in wire.creates_qr(account(), TOKEN, asked).body
    assert b'"amount":0.10' in wire.creates_expiring_qr(account(), TOKEN, asked).body
    assert b'"paymentAmount":0.10' in wire.creates_deeplink(account(), TOKEN, asked).body


@given(st.integers(1, 200_000_000))
def test_no_amount_is_changed_on_its_way_out(satang: int) -> None:
    for build in (wire.creates_qr, wire.creates_expiring_qr, wire.creates_deeplink):
        body = json.loads(build(account(), TOKEN, order(amount=Money(satang))).body, parse_float=str)
        written = body.get("amount") or body["billPayment"]["paymentAmount"]
        assert written == f"{satang // 100}.{satang % 100:02d}"


def test_reference_3_begins_with_the_registered_prefix_and_is_never_too_long() -> None:
    long = order(reference="QK" + "7" * 18)
    assert wire.reference3(account(ref3_prefix="SCBX"), long) == "SCBXQK77777777777777"
    assert len(wire.reference3(account(), long)) == 20


def test_reference_2_is_sent_only_for_profiles_that_have_one() -> None:
    assert wire.reference2(account(), order()) == ""
    assert wire.reference2(account(two_references="true"), order()) == "QK0001"
    assert wire.reference2(account(two_references="true", ref2="FIXED"), order()) == "FIXED"


def test_version_2_ends_with_the_order_in_the_chosen_time_zone() -> None:
    bangkok = json.loads(wire.creates_expiring_qr(account(), TOKEN, order()).body)
    utc = json.loads(
        wire.creates_expiring_qr(account(**{"qr.v2_expiry_timezone": "UTC"}), TOKEN, order()).body
    )
    assert (bangkok["expiryDate"], utc["expiryDate"]) == ("2026-01-15 12:15:00", "2026-01-15 05:15:00")


@pytest.mark.parametrize(("seconds", "period"), [(10, 60), (60, 60), (900, 900), (1800, 1800), (86400, 1800)])
def test_a_deep_link_is_open_as_long_as_the_order_within_the_bank_s_limits(seconds: int, period: int) -> None:
    asked = order(expires_at=NOON + timedelta(seconds=seconds))
    assert json.loads(wire.creates_deeplink(account(), TOKEN, asked).body)["sessionValidityPeriod"] == period


def test_words_from_outside_cannot_leave_their_place_in_a_path() -> None:
    assert (
        wire.asks_deeplink(account(), TOKEN, "../../v1/x?y#z").path
        == "/v2/transactions/..%2F..%2Fv1%2Fx%3Fy%23z"
    )


def test_switches_are_read_with_and_without_the_provider_s_name() -> None:
    for name in ("qr.version", "scb.qr.version"):
        _, (asked,) = driven(CONNECTOR.create(account(**{name: "2"}), order()), [refused(400, 1102)])
        assert asked.path == "/v2/payment/qrcode/create"


def test_an_account_without_its_keys_asks_nothing() -> None:
    without = dataclasses.replace(account(), credentials={})
    outcome, asked = driven(CONNECTOR.token(without), [])
    assert outcome.failure is Failure.PROVIDER_MISCONFIGURED and asked == []


@pytest.mark.parametrize(
    ("body", "lives"),
    [
        ({"accessToken": "t", "expiresIn": 1800}, 1800),
        ({"accessToken": "t", "expiresIn": "900"}, 900),
        ({"accessToken": "t"}, 1800),
    ],
)
def test_a_token_is_read(body: Any, lives: int) -> None:
    said = {"status": {"code": 1000}, "data": body}
    token, (asked,) = driven(CONNECTOR.token(account()), [answer(200, said)])
    assert token.lives_seconds == lives and asked.asks_only


# --- days ---


def days(asked_at: str, now: str) -> list[str]:
    moments = [datetime.fromisoformat(f"{text}+07:00").astimezone(UTC) for text in (asked_at, now)]
    return [day.isoformat() for day in days_to_ask(order(asked_at=moments[0], now=moments[1]))]


def test_nearly_always_one_day_is_asked() -> None:
    assert days("2026-01-15T12:00:00", "2026-01-15T12:14:00") == ["2026-01-15"]


def test_around_midnight_both_days_are_asked() -> None:
    assert days("2026-01-15T23:59:00", "2026-01-16T00:01:00") == ["2026-01-15", "2026-01-16"]
    assert days("2026-01-16T00:01:00", "2026-01-16T00:02:00") == ["2026-01-15", "2026-01-16"]
    assert days("2026-01-16T00:29:59", "2026-01-16T09:00:00") == ["2026-01-15", "2026-01-16"]
    assert days("2026-01-16T00:30:00", "2026-01-16T00:31:00") == ["2026-01-16"]


def test_a_late_payment_is_found_on_every_day_since() -> None:
    assert days("2026-01-15T12:00:00", "2026-01-18T12:00:00") == [
        f"2026-01-{day}" for day in (15, 16, 17, 18)
    ]


def test_after_many_days_the_first_and_the_latest_are_asked() -> None:
    found = days("2026-01-01T12:00:00", "2026-03-01T12:00:00")
    assert found[:2] == ["2026-01-01", "2026-01-02"] and found[-1] == "2026-03-01" and len(found) == 9


@given(
    st.timedeltas(timedelta(), timedelta(days=365)),
    st.timedeltas(timedelta(), timedelta(days=8)),
    st.floats(0, 1),
)
def test_whatever_day_within_a_week_it_was_paid_on_that_day_is_asked(
    later: timedelta, since: timedelta, share: float
) -> None:
    start = NOON + later
    asked = order(asked_at=start, now=start + since)
    paid_on = (start + since * share).astimezone(BANGKOK).date()
    found = days_to_ask(asked)
    assert paid_on in found and found == sorted(set(found)) and len(found) <= 9


def test_all_days_together_take_less_time_than_a_worker_s_lease() -> None:
    asked = order(now=NOON + timedelta(days=40))
    empty = answer(200, {"status": {"code": 1000}, "data": []})
    _, requests = driven(CONNECTOR.inquire(account(), asked), [empty] * 9)
    assert len(requests) == 9
    assert sum(one.deadline_seconds for one in requests) <= 45
    assert all(one.asks_only for one in requests)


# --- concluding ---


def test_every_row_of_the_bank_s_table_has_a_meaning() -> None:
    """The pack's table 10, row by row."""
    proven_nothing_happened = {
        (400, 1101),
        (400, 1102),
        (400, 1103),
        (404, 1104),
        (400, 1105),
        (501, 4101),
        (400, 9100),
        (401, 9100),
        (401, 9300),
        (401, 9500),
        (403, 9503),
    }
    nobody_can_tell = {
        (400, 1111),
        (400, 8101),
        (500, 8101),
        (400, 8102),
        (500, 8901),
        (500, 8902),
        (500, 9700),
    }
    nobody_can_tell |= {(status, 9900) for status in (405, 415, 500, 502, 503, 504)}
    assert errors.MEANINGS.keys() == proven_nothing_happened | nobody_can_tell
    for pair in proven_nothing_happened:
        assert isinstance(errors.conclude(*pair), Declined), pair
    for pair in nobody_can_tell:
        assert isinstance(errors.conclude(*pair), Unknown), pair


@given(st.integers(100, 599), st.integers(0, 9999))
def test_a_pair_that_is_not_in_the_table_proves_nothing(status: int, code: int) -> None:
    if (status, code) not in errors.MEANINGS:
        assert isinstance(errors.conclude(status, code), Unknown)


def test_the_simulator_says_only_codes_the_connector_knows() -> None:
    beyond_the_table = {(404, 9900), (429, 9900)}  # no such path; the limiter, whose answer is not public
    assert TEXTS.keys() - errors.MEANINGS.keys() == beyond_the_table


def test_a_code_of_success_under_a_status_of_failure_is_no_success() -> None:
    outcome, _ = driven(CONNECTOR.create(account(), order()), [refused(500, 1000)])
    assert isinstance(outcome, Unknown)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "code",
                    "data",
                    "qrRawData",
                    "transactionId",
                    "deeplinkUrl",
                    "amount",
                    "billPayment",
                    "statusCode",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@given(st.sampled_from([200, 201, 400, 401, 404, 500, 503]), anything | st.binary(max_size=50), st.booleans())
def test_whatever_the_bank_writes_the_connector_concludes_and_never_that_money_came(
    status: int, said: Any, by_app: bool
) -> None:
    asked = order(method="scb_easy", provider_reference="T1") if by_app else order()
    for exchange in (CONNECTOR.create, CONNECTOR.inquire):
        came = answer(status, said)
        outcome, _ = driven(exchange(account(), asked), [came] * 12)
        assert isinstance(outcome, Waiting | Declined | Unknown)
        assert not isinstance(outcome, Waiting) or outcome.action is None


def row(**more: Any) -> dict[str, Any]:
    usual = {
        "reverseFlag": "",
        "payeeProxyId": BILLER,
        "amount": "100.00",
        "transactionId": "T1",
        "transactionDateandTime": "2026-01-15T12:01:00.000+07:00",
        "billPaymentRef1": "QK0001",
        "currencyCode": "764",
        "payerAccountNumber": "xxxxxx0001",
    }
    return usual | more


def inquired(rows: Any) -> Outcome:
    outcome, _ = driven(
        CONNECTOR.inquire(account(), order()), [answer(200, {"status": {"code": 1000}, "data": rows})]
    )
    found: Outcome = outcome
    return found


def test_the_same_movement_shown_twice_is_one() -> None:
    outcome = inquired([row(), row()])
    assert isinstance(outcome, Paid) and len(outcome.receipts) == 1


def test_a_movement_shown_once_as_made_and_once_as_taken_back_is_no_money() -> None:
    outcome = inquired([row(), row(reverseFlag="R")])
    assert isinstance(outcome, Waiting) and "T1" in outcome.alert


def test_one_movement_taken_back_leaves_the_other() -> None:
    outcome = inquired([row(reverseFlag="R"), row(transactionId="T2")])
    assert isinstance(outcome, Paid) and outcome.alert
    assert [receipt.transaction_id for receipt in outcome.receipts] == ["T2"]


def test_rows_of_others_beside_ours_are_left_out() -> None:
    outcome = inquired(
        [
            row(),
            row(transactionId="T2", billPaymentRef1="OTHER"),
            row(transactionId="T3", payeeProxyId="9" * 15),
        ]
    )
    assert isinstance(outcome, Paid) and len(outcome.receipts) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"amount": "x"},
        {"amount": "0.00"},
        {"transactionId": ""},
        {"transactionDateandTime": "?"},
        {"currencyCode": "000"},
    ],
)
def test_a_row_of_ours_that_cannot_be_read_is_unknown(broken: dict[str, Any]) -> None:
    assert isinstance(inquired([row(**broken)]), Unknown)


def test_a_whole_account_number_is_not_kept() -> None:
    outcome = inquired([row(payerAccountNumber="1502830001", payerName="Somchai J")])
    assert isinstance(outcome, Paid)
    assert outcome.receipts[0].payer == {"name": "Somchai J"}


TWO_DAYS = {"asked_at": NOON - timedelta(days=1)}


def test_money_one_day_proves_stands_though_the_next_day_s_answer_was_lost() -> None:
    found = answer(200, {"status": {"code": 1000}, "data": [row()]})
    outcome, asked = driven(
        CONNECTOR.inquire(account(), order(**TWO_DAYS)), [found, NoAnswer("timeout", sent=True)]
    )
    assert isinstance(outcome, Paid) and len(asked) == 2


def test_a_bank_that_does_not_answer_for_one_day_is_not_asked_for_the_next() -> None:
    outcome, asked = driven(CONNECTOR.inquire(account(), order(**TWO_DAYS)), [NoAnswer("timeout", sent=True)])
    assert isinstance(outcome, Unknown) and len(asked) == 1
    with pytest.raises(NoAnswer):
        driven(CONNECTOR.inquire(account(), order(**TWO_DAYS)), [NoAnswer("refused", sent=False)])


def test_no_such_record_is_not_paid_yet_but_a_failing_bank_says_nothing() -> None:
    for status, code, ends in (
        (404, 1104, Waiting),
        (400, 8101, Waiting),
        (500, 8101, Unknown),
        (503, 1104, Unknown),
    ):
        outcome, _ = driven(CONNECTOR.inquire(account(), order()), [refused(status, code)])
        assert isinstance(outcome, ends), (status, code)


def test_a_deep_link_the_bank_does_not_know_is_looked_for_among_the_bills() -> None:
    asked = order(method="scb_easy", provider_reference="LINK1")
    bills = answer(200, {"status": {"code": 1000}, "data": [row()]})
    outcome, requests = driven(CONNECTOR.inquire(account(), asked), [refused(404, 1104), bills])
    assert isinstance(outcome, Paid)
    assert [one.path for one in requests] == ["/v2/transactions/LINK1", "/v1/payment/billpayment/inquiry"]


def test_a_slip_whose_keys_no_bank_would_write_is_not_asked_for() -> None:
    for bank, slip in (
        ("14", "2026011500000001"),
        ("014", "../x"),
        ("014", ""),
        ("๐๑๔", "1"),
        ("014", "9" * 26),
    ):
        outcome, asked = driven(CONNECTOR.verify_slip(account(), bank, slip), [])
        assert type(outcome).__name__ == "NoSlip" and asked == []


# --- callbacks ---


def confirmation(**more: Any) -> bytes:
    usual = {
        "transactionId": "T1",
        "amount": "100",
        "transactionDateandTime": "2026-01-15T10:33:12+07:00",
        "currencyCode": "764",
        "payeeProxyId": BILLER,
        "billPaymentRef1": "QK0001",
        "payerAccountNumber": "1502830001",
    }
    return json.dumps(usual | more).encode()


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_at_all_are_refused_or_read(body: bytes) -> None:
    with pytest.raises((Forged, Unreadable)):
        CONNECTOR.read_callback(account(), RawCallback("POST", {}, {}, body))


@given(st.integers(1, 10**12))
def test_every_amount_is_the_same_money_however_it_is_written(satang: int) -> None:
    text = f"{satang // 100}.{satang % 100:02d}"
    short = text.removesuffix(".00")
    for written in (text, short):
        news = CONNECTOR.read_callback(account(), RawCallback("POST", {}, {}, confirmation(amount=written)))
        assert news.receipt is not None and news.receipt.amount == Money(satang)


def test_a_repeat_has_the_same_key_and_gets_the_same_answer() -> None:
    first, again = (
        CONNECTOR.read_callback(account(), RawCallback("POST", {}, {}, confirmation())) for _ in range(2)
    )
    assert first.event_key == again.event_key == "T1"
    answers = {CONNECTOR.answer_callback(account(), news).body for news in (first, again)}
    assert len(answers) == 1


def test_a_callback_s_unmasked_payer_is_not_kept() -> None:
    news = CONNECTOR.read_callback(account(), RawCallback("POST", {}, {}, confirmation()))
    assert news.receipt is not None and "1502830001" not in repr(news.receipt)


@pytest.mark.parametrize(
    ("remote", "listed", "welcome"),
    [
        ("203.0.113.9", "203.0.113.0/24", True),
        ("198.51.100.7", "203.0.113.0/24, 198.51.100.7", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("192.0.2.1", "203.0.113.0/24", False),
        ("nonsense", "203.0.113.0/24", False),
        ("203.0.113.9", "nonsense", False),
        ("192.0.2.1", "", True),
        (None, "203.0.113.0/24", True),
    ],
)
def test_a_list_of_networks_is_kept_to(remote: str | None, listed: str, welcome: bool) -> None:
    raw = RawCallback("POST", {}, {}, confirmation(), remote)
    held = account(callback_ip_allowlist=listed)
    if welcome:
        assert CONNECTOR.read_callback(held, raw).event_key == "T1"
    else:
        with pytest.raises(Forged):
            CONNECTOR.read_callback(held, raw)


def test_callbacks_are_only_believed_when_the_switch_says_so() -> None:
    assert not CONNECTOR.trusts_callbacks(account())
    assert CONNECTOR.trusts_callbacks(account(callback_confirm_by_inquiry="false"))


def test_every_switch_has_a_default_its_own_pattern_accepts() -> None:
    for field in MANIFEST.fields:
        if field.default and field.pattern:
            assert re.fullmatch(field.pattern, field.default), field.name
    assert date(2026, 1, 15) == NOON.date()
