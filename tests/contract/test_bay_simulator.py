"""The simulated Krungsri, asked by a client that knows only the bank's documents."""

from __future__ import annotations

import json
import uuid
from typing import Any

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Slip
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.providers.bay.manifest import MANIFEST
from quickkub.connectors.transport import Line
from quickkub.promptpay import BankSlip, build_slip, parse_payment
from tests.support.bay import BILLER, Bank, Headers, listening, running_bank
from tests.support.speech.bay import sign


@pytest.fixture
async def bank() -> Any:
    async with running_bank() as found:
        yield found


async def test_a_qr_carries_the_bank_s_number_of_the_payment(bank: Bank) -> None:
    said = await bank.makes_qr()
    assert (said.status, said.code, said.data["success"]) == (200, "10000", "true")
    trx_id = said.data["trxId"]
    assert len(trx_id) == 18 and trx_id.startswith("260115120000")
    qr = parse_payment(said.data["qrcodeContent"])
    assert qr.biller is not None and (qr.biller.biller_id, qr.biller.ref1) == (BILLER, "INV1")
    assert qr.value("62") == f"0718{trx_id}"


async def test_the_same_references_give_another_number(bank: Bank) -> None:
    first, again = await bank.makes_qr(), await bank.makes_qr()
    assert first.data["trxId"] != again.data["trxId"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"bizMchId": "9"}, "21001"),
        ({"billerId": "9"}, "21002"),
        ({"sign": "AAAA"}, "21000"),
        ({"sign": sign({"a": "b"})}, "21000"),
        ({"sign": ""}, "21000"),
        ({"sign": "no base64!"}, "21000"),
        ({"amount": "21001.00"}, "21001"),
        ({"amount": "32351.00"}, "32351"),
    ],
)
async def test_the_bank_says_no_with_a_code_and_an_empty_qr(
    bank: Bank, wrong: dict[str, Any], code: str
) -> None:
    said = await bank.makes_qr(**wrong)
    assert (said.status, said.code, said.data["trxId"], said.data["qrcodeContent"]) == (200, code, "", "")


async def test_codes_chosen_by_the_amount_can_be_switched_off(bank: Bank) -> None:
    await bank.control("options", {"amount_selects_code": False})
    assert (await bank.makes_qr(amount="21001.00")).code == "10000"


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "3"},
        {"reference1": None},
        {"reference1": "a"},
        {"reference2": "A" * 21},
        {"terminalId": None},
        {"remark": None},
        {"amount": "1"},
        {"amount": "0.00"},
        {"amount": 1.5},
    ],
)
async def test_a_field_that_is_missing_or_wrong_is_refused_by_the_gateway(
    bank: Bank, wrong: dict[str, Any]
) -> None:
    said = await bank.makes_qr(**wrong)
    assert said.status == 400 and said.data["error"]["code"] == "98"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"API-Key": "wrong"}, 401, "401"),
        ({"API-Key": None}, 401, "401"),
        ({"X-Client-Transaction-ID": None}, 400, "98"),
        ({"X-Client-Transaction-ID": "1"}, 400, "98"),
        ({"X-Client-Transaction-ID": str(uuid.uuid1())}, 400, "98"),
        ({"X-Client-Transaction-DateTime": "2026-01-15 12:00"}, 400, "55"),
        ({"content-type": "text/plain"}, 415, "98"),
    ],
)
async def test_the_gateway_checks_the_headers(
    bank: Bank, headers: dict[str, str | None], status: int, code: str
) -> None:
    said = await bank.sends("/native/QRPayment/trans/detail", {"trxId": "1"}, headers=headers)
    assert (said.status, said.data["error"]["code"]) == (status, code)


async def test_the_time_header_is_asked_for_only_where_the_option_says_so(bank: Bank) -> None:
    none: Headers = {"X-Client-Transaction-DateTime": None}
    path, words = "/native/QRPayment/trans/detail", {"bizMchId": "1000000000000001", "trxId": "1"}
    assert (await bank.sends(path, words, headers=none)).status == 200
    await bank.control("options", {"requires_datetime_header": True})
    assert (await bank.sends(path, words, headers=none)).status == 400


async def test_an_id_of_a_call_counts_once(bank: Bank) -> None:
    same, words = str(uuid.uuid4()), {"bizMchId": "1000000000000001", "trxId": "1"}
    path = "/native/QRPayment/trans/detail"
    assert (await bank.sends(path, words, headers={"X-Client-Transaction-ID": same})).status == 200
    assert (await bank.sends(path, words, headers={"X-Client-Transaction-ID": same})).status == 400


