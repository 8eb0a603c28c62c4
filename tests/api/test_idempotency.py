"""Same key, same words, one effect and the same answer (I1 to I3, security-reliability 3.10)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from quickkub.connectors.contract import Account
from quickkub.payments.service import Payments
from quickkub.storage import Database
from tests.support.api import ORDER, Client, gateway, key_for
from tests.support.shop import QuietLine, Shop, open_shop

PAY = "/v1/payments"


async def test_an_order_without_a_key_is_refused(shop: Client) -> None:
    told = await shop.asks("POST", PAY, words=ORDER)
    assert told.no == (400, "idempotency_key_missing", "Idempotency-Key")
    assert await shop.shop.counts("payments") == 0


async def test_calling_off_without_a_key_is_refused(shop: Client) -> None:
    payment = await shop.charges()
    told = await shop.asks("POST", f"{PAY}/{payment['id']}/cancel")
    assert told.no == (400, "idempotency_key_missing", "Idempotency-Key")


@pytest.mark.parametrize("key", ["", " ", "a b", "a\tb", "x" * 256, "ก", "\xa0"])
async def test_a_key_that_is_not_1_to_255_visible_characters_is_refused(same_shop: Client, key: str) -> None:
    told = await same_shop.asks("POST", PAY, words=ORDER, headers={"Idempotency-Key": key})
    assert told.no == (400, "idempotency_key_invalid", "Idempotency-Key")


@pytest.mark.parametrize("key", ["1", "x" * 255, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"])
async def test_any_visible_key_is_taken(same_shop: Client, key: str) -> None:
    assert (await same_shop.asks("POST", PAY, words=ORDER, headers={"Idempotency-Key": key})).status == 201


async def test_two_keys_are_refused(same_shop: Client) -> None:
    headers = [("Authorization", f"Bearer {same_shop.key}"), ("Content-Type", "application/json")]
    headers += [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    async with same_shop.session.post(same_shop.url + PAY, json=ORDER, headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "header_repeated")


async def test_the_same_order_twice_is_one_payment_and_the_same_bytes(shop: Client) -> None:
    first, again = await shop.posts(PAY, ORDER, once="k"), await shop.posts(PAY, ORDER, once="k")
    assert (first.status, first.body) == (again.status, again.body)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert len(shop.shop.bank.created) == 1
    assert await shop.shop.counts("payments") == 1


async def test_the_answer_stays_the_same_after_the_payment_moved_on(shop: Client) -> None:
    first = await shop.posts(PAY, ORDER, once="k")
    await shop.posts(f"{PAY}/{first.json['id']}/cancel")
    assert (await shop.posts(PAY, ORDER, once="k")).body == first.body


async def test_the_same_key_with_another_amount_is_refused(shop: Client) -> None:
    await shop.posts(PAY, ORDER, once="k")
    told = await shop.posts(PAY, ORDER | {"amount": 15_001}, once="k")
    assert told.no == (422, "idempotency_key_reused", "Idempotency-Key")
    assert await shop.shop.counts("payments") == 1


async def test_the_same_words_in_other_bytes_are_another_request(shop: Client) -> None:
    await shop.asks("POST", PAY, raw=json.dumps(ORDER).encode(), headers={"Idempotency-Key": "k"})
    told = await shop.asks(
        "POST", PAY, raw=json.dumps(ORDER, indent=1).encode(), headers={"Idempotency-Key": "k"}
    )
    assert told.no == (422, "idempotency_key_reused", "Idempotency-Key")


async def test_one_key_may_be_used_for_paying_and_for_calling_off(shop: Client) -> None:
    payment = (await shop.posts(PAY, ORDER, once="k")).json
    assert (await shop.posts(f"{PAY}/{payment['id']}/cancel", once="k")).json["status"] == "cancelled"


async def test_a_key_used_to_call_off_one_payment_does_not_call_off_another(shop: Client) -> None:
    one, other = await shop.charges(), await shop.charges()
    await shop.posts(f"{PAY}/{one['id']}/cancel", once="k")
    told = await shop.posts(f"{PAY}/{other['id']}/cancel", once="k")
    assert told.no == (422, "idempotency_key_reused", "Idempotency-Key")
    assert (await shop.gets(f"{PAY}/{other['id']}")).json["status"] == "requires_action"


async def test_calling_off_twice_with_one_key_answers_the_same(shop: Client) -> None:
    payment = await shop.charges()
    first = await shop.posts(f"{PAY}/{payment['id']}/cancel", once="k")
    again = await shop.posts(f"{PAY}/{payment['id']}/cancel", once="k")
    assert (first.status, first.body) == (again.status, again.body)
    assert again.headers["idempotent-replayed"] == "true"


async def test_two_merchants_may_use_the_same_key(shop: Client, database: Database) -> None:
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    one, two = await shop.posts(PAY, ORDER, once="k"), await other.posts(PAY, ORDER, once="k")
    assert (one.status, two.status) == (201, 201)
    assert one.json["id"] != two.json["id"]


async def test_live_and_test_may_use_the_same_key(shop: Client, database: Database) -> None:
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    assert (await shop.posts(PAY, ORDER, once="k")).status == 201
    # The shop has no live account, so live says so: it is not answered with the test payment.
    assert (await live.posts(PAY, ORDER, once="k")).code == "method_unavailable"


async def test_a_refused_order_leaves_its_key_free(shop: Client) -> None:
    assert (await shop.posts(PAY, ORDER | {"amount": 0}, once="k")).status == 400
    assert (await shop.posts(PAY, ORDER | {"method": "barter"}, once="k")).status == 400
    assert (await shop.posts(PAY, ORDER, once="k")).status == 201


class SlowLine(QuietLine):
    """A line on which the bank's answer waits until the test lets it come."""

    def __init__(self) -> None:
        self.called, self.may_answer = asyncio.Event(), asyncio.Event()

    async def run(self, account: Account, exchange: Generator[Any, Any, Any]) -> Any:
        self.called.set()
        await self.may_answer.wait()
        return await super().run(account, exchange)


async def test_while_the_first_request_is_at_work_the_second_is_told_to_come_back(database: Database) -> None:
    line = SlowLine()
    async with gateway(database, await _shop_with(line, database)) as shop:
        first = asyncio.create_task(shop.posts(PAY, ORDER, once="k"))
        await line.called.wait()
        told = await shop.posts(PAY, ORDER, once="k")
        assert told.no == (409, "idempotency_key_in_use", "Idempotency-Key")
        assert told.headers["retry-after"] == "1"
        other_words = await shop.posts(PAY, ORDER | {"amount": 1}, once="k")
        assert other_words.no == (422, "idempotency_key_reused", "Idempotency-Key")
        line.may_answer.set()
        assert (await first).body == (await shop.posts(PAY, ORDER, once="k")).body


async def _shop_with(line: SlowLine, database: Database) -> Shop:
    shop = await open_shop(database)
    shop.office = replace(shop.office, line=line)
    shop.payments = Payments(shop.office)
    return shop


async def test_ten_requests_at_once_with_one_key_are_one_payment(shop: Client) -> None:
    told = await asyncio.gather(*(shop.posts(PAY, ORDER, once="k") for _ in range(10)))
    assert {one.status for one in told} <= {201, 409}
    assert len({one.body for one in told if one.status == 201}) == 1
    assert await shop.shop.counts("payments") == 1
