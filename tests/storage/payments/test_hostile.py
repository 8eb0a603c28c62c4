"""News in the worst order, from the worst sender, at the worst moment: attacks on payments, each tried once.

Every test here was first written to break the engine. Those that did are fixed; the rest document what holds.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import (
    About,
    Account,
    Action,
    ActionKind,
    Authorized,
    CallbackNews,
    Declined,
    Done,
    Failure,
    Paid,
    RawCallback,
    Unknown,
    Unreadable,
    Waiting,
)
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import THB, USD, Money, baht, read_decimal
from quickkub.merchants.rules import change_money_rules
from quickkub.payments import attempt_store
from quickkub.payments.service import Payments
from quickkub.storage import Database
from tests.support.shop import PAID_AT, MadeUpBank, QuietLine, Shop, open_shop, receipt

MINUTE = timedelta(minutes=1)
PRICE = baht(150)
QR = Action(ActionKind.DISPLAY_QR, "a QR")


@dataclass
class NamelessBank(MadeUpBank):
    """Calls back with its own number of an order, and sometimes without money (Krungsri, Omise)."""

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        said = json.loads(raw.body)
        money = receipt(read_decimal(said["amount"], THB), said["tx"]) if "amount" in said else None
        about = About(said.get("about", "payment"))
        return CallbackNews(said["id"], said.get("ref", ""), money, about, said.get("number", ""))


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@pytest.fixture
async def nameless(database: Database) -> Shop:
    return await open_shop(database, NamelessBank())


async def attempt_of(shop: Shop, payment: str) -> dict[str, Any]:
    attempt: dict[str, Any] = (await shop.sees(payment))["attempts"][-1]
    return attempt


async def case_kinds(shop: Shop) -> list[str]:
    return [row["kind"] for row in await shop.rows("SELECT kind FROM cases ORDER BY id")]


async def inbox_states(shop: Shop) -> list[str]:
    return [row["state"] for row in await shop.rows("SELECT state FROM inbox ORDER BY id")]


async def balance(shop: Shop, account: str) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = $1", account
    )
    return int(rows[0]["total"])


async def sound(shop: Shop) -> None:
    assert (await check_invariants(shop.db)).violations == []


async def hours_pass(shop: Shop, rounds: int = 10) -> None:
    """Long enough for every retry of a callback to have been made."""
    for _ in range(rounds):
        await shop.works()
        await shop.time_passes(timedelta(hours=1))


# --- callbacks -------------------------------------------------------------------------------------------


async def test_callbacks_that_name_no_reference_of_ours_are_each_put_away_with_their_own_payment(
    nameless: Shop,
) -> None:
    for number in ("N1", "N2", "N3"):
        nameless.bank.to_create.append(Waiting(QR, provider_reference=number))
        payment = await nameless.charges(PRICE)
        attempt = await attempt_of(nameless, payment["id"])
        nameless.bank.of[attempt["reference"]] = Paid((receipt(PRICE, f"T{number}"),))
        await nameless.is_told({"id": number, "number": number, "tx": f"T{number}", "amount": "150"})
        await nameless.works()
        assert (await nameless.sees(payment["id"]))["status"] == "succeeded"
    await hours_pass(nameless)
    assert await inbox_states(nameless) == ["applied"] * 3 and await case_kinds(nameless) == []


async def test_a_callback_that_names_no_money_does_not_keep_one_that_does_from_being_put_away(
    nameless: Shop,
) -> None:
    payment = await nameless.charges(PRICE)
    reference = (await attempt_of(nameless, payment["id"]))["reference"]
    await nameless.is_told({"id": "created", "ref": reference})
    nameless.bank.usual_inquiry = Paid((receipt(PRICE, "T1"),))
    await nameless.is_told({"id": "complete", "ref": reference, "tx": "T1", "amount": "150"})
    await hours_pass(nameless)
    assert await inbox_states(nameless) == ["applied"] * 2 and await case_kinds(nameless) == []


async def test_a_callback_of_an_order_whose_number_we_have_not_heard_yet_is_its_payment_s_money(
    nameless: Shop,
) -> None:
    """The answer was lost, and the bank calls back by the number that was in it."""
    nameless.bank.to_create.append(Unknown("the line was cut"))
    payment = await nameless.charges(PRICE)
    nameless.bank.usual_inquiry = Paid((receipt(PRICE, "T1"),), provider_reference="N1")
    await nameless.is_told({"id": "1", "number": "N1", "tx": "T1", "amount": "150"})
    for callback in await nameless.payments.claim_callbacks(50):
        await nameless.payments.work_callback(callback)
    await hours_pass(nameless)
    assert (await nameless.sees(payment["id"]))["status"] == "succeeded"
    assert await balance(nameless, "merchant:unapplied") == 0 and await case_kinds(nameless) == []
    assert await inbox_states(nameless) == ["applied"]


async def test_nobody_s_money_is_booked_although_its_provider_was_away_when_it_called(shop: Shop) -> None:
    shop.bank.to_inquire.append(Unknown("down"))
    shop.bank.usual_inquiry = Paid((receipt(baht(99), "O1"),))
    await shop.is_told({"id": "O1", "ref": "NOBODYS", "amount": "99"})
    await hours_pass(shop)
    assert await balance(shop, "merchant:unapplied") == 9_900
    assert await case_kinds(shop) == ["orphan_payment"]
    await sound(shop)


async def test_a_trusted_callback_that_is_faster_than_the_answer_teaches_the_provider_s_own_number(
    nameless: Shop,
) -> None:
    nameless.bank.trusted = True
    nameless.bank.to_create.append(Unknown("the line was cut"))
    payment = await nameless.charges(PRICE)
    reference = (await attempt_of(nameless, payment["id"]))["reference"]
    await nameless.is_told({"id": "1", "ref": reference, "number": "N1", "tx": "T1", "amount": "150"})
    await nameless.works()
    seen = await attempt_of(nameless, payment["id"])
    assert (seen["status"], seen["provider_reference"]) == ("succeeded", "N1")


async def test_a_callback_about_an_instruction_that_is_faster_than_its_answer_is_no_case(
    nameless: Shop,
) -> None:
    payment = await nameless.charges(PRICE, method="card", capture_later=True)
    nameless.bank.to_instruct.append(Unknown("the line was cut"))
    await nameless.captures(payment["id"])
    await nameless.is_told({"id": "1", "about": "instruction", "number": "I1"})
    for callback in await nameless.payments.claim_callbacks(50):
        await nameless.payments.work_callback(callback)
    nameless.bank.to_be_asked.append(Done("C1", PRICE, PAID_AT, provider_reference="I1"))
    await hours_pass(nameless)
    assert await case_kinds(nameless) == [] and await inbox_states(nameless) == ["applied"]


async def test_a_callback_about_an_instruction_nobody_gave_is_a_case_in_the_end(nameless: Shop) -> None:
    await nameless.is_told({"id": "1", "about": "instruction", "number": "I1"})
    await hours_pass(nameless)
    assert await case_kinds(nameless) == ["instruction_not_ours"]


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
async def test_a_callback_with_words_no_database_can_keep_is_refused_as_unreadable(
    shop: Shop, text: str
) -> None:
    body = b'{"id": "T1' + text.encode() + b'", "ref": "R1", "amount": "150"}'
    with pytest.raises(Unreadable):
        await shop.is_told(body)
    assert await shop.counts("inbox") == 0 and await shop.counts("refused_callbacks") == 1


# --- money -----------------------------------------------------------------------------------------------


async def test_two_odd_amounts_at_once_are_both_booked_in_the_end(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(baht(10), "T1"), receipt(baht(20), "T2")))
    await hours_pass(shop)
    assert await balance(shop, "merchant:unapplied") == 3_000
    assert (await shop.sees(payment["id"]))["captured_amount"] == 0
    await sound(shop)


async def test_money_of_another_currency_that_goes_back_breaks_no_invariant(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        await change_money_rules(tx, shop.merchant, under=0, over=0, orphans="refund")
    await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(Money(15_000, USD), "T1"),))
    await hours_pass(shop)
    (refund,) = await shop.rows("SELECT amount, currency FROM refunds")
    assert (refund["amount"], refund["currency"]) == (15_000, "USD")
    await sound(shop)


async def test_a_top_up_after_a_tolerated_shortage_is_the_payer_s(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        await change_money_rules(tx, shop.merchant, under=100, over=0, orphans="hold")
    payment = await shop.charges(PRICE)
    shop.bank.usual_inquiry = Paid((receipt(baht(149), "T1"), receipt(baht(1), "T2")))
    await hours_pass(shop)
    assert (await shop.sees(payment["id"]))["captured_amount"] == 14_900
    assert await balance(shop, "merchant:unapplied") == 100
    await sound(shop)


# --- the provider's own number ----------------------------------------------------------------------------


async def test_an_answer_that_comes_after_a_cancellation_still_tells_the_provider_s_number(
    database: Database,
) -> None:
    """Without it, late money could not be asked about where only the provider's number finds it."""
    shop = await open_shop(database)
    line = SlowLine()
    shop.office = replace(shop.office, line=line)
    shop.payments = Payments(shop.office)
    shop.bank.to_create.append(Waiting(QR, provider_reference="N1"))
    async with asyncio.timeout(20):
        asking = asyncio.create_task(shop.charges(PRICE))
        await line.called.wait()
        (row,) = await shop.rows("SELECT id FROM payments")
        await shop.cancels(row["id"])
        line.go_on.set()
        assert (await asking)["status"] == "cancelled"
    assert (await attempt_of(shop, row["id"]))["provider_reference"] == "N1"


