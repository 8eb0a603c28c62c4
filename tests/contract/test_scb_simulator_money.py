"""What can be paid at the simulated bank, what its records show, and whom it tells."""

from __future__ import annotations

from typing import Any

import pytest

from quickkub.kernel.money import baht
from quickkub.promptpay import parse_payment
from tests.contract.conftest import Gateway
from tests.support.scb import BILLER, Scb
from tests.support.scb_client import Client


async def test_the_published_example_gives_the_published_text(client: Client) -> None:
    said = await client.makes_qr("REFERENCE1", "1.00", ref2="REFERENCE2", ref3="SCB")
    assert said.data["qrRawData"] == (
        "00020101021230670016A00000067701011201151234567890123450210REFERENCE10310REFERENCE2"
        "52047011530376454041.005802TH6007BANGKOK62070703SCB6304CE18"
    )


async def test_the_same_words_give_the_same_qr(client: Client, scb: Scb) -> None:
    first, again = await client.makes_qr(), await client.makes_qr()
    assert first.data["qrRawData"] == again.data["qrRawData"]
    assert len((await scb.control("GET", "items"))["items"]) == 1


async def test_a_paid_qr_has_a_row_with_the_documented_fields(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    (movement,) = await scb.pay("QK0001")
    (row,) = (await client.asks()).data
    assert row["transactionId"] == movement["transaction_id"]
    assert (row["amount"], row["currencyCode"], row["payeeProxyId"]) == ("100.00", "764", BILLER)
    assert row["transactionDateandTime"] == "2026-01-15T12:00:00.000+07:00"
    assert row["reverseFlag"] == "" and len(row) == 27


async def test_a_version_1_qr_can_be_paid_twice_and_next_year(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    await scb.pay("QK0001", times=2)
    await scb.time_is("2027-01-15T12:00:00+07:00")
    await scb.pay("QK0001")
    await client.logs_in()
    assert len((await client.asks()).data) == 2
    assert len((await client.asks(day="2027-01-15")).data) == 1
    assert (await scb.truth())["total_satang"] == 30000


@pytest.mark.parametrize(
    ("more", "rows"),
    [
        ({"day": "2026-01-14"}, 0),
        ({"reference2": "REF2"}, 1),
        ({"reference2": "OTHER"}, 0),
        ({"amount": "100"}, 1),
        ({"amount": "100.00"}, 1),
        ({"amount": "99"}, 0),
        ({"eventCode": "00300104"}, 0),
    ],
)
async def test_an_inquiry_shows_what_fits_all_that_was_asked(
    client: Client, scb: Scb, more: dict[str, str], rows: int
) -> None:
    await client.makes_qr()
    await scb.pay("QK0001")
    assert len((await client.asks(**more)).data) == rows


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"day": "20260115"}, 1102),
        ({"day": "2026-02-30"}, 1102),
        ({"day": "-"}, 1101),
        ({"day": ""}, 1103),
        ({"billerId": "999999999999999"}, 1102),
        ({"eventCode": "00300101"}, 1102),
        ({"billerID": "1"}, 1105),
    ],
)
async def test_an_inquiry_that_is_wrongly_asked_is_refused(
    client: Client, more: dict[str, str], code: int
) -> None:
    words = dict(more)
    if "day" in words:
        words["transactionDate"] = words.pop("day")
    assert (await client.asks(**words)).no == (400, code)


@pytest.mark.parametrize(
    ("way", "no", "data"),
    [
        ("empty", (200, 1000), []),
        ("missing", (200, 1000), None),
        ("1104", (404, 1104), None),
        ("8101", (400, 8101), None),
    ],
)
async def test_what_an_unpaid_reference_answers_can_be_chosen(
    client: Client, scb: Scb, way: str, no: tuple[int, int], data: Any
) -> None:
    await scb.control("POST", "options", {"unpaid_inquiry": way})
    said = await client.asks()
    assert said.no == no and said.data == data


