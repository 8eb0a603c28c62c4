"""The simulated K-Payment Gateway and K PLUS, spoken to by a client that knows only the bank's documents."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.kbank_client import KGP_KEY, PARTNER, SECRET, Client, Shop, running_kbank
from tests.support.stub import answering


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running_kbank() as found:
        yield found


async def paid_charge(client: Client) -> str:
    said = await client.charges()
    await client.pays("CHARGE1")
    return str(said["id"])


async def press(client: Client, address: str, button: str) -> str:
    async with client.session.post(address, data={"button": button}) as came:
        return await came.text()


# --- charges ---


async def test_a_charge_is_not_paid_before_the_payer_passed_3ds(client: Client) -> None:
    made = await client.charges()
    assert (made["status"], made["transaction_state"]) == ("success", "Pre-Authorized")
    async with client.session.get(made["redirect_url"]) as page:
        assert "200.50 THB" in await page.text()
    await press(client, made["redirect_url"], "approve")
    said = await client.kgp("GET", f"/card/v2/charge/{made['id']}")
    assert (said["transaction_state"], said["redirect_url"]) == ("Authorized", "")
    assert re.fullmatch(r"[0-9]{6}", said["approval_code"]) and re.fullmatch(r"[0-9]{17}", said["created"])


async def test_a_payer_who_declines_is_posted_back_to_the_shop(client: Client) -> None:
    await client.control("POST", "options", {"kgp_return_url": "https://shop.example.com/back"})
    made = await client.charges()
    page = await press(client, made["redirect_url"], "decline")
    assert 'action="https://shop.example.com/back"' in page and f'value="{made["id"]}"' in page
    assert 'name="status" value="false"' in page
    said = await client.kgp("GET", f"/card/v2/charge/{made['id']}")
    assert (said["transaction_state"], said["status"]) == ("Declined", "fail")


async def test_magic_tokens_decline_or_need_no_3ds(client: Client) -> None:
    declined = await client.charges("A", "tokn_test_decline")
    assert (declined["transaction_state"], declined["failure_code"]) == ("Declined", "card_declined")
    assert (await client.charges("B", "tokn_test_no3ds"))["transaction_state"] == "Authorized"


async def test_a_token_and_a_reference_are_good_for_one_charge(client: Client) -> None:
    await client.charges("A", "tokn_test_1")
    assert (await client.charges("B", "tokn_test_1"))["failure_code"] == "token_used"
    assert (await client.charges("B", "tokn_test_expired"))["failure_code"] == "token_used"
    again = await client.charges("A", "tokn_test_2")
    assert (again.status, again["object"]) == (400, "error")
    assert again["failure_code"] == "duplicate_reference_order"


@pytest.mark.parametrize("key", [None, "skey_test_wrong", "pkey_test_demoPUBLIC0001"])
async def test_only_the_secret_key_is_let_in(client: Client, key: str | None) -> None:
    for said in (
        await client.kgp("POST", "/card/v2/charge", {}, key),
        await client.kgp("GET", "/card/v2/charge/chrg_test_x", None, key),
        await client.kgp("POST", "/qr/v2/order", {}, key),
    ):
        assert (said.status, said["object"]) == (401, "error")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0},
        {"amount": "a lot"},
        {"amount": 1.005},
        {"currency": "USD"},
        {"description": ""},
        {"reference_order": "x" * 51},
        {"source_type": "gold"},
        {"mode": "fullpan"},
        {"token": "card number"},
        {"mode": "customer"},
    ],
)
async def test_every_field_of_a_charge_is_looked_at(client: Client, wrong: Any) -> None:
    assert (await client.charges(**wrong)).status == 400


async def test_a_charge_is_found_by_id_by_reference_and_on_its_day(client: Client) -> None:
    charge = await paid_charge(client)
    for path in (charge, "CHARGE1", f"{charge}/20260115", "CHARGE1/20260115"):
        assert (await client.kgp("GET", f"/card/v2/charge/{path}"))["id"] == charge
    for path in ("nobody", f"{charge}/20260114"):
        assert (await client.kgp("GET", f"/card/v2/charge/{path}")).status == 404


async def test_a_void_takes_any_case_and_an_empty_body_and_happens_once(client: Client) -> None:
    charge = await paid_charge(client)
    said = await client.kgp("POST", f"/card/v2/charge/{charge}/Void")
    assert said["transaction_state"] == "Voided"
    assert (await client.kgp("POST", f"/card/v2/charge/{charge}/void", {"reason": "again"})).status == 400
    assert (await client.control("GET", "truth"))["total_satang"] == 0


async def test_after_its_day_a_charge_is_refunded_not_voided(client: Client) -> None:
    charge = await paid_charge(client)
    await client.time_is("2026-01-16T09:00:00+07:00")
    late = await client.kgp("POST", f"/card/v2/charge/{charge}/void")
    assert late["failure_code"] == "already_settled"
    said = await client.kgp("POST", f"/card/v2/charge/{charge}/refund", {"amount": 200.50})
    assert said["transaction_state"] == "Refund Sent"


async def test_parts_are_refunded_up_to_the_charge(client: Client) -> None:
    charge = await paid_charge(client)
    refund = f"/card/v2/charge/{charge}/refund"
    first = await client.kgp("POST", refund, {"amount": 50.00, "reason": "partial return"})
    assert first["refund_info"]["amount"] == 50.00
    assert (await client.kgp("POST", refund, {"amount": 150.51}))["failure_code"] == "refund_exceeds_charge"
    assert (await client.kgp("POST", refund, {"amount": 150.50}))["refund_info"]["amount"] == 200.50
    assert (await client.kgp("POST", refund, {"amount": 0.01})).status == 400
    unpaid = await client.charges("OTHER", "tokn_test_9")
    assert (await client.kgp("POST", f"/card/v2/charge/{unpaid['id']}/refund", {"amount": 1})).status == 400


# --- QR ---


async def test_a_kgp_qr_is_an_order_then_a_picture(client: Client) -> None:
    words = {
        "amount": 74.00,
        "currency": "THB",
        "description": "INV002",
        "source_type": "qr",
        "reference_order": "QR1",
    }
    order = await client.kgp("POST", "/qr/v2/order", words)
    assert (order["object"], order["status"]) == ("order", "success")
    with pytest.raises(AssertionError):
        await client.pays("QR1")
    asked = {"order_id": order["id"], "sof": "ThaiQR", **words}
    picture = await client.kgp("POST", "/qr/v2/qr", asked)
    assert picture["expire_time_seconds"] == 600 and picture["image_with_base64"].startswith("iVBOR")
    unpaid = await client.kgp("GET", f"/qr/v2/qr/{order['id']}")
    assert (unpaid["status"], unpaid["transaction_state"]) == ("pending", "Initialize")
    await client.pays("QR1")
    paid = await client.kgp("GET", f"/qr/v2/qr/{picture['id']}")
    assert (paid["id"], paid["order_id"]) == (picture["id"], order["id"])
    assert (paid["status"], paid["transaction_state"]) == ("success", "Authorized")
    assert (await client.kgp("POST", f"/qr/v2/qr/{picture['id']}/cancel")).status == 400
    assert (await client.kgp("POST", f"/qr/v2/qr/{picture['id']}/void"))["transaction_state"] == "Voided"


async def test_a_kgp_order_is_cancelled_and_then_has_no_picture(client: Client) -> None:
    words = {
        "amount": 74,
        "currency": "THB",
        "description": "x",
        "source_type": "qr",
        "reference_order": "QR1",
    }
    order = await client.kgp("POST", "/qr/v2/order", words)
    assert (await client.kgp("POST", f"/qr/v2/order/{order['id']}/cancel")).status == 200
    late = await client.kgp("POST", "/qr/v2/qr", {"order_id": order["id"], "sof": "ThaiQR", **words})
    assert late.status == 400
    assert (await client.kgp("GET", f"/qr/v2/order/{order['id']}"))["failure_code"] == "cancelled"


# --- webhooks ---


def checksum(said: dict[str, Any], key: str = KGP_KEY) -> str:
    amount = f"{said['amount']:.4f}"
    text = said["id"] + amount + said["currency"] + said["status"] + said["transaction_state"] + key
    return hashlib.sha256(text.encode()).hexdigest()


async def test_a_webhook_carries_the_charge_and_its_checksum(client: Client) -> None:
    shop = Shop("thanks")
    async with answering(shop.handle) as url:
        await client.control("POST", "registrations", {"url": url, "product": "kgp"})
        charge = await paid_charge(client)
        await client.time_passes(0)
    (said,) = shop.heard
    assert (said["id"], said["reference_order"], said["transaction_state"]) == (
        charge,
        "CHARGE1",
        "Authorized",
    )
    assert said["checksum"] == checksum(said)


async def test_a_webhook_can_be_sent_with_a_wrong_checksum(client: Client) -> None:
    shop = Shop()
    await client.control("POST", "options", {"kgp_checksum": "wrong"})
    async with answering(shop.handle) as url:
        await client.control("POST", "registrations", {"url": url, "product": "kgp"})
        await paid_charge(client)
        await client.time_passes(0)
    (said,) = shop.heard
    assert said["checksum"] != checksum(said)


async def test_a_webhook_that_is_not_taken_comes_three_times_a_minute_apart(client: Client) -> None:
    shop = Shop(status=503)
    async with answering(shop.handle) as url:
        await client.control("POST", "registrations", {"url": url, "product": "kgp"})
        await paid_charge(client)
        counts = []
        for seconds in (0, 59, 1, 60, 600):
            await client.time_passes(seconds)
            counts.append(len(shop.heard))
    assert counts == [1, 1, 2, 3, 3]


# --- K PLUS ---


def kplus_words(client: Client, **more: Any) -> dict[str, Any]:
    usual = {
        "partnerTxnUid": f"APP{next(client.numbers)}",
        "partnerId": PARTNER,
        "partnerSecret": SECRET,
        "requestDt": "2026-01-15T12:00:00.000",
    }
    return usual | more


async def makes_token(client: Client, **more: Any) -> Any:
    words = {
        "reference1": "INV003",
        "reference2": "",
        "totalAmount": "000000005000",
        "shopName": "QUICKKUB DEMO",
        "shopImageUrl": "https://shop.example/logo.png",
        "shippingFee": "000000000000",
        "osPlatform": "IOS",
        "currencyCode": "THB",
        "currencyExponent": "2",
    }
    return await client.sends(
        "POST", "/kplus/payment/generate-token", kplus_words(client, **(words | more)), authorization=None
    )


async def test_a_kplus_token_is_approved_in_the_app(client: Client) -> None:
    made = await makes_token(client)
    assert made["expiryDate"] == "2026-01-15T12:30:00.000"
    await press(client, made["callBackAppUrl"], "approve")
    asked = kplus_words(client, tokenId=made["tokenId"])
    said = await client.sends("POST", "/kplus/payment/inquire-token", asked)
    assert (said["paymentStatus"], said["totalAmount"]) == ("PAID", 5000)
    assert said["paymentRefernceId"].isdigit()
    again = kplus_words(client, tokenId=made["tokenId"], reference1="INV003")
    assert (await client.sends("POST", "/kplus/payment/cancel-token", again)).code == "qr_paid EMQRP"


async def test_a_kplus_token_is_cancelled_or_ends_by_itself(client: Client) -> None:
    made = await makes_token(client)
    asked = kplus_words(client, tokenId=made["tokenId"], reference1="INV003")
    said = await client.sends("POST", "/kplus/payment/cancel-token", asked)
    assert said["tokenList"] == [{"tokenId": made["tokenId"], "reference1": "INV003", "status": "CANCELLED"}]
    other = await makes_token(client)
    await client.time_passes(1800)
    late = kplus_words(client, tokenId=other["tokenId"])
    said = await client.sends("POST", "/kplus/payment/inquire-token", late, authorization=None)
    assert said["paymentStatus"] == "EXPIRED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"partnerSecret": "wrong"},
        {"totalAmount": "50.00"},
        {"totalAmount": 5000},
        {"totalAmount": "000000000000"},
        {"osPlatform": "WINDOWS"},
        {"currencyCode": "USD"},
        {"shopName": ""},
        {"reference1": ""},
    ],
)
async def test_every_field_of_a_kplus_token_is_looked_at(client: Client, wrong: Any) -> None:
    assert (await makes_token(client, **wrong))["statusCode"] == "10"
