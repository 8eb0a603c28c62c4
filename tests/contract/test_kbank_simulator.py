"""The simulated QR Payment API, spoken to by a client that knows only the bank's documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from quickkub.promptpay import parse_payment
from tests.support.kbank_client import BASIC, Client, Shop, running_kbank
from tests.support.stub import answering


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running_kbank() as found:
        yield found


async def state(client: Client, uid: str = "ORDER1") -> Any:
    return (await client.inquires(uid))["txnStatus"]


# --- at the door ---


async def test_a_token_is_given_to_the_right_pair_only(client: Client) -> None:
    right = await client.logs_in()
    assert (right["token_type"], right["expires_in"], right["status"]) == ("Bearer", "1799", "approved")
    wrong = await client.logs_in(authorization="Basic ZGVtby1jb25zdW1lci1pZDp3cm9uZw==")
    assert (wrong.status, wrong["code"], wrong["message"]) == (
        401,
        "openapi_error",
        "Invalid Consumer Secret",
    )
    nobody = await client.logs_in(authorization=None)
    assert nobody["message"] == "Unresolved variable Authorization"
    assert (await client.logs_in(authorization=BASIC, content_type="application/json")).status == 400


async def test_older_clients_find_the_token_at_the_older_path(client: Client) -> None:
    said = await client.sends(
        "POST",
        "/oauth/token",
        b"grant_type=client_credentials",
        authorization=BASIC,
        content_type="application/x-www-form-urlencoded",
    )
    assert said["access_token"]


async def test_a_call_needs_a_bearer_token_that_lives(client: Client) -> None:
    token, client.token = client.token, ""
    assert (await client.makes_qr())["message"] == "Invalid Access Token"
    client.token = token
    await client.time_passes(1800)
    ended = await client.makes_qr()
    assert (ended.status, ended["message"]) == (401, "Access Token expired")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"partnerSecret": "wrong"}, "authentication_error EMA"),
        ({"partnerId": "PTR0000000"}, "authentication_error EMA"),
        ({"merchantId": "KB000000000000"}, "authentication_error EMPM"),
        ({"partnerTxnUid": "A" * 33}, "bad_request EMBR"),
        ({"requestDt": "yesterday"}, "bad_request EMBR"),
        ({"merchantId": "-"}, "bad_request EMBR"),
        ({"terminalId": "123456789"}, "bad_request EMBR"),
        ({"txnAmount": 0}, "invalid_txn_amount EMITA"),
        ({"txnAmount": -1}, "invalid_txn_amount EMITA"),
        ({"txnAmount": 2_000_000.01}, "invalid_txn_amount EMITA"),
        ({"txnAmount": 1.005}, "invalid_txn_amount EMITF"),
        ({"txnAmount": "one"}, "invalid_txn_amount EMITF"),
        ({"txnAmount": "-", "amount": 100}, "invalid_txn_amount EMITF"),
        ({"txnCurrencyCode": "USD"}, "invalid_currency_code EMICC"),
        ({"qrType": "9"}, "invalid_qr_type EMIQR"),
        ({"reference1": ""}, "invalid_reference1 EMIR"),
        ({"reference1": "x" * 101}, "bad_request EMBR"),
    ],
)
async def test_every_field_of_a_creation_is_looked_at(client: Client, wrong: Any, code: str) -> None:
    said = await client.makes_qr(**wrong)
    assert (said.status, said.code) == (200, code)
    assert (await client.makes_qr("ORDER2")).code is None


async def test_business_errors_may_come_with_another_http_status(client: Client) -> None:
    await client.control("POST", "options", {"business_error_http_status": 400})
    said = await client.makes_qr(txnAmount=0)
    assert (said.status, said["statusCode"], said["partnerTxnUid"]) == (400, "10", "ORDER1")


async def test_unknown_paths_and_methods_are_the_api_manager_s_to_refuse(client: Client) -> None:
    assert (await client.asks("nowhere"))["message"] == "Invalid Path"
    assert (await client.sends("GET", "/v1/qrpayment/request")).status == 405
    assert (await client.sends("POST", "/v1/qrpayment/request", b"{"))["message"] == "Invalid Request Format"


async def test_too_many_calls_in_a_second_are_refused() -> None:
    async with running_kbank(options={"rate_limit_per_second": 3}) as client:
        said = [await client.inquires() for _ in range(6)]
    assert 429 in {one.status for one in said}


# --- a QR's life ---


async def test_a_qr_has_the_tags_of_the_documented_sample(client: Client) -> None:
    said = await client.makes_qr()
    assert said["sof"] == ["PP"] and said["accountName"] == "QUICKKUB DEMO SHOP"
    qr = parse_payment(said["qrCode"], strict=False)
    assert qr.amount_satang == 10050 and qr.biller is not None
    assert [tag for tag, _ in qr.objects] == ["00", "01", "30", "31", "53", "54", "58", "63"]


async def test_an_amount_as_text_works_too(client: Client) -> None:
    said = await client.makes_qr(amount="100.50")
    assert parse_payment(said["qrCode"], strict=False).amount_satang == 10050


async def test_a_qr_is_paid_once_and_the_number_comes_with_the_payment(client: Client) -> None:
    await client.makes_qr()
    before = await client.inquires()
    assert (before["txnStatus"], before["txnNo"][:4], before["channel"]) == ("REQUESTED", "APIC", None)
    moved = await client.pays("ORDER1")
    after = await client.inquires()
    assert (after["txnStatus"], after["txnNo"]) == ("PAID", moved["transaction_id"])
    assert after["txnAmount"] == "100.50" and after["txnNo"].isdigit()
    with pytest.raises(AssertionError, match="it is PAID"):
        await client.pays("ORDER1")


async def test_a_used_id_is_a_duplicate_whatever_the_call(client: Client) -> None:
    await client.makes_qr("ORDER1")
    assert (await client.makes_qr("ORDER1")).code == "duplicate_request EMDR"
    assert (await client.inquires(partnerTxnUid="ORDER1")).code == "duplicate_request EMDR"
    assert (await client.inquires(partnerTxnUid="ASK1")).code is None
    assert (await client.inquires(partnerTxnUid="ASK1")).code == "duplicate_request EMDR"


async def test_nobody_finds_a_qr_that_was_never_made(client: Client) -> None:
    for said in (await client.inquires("NONE"), await client.cancels("NONE"), await client.voids("NONE")):
        assert said.code == "invalid_origPartnerTxnUid EMITDNE"


async def test_version_five_of_the_inquiry_answers_the_same(client: Client) -> None:
    await client.makes_qr()
    said = await client.asks("v5/inquiry", origPartnerTxnUid="ORDER1", txnNo="APIC1579000000001")
    assert said["txnStatus"] == "REQUESTED"


async def test_a_qr_lives_ten_minutes(client: Client) -> None:
    await client.makes_qr()
    await client.time_passes(599)
    assert await state(client) == "REQUESTED"
    await client.time_passes(1)
    assert await state(client) == "EXPIRED"
    with pytest.raises(AssertionError, match="EXPIRED"):
        await client.pays("ORDER1")
    assert (await client.cancels()).code == "qr_expired EMQRE"


async def test_an_unpaid_qr_is_cancelled_once(client: Client) -> None:
    await client.makes_qr()
    assert (await client.cancels()).code is None
    assert await state(client) == "CANCELLED"
    assert (await client.cancels()).code == "qr_cancelled EMQRC"
    with pytest.raises(AssertionError, match="CANCELLED"):
        await client.pays("ORDER1")


async def test_the_newer_cancel_takes_no_label_and_no_number(client: Client) -> None:
    await client.makes_qr()
    for more in ({"qrType": "THAI_QR"}, {"txnNo": "26440008"}):
        said = await client.cancels(**more)
        assert (said.status, said["message"]) == (400, "Invalid Request Format")
    await client.control("POST", "options", {"cancel_fields": "legacy2020"})
    assert (await client.cancels()).status == 400
    assert (await client.cancels(qrType="3", terminalId="09000107")).code is None


async def test_a_card_qr_may_be_paid_after_its_cancellation(client: Client) -> None:
    await client.makes_qr(qrType="4")
    assert (await client.cancels()).code is None
    await client.pays("ORDER1", by="card")
    said = await client.inquires(qrType="4")
    assert (said["txnStatus"], said["cardScheme"], said["approvalCode"]) == ("PAID", "VISA", "764253")


async def test_a_merchant_without_card_qr_gets_none(client: Client) -> None:
    await client.control("POST", "apps", {"card_qr": "off"})
    assert (await client.makes_qr(qrType="4")).code == "qr_not_enable_credit_card EMQRNECC"
    await client.control("POST", "apps", {"card_qr": "none"})
    assert (await client.makes_qr(qrType="4")).code == "qr_no_credit_card EMQRNCC"


# --- giving back ---


async def test_a_paid_qr_is_voided_on_its_day_and_only_once(client: Client) -> None:
    await client.makes_qr()
    assert (await client.voids()).code == "bad_request EMBR"
    moved = await client.pays("ORDER1")
    assert (await client.cancels()).code == "qr_paid EMQRP"
    assert (await client.voids(txnNo="1")).code == "invalid_origPartnerTxnUid EMITDNE"
    assert (await client.voids(txnNo=moved["transaction_id"])).code is None
    assert await state(client) == "VOIDED"
    assert (await client.control("GET", "truth"))["total_satang"] == 0
    assert (await client.voids()).code == "qr_void EMQRVOTCH"


async def test_the_next_day_is_too_late_for_a_void(client: Client) -> None:
    await client.makes_qr()
    await client.pays("ORDER1")
    await client.time_is("2026-01-16T00:00:01+07:00")
    await client.logs_in()
    assert (await client.voids()).code == "settlement_error EMSET"


async def test_another_bank_s_payment_cannot_be_voided(client: Client) -> None:
    await client.makes_qr()
    await client.pays("ORDER1", by="scb")
    assert (await client.voids()).code == "qr_void EMQRVOTCH"


async def test_the_void_of_a_card_qr_names_the_payment_number(client: Client) -> None:
    await client.makes_qr(qrType="4")
    moved = await client.pays("ORDER1", by="card")
    assert (await client.voids()).code == "bad_request EMBR"
    assert (await client.voids(txnNo="APIC1579000000001")).code == "bad_request EMBR"
    assert (await client.voids(txnNo=moved["transaction_id"])).code is None


async def test_a_settlement_sums_what_is_paid_and_ends_its_voids(client: Client) -> None:
    for uid, amount in (("ORDER1", 1000), ("ORDER2", 250.75), ("ORDER3", 9)):
        await client.makes_qr(uid, amount)
    await client.pays("ORDER1")
    await client.pays("ORDER2")
    assert (await client.asks("settlement", qrType="3")).code == "bad_request EMBR"
    said = await client.asks("settlement", qrType="3", terminalId="09000107")
    assert (said["settlementAmount"], said["settlementCurrencyCode"]) == (1250.75, "THB")
    assert (await client.voids()).code == "settlement_error EMSET"
    again = await client.asks("settlement", qrType="3", terminalId="09000107")
    assert again["settlementAmount"] == 0


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("21:59:59", None),
        ("22:00:00", "settlement_error EMSMSG"),
        ("02:29:59", "settlement_error EMSMSG"),
        ("02:30:00", None),
    ],
)
async def test_manual_settlement_is_closed_at_night(client: Client, at: str, code: str | None) -> None:
    await client.time_is(f"2026-01-16T{at}+07:00")
    await client.logs_in()
    assert (await client.asks("settlement", qrType="3", terminalId="09000107")).code == code


async def test_a_payment_is_found_by_its_slip(client: Client) -> None:
    await client.makes_qr()
    moved = await client.pays("ORDER1")
    asked = {"rqUID": "0" * 32, "rqDt": "2026-01-15T12:00:00.000+07:00"}
    verify = "/v1/verslip/kbank/verify"
    data = {"sendingBank": "004", "transRef": moved["slip"]}
    said = await client.sends("POST", verify, {**asked, "data": data})
    assert (said["statusCode"], said["data"]["amount"], said["data"]["ref1"]) == ("0000", 100.50, "INV001")
    data = {"sendingBank": "004", "transRef": "019182105907167129"}
    assert (await client.sends("POST", verify, {**asked, "data": data}))["statusCode"] == "0000"
    data = {"sendingBank": "014", "transRef": "019182105907167129"}
    assert (await client.sends("POST", verify, {**asked, "data": data}))["statusCode"] != "0000"


# --- callbacks ---


async def test_a_payment_is_called_back_with_the_id_of_the_creation(client: Client) -> None:
    shop = Shop()
    async with answering(shop.handle) as url:
        await client.control("POST", "registrations", {"url": url})
        await client.makes_qr()
        moved = await client.pays("ORDER1")
        await client.time_passes(0)
    (said,) = shop.heard
    assert (said["partnerTxnUid"], said["txnNo"]) == ("ORDER1", moved["transaction_id"])
    assert (said["txnAmount"], said["txnStatus"], said["statusCode"]) == (100.5, "PAID", "00")


@pytest.mark.parametrize(("status", "answer"), [(500, "{}"), (200, '{"statusCode": "10"}'), (200, "thanks")])
async def test_an_unkind_answer_brings_two_more_calls(client: Client, status: int, answer: str) -> None:
    shop = Shop(answer, status)
    async with answering(shop.handle) as url:
        await client.control("POST", "registrations", {"url": url, "product": "qr"})
        await client.makes_qr()
        await client.pays("ORDER1")
        for _ in range(5):
            await client.time_passes(10)
    assert len(shop.heard) == 3
    (letter,) = (await client.control("GET", "confirmations"))["confirmations"]
    assert letter["state"] == "given_up"


# --- the sandbox's exercises ---

EXERCISES = [
    ("QR002", "request", "PARTNERTEST0001", None, None),
    ("QR004", "v4/inquiry", "PARTNERTEST0002", "PARTNERTEST0001", "REQUESTED"),
    ("QR005", "v4/inquiry", "PARTNERTEST0003", "TESTCANCELQR001", "CANCELLED"),
    ("QR006", "v4/inquiry", "PARTNERTEST0004", "PARTNERTEST0007", "PAID"),
    ("QR007", "v4/inquiry", "PARTNERTEST0005", "PARTNERTEST0011", "VOIDED"),
    ("QR008", "cancel", "PARTNERTEST0006", "PARTNERTEST0001", None),
    ("QR009", "cancel", "PARTNERTEST0007", "PARTNERTEST0007", "qr_paid EMQRP"),
    ("QR011", "cancel", "PARTNERTEST0008", "PARTNERTEST0011", "qr_void EMQRVOTCH"),
    ("QR012", "void", "PARTNERTEST0009", "PARTNERTEST0011", None),
    ("QR013", "void", "PARTNERTEST0009-2", "PARTNERTEST0001-2", None),
    ("QR014", "void", "PARTNERTEST0010", "PARTNERTEST0017", "qr_void EMQRVOTCH"),
    ("QR015", "void", "PARTNERTEST0011", "PARTNERTEST0016", "settlement_error EMSET"),
    ("QR016", "void", "PARTNERTEST0012", "PARTNERTEST0007", "settlement_error EMSET"),
]


@pytest.mark.parametrize(("exercise", "what", "uid", "orig", "expected"), EXERCISES)
async def test_each_exercise_answers_as_the_portal_says(
    client: Client, exercise: str, what: str, uid: str, orig: str | None, expected: str | None
) -> None:
    await client.logs_in(x_test_mode="true", env_id="OAUTH2")
    body = client.common(partnerTxnUid=uid, origPartnerTxnUid=orig or "-")
    if what == "request":
        body |= {"qrType": "3", "txnAmount": 100.5, "txnCurrencyCode": "THB", "reference1": "INV001"}
    said = await client.sends("POST", f"/v1/qrpayment/{what}", body, x_test_mode="true", env_id=exercise)
    assert said.code == expected or said["txnStatus"] == expected
    other = {**body, "partnerTxnUid": "SOMETHINGELSE"}
    wrong = await client.sends("POST", f"/v1/qrpayment/{what}", other, x_test_mode="true", env_id=exercise)
    assert (wrong.status, wrong["code"]) == (400, "openapi_error")


async def test_a_wrong_exercise_is_an_error_of_the_gateway(client: Client) -> None:
    body = client.common(partnerTxnUid="PARTNERTEST0002", origPartnerTxnUid="PARTNERTEST0001")
    said = await client.sends("POST", "/v1/qrpayment/v4/inquiry", body, x_test_mode="true", env_id="QR999")
    assert (said.status, said["message"]) == (400, "Invalid Request Format")
    assert (await client.logs_in(x_test_mode="true", env_id="QR002")).status == 400


async def test_a_simulator_for_exercises_only_takes_nothing_else() -> None:
    async with running_kbank(options={"mode": "exercise"}) as client:
        assert (await client.makes_qr()).status == 400


async def test_a_shop_s_qr_text_can_be_scanned(client: Client) -> None:
    said = await client.makes_qr()
    paid = await client.control("POST", "scan", {"qr": said["qrCode"]})
    assert paid["ref"] == "ORDER1" and await state(client) == "PAID"