async def test_what_is_no_json_is_refused_and_a_strange_path_is_answered_by_a_proxy(bank: Bank) -> None:
    assert (await bank.sends("/native/QRPayment/trans/detail", b"{")).status == 400
    said = await bank.sends("/native/elsewhere", {})
    assert (said.status, said.text) == (404, "File not found.")


async def test_a_payment_is_told_of_and_found(bank: Bank) -> None:
    async with listening(bank) as gateway:
        trx_id = (await bank.makes_qr()).data["trxId"]
        assert (await bank.asks(trx_id)).data["transaction"]["trxStatus"] == "0"
        await bank.pay("INV1")
        await bank.time_passes(0)
        found = (await bank.asks(trx_id)).data["transaction"]
    (said,) = gateway.heard
    assert (said["trxId"], said["trxStatus"], said["amount"]) == (trx_id, "1", "150.75")
    assert said["datetime"] == "2026-01-15T12:00:00Z", "local time that wears a Z"
    assert said["feeMerchant"] == "1.00 " and "reference1" not in said
    assert (found["trxStatus"], found["datetime"]) == ("1", 1768453200000), "and true time in the detail"
    assert found["reference1"] == "INV1"


async def test_an_unpaid_qr_may_be_not_found(bank: Bank) -> None:
    await bank.control("options", {"unpaid_answer": "32201"})
    assert (await bank.asks((await bank.makes_qr()).data["trxId"])).code == "32201"
    assert (await bank.asks("1")).code == "32201"


async def test_a_qr_ends_after_a_quarter_of_an_hour(bank: Bank) -> None:
    trx_id = (await bank.makes_qr()).data["trxId"]
    await bank.time_passes(900)
    assert (await bank.asks(trx_id)).code == "32322"
    async with bank.session.post(f"{bank.url}/_sim/payments/{trx_id}/pay", json={}) as came:
        assert came.status == 409


async def test_a_qr_is_paid_once(bank: Bank) -> None:
    await bank.makes_qr()
    await bank.pay("INV1")
    async with bank.session.post(f"{bank.url}/_sim/payments/INV1/pay", json={}) as came:
        assert came.status == 409


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "{}",
        '{"returnCode": 10000, "message": "Successful reception"}',
        json.dumps(
            {
                "returnCode": "10000",
                "message": "Successful reception",
                "sign": sign({"message": "Successful reception", "returnCode": "10000"}),
            }
        ),
    ],
)
async def test_the_callback_comes_again_three_times_until_a_signed_number_10000(
    bank: Bank, wrong: str
) -> None:
    async with listening(bank) as gateway:
        gateway.answer = wrong
        await bank.makes_qr()
        await bank.pay("INV1")
        for seconds in (0, 30, 30, 30, 3600):
            await bank.time_passes(seconds)
    assert len(gateway.heard) == 4
    letters = (await bank.control("confirmations", method="GET"))["confirmations"]
    assert letters[0]["state"] == "given_up"


async def test_a_proper_answer_ends_the_calls(bank: Bank) -> None:
    async with listening(bank) as gateway:
        await bank.makes_qr()
        await bank.pay("INV1")
        await bank.time_passes(0)
        await bank.time_passes(3600)
    assert len(gateway.heard) == 1


async def test_a_list_has_pages_of_thirty_and_not_more(bank: Bank) -> None:
    for number in range(32):
        await bank.makes_qr(f"INV{number}")
        await bank.pay(f"INV{number}")
    assert (await bank.lists(rows=31)).code == "21004"
    first = (await bank.lists()).data["data"]["transactions"]
    second = (await bank.lists(2)).data["data"]["transactions"]
    assert (len(first), len(second)) == (30, 2)
    assert len({row["trxId"] for row in first + second}) == 32
    assert (await bank.lists(3)).data["data"]["transactions"] == []
    since = (await bank.lists(timeStart="2026-01-16 00:00:00")).data["data"]["transactions"]
    assert since == []
    assert (await bank.lists(timeStart="tomorrow")).status == 400
    assert (await bank.lists(0)).status == 400


async def test_a_day_is_settled_when_it_is_over(bank: Bank) -> None:
    for ref in ("INV1", "INV2"):
        await bank.makes_qr(ref)
        await bank.pay(ref)
    assert (await bank.lists(path="settle/list")).data["data"]["settles"] == []
    await bank.time_is("2026-01-16T00:00:00+07:00")
    assert (await bank.lists(path="settle/list")).data["data"]["settles"] == [
        {"settleDate": "2026-01-15", "settleAmount": "301.50", "feeMerchant": "2.00", "count": "2"}
    ]


