"""Disputes told by forgers, twice, in contradiction, late, and in the middle of a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import (
    About,
    Account,
    CallbackNews,
    Declined,
    DisputeAnswer,
    DisputeExchange,
    DisputeNews,
    DisputeState,
    Evidence,
    Failure,
    Paid,
    RawCallback,
    Unknown,
)
from quickkub.disputes.model import EvidenceElsewhere
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import USD, Money, baht
from quickkub.storage import Database
from tests.support.postgres import AS_OWNER
from tests.support.shop import MadeUpBank, Shop, open_shop, receipt, rendered

MINUTE = timedelta(minutes=1)
PRICE = baht(150)
S = DisputeState


@dataclass
class ClaimingBank(MadeUpBank):
    """Its callbacks claim whatever their sender says; asked, it says what is in `knows`."""

    claims: dict[str, DisputeNews] = field(default_factory=dict)
    knows: dict[str, DisputeAnswer] = field(default_factory=dict)

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        said = json.loads(raw.body)
        return CallbackNews(
            said["id"], said["ref"], None, About.DISPUTE, "", dispute=self.claims[said["claim"]]
        )

    def inquire_dispute(self, account: Account, dispute_id: str) -> DisputeExchange:
        yield from ()
        return self.knows.get(dispute_id, Declined(Failure.REQUEST_REFUSED, "404", "no such dispute"))


def news(dispute: str = "D1", state: DisputeState = S.NEEDS_RESPONSE, amount: Money = PRICE) -> DisputeNews:
    return DisputeNews(dispute, "", amount, state, "fraud")


@pytest.fixture
async def bank() -> ClaimingBank:
    return ClaimingBank()


@pytest.fixture
async def shop(database: Database, bank: ClaimingBank) -> Shop:
    return await open_shop(database, bank)


async def paid(shop: Shop) -> tuple[str, str]:
    """A paid payment: its id and its attempt's reference."""
    payment = await shop.charges(PRICE, method="card")
    (attempt,) = (await shop.sees(payment["id"]))["attempts"]
    shop.bank.of[attempt["reference"]] = Paid((receipt(PRICE, f"T{attempt['reference']}"),))
    await shop.time_passes(MINUTE)
    await shop.works()
    return str(payment["id"]), str(attempt["reference"])


async def hears(shop: Shop, reference: str, claim: DisputeNews, key: str) -> None:
    bank = shop.bank
    assert isinstance(bank, ClaimingBank)
    bank.claims[key] = claim
    await shop.is_told({"id": key, "ref": reference, "claim": key})
    await shop.works()


async def kinds(shop: Shop) -> list[str]:
    return [row["kind"] for row in await shop.rows("SELECT kind FROM cases ORDER BY id")]


async def balance(shop: Shop, account: str) -> int:
    rows = await shop.rows(
        "SELECT coalesce(-sum(amount), 0)::bigint AS total FROM entries WHERE account = $1", account
    )
    return int(rows[0]["total"])


async def sound(shop: Shop) -> None:
    assert (await check_invariants(shop.db)).violations == []


async def in_the_end(shop: Shop) -> None:
    for _ in range(10):
        await shop.works()
        await shop.time_passes(timedelta(hours=1))


@pytest.mark.parametrize("state", [S.NEEDS_RESPONSE, S.LOST])
async def test_a_dispute_that_its_provider_does_not_know_holds_no_money(
    shop: Shop, state: DisputeState
) -> None:
    """A provider that signs nothing: anybody who knows the address can send this."""
    payment, reference = await paid(shop)
    await hears(shop, reference, news(state=state), "1")
    await in_the_end(shop)
    assert (await shop.sees(payment))["disputed_amount"] == 0 and await shop.counts("disputes") == 0
    assert await balance(shop, "merchant:payable") == 15_000
    assert await kinds(shop) == ["dispute_unconfirmed"]
    await sound(shop)


async def test_a_dispute_is_taken_in_once_its_provider_can_be_asked_again(
    shop: Shop, bank: ClaimingBank
) -> None:
    payment, reference = await paid(shop)
    bank.knows["D1"] = Unknown("down")
    await hears(shop, reference, news(), "1")
    assert await shop.counts("disputes") == 0
    bank.knows["D1"] = news()
    await in_the_end(shop)
    assert (await shop.sees(payment))["disputed_amount"] == 15_000 and await kinds(shop) == []
    await sound(shop)


async def test_a_signed_word_is_believed_when_its_provider_cannot_be_asked(
    shop: Shop, bank: ClaimingBank
) -> None:
    bank.trusted = True
    payment, reference = await paid(shop)
    bank.knows["D1"] = Unknown("down")
    await hears(shop, reference, news(), "1")
    assert (await shop.sees(payment))["disputed_amount"] == 15_000
    await sound(shop)


async def test_a_dispute_of_one_payment_is_never_another_s(shop: Shop, bank: ClaimingBank) -> None:
    first, of_first = await paid(shop)
    second, of_second = await paid(shop)
    bank.knows["D1"] = news()
    await hears(shop, of_first, news(), "1")
    bank.knows["D1"] = news(state=S.WON)
    await hears(shop, of_second, news(state=S.WON), "2")
    await in_the_end(shop)
    assert (await shop.sees(second))["disputed_amount"] == 0
    assert (await shop.sees(first))["disputed_amount"] == 15_000
    assert await kinds(shop) == ["dispute_of_another_payment"]
    await sound(shop)


