"""A shop's own little client of 2C2P, which knows the pack and not our connector, against the simulator."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors.providers.twoctwop.simulator import TwoCTwoPSimulator
from quickkub.connectors.simulation.base import BadControl
from quickkub.connectors.simulation.run import served
from quickkub.promptpay import parse_payment
from tests.support import twoctwop
from tests.support.ports import free_port
from tests.support.speech.twoctwop import xml, xml_words
from tests.support.stub import answering

INVOICE = "SHOP0001"
CLIENT = "30c7cf51-75c4-4265-a70a-effddfbbb0ff"


@dataclass
class Shop:
    """Calls 2C2P the way its pages say, over HTTP; `heard` are its notifications, answered with `status`."""

    url: str
    own_url: str
    session: aiohttp.ClientSession
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    status: int = 200

    async def signed(self, name: str, claims: Any, secret: str = twoctwop.SECRET, base: str = "4.3") -> Any:
        body = {"payload": twoctwop.jwt(claims, secret)}
        async with self.session.post(f"{self.url}/payment/{base}/{name}", json=body) as came:
            said = await came.json()
        return twoctwop.claims_of(said["payload"]) if "payload" in said else ["plain", said["respCode"]]

    async def plain(self, name: str, body: Any) -> Any:
        async with self.session.post(f"{self.url}/payment/4.3/{name}", json=body) as came:
            return await came.json()

    async def begins(self, invoice: str = INVOICE, **more: Any) -> Any:
        claims = {
            "merchantID": "JT04",
            "invoiceNo": invoice,
            "description": "Order 1",
            "amount": "100.00",
            "currencyCode": "THB",
            "frontendReturnUrl": "https://shop.example/back",
            "backendReturnUrl": self.own_url,
            **more,
        }
        return await self.signed(
            "paymentToken", {name: said for name, said in claims.items() if said is not None}
        )

    async def pays(self, token: str, channel: str, **data: Any) -> Any:
        payment = {"code": {"channelCode": channel}, "data": data}
        return await self.plain("payment", {"paymentToken": token, "clientID": CLIENT, "payment": payment})

    async def asks(self, invoice: str = INVOICE) -> Any:
        return await self.signed(
            "paymentInquiry", {"merchantID": "JT04", "invoiceNo": invoice, "locale": "en"}
        )

    async def acts(
        self, process: str, amount: str = "", invoice: str = INVOICE, **more: str
    ) -> dict[str, Any]:
        words = {"version": "4.3", "merchantID": "JT04", "processType": process, "invoiceNo": invoice}
        words |= {"actionAmount": amount} if amount else {}
        sealed = twoctwop.seal(xml("PaymentProcessRequest", words | more))
        path = "/2C2PFrontend/PaymentAction/2.0/action"
        async with self.session.post(
            self.url + path, data=sealed, headers={"content-type": "text/plain"}
        ) as came:
            return xml_words(twoctwop.unseal(await came.read()))

    async def sim(self, path: str, body: Any) -> Any:
        async with self.session.post(f"{self.url}/_sim/{path}", json=body) as came:
            said = await came.json()
            assert came.status < 300, said
            return said

    async def payer_pays(self, invoice: str = INVOICE, **how: Any) -> None:
        await self.sim(f"payments/{invoice}/pay", how)

    async def time_passes(self, seconds: int = 0) -> None:
        await self.sim("clock", {"advance_seconds": seconds})

    async def paid_by(self, channel: str = "CC", invoice: str = INVOICE, **more: Any) -> None:
        await self.begins(invoice, paymentChannel=[channel], **more)
        await self.payer_pays(invoice)

    async def next_day(self) -> None:
        await self.time_passes(24 * 3600)


@asynccontextmanager
async def open_shop(config: dict[str, Any] | None = None) -> AsyncIterator[Shop]:
    shops: list[Shop] = []

    async def hears(request: web.Request) -> web.Response:
        shops[0].heard.append((request.headers["content-type"], await request.read()))
        return web.Response(status=shops[0].status)

    async with (
        served(TwoCTwoPSimulator(config or {}), "127.0.0.1", free_port()) as url,
        answering(hears) as own,
        aiohttp.ClientSession() as session,
    ):
        shops.append(Shop(url, f"{own}/2c2p/notify", session))
        # At noon of a day, so that the settlement at midnight does not come between two lines of a test.
        await shops[0].sim("clock", {"at": "2026-01-15T12:00:00+07:00"})
        yield shops[0]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


# --- who is let in ---


async def test_a_token_is_given_to_a_known_merchant_in_any_spelling_of_the_path(shop: Shop) -> None:
    ways = (("paymentToken", "4.3"), ("PaymentToken", "4.3"), ("paymenttoken", "4.1"))
    for number, (name, base) in enumerate(ways):
        claims = {"merchantID": "JT04", "invoiceNo": f"A{number}", "description": "x"}
        claims |= {"amount": "100", "currencyCode": "THB"}
        said = await shop.signed(name, claims, base=base)
        assert said["respCode"] == "0000"
        assert unquote(said["webPaymentUrl"].partition("#/token/")[2]) == said["paymentToken"]


async def test_whoever_cannot_sign_hears_a_plain_error(shop: Shop) -> None:
    claims = {
        "merchantID": "JT04",
        "invoiceNo": "A",
        "description": "x",
        "amount": "1.00",
        "currencyCode": "THB",
    }
    assert await shop.signed("paymentToken", claims, "another key of somebody else") == ["plain", "9042"]
    assert await shop.signed("paymentToken", claims | {"merchantID": "JT99"}) == ["plain", "6107"]
    bodies: list[Any] = [{"payload": "no.token"}, {"payload": 5}, {}, []]
    for body in bodies:
        assert (await shop.plain("paymentInquiry", body))["respCode"] == "6103"
    decoded = twoctwop.jwt(claims).rpartition(".")[0] + ".wZBCEFtw2VGAbPCwhm1o3wZOJ5IKc9QEMg3xt1da7Y0"
    assert (await shop.plain("paymentToken", {"payload": decoded}))["respCode"] == "9042"


async def test_an_operation_is_found_below_its_own_address_only(shop: Shop) -> None:
    for path in (
        "/payment/4.3/action",
        "/paymentToken",
        "/PaymentAction/2.0/paymentToken",
        "/payment/4.2/payment",
    ):
        async with shop.session.post(shop.url + path, json={}) as came:
            assert came.status == 404, path


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"description": None}, "9005"),
        ({"invoiceNo": ""}, "9005"),
        ({"invoiceNo": "A-1"}, "9005"),
        ({"invoiceNo": "A" * 51}, "9006"),
        ({"description": "x" * 251}, "9006"),
        ({"amount": "0.99"}, "9009"),
        ({"amount": "-1"}, "9009"),
        ({"amount": "100.001"}, "9009"),
        ({"currencyCode": "XXX"}, "9010"),
        ({"paymentChannel": ["NOPE"]}, "6108"),
        ({"paymentExpiry": "2026-01-15 11:59:59"}, "9008"),
        ({"paymentExpiry": "15/01/2026"}, "9008"),
        ({"request3DS": "X"}, "9005"),
    ],
)
async def test_what_is_wrong_with_a_payment_is_refused_by_its_code(
    shop: Shop, wrong: dict[str, Any], code: str
) -> None:
    assert (await shop.begins(**wrong))["respCode"] == code


@pytest.mark.parametrize("amount", [100, 100.0, "100.00", "000000000100.00000", "100"])
async def test_an_amount_is_taken_as_number_or_text(shop: Shop, amount: Any) -> None:
    await shop.paid_by(amount=amount)
    assert (await shop.asks())["amount"] == 100


# --- tokens ---


async def test_the_same_idempotency_id_gets_the_first_token_again(shop: Shop) -> None:
    first, again = [(await shop.begins(idempotencyID="K1"))["paymentToken"] for _ in range(2)]
    assert first == again
    assert (await shop.begins(idempotencyID="K2"))["paymentToken"] != first


async def test_an_invoice_is_used_once(shop: Shop) -> None:
    await shop.paid_by()
    assert (await shop.begins())["respCode"] == "9015"


async def test_a_token_lives_thirty_minutes_and_an_unused_one_leaves_nothing(shop: Shop) -> None:
    token = (await shop.begins(paymentExpiry="2026-01-15 15:00:00"))["paymentToken"]
    assert (await shop.asks())["respCode"] == "2001"
    await shop.time_passes(1800)
    assert (await shop.pays(token, "PPQR"))["respCode"] == "9040"
    assert (await shop.asks())["respCode"] == "2002"
    assert (await shop.asks("NEVER"))["respCode"] == "2002"


async def test_a_token_is_used_up_by_a_payment(shop: Shop) -> None:
    token = (await shop.begins())["paymentToken"]
    assert (await shop.pays(token, "LINE"))["respCode"] == "1001"
    await shop.payer_pays()
    assert (await shop.pays(token, "LINE"))["respCode"] == "9041"
    assert (await shop.pays("unknown==", "LINE"))["respCode"] == "9040"


async def test_the_picker_s_calls_lead_to_a_code_to_pay_with(shop: Shop) -> None:
    token = (await shop.begins())["paymentToken"]
    options = await shop.plain("paymentOption", {"paymentToken": token, "clientID": CLIENT, "locale": "th"})
    assert {"code": "QR", "name": "QR", "groups": [{"code": "THQR", "name": "Thai QR Payment"}]} in options[
        "channelCategories"
    ]
    asked = {"paymentToken": token, "clientID": CLIENT, "categoryCode": "QR", "groupCode": "THQR"}
    details = await shop.plain("paymentOptionDetails", asked)
    assert details["channels"][0]["payment"]["code"] == {"channelCode": "PPQR"}
    assert (await shop.plain("paymentOptionDetails", asked | {"groupCode": "NO"}))["respCode"] == "9058"


# --- paying ---


async def test_a_qr_asks_for_the_amount_and_is_paid_by_scanning(shop: Shop) -> None:
    token = (await shop.begins(paymentChannel=["PPQR"]))["paymentToken"]
    said = await shop.pays(token, "PPQR", qrType="RAW")
    assert (said["respCode"], said["data"]) == ("1005", said["extras"]["qrData"])
    assert parse_payment(said["data"]).amount is not None
    await shop.sim("scan", {"qr": said["data"]})
    result = await shop.asks()
    assert (result["respCode"], result["channelCode"], result["paymentScheme"]) == ("0000", "PPQR", "ETQ")
    status = await shop.plain(
        "transactionStatus", {"paymentToken": token, "clientID": CLIENT, "locale": "en"}
    )
    assert status["respCode"] == "2000", "finished, which is no verdict"


async def test_a_qr_comes_as_link_or_picture_too(shop: Shop) -> None:
    token = (await shop.begins())["paymentToken"]
    picture = await shop.pays(token, "PPQR", qrType="BASE64")
    assert base64.b64decode(picture["data"]).startswith(b"\x89PNG")
    link = await shop.pays(token, "PPQR")
    async with shop.session.get(link["data"]) as came:
        assert (await came.read()).startswith(b"\x89PNG")


async def test_only_a_qr_minds_a_long_invoice(shop: Shop) -> None:
    token = (await shop.begins("A" * 21))["paymentToken"]
    assert (await shop.pays(token, "PPQR"))["respCode"] == "9006"
    assert (await shop.pays(token, "LINE"))["respCode"] == "1001"


async def test_do_payment_keeps_to_the_channels_of_the_token(shop: Shop) -> None:
    token = (await shop.begins(paymentChannel=["LINE"]))["paymentToken"]
    assert (await shop.pays(token, "PPQR"))["respCode"] == "6108"
    assert (await shop.pays(token, "CC"))["respCode"] == "6108"


async def test_a_card_on_the_hosted_page_comes_back_by_form_and_notification(shop: Shop) -> None:
    said = await shop.begins(paymentChannel=["CC"])
    async with shop.session.get(said["webPaymentUrl"].partition("#")[0]) as came:
        assert "/pgw-ui/token/" in await came.text()
    page = f"{shop.url}/pgw-ui/token/{said['webPaymentUrl'].rpartition('/')[2]}"
    async with shop.session.get(page) as came:
        assert "100.00 THB" in await came.text()
    async with shop.session.post(page, data={"button": "approve", "channel": "CC"}) as came:
        text = await came.text()
    assert 'action="https://shop.example/back"' in text
    found = re.search(r'name="paymentResponse" value="([^"]+)"', text)
    assert found is not None
    brought = json.loads(twoctwop.unb64(found[1]))
    assert (brought["invoiceNo"], brought["respCode"]) == (INVOICE, "2000")
    await shop.time_passes()
    [(_, body)] = shop.heard
    assert twoctwop.claims_of(json.loads(body)["payload"]) == await shop.asks()


@pytest.mark.parametrize(("button", "code"), [("decline", "4005"), ("cancel", "0003")])
async def test_a_payer_may_say_no_on_the_hosted_page(shop: Shop, button: str, code: str) -> None:
    token = (await shop.begins())["paymentToken"]
    async with shop.session.post(f"{shop.url}/pgw-ui/token/{token}", data={"button": button}) as came:
        assert came.status == 200
    assert (await shop.asks())["respCode"] == code


async def test_a_payment_is_called_off_while_it_is_unpaid(shop: Shop) -> None:
    token = (await shop.begins())["paymentToken"]
    asked = {"paymentToken": token, "clientID": CLIENT, "locale": "en"}
    assert (await shop.plain("canceltransaction", asked))["respCode"] == "2000"
    assert (await shop.plain("canceltransaction", asked))["respCode"] == "2000"
    assert (await shop.asks())["respCode"] == "0003"
    other = (await shop.begins("SHOP0002"))["paymentToken"]
    await shop.payer_pays("SHOP0002")
    assert (await shop.plain("canceltransaction", asked | {"paymentToken": other}))["respCode"] == "9041"


async def test_counters_and_qrs_take_what_comes_and_cards_do_not(shop: Shop) -> None:
    await shop.begins(paymentChannel=["COUNTER"])
    await shop.payer_pays(amount="60.00")
    assert (await shop.asks())["respCode"] == "5016"
    await shop.begins("SHOP0002", paymentChannel=["CC"])
    async with shop.session.post(f"{shop.url}/_sim/payments/SHOP0002/pay", json={"amount": "60.00"}) as came:
        assert came.status == 409


# --- notifications ---


async def test_a_notification_is_repeated_after_one_five_and_fifteen_minutes(shop: Shop) -> None:
    shop.status = 503
    await shop.paid_by()
    counts = []
    for seconds in (0, 59, 1, 299, 1, 899, 1, 3600):
        await shop.time_passes(seconds)
        counts.append(len(shop.heard))
    assert counts == [1, 1, 2, 2, 3, 3, 4, 4]


async def test_a_notification_goes_to_the_portal_s_address_where_none_is_named(shop: Shop) -> None:
    await shop.sim("registrations", {"merchantID": "JT04", "url": shop.own_url})
    await shop.paid_by(backendReturnUrl=None)
    await shop.time_passes()
    assert len(shop.heard) == 1


# --- payment actions ---


async def test_a_sale_is_voided_on_its_day_and_refunded_after_its_settlement(shop: Shop) -> None:
    await shop.paid_by()
    assert (await shop.acts("I"))["status"] == "A"
    assert (await shop.acts("R", "40.00"))["respCode"] == "12"
    await shop.next_day()
    assert (await shop.acts("I"))["status"] == "S"
    assert (await shop.acts("V", "100.00"))["respCode"] == "21"
    refunded = await shop.acts("R", "40.00")
    assert (refunded["respCode"], refunded["status"], refunded["amount"]) == ("00", "RF", "40.00")
    await shop.paid_by(invoice="SHOP0002")
    assert (await shop.acts("V", "100.00", "SHOP0002"))["status"] == "V"
    assert (await shop.acts("V", "100.00", "SHOP0002"))["respCode"] == "29"


async def test_refunds_add_up_to_what_was_paid_and_no_further(shop: Shop) -> None:
    await shop.paid_by()
    await shop.next_day()
    first = await shop.acts("R", "40.00")
    assert (await shop.acts("R", "60.01"))["respCode"] == "40"
    second = await shop.acts("R", "60.00")
    assert (await shop.acts("R", "0.01"))["respCode"] == "49"
    listed = (await shop.acts("RS"))["refundList"]
    assert [(row["referenceNo"], row["amount"]) for row in listed] == [
        (first["refundReferenceNo"], "40.00"),
        (second["refundReferenceNo"], "60.00"),
    ]
    assert (await shop.asks())["respCode"] == "4120"


async def test_the_same_idempotency_id_refunds_once(shop: Shop) -> None:
    await shop.paid_by()
    await shop.next_day()
    first, again = [await shop.acts("R", "40.00", idempotencyID="R1") for _ in range(2)]
    assert first == again
    assert len((await shop.acts("RS"))["refundList"]) == 1


async def test_held_money_is_settled_or_let_go(shop: Shop) -> None:
    for invoice in ("HOLD1", "HOLD2", "HOLD3", "HOLD4"):
        await shop.paid_by(invoice=invoice, transactionMode="A")
    assert (await shop.acts("S", "100.01", "HOLD1"))["respCode"] == "30"
    assert (await shop.acts("S", "100.00", "HOLD1"))["status"] == "RS"
    assert (await shop.acts("S", "100.00", "HOLD1"))["respCode"] == "39"
    assert (await shop.acts("S", "60.00", "HOLD2"))["amount"] == "60.00"
    assert (await shop.acts("V", "100.00", "HOLD3"))["status"] == "V"
    await shop.time_passes(7 * 24 * 3600)
    assert (await shop.acts("S", "100.00", "HOLD4"))["respCode"] == "36"
    async with shop.session.get(f"{shop.url}/_sim/truth") as came:
        assert (await came.json())["total_satang"] == 16_000


async def test_a_sale_needs_no_settling(shop: Shop) -> None:
    await shop.paid_by()
    assert (await shop.acts("S", "100.00"))["respCode"] == "32"


async def test_a_wallet_gives_back_later_and_tells_so(shop: Shop) -> None:
    await shop.paid_by("TRUEMONEY")
    await shop.next_day()
    pending = await shop.acts("R", "40.00", notifyURL=shop.own_url, userDefined1="R1")
    assert pending["status"] == "RP"
    shop.heard.clear()
    await shop.time_passes(60)
    [(kind, body)] = shop.heard
    assert kind == "application/x-www-form-urlencoded"
    told = xml_words(twoctwop.unseal(parse_qs(body.decode())["notifyResponse"][0].encode()))
    assert (told["status"], told["userDefined1"]) == ("RF", "R1")
    assert told["refundReferenceNo"] == pending["refundReferenceNo"]


async def test_money_to_a_bank_account_needs_the_account(shop: Shop) -> None:
    await shop.paid_by("PPQR")
    await shop.next_day()
    assert (await shop.acts("R", "40.00"))["respCode"] == "11"
    payee = {"bankCode": "014", "accountName": "Somchai", "accountNumber": "1502830001"}
    assert (await shop.acts("R", "40.00", **payee))["status"] == "RP"


async def test_an_action_is_only_taken_from_whoever_has_the_merchant_s_key(shop: Shop) -> None:
    await shop.paid_by()
    text = xml("PaymentProcessRequest", {"merchantID": "JT04", "processType": "V", "invoiceNo": INVOICE})
    path = f"{shop.url}/PaymentAction/2.0/action"
    forged = twoctwop.seal(text, twoctwop.PROVIDER, twoctwop.PROVIDER)
    async with shop.session.post(path, data=forged) as came:
        assert xml_words(twoctwop.unseal(await came.read()))["respCode"] == "13"
    async with shop.session.post(path, data=b"no token") as came:
        assert xml_words(await came.text())["respCode"] == "96"
    other = twoctwop.seal(text.replace("JT04", "JT99"))
    async with shop.session.post(path, data=other) as came:
        assert xml_words(await came.text())["respCode"] == "03"
    assert (await shop.acts("I"))["status"] == "A"


async def test_what_is_wrong_with_an_action_is_refused_by_its_code(shop: Shop) -> None:
    await shop.paid_by(transactionMode="A")
    assert (await shop.acts("I", invoice="NEVER"))["respCode"] == "16"
    assert (await shop.acts("X"))["respCode"] == "17"
    assert (await shop.acts("S"))["respCode"] == "10"
    assert (await shop.acts("S", "100"))["respCode"] == "18"


async def test_an_inquiry_may_lag_behind_the_payment() -> None:
    async with open_shop({"options": {"inquiry_lag_seconds": 10}}) as shop:
        await shop.paid_by()
        assert (await shop.asks())["respCode"] == "2001"
        await shop.time_passes()
        assert twoctwop.claims_of(json.loads(shop.heard[0][1])["payload"])["respCode"] == "0000"
        await shop.time_passes(10)
        assert (await shop.asks())["respCode"] == "0000"


async def test_what_is_not_public_can_be_chosen() -> None:
    options = {
        "partial_refunds": False,
        "success_code": "0000",
        "settle_after_seconds": 60,
        "amount_style": "text",
    }
    async with open_shop({"options": options}) as shop:
        await shop.paid_by()
        assert (await shop.asks())["amount"] == "100.00"
        await shop.time_passes(60)
        assert (await shop.acts("R", "40.00"))["respCode"] == "43"
        assert (await shop.acts("R", "100.00"))["respCode"] == "0000"
        await shop.sim("options", {"plain_errors": True})
        assert await shop.begins() == ["plain", "9015"]


async def test_an_answer_signed_with_another_key_can_be_asked_for(shop: Shop) -> None:
    await shop.sim("options", {"bad_signature": True})
    with pytest.raises(AssertionError, match="another key"):
        await shop.begins()


@pytest.mark.parametrize("options", [{"no": 1}, {"refund_mode": "x"}, {"hold_days": -1}, {"hold_days": "7"}])
def test_an_option_nobody_knows_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BadControl):
        TwoCTwoPSimulator({"options": options})
