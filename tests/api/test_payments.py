"""Payments over HTTP: asked for, looked at, listed, called off."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.connectors.contract import Declined, Failure, Paid, Unknown
from quickkub.kernel.money import baht
from tests.support.api import ORDER, Client
from tests.support.shop import receipt

PAY = "/v1/payments"


async def test_an_order_is_answered_with_what_to_show_the_payer(shop: Client) -> None:
    told = await shop.posts(PAY, ORDER | {"reference": "ออเดอร์-1042", "metadata": {"table": "7"}})
    payment = told.json
    assert told.status == 201
    assert payment["status"] == "requires_action"
    assert payment["next_action"]["type"] == "display_qr"
    assert payment["checkout_url"].startswith("http://shop.test/pay/")
    assert (payment["amount"], payment["currency"], payment["mode"]) == (15_000, "THB", "test")
    assert (payment["reference"], payment["metadata"]) == ("ออเดอร์-1042", {"table": "7"})


async def test_a_payment_looks_the_same_when_it_is_looked_at(shop: Client) -> None:
    made = await shop.posts(PAY, ORDER)
    assert (await shop.gets(f"{PAY}/{made.json['id']}")).json == made.json


async def test_text_is_kept_in_one_normal_form(shop: Client) -> None:
    assert (await shop.charges(reference="cafe\u0301"))["reference"] == "caf\u00e9"


async def test_a_lost_answer_is_processing_and_not_failed(shop: Client) -> None:
    shop.shop.bank.to_create.append(Unknown("the answer was lost"))
    payment = await shop.charges()
    assert (payment["status"], payment["failure"], payment["next_action"]) == ("processing", None, None)


async def test_a_declined_payment_says_why(shop: Client) -> None:
    shop.shop.bank.to_create.append(Declined(Failure.DECLINED, "E1", "no"))
    payment = await shop.charges()
    assert (payment["status"], payment["failure"]["code"]) == ("failed", "declined")


async def test_a_paid_payment_shows_what_was_captured_and_when(shop: Client) -> None:
    shop.shop.bank.to_create.append(Paid((receipt(baht(150)),)))
    payment = await shop.charges()
    assert (payment["status"], payment["captured_amount"], payment["paid_at"]) == (
        "succeeded",
        15_000,
        "2026-01-15T03:33:12Z",
    )


async def test_attempts_are_shown_when_they_are_asked_for(shop: Client) -> None:
    payment = await shop.charges()
    plain = (await shop.gets(f"{PAY}/{payment['id']}")).json
    (attempt,) = (await shop.gets(f"{PAY}/{payment['id']}?expand[]=attempts")).json["attempts"]
    assert "attempts" not in plain
    assert (attempt["object"], attempt["provider"], attempt["status"]) == (
        "attempt",
        "madeup",
        "requires_action",
    )


async def test_calling_off_ends_a_payment_and_only_once(shop: Client) -> None:
    payment = await shop.charges()
    path = f"{PAY}/{payment['id']}/cancel"
    assert (await shop.posts(path)).json["status"] == "cancelled"
    assert (await shop.posts(path)).no == (409, "payment_not_cancellable", None)


async def test_calling_off_takes_no_words(shop: Client) -> None:
    path = f"{PAY}/{(await shop.charges())['id']}/cancel"
    assert (await shop.posts(path, {"reason": "changed my mind"})).no == (400, "parameter_unknown", "reason")
    assert (await shop.posts(path, {})).status == 200


async def listed(shop: Client, query: str) -> tuple[list[str], bool]:
    page = (await shop.gets(f"{PAY}?{query}")).json
    assert (page["object"], page["url"]) == ("list", PAY)
    return [payment["id"] for payment in page["data"]], page["has_more"]


async def test_pages_lead_from_the_newest_to_the_oldest_and_back(shop: Client) -> None:
    made = [(await shop.charges())["id"] for _ in range(5)][::-1]
    assert await listed(shop, "limit=2") == (made[:2], True)
    assert await listed(shop, f"limit=2&starting_after={made[1]}") == (made[2:4], True)
    assert await listed(shop, f"limit=2&starting_after={made[3]}") == (made[4:], False)
    assert await listed(shop, f"limit=2&ending_before={made[4]}") == (made[2:4], True)
    assert await listed(shop, f"limit=2&ending_before={made[2]}") == (made[:2], False)


async def test_a_page_has_ten_unless_said_otherwise(shop: Client) -> None:
    for _ in range(11):
        await shop.charges()
    ids, has_more = await listed(shop, "")
    assert (len(ids), has_more) == (10, True)


async def test_payments_are_found_by_reference_and_by_status(shop: Client) -> None:
    one, other = await shop.charges(reference="A-1"), await shop.charges(reference="A-2")
    await shop.posts(f"{PAY}/{other['id']}/cancel")
    assert await listed(shop, "reference=A-1") == ([one["id"]], False)
    assert await listed(shop, "status=cancelled") == ([other["id"]], False)


async def test_a_listed_payment_can_be_expanded(shop: Client) -> None:
    await shop.charges()
    (payment,) = (await shop.gets(f"{PAY}?expand[]=attempts")).json["data"]
    assert len(payment["attempts"]) == 1


async def test_the_balance_is_what_the_books_say(shop: Client) -> None:
    nothing = [{"amount": 0, "currency": "THB"}]
    balance = (await shop.gets("/v1/balance")).json
    assert (balance["payable"], balance["unapplied"], balance["receivable"]) == (nothing, nothing, nothing)
    shop.shop.bank.to_create.append(Paid((receipt(baht(150), "T1"), receipt(baht(150), "T2"))))
    await shop.charges()
    assert (await shop.gets("/v1/balance")).json == {
        "object": "balance",
        "mode": "test",
        "payable": [{"amount": 15_000, "currency": "THB"}],
        "unapplied": [{"amount": 15_000, "currency": "THB"}],
        "receivable": [{"amount": 30_000, "currency": "THB"}],
    }


@pytest.mark.parametrize("version", ["2026-11-23", None])
async def test_the_version_is_echoed(shop: Client, version: str | None) -> None:
    headers: dict[str, Any] = {"QuickKub-Version": version} if version else {}
    assert (await shop.gets(PAY, **headers)).headers["quickkub-version"] == "2026-11-23"


@pytest.mark.parametrize("version", ["2026-11-24", "1", "", "latest"])
async def test_a_version_that_does_not_exist_is_refused(same_shop: Client, version: str) -> None:
    told = await same_shop.gets(PAY, **{"QuickKub-Version": version})
    assert told.no == (400, "version_unknown", "QuickKub-Version")