class SlowLine(QuietLine):
    """A line on which the first answer comes when it is let through."""

    def __init__(self) -> None:
        self.called, self.go_on = asyncio.Event(), asyncio.Event()

    async def run(self, account: Account, exchange: Any) -> Any:
        self.called.set()
        await self.go_on.wait()
        return await super().run(account, exchange)


async def test_an_order_that_the_provider_still_shows_does_not_stay_unknown_after_another_was_paid(
    shop: Shop,
) -> None:
    second = MadeUpBank()
    await shop.opens_account("second", second)
    payment = await shop.charges(PRICE)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE attempts SET state = 'processing'")
        await tx.execute("UPDATE attempts SET state = 'unknown'")
        await tx.execute(
            "INSERT INTO attempts (merchant_id, id, payment_id, mode, provider, account_id, amount, currency,"
            " state, reference, next_check_at) SELECT merchant_id, 'att_' || md5('x'), payment_id, mode,"
            " provider, account_id, amount, currency, 'requires_action', 'OTHER', now() FROM attempts"
        )
    first = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.of["OTHER"] = Paid((receipt(PRICE, "T1"),))
    shop.bank.usual_inquiry = Waiting(QR)
    await hours_pass(shop)
    states = {one["reference"]: one["status"] for one in (await shop.sees(payment["id"]))["attempts"]}
    assert states.pop("OTHER") == "succeeded" and "unknown" not in states.values(), first


