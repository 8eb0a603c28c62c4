"""What merchants may subscribe to, and what answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.payments.states import PaymentState
from quickkub.webhooks.answers import Delivered, NotReached, Refused
from quickkub.webhooks.event import StoredEvent, body_of
from quickkub.webhooks.rules import (
    EVENT_TYPES,
    DescriptionInvalid,
    UnknownEventType,
    description,
    judge,
    subscription,
)
from quickkub.webhooks.schedule import DELAYS

LAST = len(DELAYS) + 1


def test_every_state_of_a_payment_can_be_subscribed_to() -> None:
    assert {f"payment.{state.value}" for state in PaymentState} <= set(EVENT_TYPES)


def test_a_subscription_names_known_events_once_each() -> None:
    assert subscription(["payment.succeeded", "payment.failed", "payment.succeeded"]) == [
        "payment.failed",
        "payment.succeeded",
    ]
    assert subscription([]) == []


@pytest.mark.parametrize(
    "name", ["", "*", "payment", "payment.paid", "Payment.succeeded", "payment.succeeded "]
)
def test_an_unknown_event_is_refused(name: str) -> None:
    with pytest.raises(UnknownEventType):
        subscription(["payment.succeeded", name])


@pytest.mark.parametrize("text", ["a" * 501, "a\0b", "a\nb", "a\u202eb"])
def test_a_description_is_short_and_printable(text: str) -> None:
    with pytest.raises(DescriptionInvalid):
        description(text)
    assert (description("ร้านกาแฟ"), description("")) == ("ร้านกาแฟ", None)


@given(st.integers(200, 299), st.integers(1, LAST))
def test_any_2xx_is_delivered(status: int, tries: int) -> None:
    assert judge(Delivered(status, "ok"), tries, 0.5).state == "delivered"


@given(st.integers(100, 599).filter(lambda s: not 200 <= s <= 299 and s != 410), st.integers(1, LAST - 1))
def test_any_other_answer_is_tried_again(status: int, tries: int) -> None:
    verdict = judge(Refused(status, "no"), tries, 0.5)
    assert (verdict.state, verdict.wait_seconds, verdict.status) == ("pending", DELAYS[tries - 1], status)


def test_no_answer_is_tried_again() -> None:
    verdict = judge(NotReached("nobody there"), 1, 0.5)
    assert (verdict.state, verdict.error, verdict.status) == ("pending", "nobody there", None)


def test_after_the_last_try_it_is_a_dead_letter() -> None:
    assert judge(Refused(500, "no"), LAST, 0.5).state == "dead"
    assert judge(NotReached("nobody there"), LAST, 0.5).state == "dead"
    assert judge(Refused(503, "no", retry_after=60), LAST, 0.5).state == "dead"


def test_gone_is_final_at_once_and_concerns_the_endpoint() -> None:
    verdict = judge(Refused(410, "gone"), 1, 0.5)
    assert (verdict.state, verdict.endpoint_gone) == ("dead", True)


def test_a_redirect_says_that_it_was_not_followed() -> None:
    assert judge(Refused(302, ""), 1, 0.5).error == "redirects are not followed"


EVENT = StoredEvent(
    id="evt_1",
    mode="test",
    type="payment.succeeded",
    object_id="pay_1",
    version=3,
    data={"object": {"b": 1, "a": "กาแฟ ☕", "amount": 15_000}},
    created_at=datetime(2026, 11, 23, 5, 0, 0, 999_999, tzinfo=UTC),
)


def test_the_body_is_compact_sorted_utf8() -> None:
    assert body_of(EVENT).decode() == (
        '{"api_version":"2026-11-23","created_at":"2026-11-23T05:00:00Z",'
        '"data":{"object":{"a":"กาแฟ ☕","amount":15000,"b":1}},'
        '"id":"evt_1","mode":"test","object":"event","type":"payment.succeeded"}'
    )


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=5))
def test_the_bytes_do_not_depend_on_the_order_of_the_keys(shown: dict[str, int | str | None]) -> None:
    def told(data: dict[str, int | str | None]) -> bytes:
        return body_of(StoredEvent("evt_1", "test", "t", "pay_1", 1, {"object": data}, EVENT.created_at))

    backwards = dict(reversed(list(shown.items())))
    assert told(shown) == told(backwards)
    assert json.loads(told(shown))["data"]["object"] == shown
