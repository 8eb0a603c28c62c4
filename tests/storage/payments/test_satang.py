"""Amounts made unlike each other, so that money without a reference finds its payment."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quickkub.connectors.contract import Account, CallbackNews, NotSent, RawCallback, Receipt
from quickkub.invariants.run import check_invariants
from quickkub.kernel.money import THB, baht, read_decimal
from quickkub.merchants.accounts import open_account
from quickkub.merchants.rules import change_money_rules
from quickkub.payments.routes.model import Rule, Use
from quickkub.payments.satang import NoFreeAmount
from quickkub.promptpay.model import BankSlip
from quickkub.promptpay.slip import build_slip
from quickkub.storage import Database
from tests.storage.payments.test_routing import accounts_of, decides
from tests.storage.payments.test_slips import LookingBank, verify
from tests.support.shop import VAULT, MadeUpBank, Shop, open_shop

PRICE = baht(150)
PHONE = "0812345678"


class FeedOfAccount(MadeUpBank):
    """The signed notices of a bank account: an amount and a time, and no reference."""

    def read_callback(self, account: Account, raw: RawCallback) -> CallbackNews:
        said = json.loads(raw.body)
        at = datetime.fromisoformat(said["at"])
        return CallbackNews(said["id"], "", Receipt(said["id"], read_decimal(said["amount"], THB), at))


@pytest.fixture
async def shop(database: Database) -> Shop:
    """A shop that shows static QRs, and wants no two of one amount."""
    shop = await open_shop(database, LookingBank())
    shop.banks["promptpay"] = FeedOfAccount(trusted=True)
    async with database.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = false")
        _, shop.token = await open_account(
            tx,
            VAULT,
            shop.merchant,
            mode="test",
            provider="promptpay",
            settings={"promptpay_id": PHONE},
            credentials={},
        )
        await change_money_rules(tx, shop.merchant, under=None, over=None, orphans=None, unique_satang=True)
    return shop


async def hears(shop: Shop, amount: str, number: str = "T1", at: datetime | None = None) -> None:
    """The account's feed tells of money, and the worker works."""
    words = {"id": number, "amount": amount, "at": (at or datetime.now(UTC)).isoformat()}
    raw = RawCallback("POST", {}, {}, json.dumps(words).encode())
    await shop.payments.keep_callback("promptpay", shop.token, raw)
    await shop.works()


async def no_invariant_is_broken(shop: Shop) -> None:
    assert (await check_invariants(shop.db)).violations == []


async def test_the_merchants_amount_is_shown_beside_the_one_that_is_paid(shop: Shop) -> None:
    views = [await shop.charges(PRICE) for _ in range(3)]
    assert [view["amount"] for view in views] == [15_000] * 3
    assert [view["amount_to_pay"] for view in views] == [15_000, 15_001, 15_002]
    event = (await shop.rows("SELECT data FROM events WHERE type = 'payment.created' ORDER BY id"))[-1]
    assert (event["data"]["object"]["amount"], event["data"]["object"]["amount_to_pay"]) == (15_000, 15_002)


async def test_a_price_that_is_somebody_elses_final_amount_moves_on_too(shop: Shop) -> None:
    await shop.charges(PRICE)
    await shop.charges(PRICE)
    assert (await shop.charges(baht("150.01")))["amount_to_pay"] == 15_002


async def test_many_at_once_never_get_the_same_amount(shop: Shop) -> None:
    views = await asyncio.gather(*(shop.charges(PRICE) for _ in range(40)))
    assert sorted(view["amount_to_pay"] for view in views) == list(range(15_000, 15_040))


async def test_the_hundred_and_first_is_refused_and_leaves_nothing_behind(shop: Shop) -> None:
    for _ in range(100):
        await shop.charges(PRICE)
    with pytest.raises(NoFreeAmount):
        await shop.charges(PRICE)
    assert await shop.counts("payments") == await shop.counts("amount_claims") == 100


async def test_an_amount_is_free_again_when_nobody_can_pay_it_late_any_more(shop: Shop) -> None:
    await shop.charges(PRICE)
    for span, wanted in ((timedelta(hours=48), 15_001), (timedelta(minutes=20), 15_000)):
        async with shop.db.transaction() as tx:
            await tx.execute("UPDATE amount_claims SET free_from = free_from - $1::interval", span)
        assert (await shop.charges(PRICE))["amount_to_pay"] == wanted


async def test_a_repeated_request_takes_no_second_amount(shop: Shop) -> None:
    first, again = await shop.asks(PRICE, "order-1"), await shop.asks(PRICE, "order-1")
    assert first.body == again.body and again.replayed
    told = await asyncio.gather(*(shop.asks(PRICE, "order-2") for _ in range(5)), return_exceptions=True)
    assert any(not isinstance(one, BaseException) for one in told)
    assert await shop.counts("payments") == await shop.counts("amount_claims") == 2


