"""Slips over HTTP, looked up at the simulated SCB: paid by an app, photographed, sent."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from quickkub.connectors import registry
from quickkub.connectors.transport import Line
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.accounts import open_account
from quickkub.payments.service import Payments
from quickkub.promptpay import images
from quickkub.promptpay.model import BankSlip
from quickkub.promptpay.slip import build_slip
from quickkub.storage import Database
from tests.support.api import Client, gateway
from tests.support.scb import BILLER, KEY, PREFIX, SECRET, Scb
from tests.support.shop import VAULT, MadeUpBank, Shop

VERIFY = "/v1/slips/verify"


@pytest.fixture
async def shop(database: Database, scb_simulator: Scb) -> AsyncIterator[Client]:
    """A shop with an account at the simulated SCB, whose clock shows our time."""
    await scb_simulator.time_is(datetime.now(UTC).isoformat(timespec="seconds"))
    merchant = MerchantId(new_id("mer"))
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO merchants (id, name) VALUES ($1, 'Som Tam Shop')", merchant)
        _, token = await open_account(
            tx,
            VAULT,
            merchant,
            mode="test",
            provider="scb",
            settings={"base_url": scb_simulator.base_url, "biller_id": BILLER, "ref3_prefix": PREFIX},
            credentials={"application_key": KEY, "application_secret": SECRET},
        )
    line = Line(registry.connector)
    found = Shop(database, merchant, token, MadeUpBank())
    found.office = replace(
        found.office, line=line, connector=registry.connector, circuit_open=line.circuit_open
    )
    found.payments = Payments(found.office)
    async with gateway(database, found) as client:
        yield client
    await line.close()


async def is_paid(shop: Client, scb: Scb, payment: dict[str, Any]) -> BankSlip:
    """The payer pays with SCB's app, and keeps the slip. SCB's confirmation call gets lost."""
    shown = (await shop.gets(f"/v1/payments/{payment['id']}?expand[]=attempts")).json
    (movement,) = await scb.pay(shown["attempts"][0]["reference"], callback="drop")
    return BankSlip(movement["sending_bank"], movement["trans_ref"])


def photograph(text: str, form: str = "JPEG") -> str:
    page = Image.new("RGB", (800, 1200), (235, 245, 255))
    page.paste(Image.open(io.BytesIO(images.png(text, scale=5))).convert("RGB"), (420, 820))
    out = io.BytesIO()
    page.save(out, form)
    return base64.b64encode(out.getvalue()).decode()


async def test_a_photographed_slip_brings_the_money_to_light_that_no_call_told_of(
    shop: Client, scb_simulator: Scb
) -> None:
    payment = await shop.charges()
    slip = build_slip(await is_paid(shop, scb_simulator, payment))
    told = await shop.posts(VERIFY, {"image": photograph(slip), "payment": payment["id"]})
    assert told.status == 200, told.body
    assert (told.json["verified"], told.json["payment_status"]) == (True, "succeeded")
    assert told.json["checks"] == {"amount": True, "receiver": True, "reference": True, "time": True}
    assert (told.json["provider"], told.json["receiver_id"]) == ("scb", BILLER)
    seen = (await shop.gets(f"/v1/payments/{payment['id']}")).json
    assert (seen["status"], seen["captured_amount"]) == ("succeeded", 15_000)
    await shop.shop.time_passes(timedelta(hours=2))
    await shop.shop.works()
    assert await shop.shop.counts("receipts") == 1, "one movement is one receipt, however it was learned"


async def test_the_text_of_the_qr_does_as_well_and_a_repeat_is_answered_alike(
    shop: Client, scb_simulator: Scb
) -> None:
    payment = await shop.charges()
    words = {"payload": build_slip(await is_paid(shop, scb_simulator, payment)), "payment": payment["id"]}
    assert (await shop.posts(VERIFY, words)).json == (await shop.posts(VERIFY, words)).json


async def test_a_slip_of_one_payment_does_not_pay_another(shop: Client, scb_simulator: Scb) -> None:
    paid, open_one = await shop.charges(), await shop.charges()
    slip = build_slip(await is_paid(shop, scb_simulator, paid))
    told = await shop.posts(VERIFY, {"payload": slip, "payment": open_one["id"]})
    assert (told.json["verified"], told.json["reasons"]) == (False, ["reference_differs"])
    await shop.posts(VERIFY, {"payload": slip, "payment": paid["id"]})
    told = await shop.posts(VERIFY, {"payload": slip, "payment": open_one["id"]})
    assert told.no == (409, "slip_already_used", "payment")
    assert (await shop.gets(f"/v1/payments/{open_one['id']}")).json["status"] == "requires_action"


async def test_a_slip_that_somebody_made_up_is_pending_and_pays_nothing(shop: Client) -> None:
    payment = await shop.charges()
    forged = photograph(build_slip(BankSlip("014", "202611259999999999")), "PNG")
    told = (await shop.posts(VERIFY, {"image": forged, "payment": payment["id"]})).json
    assert (told["verified"], told["status"], told["reasons"]) == (False, "pending", ["not_found"])
    assert told["payment_status"] == "requires_action"


async def test_a_bank_that_is_away_is_no_reason_to_refuse_a_payer(shop: Client, scb_simulator: Scb) -> None:
    payment = await shop.charges()
    slip = build_slip(await is_paid(shop, scb_simulator, payment))
    await scb_simulator.will("drop_answer", operation="slip")
    told = (await shop.posts(VERIFY, {"payload": slip, "payment": payment["id"]})).json
    assert (told["status"], told["reasons"]) == ("pending", ["bank_cannot_tell"])
    told = (await shop.posts(VERIFY, {"payload": slip, "payment": payment["id"]})).json
    assert told["payment_status"] == "succeeded"


@pytest.mark.parametrize(
    ("words", "no"),
    [
        ({}, (400, "parameter_missing", "payload")),
        ({"payload": "x", "image": "aGVsbG8="}, (400, "parameter_invalid", "payload")),
        ({"payload": "hello"}, (400, "slip_unreadable", "payload")),
        ({"image": "aGVsbG8="}, (400, "picture_unreadable", "image")),
        ({"image": "aGVsbG8"}, (400, "parameter_invalid", "image")),
        ({"image": photograph("https://example.com", "PNG")}, (400, "slip_unreadable", "image")),
        ({"payload": "x", "payment": "pay_1"}, (404, "payment_not_found", "id")),
        ({"payload": "x", "amount": 0}, (400, "parameter_invalid", "amount")),
    ],
)
async def test_what_cannot_be_looked_up_is_refused_with_its_place(
    shop: Client, words: dict[str, Any], no: tuple[int, str, str]
) -> None:
    assert (await shop.posts(VERIFY, words)).no == no


async def test_an_account_that_is_not_the_shops_cannot_be_asked(shop: Client) -> None:
    slip = build_slip(BankSlip("014", "202611251"))
    told = await shop.posts(VERIFY, {"payload": slip, "account": "acc_" + "0" * 32})
    assert told.no == (400, "slip_lookup_unavailable", "account")


async def test_a_large_photograph_fits_in_and_a_huge_one_does_not(shop: Client) -> None:
    noise = Image.effect_noise((1400, 1400), 200)
    out = io.BytesIO()
    noise.save(out, "PNG")
    assert 1_000_000 < len(out.getvalue()) < 3_000_000
    sent = b'{"image": "' + base64.b64encode(out.getvalue()) + b'"}'
    told = await shop.asks("POST", VERIFY, raw=io.BytesIO(sent))
    assert told.no == (400, "slip_unreadable", "image")
    told = await shop.asks("POST", VERIFY, raw=io.BytesIO(b"{" + b" " * 4_400_000))
    assert (told.status, told.code) == (413, "body_too_large")
    told = await shop.posts("/v1/payments", {"image": "A" * 400_000})
    assert told.status == 413, "other operations take no more than before"
