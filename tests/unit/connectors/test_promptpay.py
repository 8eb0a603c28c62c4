"""PromptPay's connector without a wire: whose QR, whose notice, and what a statement may mean."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import (
    About,
    Account,
    Action,
    ActionKind,
    Declined,
    Failure,
    Forged,
    NoAnswer,
    Order,
    Outcome,
    Paid,
    RawCallback,
    Request,
    Response,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.connectors.particulars import loose_account
from quickkub.connectors.providers.promptpay import signing
from quickkub.connectors.providers.promptpay.connector import CONNECTOR, RESENT
from quickkub.connectors.providers.promptpay.manifest import MANIFEST, SIMULATED
from quickkub.connectors.providers.promptpay.receiver import is_ours
from quickkub.kernel.clock import BANGKOK
from quickkub.kernel.money import THB, USD, Money, decimal_text
from quickkub.promptpay import parse_payment

NOON: Final = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
FEED: Final = {"statement_feed": "true", "base_url": "http://127.0.0.1:1/feed"}
TX: Final = "20260115120000123456789"


def account(**settings: str) -> Account:
    return loose_account(MANIFEST, {**SIMULATED, **settings})


def order(satang: int = 10_000, **more: Any) -> Order:
    usual = Order("QK1", Money(satang), "promptpay", NOON, NOON + timedelta(minutes=15), NOON)
    return dataclasses.replace(usual, **more)


def driven(exchange: Any, *answers: Response | NoAnswer) -> tuple[list[Request], Outcome]:
    """What an exchange asks, with these answers in turn, and what it concludes."""
    asked: list[Request] = []
    try:
        asked.append(next(exchange))
        for answer in answers:
            lost = isinstance(answer, NoAnswer)
            asked.append(exchange.throw(answer) if lost else exchange.send(answer))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it also asks {asked[-1].path}")


def line(**more: Any) -> dict[str, Any]:
    usual = {
        "type": "credit",
        "transaction_id": TX,
        "amount": "100.00",
        "currency": "THB",
        "time": "2026-01-15T12:00:00+07:00",
        "receiver": "0812345678",
    }
    return {**usual, **more}


def statement(*lines: dict[str, Any], day: str = "2026-01-15", **more: Any) -> Response:
    words = {"receiver": "0812345678", "from": day, "to": day, "lines": list(lines), **more}
    return signed(json.dumps(words).encode())


def signed(body: bytes) -> Response:
    return Response(200, {signing.HEADER: signing.signature(SIMULATED["notification_secret"], body)}, body)


def notice(body: bytes, secret: str = SIMULATED["notification_secret"]) -> RawCallback:
    return RawCallback("POST", {signing.HEADER: signing.signature(secret, body)}, {}, body)


@given(st.integers(1, 200_000_000))
def test_the_qr_asks_for_exactly_the_amount_and_pays_exactly_the_merchant(satang: int) -> None:
    asked, outcome = driven(CONNECTOR.create(account(), order(satang)))
    assert not asked and isinstance(outcome, Waiting) and isinstance(outcome.action, Action)
    found = parse_payment(outcome.action.value)
    assert outcome.action.kind is ActionKind.DISPLAY_QR
    assert found.amount == Money(satang) and found.proxy is not None and found.proxy.id == "0812345678"


def test_only_baht_is_asked_for() -> None:
    _, outcome = driven(CONNECTOR.create(account(), order(amount=Money(100, USD))))
    assert isinstance(outcome, Declined) and outcome.failure is Failure.CURRENCY_REFUSED


@pytest.mark.parametrize("later", [timedelta(0), RESENT - timedelta(seconds=1)])
def test_a_first_creation_asks_nobody_even_with_a_feed(later: timedelta) -> None:
    asked, outcome = driven(CONNECTOR.create(account(**FEED), order(now=NOON + later)))
    assert not asked and isinstance(outcome, Waiting)


def test_a_resent_order_whose_lookup_is_lost_is_not_shown_again() -> None:
    exchange = CONNECTOR.create(account(**FEED), order(now=NOON + RESENT))
    with pytest.raises(NoAnswer):
        driven(exchange, NoAnswer("timeout", sent=True))  # the line makes an Unknown of it


@pytest.mark.parametrize(
    ("shown", "own"),
    [
        ("0812345678", "0812345678"),
        ("081-234-5678", "0812345678"),
        ("66812345678", "0812345678"),
        ("+66 81 234 5678", "0812345678"),
        ("0066812345678", "081 234 5678"),
        ("1234567890123", "1-2345-67890-12-3"),
    ],
)
def test_one_id_in_two_spellings_is_one_id(shown: str, own: str) -> None:
    assert is_ours(account(promptpay_id=own), shown)


@pytest.mark.parametrize(
    "shown", ["", "-", "0812345679", "812345678", "xxx-xxx-5678", "๐๘๑๒๓๔๕๖๗๘", "0812345678 x"]
)
def test_another_or_a_half_hidden_id_is_not_ours(shown: str) -> None:
    assert not is_ours(account(), shown)


def test_an_account_without_an_id_owns_nothing() -> None:
    nobody = dataclasses.replace(account(), settings={})
    assert not is_ours(nobody, "") and not is_ours(nobody, "0812345678")


@given(st.binary(max_size=300))
def test_no_signed_notice_breaks_the_reader(body: bytes) -> None:
    try:
        found = CONNECTOR.read_callback(account(), notice(body)).event_key
    except (Forged, Unreadable) as refused:
        found = refused.code
    assert found, "it is read, or refused by its name"


@given(st.binary(max_size=100), st.text(max_size=70))
def test_a_notice_without_the_signature_is_never_read(body: bytes, mark: str) -> None:
    raw = RawCallback("POST", {signing.HEADER: mark}, {}, body)
    with pytest.raises(Forged):
        CONNECTOR.read_callback(account(), raw)


@given(
    st.integers(1, 10**12),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001 -- a wall clock
)
def test_a_notice_is_read_exactly(satang: int, at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=BANGKOK)
    words = line(amount=decimal_text(Money(satang)), time=at.isoformat())
    news = CONNECTOR.read_callback(account(), notice(json.dumps(words).encode()))
    assert news.receipt is not None and news.about is About.PAYMENT and news.reference == ""
    assert (news.receipt.amount, news.receipt.paid_at) == (Money(satang, THB), at)
    assert news.receipt.transaction_id == news.event_key == TX


def test_one_changed_byte_makes_a_notice_a_forgery() -> None:
    body = json.dumps(line()).encode()
    raw = notice(body)
    with pytest.raises(Forged):
        CONNECTOR.read_callback(account(), dataclasses.replace(raw, body=body.replace(b"100.00", b"900.00")))


def test_without_a_secret_nothing_is_believed() -> None:
    deaf = dataclasses.replace(account(), credentials={})
    assert not CONNECTOR.trusts_callbacks(deaf) and CONNECTOR.trusts_callbacks(account())
    with pytest.raises(Forged):
        CONNECTOR.read_callback(deaf, notice(json.dumps(line()).encode(), secret=""))


@given(
    st.integers(9_000, 11_000),
    st.integers(-86_400, 2 * 86_400),
    st.sampled_from(["", "QK1", "QK2"]),
    st.booleans(),
)
def test_a_statement_line_is_ours_by_its_reference_or_by_an_amount_only_we_have(
    satang: int, seconds: int, reference: str, unique: bool
) -> None:
    at = NOON + timedelta(seconds=seconds)
    words = line(amount=decimal_text(Money(satang)), time=at.isoformat(), reference=reference or None)
    asks = account(**FEED, **({"match_by_amount": "true"} if unique else {}))
    known = order(now=NOON + timedelta(hours=1))
    _, outcome = driven(CONNECTOR.inquire(asks, known), statement(words))
    in_time = -120 <= seconds < 900 + 86_400
    by_amount = unique and not reference and satang == 10_000 and in_time
    assert isinstance(outcome, Paid) == (reference == "QK1" or by_amount)
    assert isinstance(outcome, Paid | Waiting)


def test_an_inquiry_long_after_looks_no_further_than_money_can_be_the_order_s() -> None:
    known = order(now=NOON + timedelta(days=300))
    exchange = CONNECTOR.inquire(account(**FEED), known)
    assert dict(next(exchange).query) == {"from": "2026-01-15", "to": "2026-01-16"}  # type: ignore[union-attr]


def test_a_feed_that_never_ends_is_given_up_and_the_report_says_so() -> None:
    pages = [statement(line(transaction_id=f"T{n}"), next=f"T{n}") for n in range(50)]
    day = NOON.date()
    asked, outcome = driven(CONNECTOR.report(account(**FEED), day, day), *pages)
    assert len(asked) == 50
    report: Any = outcome
    assert (len(report.lines), report.complete) == (50, False)


def test_a_statement_that_breaks_off_never_says_not_paid_by_amount() -> None:
    pages = [statement(line(transaction_id=f"T{n}", amount="1.00"), next=f"T{n}") for n in range(50)]
    _, outcome = driven(CONNECTOR.inquire(account(**FEED), order()), *pages)
    assert isinstance(outcome, Unknown)