async def test_payments_around_midnight_are_filed_under_bangkok_s_day(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    await scb.time_is("2026-01-15T23:59:59+07:00")
    await scb.pay("QK0001")
    await scb.time_passes(1)
    await scb.pay("QK0001")
    await client.logs_in()
    assert [len((await client.asks(day=day)).data) for day in ("2026-01-15", "2026-01-16")] == [1, 1]


async def test_the_records_may_lag_behind(client: Client, scb: Scb) -> None:
    await scb.control("POST", "options", {"inquiry_lag_seconds": 30})
    await client.makes_qr()
    await scb.pay("QK0001")
    assert (await client.asks()).data == []
    await scb.time_passes(30)
    assert len((await client.asks()).data) == 1


async def test_a_reversed_payment_is_flagged_and_not_counted(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    (movement,) = await scb.pay("QK0001")
    await scb.control("POST", f"movements/{movement['transaction_id']}/reverse")
    assert (await client.asks()).data[0]["reverseFlag"] == "R"
    assert (await scb.truth())["total_satang"] == 0


async def test_a_slip_is_found_by_its_two_keys(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    (movement,) = await scb.pay("QK0001")
    path = f"/v1/payment/billpayment/transactions/{movement['trans_ref']}"
    said = await client.sends("GET", f"{path}?sendingBank={movement['sending_bank']}")
    assert (said.data["amount"], said.data["ref1"]) == ("100.00", "QK0001")
    assert (await client.sends("GET", f"{path}?sendingBank=999")).no == (404, 1104)
    assert (await client.sends("GET", path)).no == (400, 1101)


# --- version 2 ---


async def test_a_version_2_qr_ends_and_may_be_paid_so_many_times(client: Client, scb: Scb) -> None:
    said = await client.makes_qr_v2(amount=150.75, numberOfTimes=2, expiryDate="2026-01-15 12:15:00")
    inner = said.data["data"]
    assert (said.data["success"], said.data["code"], inner["numberOfTimes"]) == (True, "00", 2)
    assert parse_payment(inner["qrRawData"]).amount == baht("150.75")
    await scb.pay("QK0002", times=2)
    with pytest.raises(AssertionError, match="as often as it may"):
        await scb.pay("QK0002")


async def test_a_version_2_qr_cannot_be_paid_after_its_end(client: Client, scb: Scb) -> None:
    await client.makes_qr_v2(numberOfTimes=1, expiryDate="2026-01-15 12:15:00")
    await scb.time_passes(900)
    with pytest.raises(AssertionError, match="expired"):
        await scb.pay("QK0002")
    assert (await scb.truth())["count"] == 0


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount": "100.00"}, 1102),
        ({"amount": 100.005}, 1102),
        ({"numberOfTimes": 1}, 1101),
        ({"numberOfTimes": 10000, "expiryDate": "2026-01-15 12:15:00"}, 1102),
        ({"numberOfTimes": 1, "expiryDate": "2026-01-15T12:15:00"}, 1102),
        ({"numberOfTimes": 1, "expiryDate": "2026-01-15 11:00:00"}, 1102),
        ({"qrType": "CS"}, 1102),
    ],
)
async def test_a_version_2_qr_that_is_wrongly_asked_is_refused(
    client: Client, more: dict[str, Any], code: int
) -> None:
    assert (await client.makes_qr_v2(**more)).no == (400, code)


# --- cards ---


async def test_a_card_qr_has_an_id_an_end_and_a_record_once_it_is_paid(client: Client, scb: Scb) -> None:
    made = (await client.makes_card_qr()).data
    assert (made["csExtExpiryTime"], made["poi"], made["responseCode"]) == (
        "2026-01-15 12:15:00",
        "12",
        "000",
    )
    assert len(made["qrCodeId"]) == 23
    path = f"/v1/payment/qrcode/creditcard/{made['qrCodeId']}"
    assert (await client.sends("GET", path)).no == (404, 1104)
    await scb.pay("INV0001")
    record = (await client.sends("GET", path)).data
    assert (record["amount"], record["invoice"]) == ("250.00", "INV0001")
    assert record["transactionDateandTime"] == "20260115 12:00:00"


async def test_an_invoice_of_a_card_qr_is_taken_once(client: Client) -> None:
    assert (await client.makes_card_qr()).code == 1000
    assert (await client.makes_card_qr()).no == (400, 1111)


async def test_a_card_qr_cannot_be_paid_after_its_minutes(client: Client, scb: Scb) -> None:
    await client.makes_card_qr(csExtExpiryTime="1")
    await scb.time_passes(60)
    with pytest.raises(AssertionError, match="expired"):
        await scb.pay("INV0001")


async def test_one_qr_for_both_is_paid_by_account_or_by_card_and_once(client: Client, scb: Scb) -> None:
    both = {"qrType": "PPCS", "ppType": "BILLERID", "ppId": BILLER, "ref1": "BOTH1", "ref3": "SCB1"}
    made = (await client.makes_card_qr(**both)).data
    assert made["qrCodeType"] == "EM" and "BOTH1" in made["qrRawData"]
    await scb.pay("BOTH1")
    assert len((await client.asks("BOTH1")).data) == 1
    with pytest.raises(AssertionError, match="as often as it may"):
        await scb.pay("BOTH1", by="card")


# --- deep links ---


async def test_a_deep_link_is_made_with_201(client: Client) -> None:
    said = await client.makes_link()
    assert said.no == (201, 1000)
    assert said.data["deeplinkUrl"] == f"scbeasysim://purchase/{said.data['transactionId']}"


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (None, 0),
        ({"pay": {}}, 1),
        ({"end": {"state": "cancelled"}}, 2),
        ({"end": {"state": "invalid"}}, 3),
        ({"pay": {"amount": "40.00"}}, 4),
        ({"clock": 600}, 5),
    ],
)
async def test_a_deep_link_has_six_states(client: Client, scb: Scb, act: Any, state: int) -> None:
    transaction = (await client.makes_link()).data["transactionId"]
    match act:
        case {"pay": words}:
            await scb.pay(transaction, **words)
        case {"end": words}:
            await scb.control("POST", f"payments/{transaction}/end", words)
        case {"clock": seconds}:
            await scb.time_passes(seconds)
        case _:
            pass
    found = (await client.link(transaction)).data
    assert found["statusCode"] == state
    assert found.get("paidAmount") == {1: 100.0, 4: 40.0}.get(state)


