"""Merchant iPay of the simulated bank, asked by a client that knows only the manual."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.bbl import BACK, SECRET, Bank, hashed, listening, running_bank

GOOD, DECLINED, FAILED_3D, FRAUD = (
    "4918914107195005",
    "4918914107195013",
    "4918914107195047",
    "4918914107195054",
)


@pytest.fixture
async def bank() -> Any:
    async with running_bank() as found:
        yield found


async def test_a_payer_pays_on_the_page_and_comes_back_with_the_reference(bank: Bank) -> None:
    async with listening(bank) as gateway:
        page = await bank.orders()
        assert page.status == 200 and "150.75 baht" in page.text
        back = await bank.uses_card(page, GOOD)
        assert back.status == 303
        address = urlsplit(back.headers["location"])
        assert address.path.endswith("/ok") and parse_qs(address.query) == {"Ref": ["ORD-1"]}
        await bank.time_passes(0)
    (feed,) = gateway.heard
    assert (feed["successcode"], feed["Amt"], feed["Cur"], feed["MerchantId"]) == (
        "0",
        "150.75",
        "764",
        "1234",
    )
    parts = [feed[name] for name in ("src", "prc", "successcode", "Ref", "PayRef", "Cur", "Amt", "payerAuth")]
    assert feed["secureHash"] == hashed(*parts, SECRET)
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert (record["orderStatus"], record["payRef"], record["settle"]) == ("Accepted", feed["PayRef"], "F")
    assert record["txTime"] == "2026-01-15 12:00:00.0" and len(record) == 25
    assert (await bank.truth())["total_satang"] == 15075


@pytest.mark.parametrize(
    ("card", "prc", "src"), [(DECLINED, "1", "05"), (FAILED_3D, "3", "0"), (FRAUD, "-8", "2007")]
)
async def test_magic_cards_are_rejected_and_the_shop_is_told(
    bank: Bank, card: str, prc: str, src: str
) -> None:
    async with listening(bank) as gateway:
        back = await bank.uses_card(await bank.orders(), card)
        assert "/fail?" in back.headers["location"]
        await bank.time_passes(0)
    (feed,) = gateway.heard
    assert (feed["successcode"], feed["prc"], feed["src"]) == ("1", prc, src)
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert (record["orderStatus"], record["prc"], record["src"]) == ("Rejected", prc, src)
    assert (await bank.truth())["total_satang"] == 0


async def test_a_payer_who_cancels_leaves_a_cancelled_record(bank: Bank) -> None:
    back = await bank.uses_card(await bank.orders(), GOOD, "cancel")
    assert back.headers["location"] == BACK + "/cancel?Ref=ORD-1"
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert record["orderStatus"] == "Cancelled"


async def test_the_page_ends_after_half_an_hour_and_leaves_no_record(bank: Bank) -> None:
    page = await bank.orders()
    await bank.time_passes(1800)
    assert (await bank.uses_card(page, GOOD)).status == 400
    assert (await bank.asks(orderRef="ORD-1")).records == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"merchantId": "9"},
        {"currCode": "840"},
        {"pay_type": "X"},
        {"lang": "th"},
        {"payMethod": None},
        {"successUrl": "shop"},
        {"failUrl": None},
        {"cancelUrl": "https://shop.example/" + "a" * 300},
        {"remark": "a" * 201},
        {"secureHash": None},
        {"secureHash": "0" * 128},
        {"secureHash": hashed("1234", "ORD-1", "764", "1.00", "N", SECRET)},
    ],
)
async def test_a_form_that_is_not_in_order_shows_no_page(bank: Bank, wrong: dict[str, Any]) -> None:
    assert (await bank.orders(**wrong)).status == 400


@pytest.mark.parametrize("amount", ["0.00", "1e3", "-1", "1.005", ""])
async def test_an_amount_that_is_none_shows_no_page(bank: Bank, amount: str) -> None:
    assert (await bank.orders(amount=amount)).status == 400


@pytest.mark.parametrize("ref", ["", "A" * 36])
async def test_a_reference_has_1_to_35_letters(bank: Bank, ref: str) -> None:
    assert (await bank.orders(ref)).status == 400


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
async def test_the_datafeed_is_hashed_as_the_form_was(bank: Bank, algorithm: str) -> None:
    async with listening(bank) as gateway:
        proof = hashed("1234", "ORD-1", "764", "150.75", "N", SECRET, algorithm=algorithm)
        assert (await bank.orders(secureHash=proof)).status == 200
        moved = await bank.pay("ORD-1")
        await bank.time_passes(0)
    parts = ["0", "0", "0", "ORD-1", moved["transaction_id"], "764", "150.75", "Y", SECRET]
    assert gateway.heard[0]["secureHash"] == hashed(*parts, algorithm=algorithm)


async def test_while_a_secret_changes_two_hashes_are_sent(bank: Bank) -> None:
    await bank.control("options", {"datafeed_old_secret": "old"})
    async with listening(bank) as gateway:
        await bank.orders()
        await bank.pay("ORD-1")
        await bank.time_passes(0)
    old, new = gateway.heard[0]["secureHash"].split(",")
    assert len(old) == len(new) == 128 and old != new


async def test_the_datafeed_comes_again_until_the_answer_begins_with_ok(bank: Bank) -> None:
    async with listening(bank) as gateway:
        gateway.answer = "no"
        await bank.orders()
        await bank.pay("ORD-1")
        await bank.time_passes(0)
        counts = [len(gateway.heard)]
        for minutes in (1, 5, 15):
            await bank.time_passes(60 * minutes)
            counts.append(len(gateway.heard))
        gateway.answer = "OK!"
        await bank.time_passes(3600)
        await bank.time_passes(36000)
    assert counts == [1, 2, 3, 4] and len(gateway.heard) == 5
    assert len({tuple(sorted(feed.items())) for feed in gateway.heard}) == 1, "repeats say the same"
    letters = (await bank.control("confirmations", method="GET"))["confirmations"]
    assert [letter["state"] for letter in letters] == ["accepted"]


async def test_after_the_last_repeat_the_bank_gives_up(bank: Bank) -> None:
    async with listening(bank) as gateway:
        gateway.answer = ""
        await bank.orders()
        await bank.pay("ORD-1")
        for seconds in (0, 60, 300, 900, 3600, 86400):
            await bank.time_passes(seconds)
    assert len(gateway.heard) == 5
    letters = (await bank.control("confirmations", method="GET"))["confirmations"]
    assert letters[0]["state"] == "given_up"


async def test_one_reference_may_be_paid_twice_unless_the_merchant_asks_otherwise(bank: Bank) -> None:
    for _ in range(2):
        await bank.uses_card(await bank.orders(), GOOD)
    records = (await bank.asks(orderRef="ORD-1")).records
    assert [r["orderStatus"] for r in records] == ["Accepted", "Accepted"]
    assert len({r["payRef"] for r in records}) == 2
    await bank.control("options", {"unique_order_ref": True})
    await bank.uses_card(await bank.orders(), GOOD)
    third = (await bank.asks(orderRef="ORD-1")).records[2]
    assert (third["orderStatus"], third["prc"], third["src"]) == ("Rejected", "-8", "2007")


async def test_a_query_by_payment_shows_that_payment(bank: Bank) -> None:
    await bank.orders()
    moved = await bank.pay("ORD-1")
    (record,) = (await bank.asks(payRef=moved["transaction_id"])).records
    assert record["ref"] == "ORD-1"


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"loginId": "x"}, {"merchantId": "9"}])
async def test_wrong_credentials_are_told_in_no_xml(bank: Bank, wrong: dict[str, str]) -> None:
    said = await bank.asks(orderRef="ORD-1", **wrong)
    assert said.text == ("resultCode=-1&orderStatus=&ref=&payRef=&amt=&cur=&errMsg=Authentication+Failed")


async def test_a_question_about_nothing_is_refused(bank: Bank) -> None:
    assert (await bank.asks()).words["resultCode"] == "-1"
    assert (await bank.asks("Void", payRef="1")).words["errMsg"] == "Order not found"
    await bank.orders()
    moved = await bank.pay("ORD-1")
    said = await bank.asks("Freeze", payRef=moved["transaction_id"])
    assert said.words["errMsg"] == "Parameter actionType Incorrect"


async def held(bank: Bank) -> str:
    await bank.orders(pay_type="H")
    moved = await bank.pay("ORD-1")
    return str(moved["transaction_id"])


async def test_a_hold_is_no_money_until_it_is_captured_once(bank: Bank) -> None:
    pay_ref = await held(bank)
    assert (await bank.truth())["total_satang"] == 0
    too_much = await bank.asks("Capture", payRef=pay_ref, amount="150.76")
    assert too_much.words["resultCode"] == "-1"
    said = await bank.asks("Capture", payRef=pay_ref, amount="99.00")
    assert (said.words["resultCode"], said.words["amt"]) == ("0", "99.00")
    assert (await bank.truth())["total_satang"] == 9900
    again = await bank.asks("Capture", payRef=pay_ref, amount="51.75")
    assert again.words["resultCode"] == "-1"


async def test_a_hold_is_let_go_once(bank: Bank) -> None:
    pay_ref = await held(bank)
    assert (await bank.asks("Void", payRef=pay_ref)).words["orderStatus"] == "Voided"
    assert (await bank.asks("Void", payRef=pay_ref)).words["resultCode"] == "-1"
    assert (await bank.asks("Capture", payRef=pay_ref, amount="1.00")).words["resultCode"] == "-1"


async def test_before_midnight_a_sale_is_voided_and_after_it_refunded(bank: Bank) -> None:
    await bank.orders()
    pay_ref = (await bank.pay("ORD-1"))["transaction_id"]
    early = await bank.asks("RequestRefund", payRef=pay_ref, amount="50.75")
    assert early.words["errMsg"] == "Order not yet settled"
    await bank.time_is("2026-01-16T00:00:00+07:00")
    late = await bank.asks("Void", payRef=pay_ref)
    assert late.words["errMsg"] == "Order already settled"
    said = await bank.asks("RequestRefund", payRef=pay_ref, amount="50.75")
    assert (said.words["resultCode"], said.words["orderStatus"], said.words["amt"]) == (
        "0",
        "RequestRefund",
        "50.75",
    )
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert (record["orderStatus"], record["settle"], record["settleBatchId"]) == (
        "RequestRefund",
        "T",
        "20260116",
    )


async def test_refunds_add_up_to_what_came_in_and_not_more(bank: Bank) -> None:
    await bank.orders()
    pay_ref = (await bank.pay("ORD-1"))["transaction_id"]
    await bank.time_passes(86400)
    assert (await bank.asks("RequestRefund", payRef=pay_ref, amount="100.00")).words["resultCode"] == "0"
    assert (await bank.asks("RequestRefund", payRef=pay_ref, amount="50.76")).words["resultCode"] == "-1"
    assert (await bank.asks("Refund", payRef=pay_ref, amount="50.75")).words["resultCode"] == "0"
    assert (await bank.asks("RequestRefund", payRef=pay_ref, amount="0.01")).words["resultCode"] == "-1"
    await bank.time_passes(86400)
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert record["orderStatus"] == "Refunded"
    assert (await bank.truth())["total_satang"] == 0


async def test_a_part_given_back_is_an_adjusted_record(bank: Bank) -> None:
    await bank.orders()
    pay_ref = (await bank.pay("ORD-1"))["transaction_id"]
    await bank.time_passes(86400)
    await bank.asks("RequestRefund", payRef=pay_ref, amount="50.75")
    await bank.time_passes(86400)
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert record["orderStatus"] == "Accepted_Adj"


async def test_online_reversal_takes_sales_back_where_the_acquirer_allows_it(bank: Bank) -> None:
    await bank.orders()
    pay_ref = (await bank.pay("ORD-1"))["transaction_id"]
    await bank.control("options", {"online_reversal": False})
    assert (await bank.asks("OnlineReversal", payRef=pay_ref)).words["resultCode"] == "-1"
    await bank.control("options", {"online_reversal": True})
    assert (await bank.asks("OnlineReversal", payRef=pay_ref)).words["resultCode"] == "0"
    assert (await bank.truth())["total_satang"] == 0


async def test_a_card_posted_by_the_server_is_answered_in_text(bank: Bank) -> None:
    words = bank.form() | {
        "pMethod": "VISA",
        "cardNo": GOOD,
        "securityCode": "123",
        "cardHolder": "TEST CARD",
        "epMonth": "12",
        "epYear": "2030",
    }
    said = await bank.posts("/b2c/eng/directPay/payComp.jsp", words)
    assert (said.words["successcode"], said.words["Ref"], said.words["Amt"]) == ("0", "ORD-1", "150.75")
    assert said.words["errMsg"] == "Transaction completed"
    (record,) = (await bank.asks(orderRef="ORD-1")).records
    assert record["channelType"] == "DPS"
    failed = await bank.posts("/b2c/eng/directPay/payComp.jsp", words | {"cardNo": DECLINED})
    assert (failed.words["successcode"], failed.words["prc"], failed.words["src"]) == ("1", "1", "05")
    wrong = await bank.posts("/b2c/eng/directPay/payComp.jsp", words | {"pMethod": "Gold"})
    assert wrong.words["successcode"] == "-1"


@pytest.mark.parametrize("operation", ["order_api", "pay_form"])
async def test_faults_reach_every_part(bank: Bank, operation: str) -> None:
    await bank.control("faults", {"faults": [{"kind": "error_503", "operation": operation}]})
    said = await (bank.orders() if operation == "pay_form" else bank.asks(orderRef="ORD-1"))
    assert said.status == 503


async def test_too_many_questions_are_refused_where_there_is_a_limit(bank: Bank) -> None:
    await bank.control("options", {"orders_per_second": 2})
    statuses = [(await bank.asks(orderRef="ORD-1")).status for _ in range(4)]
    assert statuses[:2] == [200, 200] and 429 in statuses