# --- holds -----------------------------------------------------------------------------------------------


async def held(shop: Shop) -> str:
    payment = await shop.charges(PRICE, method="card", capture_later=True)
    assert payment["status"] == "authorized"
    return str(payment["id"])


async def test_a_refused_void_does_not_open_a_hold_again_that_was_captured_meanwhile(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.voids(payment)
    shop.bank.usual_inquiry = Paid((receipt(baht(120), "P1"),))
    shop.bank.to_be_asked.extend([Unknown("down")] * 3)
    await shop.time_passes(timedelta(hours=2))
    for attempt in await shop.payments.claim_attempts(50):
        await shop.payments.check_attempt(attempt)
    assert (await shop.sees(payment))["status"] == "succeeded"
    shop.bank.to_be_asked.clear()
    shop.bank.to_be_asked.append(Declined(Failure.NOT_ALLOWED_NOW, "V9", "it was captured"))
    await hours_pass(shop, 2)
    assert (await shop.sees(payment))["capturable_amount"] == 0
    await sound(shop)


async def test_a_capture_that_took_another_amount_is_in_the_books_and_before_a_person(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Done("C1", baht(149), PAID_AT))
    await shop.captures(payment)
    shop.bank.usual_inquiry = Paid((receipt(baht(149), "C1"),))
    shop.bank.to_be_asked.extend([Done("C1", baht(149), PAID_AT)] * 50)
    await hours_pass(shop, 3)
    assert await balance(shop, "merchant:unapplied") == 14_900
    assert "instruction_amount_mismatch" in await case_kinds(shop)
    await sound(shop)


async def test_captures_that_were_made_at_the_provider_are_not_given_back_by_rule(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        await change_money_rules(tx, shop.merchant, under=0, over=0, orphans="refund")
    payment = await held(shop)
    shop.bank.usual_inquiry = Paid((receipt(baht(60), "P1"), receipt(baht(50), "P2")))
    await hours_pass(shop, 4)
    assert (await shop.sees(payment))["captured_amount"] == 6_000
    assert await balance(shop, "merchant:unapplied") == 5_000
    assert await shop.counts("refunds") == 0, "the merchant took it by itself; a person decides"
    await sound(shop)


async def test_a_hold_that_is_said_to_be_gone_while_a_capture_is_under_way_loses_no_money(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.to_instruct.append(Unknown("the line was cut"))
    await shop.captures(payment, baht(100), final=False)
    shop.bank.usual_inquiry = Declined(Failure.DECLINED, "H1", "no hold here")
    await shop.time_passes(timedelta(hours=2))
    for attempt in await shop.payments.claim_attempts(50):
        await shop.payments.check_attempt(attempt)
    assert (await shop.sees(payment))["status"] == "cancelled"
    shop.bank.to_be_asked.append(Done("C1", baht(100), PAID_AT))
    await hours_pass(shop, 2)
    seen = await shop.sees(payment)
    assert (seen["status"], seen["captured_amount"], seen["capturing_amount"]) == ("succeeded", 10_000, 0)
    assert await balance(shop, "merchant:payable") == 10_000
    await sound(shop)


async def test_a_capture_whose_movement_was_booked_as_nobody_s_first_breaks_nothing(nameless: Shop) -> None:
    """The bank told of the movement under a name we never gave out, before it answered."""
    nameless.bank.trusted = True
    payment = await held(nameless)
    await nameless.is_told({"id": "1", "ref": "ELSEWHERE", "tx": "C1", "amount": "150"})
    await nameless.works()
    nameless.bank.to_instruct.append(Done("C1", PRICE, PAID_AT))
    after = await nameless.captures(payment)
    assert after["capturing_amount"] == 0
    assert await balance(nameless, "merchant:unapplied") == 15_000
    assert "transaction_told_twice" in await case_kinds(nameless)
    await sound(nameless)


async def test_a_hold_is_extended_or_repeated_without_effect(shop: Shop) -> None:
    payment = await held(shop)
    shop.bank.usual_inquiry = Authorized(PRICE, PAID_AT, expires_at=PAID_AT + timedelta(days=9))
    await hours_pass(shop, 3)
    assert (await shop.sees(payment))["capturable_amount"] == 15_000
    await sound(shop)


# --- doubt and its end ------------------------------------------------------------------------------------


async def unknown_ones(shop: Shop, count: int) -> list[str]:
    shop.bank.to_create.extend([Unknown("down")] * count)
    return [str((await shop.charges(PRICE))["id"]) for _ in range(count)]


async def due_now(shop: Shop) -> int:
    (row,) = await shop.rows(
        "SELECT count(*) AS n FROM attempts WHERE state = 'unknown'"
        " AND next_check_at < now() + interval '11 seconds'"
    )
    return int(row["n"])


async def settled_into_doubt(shop: Shop, checks: int) -> None:
    """Nobody could tell for long; the next inquiry is an hour away."""
    async with shop.db.transaction() as tx:
        await tx.execute(
            "UPDATE attempts SET checks = $1, next_check_at = now() + interval '1 hour',"
            " last_check_at = now() - interval '1 minute' WHERE state = 'unknown'",
            checks,
        )


async def clear_answer(shop: Shop, outcome: Any) -> None:
    payment = await shop.charges(PRICE)
    reference = (await attempt_of(shop, payment["id"]))["reference"]
    shop.bank.of[reference] = outcome
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE attempts SET next_check_at = now() WHERE reference = $1", reference)
    for attempt in await shop.payments.claim_attempts(50):
        await shop.payments.check_attempt(attempt)


async def test_a_clear_answer_wakes_what_nobody_could_tell_about(shop: Shop) -> None:
    await unknown_ones(shop, 3)
    await settled_into_doubt(shop, 7)
    await clear_answer(shop, Waiting())
    assert await due_now(shop) == 3


async def test_a_provider_that_refuses_our_credentials_is_not_asked_about_everything(shop: Shop) -> None:
    await unknown_ones(shop, 3)
    await settled_into_doubt(shop, 7)
    await clear_answer(shop, Declined(Failure.PROVIDER_MISCONFIGURED, "401", "who are you"))
    assert await due_now(shop) == 0


async def test_what_stays_unknown_while_the_provider_answers_is_asked_about_less_and_less(shop: Shop) -> None:
    await unknown_ones(shop, 3)
    await settled_into_doubt(shop, 60)
    await clear_answer(shop, Waiting())
    assert await due_now(shop) == 0


async def test_waking_does_not_wait_for_whoever_is_settling(shop: Shop) -> None:
    """It would hold some rows while it waits for others: a deadlock with everybody who locks in order."""
    (payment,) = await unknown_ones(shop, 1)
    await settled_into_doubt(shop, 7)
    (row,) = await shop.rows("SELECT * FROM attempts")
    async with shop.db.read() as reader:
        attempt = await attempt_store.find_attempt(reader, shop.merchant, row["id"])
    assert attempt is not None and attempt.payment == payment
    async with shop.db.transaction() as settling:
        await settling.execute("SELECT 1 FROM attempts FOR UPDATE")
        async with asyncio.timeout(1), shop.db.transaction() as waking:
            await attempt_store.wake_unknown(waking, attempt)


async def test_an_odd_amount_found_by_a_late_look_is_asked_about_at_once_and_not_after_minutes(
    shop: Shop,
) -> None:
    payment = await shop.charges(PRICE)
    await shop.cancels(payment["id"])
    reference = (await attempt_of(shop, payment["id"]))["reference"]
    shop.bank.of[reference] = Paid((receipt(baht(1), "ODD"),))
    for _ in range(2):
        await shop.rows("UPDATE attempts SET next_check_at = now(), checks = 7 RETURNING id")
        (claimed,) = await shop.payments.claim_attempts(1)
        await shop.payments.check_attempt(claimed)
        (row,) = await shop.rows("SELECT next_check_at - now() < interval '3 s' AS soon FROM attempts")
        (booked,) = await shop.rows("SELECT count(*) AS n FROM receipts")
        if booked["n"] == 0:
            assert row["soon"], "it is doubted, and nobody would ask for a day or ever"
    assert booked["n"] == 1