async def test_a_deep_link_is_paid_once(client: Client, scb: Scb) -> None:
    transaction = (await client.makes_link()).data["transactionId"]
    await scb.pay(transaction)
    with pytest.raises(AssertionError, match="as often as it may"):
        await scb.pay(transaction)


@pytest.mark.parametrize(
    ("more", "no"),
    [
        ({"transactionType": "SALE"}, (400, 1102)),
        ({"transactionSubType": []}, (400, 1102)),
        ({"transactionSubType": ["XX"]}, (400, 1102)),
        ({"transactionSubType": ["CCFA"]}, (400, 1101)),
        ({"sessionValidityPeriod": 59}, (400, 1102)),
        ({"sessionValidityPeriod": 1801}, (400, 1102)),
        (
            {"billPayment": {"paymentAmount": "100", "accountTo": BILLER, "ref1": "A", "ref3": "SCB"}},
            (400, 1102),
        ),
        ({"billPayment": {"paymentAmount": 100, "accountTo": BILLER, "ref1": "A"}}, (400, 1101)),
        (
            {"billPayment": {"paymentAmount": 100, "accountTo": BILLER, "ref1": "A", "ref3": "S", "x": 1}},
            (400, 1105),
        ),
        ({"merchantMetaData": {"paymentInfo": [{}] * 11}}, (400, 1102)),
        ({"extra": 1}, (400, 1105)),
    ],
)
async def test_a_deep_link_that_is_wrongly_asked_is_refused(
    client: Client, more: dict[str, Any], no: tuple[int, int]
) -> None:
    assert (await client.makes_link(**more)).no == no


async def test_a_deep_link_needs_its_channel(client: Client) -> None:
    assert (await client.sends("POST", "/v3/deeplink/transactions", {})).no == (400, 9100)
    said = await client.sends("POST", "/v3/deeplink/transactions", {}, channel="mobile")
    assert said.no == (501, 4101)


