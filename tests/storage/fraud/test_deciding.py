"""Decisions, lists, reviews, merchant risk: what is written and what cannot be changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from quickkub.fraud import list_store, merchant_risk, reviews
from quickkub.fraud.decide import replay
from quickkub.fraud.jobs import tidy
from quickkub.fraud.lists import new_entry, read_csv
from quickkub.fraud.merchant_risk import FreezeNotFound, MerchantRisk
from quickkub.fraud.model import Action, ReviewClosed
from quickkub.fraud.service import Fraud
from quickkub.fraud.starter import starter_words
from tests.storage.fraud.conftest import HASHER, Guarded, at_least, rule
from tests.support.shop import VAULT

ANY = at_least("amount", 1)


async def lists(guarded: Guarded, which: str, kind: str, value: str) -> None:
    columns = list_store.in_columns(HASHER, [new_entry(kind, value, "for a test")])
    async with guarded.db.transaction() as tx:
        if which == "legal":
            await list_store.add_legal(tx, columns[0], "usr_1")
        else:
            await list_store.add(tx, guarded.merchant, "test", which, columns[0], "key_1")


async def test_an_allow_list_lifts_a_block_and_never_a_challenge_or_the_law(guarded: Guarded) -> None:
    await lists(guarded, "allow", "phone", "0812345678")
    await guarded.rules(rule(ANY))
    assert (await guarded.pays(phone="0812345678")).action is Action.ALLOW
    await guarded.rules(rule(ANY), rule(ANY, name="c", action="challenge"))
    assert (await guarded.pays(phone="0812345678")).action is Action.CHALLENGE
    await lists(guarded, "legal", "email", "x@example.com")
    assert (await guarded.pays(phone="0812345678", email="x@example.com")).action is Action.BLOCK


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("card", "fp-1", {"card": "fp-1"}),
        ("phone", "+66 81 234 5678", {"phone": "0812345678"}),
        ("email", "A.B+tag@Example.com", {"email": "a.b@example.com"}),
        ("email_domain", "example.com", {"email": "x@mail.example.com"}),
        ("address", "::ffff:203.0.113.9", {"address": "203.0.113.9"}),
        ("network", "203.0.112.0/23", {"address": "203.0.113.9"}),
        ("network", "2001:db8::/32", {"address": "2001:db8:1::9"}),
        ("device", "d-1", {"device": "d-1"}),
        ("country", "kp", {"card_country": "KP"}),
        ("bin", "411111", {"bin": "41111199"}),
        ("payer_account", "bank=014 name=x", {"payer_account": "bank=014 name=x"}),
    ],
)
async def test_everything_that_can_be_listed_is_found_again(
    guarded: Guarded, kind: str, value: str, said: dict[str, Any]
) -> None:
    await lists(guarded, "block", kind, value)
    await guarded.rules(rule({"not": ANY}))
    assert (await guarded.pays(**said)).action is Action.BLOCK
    assert (await guarded.pays(card="another", address="198.51.100.1")).action is Action.ALLOW


async def test_an_entry_past_its_expiry_is_no_longer_looked_at(guarded: Guarded) -> None:
    await lists(guarded, "block", "card", "fp-1")
    await guarded.rules(rule({"not": ANY}))
    await guarded.does("UPDATE fraud_list_entries SET expires_at = $1", guarded.at)
    assert (await guarded.pays(card="fp-1")).action is Action.ALLOW


async def test_a_file_of_100_000_lines_is_taken_in(guarded: Guarded) -> None:
    text = "kind,value,reason\n" + "".join(f"device,device-{number},x\n" for number in range(100_000))
    fraud = Fraud(guarded.db, HASHER)
    ids = await fraud.list_entries(guarded.merchant, "test", read_csv(text), "block", "key_1")
    assert len(set(ids)) == 100_000
    await guarded.rules(rule({"not": ANY}))
    assert (await guarded.pays(device="device-99999")).action is Action.BLOCK


async def test_a_decision_comes_out_the_same_whatever_became_of_the_rules_and_lists(guarded: Guarded) -> None:
    await lists(guarded, "block", "card", "fp-1")
    await guarded.rules(
        rule(at_least("card.10m.count", 2), weight=7), bands=[{"at_least": 5, "action": "review"}]
    )
    screened = [
        await guarded.pays(card="fp-2"),
        await guarded.pays(card="fp-2"),
        await guarded.pays(card="fp-1"),
    ]
    await guarded.rules(rule(ANY))
    await guarded.does("UPDATE fraud_list_entries SET removed_at = now(), removed_by = 'key_1'")
    fraud = Fraud(guarded.db, HASHER)
    told = [await fraud.replay(one.decision) for one in screened]
    assert [one.differences for one in told] == [()] * 3
    assert [one.decided_by for one in told] == ["nothing", "rule:r", "list:block"]


async def test_a_decision_that_was_tampered_with_is_told_by_its_replay(guarded: Guarded) -> None:
    wanted = await guarded.rules(rule(ANY))
    screened = await guarded.pays()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await guarded.does("UPDATE fraud_decisions SET action = 'allow'")
    kept = await guarded.decision(screened)
    told = replay(replace(kept, action="allow"), wanted)
    assert told.differences == ("action",)


async def test_a_review_nobody_decides_ends_by_the_rules_word_and_keeps_the_money_by_default(
    guarded: Guarded,
) -> None:
    await guarded.rules(rule(ANY, action="review"), review_hours=1)
    await guarded.pays()
    await guarded.does("UPDATE fraud_reviews SET expires_at = now() - interval '1 minute'")
    await tidy(guarded.db)
    async with guarded.db.read() as reader:
        row = await reader.fetchrow("SELECT id, state, decided_by FROM fraud_reviews")
    assert row is not None
    assert (row["state"], row["decided_by"]) == ("expired", "expiry")
    late = await reviews.decide(guarded.db, guarded.merchant, "test", row["id"], "approved", "usr_1", "late")
    assert late.state == "approved"
    with pytest.raises(ReviewClosed):
        await reviews.decide(guarded.db, guarded.merchant, "test", row["id"], "declined", "usr_1", "again")


async def test_money_that_came_from_a_known_account_twice_is_looked_at_afterwards(guarded: Guarded) -> None:
    await guarded.rules(rule(at_least("payer_account.24h.count", 2), action="review"))
    marks = []
    for _ in range(2):
        subject = guarded.subject(method="promptpay")
        async with guarded.db.transaction() as tx:
            await guarded.screen.before(tx, subject, guarded.version)
        paid = guarded.subject(method="promptpay", payment=subject.payment, payer_account="bank=014 name=x")
        async with guarded.db.transaction() as tx:
            screened = await guarded.screen.again(tx, paid)
        assert screened is not None
        marks.append(screened.mark)
    assert marks == ["passed", "review"]


async def test_a_refund_to_another_account_soon_after_the_payment_is_looked_at(guarded: Guarded) -> None:
    (soon,) = [one for one in starter_words("live")["rules"] if one["id"] == "refund-elsewhere-soon"]
    await guarded.rules(soon)
    subject = guarded.subject()
    async with guarded.db.transaction() as tx:
        await guarded.screen.before(tx, subject, guarded.version)
    for minutes, action in ((3_000, Action.ALLOW), (30, Action.REVIEW)):
        known = {"refund_elsewhere": True, "refund_after_minutes": minutes}
        async with guarded.db.transaction() as tx:
            told = await guarded.screen.again(tx, replace(subject, more=known))
        assert told is not None
        assert told.action is action


async def test_decisions_past_thirteen_months_go_and_younger_ones_stay(guarded: Guarded) -> None:
    await guarded.rules(rule({"not": ANY}))
    now = datetime.now(UTC)
    await guarded.pays(at=now - timedelta(days=400))
    await guarded.pays(at=now - timedelta(days=300))
    await tidy(guarded.db)
    async with guarded.db.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM fraud_decisions") == 1


async def test_payouts_are_stopped_from_the_order_until_it_ends_or_is_lifted(guarded: Guarded) -> None:
    now = datetime.now(UTC)
    async with guarded.db.transaction() as tx:
        freeze = await merchant_risk.freeze_payouts(
            tx, guarded.merchant, legal_basis="order 12/2569", starts_at=now, ends_at=None, by="usr_1"
        )
        await merchant_risk.freeze_payouts(
            tx,
            guarded.merchant,
            legal_basis="for later",
            starts_at=now + timedelta(days=9),
            ends_at=now + timedelta(days=10),
            by="usr_1",
        )
    async with guarded.db.transaction() as tx:
        assert [one.id for one in await merchant_risk.payouts_stopped(tx, guarded.merchant)] == [freeze]
        await merchant_risk.lift_freeze(tx, guarded.merchant, freeze, because="court", by="usr_2")
        assert await merchant_risk.payouts_stopped(tx, guarded.merchant) == []
        with pytest.raises(FreezeNotFound):
            await merchant_risk.lift_freeze(tx, guarded.merchant, freeze, because="again", by="usr_2")


async def test_rules_see_how_a_merchant_is_judged(guarded: Guarded) -> None:
    await guarded.rules(rule({"field": "merchant_class", "operator": "equals", "value": "prohibited"}))
    assert (await guarded.pays()).action is Action.ALLOW
    async with guarded.db.transaction() as tx:
        version = await merchant_risk.judge(
            tx,
            VAULT,
            guarded.merchant,
            MerchantRisk("prohibited", "sells bets", category="gambling"),
            "usr_1",
        )
        await merchant_risk.note_payout_account_changed(tx, guarded.merchant, "usr_1")
    assert version == 1
    assert (await guarded.pays()).action is Action.BLOCK