async def test_a_slip_is_verified(bank: Bank) -> None:
    qr = (await bank.makes_qr()).data["qrcodeContent"]
    assert (await bank.verifies(qr)).code == "32201"
    moved = await bank.pay("INV1")
    slip = build_slip(BankSlip(moved["sending_bank"], moved["trans_ref"]))
    assert (await bank.verifies(slip)).data["transaction"]["trxId"] == moved["transaction_id"]
    assert (await bank.verifies(build_slip(BankSlip("014", "1")))).code == "32201"
    assert (await bank.verifies(qr)).code == "31001"
    assert (await bank.verifies("0002010102")).code == "32301"
    other = (await bank.makes_qr("INV2")).data["qrcodeContent"]
    await bank.time_passes(900)
    assert (await bank.verifies(other)).code == "31002"


async def test_the_connector_finds_a_slip_that_the_bank_knows(bank: Bank) -> None:
    await bank.makes_qr()
    moved = await bank.pay("INV1")
    account = loose_account(
        MANIFEST, {**simulator_particulars(MANIFEST, bank.url), "qr.verify_enabled": "true"}
    )
    line, connector = Line(registry.connector), registry.connector("bay")
    asking = connector.verify_slip(account, "014", moved["trans_ref"])  # type: ignore[attr-defined]
    slip = (await line.run(account, asking)).outcome
    await line.close()
    assert isinstance(slip, Slip) and (slip.amount.minor, slip.references) == (15075, ("INV1",))


async def test_a_link_is_paid_and_the_shop_is_told_where_it_asked(bank: Bank) -> None:
    async with listening(bank) as gateway:
        await bank.control("registrations", {"url": "http://127.0.0.1:9/nobody"})
        made = await bank.makes_link(notifyUrl=gateway.url)
        number = made.data["referenceNumber"]
        assert made.data["deeplinkUrl"] == f"krungsri-sim://pay?ref={number}"
        assert made.data["expiryDateTime"] == "2026-01-15T12:15:00.000+07:00"
        assert (await bank.asks_link(number)).data["transactionStatus"] == "PENDING"
        await bank.pay(number)
        await bank.time_passes(0)
    assert gateway.heard == [(await bank.asks_link(number)).data]
    assert gateway.heard[0]["transactionStatus"] == "SUCCESS"
    assert (await bank.asks_link("DL0")).status == 404


@pytest.mark.parametrize(
    ("state", "word"), [("cancelled", "CANCELLED"), ("invalid", "FAILED"), ("", "EXPIRED")]
)
async def test_a_link_ends_in_three_ways(bank: Bank, state: str, word: str) -> None:
    number = (await bank.makes_link()).data["referenceNumber"]
    if state:
        await bank.control(f"payments/{number}/end", {"state": state})
    else:
        await bank.time_passes(900)
    assert (await bank.asks_link(number)).data["transactionStatus"] == word


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "19.99"},
        {"amount": "700000.01"},
        {"currencyCode": "USD"},
        {"billerId": "9"},
        {"expiryMinutes": 15},
        {"reference1": None},
        {"notifyUrl": "shop"},
    ],
)
async def test_a_link_that_is_not_in_order_is_refused(bank: Bank, wrong: dict[str, Any]) -> None:
    assert (await bank.makes_link(**wrong)).status == 400


async def test_too_many_requests_are_refused_where_there_is_a_limit(bank: Bank) -> None:
    await bank.control("options", {"requests_per_second": 2})
    assert 429 in [(await bank.asks("1")).status for _ in range(5)]


async def test_money_taken_back_is_a_refunded_transaction(bank: Bank) -> None:
    trx_id = (await bank.makes_qr()).data["trxId"]
    await bank.pay("INV1")
    await bank.control(f"movements/{trx_id}/reverse", {})
    assert (await bank.asks(trx_id)).data["transaction"]["trxStatus"] == "4"
    assert (await bank.control("truth", method="GET"))["total_satang"] == 0


async def test_a_payment_whose_confirmation_and_next_answer_are_lost_is_found_after_that(bank: Bank) -> None:
    async with listening(bank) as gateway:
        trx_id = (await bank.makes_qr()).data["trxId"]
        await bank.pay("INV1", lose_answer=True)
        await bank.time_passes(3600)
        with pytest.raises(aiohttp.ClientError):
            await bank.asks(trx_id)
        assert (await bank.asks(trx_id)).data["transaction"]["trxStatus"] == "1"
    assert gateway.heard == []
