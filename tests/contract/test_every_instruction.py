"""What can be done with a payment by a manifest, done at the simulator, and done with lost answers.

A fault is after the deed: the simulator has carried the instruction out when its answer is lost. Whoever says
then that nothing happened gives the money back twice.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from quickkub.connectors.contract import (
    Authorized,
    Can,
    Declined,
    Doing,
    Done,
    Failure,
    Instruction,
    Order,
    Paid,
    Unknown,
    Waiting,
)
from quickkub.kernel.money import Money
from tests.support.asking_simulators import (
    LOST,
    Asked,
    asking,
    known_as,
    offers,
    one_of_each,
    spoilt,
    told_to,
)
from tests.support.telling import told


async def paid(asked: Asked, reference: str) -> tuple[Order, Paid]:
    """An order that the payer has paid, and how the provider says so."""
    order = asked.order(reference)
    made = await asked.create(order)
    await asked.pays(made)
    found = await asked.inquire(order, made)
    assert isinstance(found, Paid), told(found)
    return known_as(known_as(order, made), found), found


def refund(order: Order, found: Paid, reference: str, **more: Any) -> Instruction:
    (receipt,) = found.receipts
    usual = told_to(
        Doing.REFUND, order, reference, captured=order.amount, transaction_id=receipt.transaction_id
    )
    return dataclasses.replace(usual, asked_at=order.now, now=order.now, **more)


async def held(asked: Asked, reference: str = "QKSIM00001") -> Order:
    """An order whose money the provider holds."""
    order = asked.order(reference, capture_later=True)
    made = await asked.create(order)
    if not isinstance(made, Authorized):
        assert isinstance(made, Waiting), told(made)
        await asked.pays(made)
        order = known_as(order, made)
        made = await asked.inquire(order, made)
    assert isinstance(made, Authorized), told(made)
    assert made.amount == order.amount
    return known_as(order, made)


@pytest.mark.parametrize(("provider", "method"), offers(Can.REFUND))
async def test_a_payment_goes_back_once(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order, found = await paid(asked, "QKSIM00001")
        told_it = refund(order, found, "QKRFD00001")
        outcome = await asked.instruct(order, told_it)
        assert isinstance(outcome, Done | Waiting), told(outcome)
        if isinstance(outcome, Done):
            assert outcome.amount == order.amount
        after = await asked.inquire_instruction(order, told_it, outcome)
        assert not isinstance(after, Declined), told(after)
        again = refund(order, found, "QKRFD00002", refunded=order.amount)
        assert not isinstance(await asked.instruct(order, again), Done)


@pytest.mark.parametrize(("provider", "method"), one_of_each(Can.REFUND, Can.REFUND_PART))
async def test_a_payment_goes_back_in_parts_and_never_more_than_all(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order, found = await paid(asked, "QKSIM00001")
        part = Money(order.amount.minor // 2)
        first = await asked.instruct(order, refund(order, found, "QKRFD00001", amount=part))
        if isinstance(first, Declined) and first.failure is Failure.NOT_ALLOWED_NOW:
            await asked.day_passes()  # some give back parts only of what they have settled
            order = dataclasses.replace(order, now=asked.now)
            first = await asked.instruct(order, refund(order, found, "QKRFD00001", amount=part))
        assert isinstance(first, Done | Waiting), told(first)
        too_much = refund(order, found, "QKRFD00002", refunded=part)
        assert not isinstance(await asked.instruct(order, too_much), Done)
        rest = refund(order, found, "QKRFD00003", amount=order.amount - part, refunded=part)
        second = await asked.instruct(order, rest)
        assert isinstance(second, Done | Waiting), told(second)


@pytest.mark.parametrize(("provider", "method"), one_of_each(Can.REFUND))
async def test_a_refund_whose_answer_is_lost_is_never_called_undone(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        for number, kind in enumerate(LOST):
            order, found = await paid(asked, f"QKSIM{number:05d}")
            told_it = refund(order, found, f"QKRFD{number:05d}")
            outcome = await spoilt(asked, kind, asked.instruct(order, told_it))
            assert outcome is None or isinstance(outcome, Unknown), (kind, told(outcome))
            after = await asked.inquire_instruction(order, told_it, outcome)
            assert isinstance(after, Done | Waiting | Unknown), (kind, told(after))


@pytest.mark.parametrize(("provider", "method"), offers(Can.AUTHORIZE))
async def test_money_is_held_and_then_taken(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order = await held(asked)
        told_it = told_to(Doing.CAPTURE, order, "QKCAP00001")
        outcome = await asked.instruct(order, told_it)
        assert isinstance(outcome, Done), told(outcome)
        assert outcome.amount == order.amount
        after = await asked.inquire_instruction(order, told_it, outcome)
        assert isinstance(after, Done | Unknown), told(after)
        found = await asked.inquire(order, outcome)
        assert isinstance(found, Paid), told(found)
        assert [r.transaction_id for r in found.receipts] == [outcome.transaction_id]
        assert found.receipts[0].amount == order.amount


@pytest.mark.parametrize(("provider", "method"), one_of_each(Can.AUTHORIZE))
async def test_a_capture_whose_answer_is_lost_is_never_called_undone(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        for number, kind in enumerate(LOST):
            order = await held(asked, f"QKSIM{number:05d}")
            told_it = told_to(Doing.CAPTURE, order, f"QKCAP{number:05d}")
            outcome = await spoilt(asked, kind, asked.instruct(order, told_it))
            assert outcome is None or isinstance(outcome, Unknown), (kind, told(outcome))
            after = await asked.inquire_instruction(order, told_it, outcome)
            assert isinstance(after, Done | Unknown), (kind, told(after))


@pytest.mark.parametrize(("provider", "method"), offers(Can.AUTHORIZE, Can.VOID))
async def test_money_that_is_let_go_is_never_paid(provider: str, method: str) -> None:
    async with asking(provider, method) as asked:
        order = await held(asked)
        outcome = await asked.instruct(order, told_to(Doing.VOID, order, "QKVOI00001"))
        assert isinstance(outcome, Done), told(outcome)
        assert not isinstance(await asked.inquire(order, outcome), Paid | Authorized)
        capture = await asked.instruct(order, told_to(Doing.CAPTURE, order, "QKCAP00001"))
        assert not isinstance(capture, Done), told(capture)


@pytest.mark.parametrize(("provider", "method"), offers(Can.CANCEL))
async def test_an_order_that_is_called_off_is_over_unless_money_comes_all_the_same(
    provider: str, method: str
) -> None:
    async with asking(provider, method) as asked:
        order = asked.order()
        made = await asked.create(order)
        known = known_as(order, made)
        outcome = await asked.instruct(known, told_to(Doing.CANCEL, known, "QKCAN00001"))
        assert isinstance(outcome, Done), told(outcome)
        newest = (await asked.control("GET", "items"))["items"][0]
        async with asked.session.post(f"{asked.url}/_sim/payments/{newest['ref']}/pay", json={}) as came:
            late = came.status == 201  # some record a cancellation and take a payment even so
        found = await asked.inquire(known, made)
        assert isinstance(found, Paid if late else Declined), told(found)
        assert (await asked.truth())["count"] == int(late)
