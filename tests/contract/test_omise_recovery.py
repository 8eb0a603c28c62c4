"""Whatever goes wrong on the way to Omise and back: nothing untrue is concluded, and all is found out."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import (
    Account,
    ActionKind,
    Authorized,
    Declined,
    Doing,
    Done,
    Instruction,
    Order,
    Paid,
    Payer,
    Unknown,
    Waiting,
)
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.omise.connector import CONNECTOR
from quickkub.connectors.providers.omise.manifest import MANIFEST
from quickkub.connectors.transport import Line
from quickkub.kernel.money import Money, baht
from tests.support.omise_client import BACK, Client, running_omise

NOON = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
SPOILT = ("drop_answer", "reset", "half_body", "broken_json", "empty_body", "error_500", "error_503", "limit")


@dataclass
class Shop:
    """A merchant with an account at the simulator."""

    omise: Client
    line: Line
    account: Account

    async def creates(self, order: Order) -> Any:
        return (await self.line.run(self.account, CONNECTOR.create(self.account, order))).outcome

    async def inquires(self, order: Order) -> Any:
        return (await self.line.run(self.account, CONNECTOR.inquire(self.account, order))).outcome

    async def tells(self, order: Order, told: Instruction) -> Any:
        return (await self.line.run(self.account, CONNECTOR.instruct(self.account, order, told))).outcome

    async def asks(self, order: Order, told: Instruction) -> Any:
        exchange = CONNECTOR.inquire_instruction(self.account, order, told)
        return (await self.line.run(self.account, exchange)).outcome

    async def will(self, kind: str, operation: str, **more: Any) -> None:
        fault = {"kind": kind, "operation": operation, **more}
        await self.omise.control("POST", "faults", {"faults": [fault]})


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    line = Line(registry.connector)
    async with running_omise() as omise:
        account = loose_account(MANIFEST, simulator_particulars(MANIFEST, omise.url))
        yield Shop(omise, line, account)
    await line.close()


def order(method: str = "promptpay", **more: Any) -> Order:
    usual = Order("QK0001", baht("100.00"), method, NOON, NOON + timedelta(minutes=15), NOON, return_url=BACK)
    return dataclasses.replace(usual, **more)


def told(doing: Doing, amount: str = "100.00", *, minutes: int = 0, **more: Any) -> Instruction:
    captured = Money(0) if doing is Doing.CAPTURE else baht("100.00")
    now = NOON + timedelta(minutes=minutes)
    return Instruction(doing, "QKI0001", baht(amount), NOON, now, captured, Money(0), **more)


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_charge_whose_answer_is_spoilt_is_found_and_shown(shop: Shop, kind: str) -> None:
    await shop.will(kind, "charge_create")
    assert isinstance(await shop.creates(order()), Unknown)
    found = await shop.inquires(order())
    assert isinstance(found, Waiting) and found.action is not None
    assert found.action.kind is ActionKind.DISPLAY_IMAGE
    assert (await shop.omise.gets("/charges"))["total"] == 1


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_charge_that_never_came_is_nowhere(shop: Shop, kind: str) -> None:
    await shop.will(kind, "charge_create", before=True)
    assert isinstance(await shop.creates(order()), Unknown)
    assert await shop.inquires(order()) == Waiting()


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_spoilt_picture_is_fetched_the_next_time(shop: Shop, kind: str) -> None:
    await shop.will(kind, "picture")
    outcome = await shop.creates(order())
    assert isinstance(outcome, Unknown) and outcome.provider_reference is None
    found = await shop.inquires(order())
    assert isinstance(found, Waiting) and found.action is not None


@pytest.mark.parametrize("kind", [*SPOILT, "wrong_amount", "wrong_currency"])
@pytest.mark.parametrize("operation", ["search", "charge_get"])
async def test_a_spoilt_question_never_says_that_nothing_was_paid(
    shop: Shop, kind: str, operation: str
) -> None:
    await shop.creates(order())
    await shop.omise.control("POST", "payments/QK0001/pay", {})
    await shop.will(kind, operation)
    first = await shop.inquires(order())
    # A search only finds the name of what is then asked for, so its amounts decide nothing.
    assert isinstance(first, Unknown | Paid) and not (isinstance(first, Paid) and operation == "charge_get")
    second = await shop.inquires(order())
    assert isinstance(second, Paid) and second.receipts[0].amount == baht("100.00")


@pytest.mark.parametrize("kind", [*SPOILT, "wrong_amount", "wrong_currency"])
async def test_a_refund_whose_answer_is_spoilt_is_found_and_made_once(shop: Shop, kind: str) -> None:
    sold = await _sold(shop)
    await shop.will(kind, "refund_create")
    assert isinstance(await shop.tells(sold, told(Doing.REFUND, "40.00")), Unknown)
    done = await shop.asks(sold, told(Doing.REFUND, "40.00", minutes=1))
    assert isinstance(done, Done) and done.amount == baht("40.00")
    again = await shop.tells(sold, told(Doing.REFUND, "40.00"))
    assert again == done
    assert (await shop.omise.gets("/refunds"))["total"] == 1


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_refund_that_never_came_is_proven_after_five_minutes(shop: Shop, kind: str) -> None:
    sold = await _sold(shop)
    await shop.will(kind, "refund_create", before=True)
    assert isinstance(await shop.tells(sold, told(Doing.REFUND)), Unknown)
    assert isinstance(await shop.asks(sold, told(Doing.REFUND, minutes=4)), Unknown)
    assert isinstance(await shop.asks(sold, told(Doing.REFUND, minutes=5)), Declined)


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize(
    ("doing", "operation"),
    [(Doing.CAPTURE, "capture"), (Doing.VOID, "reverse"), (Doing.CANCEL, "expire")],
)
async def test_an_instruction_whose_answer_is_spoilt_shows_in_the_charge(
    shop: Shop, doing: Doing, operation: str, kind: str
) -> None:
    asked = await _waiting(shop) if doing is Doing.CANCEL else await _held(shop)
    await shop.will(kind, operation)
    assert isinstance(await shop.tells(asked, told(doing)), Unknown)
    assert isinstance(await shop.asks(asked, told(doing, minutes=1)), Done)


async def test_a_hold_is_captured_in_part_and_paid_so_much(shop: Shop) -> None:
    held = await _held(shop)
    done = await shop.tells(held, told(Doing.CAPTURE, "60.00"))
    assert isinstance(done, Done) and done.amount == baht("60.00")
    paid = await shop.inquires(held)
    assert isinstance(paid, Paid) and paid.receipts[0].transaction_id == done.transaction_id
    assert paid.receipts[0].amount == baht("60.00")


async def test_a_storm_of_faults_leaves_one_charge_and_one_receipt(shop: Shop) -> None:
    await shop.creates(order())
    await shop.omise.control("POST", "payments/QK0001/pay", {})
    chance = {"seed": 41, "percent": 60, "kinds": [*SPOILT, "wrong_amount", "wrong_currency"]}
    await shop.omise.control("POST", "faults", {"chance": chance})
    heard = [await shop.inquires(order()) for _ in range(40)]
    assert {type(one) for one in heard} == {Unknown, Paid}
    receipts = [one.receipts for one in heard if isinstance(one, Paid)]
    assert all(one == receipts[0] for one in receipts) and len(receipts[0]) == 1
    await shop.omise.control("DELETE", "faults")
    assert isinstance(await shop.inquires(order()), Paid)


async def _waiting(shop: Shop) -> Order:
    made = await shop.creates(order())
    assert isinstance(made, Waiting)
    return order(provider_reference=made.provider_reference)


async def _card(shop: Shop, *, capture_later: bool) -> tuple[Order, Any]:
    token = (await shop.omise.tokenises())["id"]
    asked = order("card", payer=Payer(card_token=token), capture_later=capture_later)
    made = await shop.creates(asked)
    return dataclasses.replace(asked, provider_reference=made.provider_reference), made


async def _held(shop: Shop) -> Order:
    asked, made = await _card(shop, capture_later=True)
    assert isinstance(made, Authorized)
    return asked


async def _sold(shop: Shop) -> Order:
    asked, made = await _card(shop, capture_later=False)
    assert isinstance(made, Paid)
    return asked