@pytest.mark.parametrize(("first", "then"), [(S.WON, S.LOST), (S.LOST, S.WON), (S.WON, S.NEEDS_RESPONSE)])
async def test_a_provider_that_takes_its_decision_back_is_put_before_a_person(
    shop: Shop, bank: ClaimingBank, first: DisputeState, then: DisputeState
) -> None:
    _, reference = await paid(shop)
    bank.knows["D1"] = news(state=first)
    await hears(shop, reference, news(), "1")
    bank.knows["D1"] = news(state=then)
    for key in ("2", "3"):
        await hears(shop, reference, news(), key)
    assert await kinds(shop) == ["dispute_decided_again"]
    await sound(shop)


async def test_a_payment_that_went_back_whole_can_still_be_disputed_and_lost(
    shop: Shop, bank: ClaimingBank
) -> None:
    payment, reference = await paid(shop)
    async with shop.db.transaction() as tx:
        await tx.execute(AS_OWNER)
        await tx.execute("ALTER TABLE payments DISABLE TRIGGER payments_paid_stays_paid")
        await tx.execute("UPDATE payments SET paid_at = now()")
        await tx.execute("ALTER TABLE payments ENABLE TRIGGER payments_paid_stays_paid")
    await shop.refunds_of(payment)
    bank.knows["D1"] = news(state=S.LOST)
    await hears(shop, reference, news(), "1")
    assert await balance(shop, "merchant:payable") == -15_000, "the merchant owes it"
    seen = await shop.sees(payment)
    assert (seen["refunded_amount"], seen["disputed_amount"]) == (15_000, 15_000)
    await sound(shop)


async def test_a_dispute_in_another_currency_does_not_count_its_units_as_ours(
    shop: Shop, bank: ClaimingBank
) -> None:
    payment, reference = await paid(shop)
    bank.knows["D1"] = news(amount=Money(400, USD))
    await hears(shop, reference, news(), "1")
    assert (await shop.sees(payment))["disputed_amount"] == 0
    assert await kinds(shop) == ["dispute_currency"]
    await sound(shop)


async def test_the_day_to_answer_by_is_the_one_the_provider_named_last(
    shop: Shop, bank: ClaimingBank
) -> None:
    _, reference = await paid(shop)
    days = [datetime(2026, 12, day, tzinfo=UTC) for day in (1, 9)]
    for key, day in enumerate(days):
        bank.knows["D1"] = replace(news(), respond_by=day)
        await hears(shop, reference, news(), str(key))
    (row,) = await shop.rows("SELECT respond_by, version FROM disputes")
    assert (row["respond_by"], row["version"]) == (days[-1], 2)
    await hears(shop, reference, news(), "again")
    (row,) = await shop.rows("SELECT version FROM disputes")
    assert row["version"] == 2
    await sound(shop)


async def test_giving_in_that_was_cut_off_is_answered_as_it_stands(shop: Shop, bank: ClaimingBank) -> None:
    """The provider took it, the answer was not stored: a second word to the provider would be refused."""
    _, reference = await paid(shop)
    bank.knows["D1"] = bank.dispute = news()
    await hears(shop, reference, news(), "1")
    (row,) = await shop.rows("SELECT id FROM disputes")
    once = shop.once("accept", "K1", "1")
    first = await shop.disputes.accept(row["id"], once, rendered)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET answer = NULL, status = NULL WHERE key = 'K1'")
    await shop.time_passes(MINUTE)
    bank.dispute = None
    again = await shop.disputes.accept(row["id"], once, rendered)
    assert again.replayed and again.body == first.body


@dataclass
class PaperBank:
    """Takes evidence by post only: it has no way of being asked about disputes."""

    inner: ClaimingBank

    def __getattr__(self, name: str) -> Any:
        if name in ("inquire_dispute", "contest_dispute", "accept_dispute"):
            raise AttributeError(name)
        found: Callable[..., Any] = getattr(self.inner, name)
        return found


async def on_paper(shop: Shop, bank: ClaimingBank) -> None:
    """From now on this shop's bank takes evidence by post."""
    paper: Any = PaperBank(bank)
    shop.office = replace(shop.office, connector=lambda _: paper)
    shop.payments._office = shop.disputes._office = shop.office


async def test_where_evidence_goes_by_post_the_key_is_free_again(shop: Shop, bank: ClaimingBank) -> None:
    _, reference = await paid(shop)
    bank.knows["D1"] = news()
    await hears(shop, reference, news(), "1")
    (row,) = await shop.rows("SELECT id FROM disputes")
    await on_paper(shop, bank)
    for _ in range(2):
        with pytest.raises(EvidenceElsewhere):
            await shop.disputes.contest(row["id"], Evidence("x"), shop.once("contest", "K1", "1"), rendered)


async def test_an_unsigned_dispute_nobody_can_be_asked_about_is_put_before_a_person(
    shop: Shop, bank: ClaimingBank
) -> None:
    payment, reference = await paid(shop)
    await on_paper(shop, bank)
    await hears(shop, reference, news(state=S.LOST), "1")
    await in_the_end(shop)
    assert (await shop.sees(payment))["disputed_amount"] == 0
    assert await kinds(shop) == ["dispute_unconfirmed"]
