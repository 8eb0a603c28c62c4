"""A payment with fraud rules at work: what is sent, what is held back, and what it costs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from quickkub.connectors.contract import Can, Declined, Failure, MethodOffer, Paid, Payer, Receipt
from quickkub.fraud import store
from quickkub.fraud.decide import replay
from quickkub.fraud.facts import FactBook
from quickkub.fraud.reading import read_rule_set
from quickkub.fraud.screen import Screen
from quickkub.fraud.subject import Hints
from quickkub.kernel.money import baht
from quickkub.payments.service import Payments
from quickkub.refunds.model import Destination
from quickkub.refunds.service import Refunds
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.storage.fraud.conftest import HASHER, at_least, rule
from tests.support.shop import MANIFEST, PAID_AT, MadeUpBank, Shop, open_shop
from tests.support.statements import Statements

CARD: dict[str, Any] = {"method": "card", "hints": Hints(card="c1", device="d1")}


@pytest.fixture
async def shop(database_dsn: str) -> AsyncIterator[Shop]:
    database = (await open_database(database_dsn, size_max=1)).with_default(HOUSE)
    shop = await open_shop(database)
    shop.office = replace(shop.office, screen=Screen(HASHER, FactBook(kept_seconds=0)))
    shop.payments, shop.refunds = Payments(shop.office), Refunds(shop.office)
    yield shop
    await database.close()


async def rules(shop: Shop, *wanted: dict[str, Any], version: int = 1, **more: Any) -> None:
    async with shop.db.transaction() as tx:
        await store.add(
            tx, shop.merchant, "test", read_rule_set({"rules": [*wanted], **more}, version), "key_1"
        )


async def screening(shop: Shop, payment: str) -> str:
    (row,) = await shop.rows("SELECT screening FROM payments WHERE id = $1", payment)
    return str(row["screening"])


async def test_a_blocked_payment_has_failed_and_nothing_was_sent_to_any_provider(shop: Shop) -> None:
    await rules(shop, rule(at_least("card.10m.count", 2)))
    first, second = await shop.charges(baht(150), **CARD), await shop.charges(baht(150), **CARD)
    assert (first["status"], second["status"]) == ("requires_action", "failed")
    assert second["failure"]["code"] == "fraud_suspected"
    assert len(shop.bank.created) == 1
    assert [await screening(shop, one["id"]) for one in (first, second)] == ["passed", "blocked"]
    events = await shop.rows("SELECT type FROM events WHERE object_id = $1 ORDER BY id", second["id"])
    assert [row["type"] for row in events] == ["payment.created", "payment.failed"]


async def test_a_blocked_payment_is_answered_the_same_when_it_is_asked_again(shop: Shop) -> None:
    await rules(shop, rule(at_least("card.10m.count", 1)))
    first = await shop.asks(baht(150), "order-1", **CARD)
    again = await shop.asks(baht(150), "order-1", **CARD)
    assert json.loads(first.body)["status"] == "failed"
    assert (again.body, again.replayed) == (first.body, True)
    assert await shop.counts("fraud_decisions") == 1


async def test_a_payment_under_review_goes_on_and_is_marked(shop: Shop) -> None:
    await rules(shop, rule(at_least("amount", 10_000), action="review"))
    payment = await shop.charges(baht(150))
    assert payment["status"] == "requires_action"
    assert await screening(shop, payment["id"]) == "review"
    (review,) = await shop.rows("SELECT * FROM fraud_reviews")
    assert (review["payment_id"], review["state"]) == (payment["id"], "open")


async def decision(shop: Shop, payment: str, stage: str = "before") -> store.Decision:
    async with shop.db.read() as reader:
        found, _ = await store.decisions(
            reader, shop.merchant, "test", limit=9, starting_after=None, payment=payment, action=None
        )
    (wanted,) = [one for one in found if one.stage == stage]
    return wanted


CHALLENGE = rule(at_least("amount", 10_000), action="challenge")


async def test_a_challenged_card_proves_its_holder_and_its_money_is_not_held(shop: Shop) -> None:
    await rules(shop, CHALLENGE)
    payment = await shop.charges(baht(150), **CARD)
    assert (payment["status"], await screening(shop, payment["id"])) == ("requires_action", "challenged")
    assert [one.challenge for one in shop.bank.orders] == [True]
    told = await decision(shop, payment["id"])
    assert (told.action, told.decided_by) == ("challenge", "rule:r")
    assert told.inputs["values"]["challenge_offered"] is True
    assert await shop.counts("fraud_reviews") == 0


async def test_where_nothing_can_be_challenged_a_person_looks_and_the_decision_says_why(shop: Shop) -> None:
    await rules(shop, CHALLENGE)
    payment = await shop.charges(baht(150), method="promptpay")
    assert await screening(shop, payment["id"]) == "review"
    assert [one.challenge for one in shop.bank.orders] == [False]
    told = await decision(shop, payment["id"])
    assert (told.action, told.decided_by, told.results[0]["action"]) == ("review", "rule:r", "challenge")
    assert told.inputs["values"]["challenge_offered"] is False
    assert replay(told, read_rule_set({"rules": [CHALLENGE]}, 1)).differences == ()


async def test_who_proved_who_they_are_is_not_reviewed_for_the_same_challenge_once_they_paid(
    shop: Shop,
) -> None:
    known = rule({"field": "payer_account", "operator": "is_known"}, name="late", action="score", weight=1)
    await rules(shop, CHALLENGE, known)
    shop.bank.to_create.append(Paid((Receipt("T1", baht(150), PAID_AT, {"card": "4242", "name": "S J"}),)))
    paid = await shop.charges(baht(150), **CARD)
    assert (paid["status"], await screening(shop, paid["id"])) == ("succeeded", "challenged")
    assert (await decision(shop, paid["id"], "after")).action == "challenge"
    assert await shop.counts("fraud_reviews") == 0


async def test_a_challenge_that_comes_after_the_money_is_a_review(shop: Shop) -> None:
    late = rule({"field": "payer_account", "operator": "is_known"}, action="challenge")
    await rules(shop, late)
    shop.bank.to_create.append(Paid((Receipt("T1", baht(150), PAID_AT, {"card": "4242", "name": "S J"}),)))
    paid = await shop.charges(baht(150), **CARD)
    assert await screening(shop, paid["id"]) == "review"
    assert (await decision(shop, paid["id"], "after")).action == "review"


@pytest.mark.parametrize(("asks_too", "becomes"), [(True, "requires_action"), (False, "failed")])
async def test_who_is_challenged_never_gets_by_at_another_account_that_asks_nobody(
    shop: Shop, *, asks_too: bool, becomes: str
) -> None:
    await rules(shop, CHALLENGE)
    can = frozenset({Can.CHALLENGE}) if asks_too else frozenset()
    other = MadeUpBank(manifest=replace(MANIFEST, methods=(MethodOffer("card", 1, 1_000_000_000, can),)))
    await shop.opens_account("other", other)
    shop.bank.to_create.append(Declined(Failure.PROVIDER_UNAVAILABLE, "503", "away"))
    payment = await shop.charges(baht(150), **CARD)
    assert payment["status"] == becomes
    assert [one.challenge for one in other.orders] == [True] * asks_too


async def test_a_rule_in_shadow_is_written_down_and_changes_nothing(shop: Shop) -> None:
    await rules(shop, rule(at_least("amount", 1), mode="shadow"))
    payment = await shop.charges(baht(150))
    (decision,) = await shop.rows("SELECT action, shadow_action FROM fraud_decisions")
    assert payment["status"] == "requires_action"
    assert (decision["action"], decision["shadow_action"]) == ("allow", "block")


async def test_a_declined_card_counts_as_a_failure_and_a_broken_provider_does_not(shop: Shop) -> None:
    await rules(shop, rule(at_least("device.10m.failures", 2)))
    for failure in (Failure.DECLINED, Failure.PROVIDER_UNAVAILABLE, Failure.INSUFFICIENT_FUNDS):
        shop.bank.to_create.append(Declined(failure, "51", "no"))
        assert (await shop.charges(baht(20), **CARD))["failure"]["code"] == failure.value
    assert (await shop.charges(baht(20), **CARD))["failure"]["code"] == "fraud_suspected"


async def test_what_the_provider_says_of_who_paid_is_looked_at_afterwards(shop: Shop) -> None:
    await rules(shop, rule(at_least("payer_account.24h.count", 2), action="block"))
    marks = []
    for number in (1, 2):
        movement = Receipt(f"T{number}", baht(150), PAID_AT, {"bank": "014", "name": "SOMCHAI J."})
        shop.bank.to_create.append(Paid((movement,)))
        paid = await shop.charges(baht(150))
        assert paid["status"] == "succeeded", "money that came is never refused"
        marks.append(await screening(shop, paid["id"]))
    assert marks == ["passed", "review"]
    kept = "".join(str(dict(row)) for row in await shop.rows("SELECT inputs FROM fraud_decisions"))
    assert "SOMCHAI" not in kept


ELSEWHERE_SOON: dict[str, Any] = {
    "all": [
        {"field": "refund_elsewhere", "operator": "equals", "value": True},
        {"field": "refund_after_minutes", "operator": "at_most", "value": 1440},
    ]
}
SOMEBODYS_ACCOUNT = Destination("014", "1234567890", "Somsri")


async def test_a_refund_to_a_typed_account_soon_after_the_payment_goes_on_and_a_person_looks(
    shop: Shop,
) -> None:
    await rules(shop, rule(ELSEWHERE_SOON, action="block"))
    for refunded, mark in ((SOMEBODYS_ACCOUNT, "review"), (None, "passed")):
        shop.bank.to_create.append(Paid((Receipt(f"T{mark}", baht(150), datetime.now(UTC)),)))
        paid = await shop.charges(baht(150))
        refund = await shop.refunds_of(paid["id"], destination=refunded)
        assert refund["status"] == "requires_transfer"
        assert await screening(shop, paid["id"]) == mark
    (review,) = await shop.rows("SELECT state FROM fraud_reviews")
    assert review["state"] == "open"


async def test_what_goes_back_through_the_provider_goes_back_to_who_paid(shop: Shop) -> None:
    await rules(shop, rule(ELSEWHERE_SOON, action="review"))
    shop.bank.to_create.append(Paid((Receipt("T1", baht(150), datetime.now(UTC)),)))
    paid = await shop.charges(baht(150), **CARD)
    await shop.refunds_of(paid["id"])
    assert await screening(shop, paid["id"]) == "passed"
    row = (await shop.rows("SELECT inputs FROM fraud_decisions WHERE stage = 'after' ORDER BY id"))[-1]
    assert row["inputs"]["values"]["refund_elsewhere"] is False


async def test_a_look_that_finds_nothing_takes_no_review_away(shop: Shop) -> None:
    by_name = rule(at_least("payer_account.24h.count", 1), action="review", name="by-name")
    await rules(shop, by_name, rule(ELSEWHERE_SOON, action="review"))
    movement = Receipt("T1", baht(150), PAID_AT, {"bank": "014", "name": "SOMCHAI J."})
    shop.bank.to_create.append(Paid((movement,)))
    paid = await shop.charges(baht(150))
    assert await screening(shop, paid["id"]) == "review"
    await shop.refunds_of(paid["id"])
    assert await screening(shop, paid["id"]) == "review"


async def test_what_the_merchant_says_of_the_payer_is_looked_at_and_kept_only_as_a_hash(shop: Shop) -> None:
    await rules(shop, rule(at_least("email.10m.count", 2)))
    payer = Payer(email="Somchai+shop@Example.co.th", phone="0812345678", ip="203.0.113.7")
    await shop.charges(baht(150), payer=payer)
    told = await shop.charges(baht(150), payer=replace(payer, email="somchai@example.co.th"))
    assert told["failure"]["code"] == "fraud_suspected"
    kept = "".join(str(dict(row)) for row in await shop.rows("SELECT inputs, results FROM fraud_decisions"))
    for secret in ("omchai", "0812345678", "203.0.113"):
        assert secret not in kept


async def test_a_merchant_without_rules_pays_no_statement_and_no_row(shop: Shop) -> None:
    await shop.charges(baht(150))
    plain = await Statements(shop.db).during(lambda: shop.charges(baht(150)))
    assert not [one for one in plain if "fraud_velocity" in one.sql or "fraud_decisions" in one.sql]
    await rules(shop, rule(at_least("amount", 1), mode="off"))
    switched_off = await Statements(shop.db).during(lambda: shop.charges(baht(150)))
    assert len(switched_off) == len(plain)
    assert await shop.counts("fraud_decisions") == 0


async def test_a_screened_payment_costs_two_statements_and_its_transaction_more(shop: Shop) -> None:
    await shop.charges(baht(150))
    plain = await Statements(shop.db).during(lambda: shop.charges(baht(150)))
    await rules(shop, rule(at_least("card.10m.count", 99)))
    await shop.charges(baht(150), **CARD)
    screened = await Statements(shop.db).during(lambda: shop.charges(baht(150), **CARD))
    words = "\n".join(one.sql[:90] for one in screened)
    assert len(screened) - len(plain) == 2 + 2, words  # the merchant's facts come with the look


async def test_a_legal_list_is_looked_at_for_merchants_without_rules_of_their_own(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO fraud_legal_entries (id, kind, value_hash, shown, reason, created_by)"
            " VALUES ('fle_' || repeat('0', 32), 'phone', $1, '******5678', 'order 1', 'usr_1')",
            HASHER.entry("phone", "0812345678"),
        )
    listed = await shop.charges(baht(150), payer=Payer(phone="0812345678"))
    other = await shop.charges(baht(150), payer=Payer(phone="0812345679"))
    assert (listed["status"], other["status"]) == ("failed", "requires_action")
    assert await shop.counts("fraud_decisions") == 1
    assert await shop.counts("fraud_velocity") == 0