async def test_a_moment_until_which_a_deep_link_is_good_is_1_to_30_minutes_ahead(
    client: Client, scb: Scb
) -> None:
    noon = 1768453200
    for seconds, code in ((59, 1102), (60, 1000), (1800, 1000), (1801, 1102)):
        said = await client.makes_link(sessionValidityPeriod=None, sessionValidUntil=noon + seconds)
        assert said.code == code, seconds


async def test_a_card_deep_link_is_confirmed_to_its_merchant(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    await scb.control("POST", "registrations", {"merchant_id": "111111111111111", "url": gateway.url})
    card = {
        "merchantId": "111111111111111",
        "terminalId": "222222222222222",
        "orderReference": "ORDER1",
        "paymentAmount": 100,
    }
    plan = card | {"tenor": "3", "ippType": "1", "prodCode": "1001"}
    for kind, part, body in (
        ("CCFA", "creditCardFullAmount", card),
        ("CCIPP", "installmentPaymentPlan", plan),
    ):
        words = {"transactionSubType": [kind], part: body, "transactionType": "PURCHASE"}
        said = await client.sends("POST", "/v3/deeplink/transactions", words, channel="scbeasy")
        await scb.pay(said.data["transactionId"])
        await scb.time_passes(0)
        assert (gateway.heard[-1]["paymentMethod"], gateway.heard[-1]["merchantId"]) == (
            kind,
            card["merchantId"],
        )
    assert gateway.heard[-1]["tenor"] == "3"


# --- B-scan-C ---


async def test_a_scanned_payer_has_paid_and_the_records_show_it(client: Client) -> None:
    said = await client.scans_payer()
    assert said.no == (200, 1000) and said.data == {}
    (row,) = (await client.asks("QK0004", eventCode="00300104")).data
    assert (row["eventCode"], row["partnerTransactionId"]) == ("00300104", BILLER + "A" * 20)
    assert (await client.asks("QK0004")).data == [], "another event code, another record"


async def test_both_spellings_of_the_partner_s_transaction_are_taken_once(client: Client) -> None:
    again: dict[str, Any] = {"partnerTransactionID": None, "partnerTransactionId": BILLER + "B" * 20}
    assert (await client.scans_payer(**again)).code == 1000
    assert (await client.scans_payer(partner="B" * 20)).no == (400, 1111)
    assert (await client.scans_payer(partnerTransactionID=None)).no == (400, 1101)
    assert (await client.scans_payer(partnerTransactionID="9" * 15 + "C" * 20)).no == (400, 1102)


async def test_an_accepted_scan_can_be_left_waiting(client: Client, scb: Scb) -> None:
    await scb.control("POST", "options", {"bscanc": "wait"})
    await client.scans_payer()
    assert (await client.asks("QK0004", eventCode="00300104")).data == []
    await scb.pay("QK0004")
    assert len((await client.asks("QK0004", eventCode="00300104")).data) == 1


@pytest.mark.parametrize(("at", "no"), [("22:59:59", (200, 1000)), ("23:00:00", (400, 8102))])
async def test_a_refund_is_for_the_same_day_before_eleven_in_the_evening(
    client: Client, scb: Scb, at: str, no: tuple[int, int]
) -> None:
    await client.scans_payer()
    await scb.time_is(f"2026-01-15T{at}+07:00")
    await client.logs_in()
    assert (await client.refunds()).no == no
    row = (await client.asks("QK0004", eventCode="00300104")).data[0]
    assert row["reverseFlag"] == ("R" if no[0] == 200 else "")


async def test_a_refund_is_not_for_the_next_day_nor_twice_nor_for_nothing(client: Client, scb: Scb) -> None:
    assert (await client.refunds()).no == (404, 1104)
    await client.scans_payer()
    assert [(await client.refunds()).no for _ in range(2)] == [(200, 1000), (400, 1111)]
    await client.scans_payer(partner="Z" * 20)
    await scb.time_is("2026-01-16T01:00:00+07:00")
    await client.logs_in()
    assert (await client.refunds("Z" * 20)).no == (400, 8102)