async def test_money_that_says_nothing_but_its_amount_pays_the_payment_that_waits_for_it(shop: Shop) -> None:
    first, second = await shop.charges(PRICE), await shop.charges(PRICE)
    await hears(shop, "150.01")
    assert (await shop.sees(first["id"]))["status"] == "requires_action"
    seen = await shop.sees(second["id"])
    assert (seen["status"], seen["captured_amount"], seen["amount"]) == ("succeeded", 15_001, 15_000)
    await hears(shop, "150.00", "T2")
    assert (await shop.sees(first["id"]))["status"] == "succeeded"
    states = {row["state"] for row in await shop.rows("SELECT state FROM inbox")}
    assert states == {"applied"} and await shop.counts("cases") == 0
    await no_invariant_is_broken(shop)


async def test_late_money_finds_the_payment_whose_amount_it_was(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    await shop.time_passes(timedelta(hours=1))
    await shop.works()
    assert (await shop.sees(payment["id"]))["status"] == "expired"
    await hears(shop, "150.00")
    assert (await shop.sees(payment["id"]))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("amount", "at"),
    [
        ("150.07", None),
        ("150.00", datetime(2020, 1, 1, tzinfo=UTC)),
        ("150.00", datetime(2099, 1, 1, tzinfo=UTC)),
    ],
)
async def test_money_nobody_waits_for_is_put_before_a_person(
    shop: Shop, amount: str, at: datetime | None
) -> None:
    payment = await shop.charges(PRICE)
    await hears(shop, amount, at=at)
    assert (await shop.sees(payment["id"]))["status"] == "requires_action"
    (case,) = await shop.rows("SELECT kind FROM cases")
    assert case["kind"] == "orphan_payment"


async def test_the_same_notice_twice_pays_once(shop: Shop) -> None:
    payment = await shop.charges(PRICE)
    await hears(shop, "150.00")
    await hears(shop, "150.00")
    assert (await shop.sees(payment["id"]))["captured_amount"] == 15_000
    assert await shop.counts("receipts") == 1


async def test_a_slip_and_a_notice_of_one_transfer_are_one_receipt(shop: Shop) -> None:
    await shop.charges(PRICE)
    payment = await shop.charges(PRICE)
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE provider_accounts SET enabled = true")
    assert isinstance(shop.bank, LookingBank)
    shop.bank.knows(baht("150.01"), ref="T1")
    told: dict[str, Any] = await verify(
        shop, payload=build_slip(BankSlip("014", "T1")), payment=payment["id"]
    )
    assert (told["verified"], told["payment_status"]) == (True, "succeeded"), told
    await hears(shop, "150.01", "T1")
    assert await shop.counts("receipts") == 1 and await shop.counts("unapplied") == 0


async def test_without_the_option_amounts_are_left_alone(shop: Shop) -> None:
    async with shop.db.transaction() as tx:
        await tx.execute("UPDATE merchants SET unique_satang = false")
    views = [await shop.charges(PRICE) for _ in range(2)]
    assert [view["amount_to_pay"] for view in views] == [15_000, 15_000]
    assert await shop.counts("amount_claims") == 0


async def test_only_static_qrs_are_changed_and_no_other_provider_fails_over_to_one(shop: Shop) -> None:
    """What a payment asks for never changes, so an amount is made unlike others at the beginning or never."""
    other = MadeUpBank()
    second = await shop.opens_account("second", other)
    accounts = await accounts_of(shop)
    await decides(shop, Rule(use=(Use(second), Use(accounts["promptpay"]))))
    other.to_create.append(NotSent("could not be sent"))
    failed = await shop.charges(PRICE)
    assert (failed["status"], failed["provider"]) == ("failed", "second")
    (row,) = await shop.rows("SELECT why FROM attempts")
    excluded = {one["provider"]: one["excluded"] for one in row["why"]["candidates"]}
    assert excluded == {"second": None, "promptpay": "first_only"}
    views = [await shop.charges(PRICE) for _ in range(2)]
    assert [view["amount_to_pay"] for view in views] == [15_000, 15_000]


async def test_a_static_qr_that_cannot_be_made_goes_on_with_its_amount(shop: Shop) -> None:
    await shop.charges(PRICE)
    await shop.opens_account("second", MadeUpBank())
    shop.banks["promptpay"].to_create.append(NotSent("no"))
    view = await shop.charges(PRICE)
    assert (view["provider"], view["amount_to_pay"], view["amount"]) == ("second", 15_001, 15_000)
