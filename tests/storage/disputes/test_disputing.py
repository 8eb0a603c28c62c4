"""A payer's bank wants money back: held, contested, won or lost; never refunded besides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import DisputeNews, DisputeState, Evidence, Paid
from quickkub.disputes.model import DisputeClosed, DisputeNotFound, EvidenceNotTaken
from quickkub.kernel.money import Money, baht
from quickkub.ledger.verify import verify
from quickkub.refunds.model import RefundExceedsCapture
from quickkub.storage import Database
from tests.support.shop import Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def disputed(shop: Shop, amount: Money = PRICE) -> tuple[str, str]:
    """A paid payment that a bank disputes: payment and dispute."""
    payment = await shop.charges(PRICE, method="card")
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.usual_inquiry = Paid((receipt(PRICE),))
    await shop.time_passes(MINUTE)
    await shop.works()
    shop.bank.dispute = DisputeNews("D1", "", amount, DisputeState.NEEDS_RESPONSE, "goods_not_provided")
    await tells(shop, attempt["reference"], "1")
    (row,) = await shop.rows("SELECT id FROM disputes")
    return payment["id"], row["id"]


async def tells(shop: Shop, reference: str, news: str) -> None:
    await shop.is_told({"id": news, "ref": reference, "dispute": True})
    await shop.works()


async def balance(shop: Shop, account: str) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = $1", account
    )
    return int(rows[0]["total"])


async def events(shop: Shop, dispute: str) -> list[str]:
    rows = await shop.rows("SELECT type FROM events WHERE object_id = $1 ORDER BY object_version", dispute)
    return [row["type"].removeprefix("dispute.") for row in rows]


async def decided(shop: Shop, state: DisputeState) -> None:
    assert shop.bank.dispute is not None
    shop.bank.dispute = replace(shop.bank.dispute, state=state)
    (row,) = await shop.rows("SELECT reference FROM attempts")
    await tells(shop, row["reference"], state.value)


async def contests(shop: Shop, dispute: str, key: str | None = None) -> dict[str, Any]:
    evidence = Evidence("the parcel was signed for", (("slip.png", "image/png", b"picture"),))
    answered = await shop.disputes.contest(dispute, evidence, shop.once("contest", key, "1"), rendered)
    view: dict[str, Any] = json.loads(answered.body)
    return view


async def test_disputed_money_is_held_in_the_books(shop: Shop) -> None:
    payment, dispute = await disputed(shop)
    assert await balance(shop, "merchant:payable") == 0
    assert await balance(shop, "merchant:disputed") == 15_000
    assert (await shop.sees(payment))["disputed_amount"] == 15_000
    assert await events(shop, dispute) == ["created"]


async def test_the_same_news_twice_opens_one_dispute(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    (row,) = await shop.rows("SELECT reference FROM attempts")
    await tells(shop, row["reference"], "2")
    assert await shop.counts("disputes") == 1 and await events(shop, dispute) == ["created"]


async def test_disputed_money_is_not_refunded_besides(shop: Shop) -> None:
    payment, _ = await disputed(shop, baht(100))
    with pytest.raises(RefundExceedsCapture):
        await shop.refunds_of(payment, baht(51))
    assert (await shop.refunds_of(payment, baht(50)))["status"] in ("succeeded", "requires_transfer")


async def test_a_dispute_won_gives_the_money_back_to_the_merchant(shop: Shop) -> None:
    payment, dispute = await disputed(shop)
    assert (await contests(shop, dispute))["status"] == "under_review"
    with pytest.raises(DisputeClosed):
        await contests(shop, dispute)
    await decided(shop, DisputeState.WON)
    assert await balance(shop, "merchant:payable") == 15_000
    assert (await shop.sees(payment))["disputed_amount"] == 0
    assert await events(shop, dispute) == ["created", "updated", "won"]
    assert (await verify(shop.db)).violations == []


async def test_a_dispute_lost_leaves_with_the_provider(shop: Shop) -> None:
    payment, _ = await disputed(shop)
    await decided(shop, DisputeState.LOST)
    assert await balance(shop, "merchant:disputed") == 0 and await balance(shop, "merchant:payable") == 0
    rows = await shop.rows("SELECT sum(amount)::bigint AS held FROM entries WHERE account LIKE 'provider:%'")
    assert rows[0]["held"] == 0
    assert (await shop.sees(payment))["disputed_amount"] == 15_000, "it stays out of reach of refunds"
    assert (await verify(shop.db)).violations == []


async def test_giving_in_loses_the_dispute(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    answered = await shop.disputes.accept(dispute, shop.once("accept", None, "1"), rendered)
    assert json.loads(answered.body)["status"] == "lost"
    assert await events(shop, dispute) == ["created", "lost"]


async def test_a_decided_dispute_stays_decided(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    await decided(shop, DisputeState.LOST)
    await decided(shop, DisputeState.WON)
    assert (await shop.disputes.get(shop.merchant, "test", dispute))["status"] == "lost"
    assert await balance(shop, "merchant:payable") == 0


async def test_evidence_is_handed_in_once_for_one_key_and_kept_sealed(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    first = await contests(shop, dispute, "K1")
    assert await contests(shop, dispute, "K1") == first
    (row,) = await shop.rows("SELECT evidence FROM disputes")
    assert b"signed for" not in bytes(row["evidence"])


async def test_evidence_whose_answer_is_lost_changes_nothing_and_can_be_sent_again(shop: Shop) -> None:
    _, dispute = await disputed(shop)
    before, shop.bank.dispute = shop.bank.dispute, None
    with pytest.raises(EvidenceNotTaken):
        await contests(shop, dispute)
    shop.bank.dispute = before
    assert (await contests(shop, dispute))["status"] == "under_review"


async def test_a_dispute_about_nothing_of_ours_is_put_before_a_person(shop: Shop) -> None:
    shop.bank.dispute = DisputeNews("D9", "", PRICE, DisputeState.NEEDS_RESPONSE, "fraud")
    await tells(shop, "NOBODYS", "9")
    assert [r["kind"] for r in await shop.rows("SELECT kind FROM cases")] == ["dispute_not_ours"]


async def test_a_foreign_dispute_is_not_found(shop: Shop, database: Database) -> None:
    _, dispute = await disputed(shop)
    other = await open_shop(database)
    with pytest.raises(DisputeNotFound):
        await other.disputes.get(other.merchant, "test", dispute)
