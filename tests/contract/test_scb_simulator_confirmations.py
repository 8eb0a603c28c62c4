"""Whom the simulated bank tells about a payment, how often, and what it takes for an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Gateway
from tests.support.scb import Scb, running_scb
from tests.support.scb_client import Client
from tests.support.stub import answering


async def test_a_payment_is_confirmed_once_to_a_gateway_that_answers_properly(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    await client.makes_qr()
    (movement,) = await scb.pay("QK0001")
    await scb.time_passes(3600)
    assert [said["transactionId"] for said in gateway.heard] == [movement["transaction_id"]]
    assert gateway.heard[0]["amount"] == "100", "whole baht are written short"
    assert gateway.heard[0]["transactionDateandTime"] == "2026-01-15T12:00:00+07:00"


async def test_without_the_registered_prefix_the_payment_works_and_nobody_is_told(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    await client.makes_qr(ref3="XYZ1")
    await scb.pay("QK0001")
    await scb.time_passes(0)
    assert gateway.heard == [] and len((await client.asks()).data) == 1
    assert [letter["state"] for letter in await scb.confirmations()] == ["unrouted"]


async def test_the_longest_registered_prefix_decides(client: Client, scb: Scb, gateway: Gateway) -> None:
    await scb.confirms_to(f"{gateway.url}/longer", prefix="SCBQK")
    await client.makes_qr(ref3="SCBQK1")
    await scb.pay("QK0001")
    assert (await scb.confirmations())[0]["url"] == f"{gateway.url}/longer"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, "proper"),
        (200, ""),
        (200, "not json"),
        (200, '{"resCode": "01", "transactionId": "?"}'),
        (200, '{"resCode": "00", "transactionId": "another"}'),
        (302, "proper"),
    ],
)
async def test_without_a_proper_answer_the_bank_calls_three_more_times_twelve_seconds_apart(
    client: Client, scb: Scb, gateway: Gateway, status: int, answer: str
) -> None:
    gateway.status, gateway.answer = status, answer
    await client.makes_qr()
    await scb.pay("QK0001")
    heard = []
    for _ in range(6):
        await scb.time_passes(0)
        heard.append(len(gateway.heard))
        await scb.time_passes(12)
    assert heard == [1, 2, 3, 4, 4, 4]
    (letter,) = await scb.confirmations()
    assert (letter["state"], letter["mailed"], len(letter["tries"])) == ("given_up", True, 4)


async def test_the_bank_stops_calling_as_soon_as_it_is_understood(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    gateway.status = 503
    await client.makes_qr()
    await scb.pay("QK0001")
    await scb.time_passes(0)
    gateway.status = 200
    await scb.time_passes(3600)
    assert len(gateway.heard) == 2
    assert (await scb.confirmations())[0]["state"] == "accepted"


async def test_three_calls_in_all_can_be_chosen(client: Client, scb: Scb, gateway: Gateway) -> None:
    await scb.control("POST", "options", {"confirmation_tries": 3})
    gateway.status = 500
    await client.makes_qr()
    await scb.pay("QK0001")
    for _ in range(5):
        await scb.time_passes(12)
    assert len(gateway.heard) == 3


async def test_a_gateway_that_cannot_be_reached_is_tried_again(client: Client, scb: Scb) -> None:
    await scb.confirms_to("http://127.0.0.1:9/nobody")
    await client.makes_qr()
    await scb.pay("QK0001")
    await scb.time_passes(12)
    (letter,) = await scb.confirmations()
    assert [one["status"] for one in letter["tries"]] == [None, None]


@pytest.mark.parametrize(("how", "heard"), [("drop", 0), ("send", 1), ("duplicate", 2)])
async def test_a_confirmation_can_be_dropped_or_doubled_by_hand(
    client: Client, scb: Scb, gateway: Gateway, how: str, heard: int
) -> None:
    await client.makes_qr()
    await scb.pay("QK0001", callback=how)
    await scb.time_passes(60)
    assert len(gateway.heard) == heard
    assert (await scb.truth())["count"] == 1


async def test_card_qr_confirmations_carry_greenwich_time(client: Client, scb: Scb, gateway: Gateway) -> None:
    await scb.control("POST", "registrations", {"merchant_id": "111111111111111", "url": gateway.url})
    made = (await client.makes_card_qr()).data
    await scb.pay("INV0001")
    await scb.time_passes(0)
    assert gateway.heard[0]["transactionDateandTime"] == "2026-01-15T05:00:00"
    assert (gateway.heard[0]["qrId"], gateway.heard[0]["paymentMethod"]) == (made["qrCodeId"], "QRCS")


async def test_a_part_payment_of_a_deep_link_is_no_success_to_be_told(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    transaction = (await client.makes_link()).data["transactionId"]
    await scb.pay(transaction, "40.00")
    await scb.time_passes(0)
    assert gateway.heard == []


async def test_a_confirmation_may_name_another_id_than_the_records(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    await scb.control("POST", "options", {"confirmation_ids": "own"})
    await client.makes_qr()
    (movement,) = await scb.pay("QK0001")
    await scb.time_passes(0)
    assert gateway.heard[0]["transactionId"] != movement["transaction_id"]
    assert (await client.asks()).data[0]["transactionId"] == movement["transaction_id"]


async def heard_in_weather(weather: dict[str, int], payments: int = 12) -> list[tuple[str, str]]:
    """The order in which a gateway hears of payments of 1, 2, 3 ... baht: amount and whether it is forged."""
    gateway = Gateway()
    async with running_scb(weather=weather, seed=weather["seed"]) as scb, answering(gateway.handle) as url:
        await scb.time_is("2026-01-15T12:00:00+07:00")
        await scb.confirms_to(url)
        client = Client(scb, scb._session)
        await client.logs_in()
        await client.makes_qr()
        for number in range(1, payments + 1):
            await scb.pay("QK0001", f"{number}.00")
        for _ in range(80):
            await scb.control("POST", "clock", {"advance_seconds": 1})
    return [(said["amount"], said["transactionId"][:6]) for said in gateway.heard]


async def test_the_same_seed_gives_the_same_weather_and_another_seed_another() -> None:
    wild = {
        "drop_percent": 20,
        "duplicate_percent": 40,
        "delay_ms_max": 30_000,
        "overtaken_percent": 20,
        "replay_percent": 10,
        "forge_percent": 20,
    }
    first, again, other = [await heard_in_weather({"seed": seed, **wild}) for seed in (41, 41, 42)]
    assert sorted(first) == sorted(again)
    assert sorted(first) != sorted(other)
    amounts = [amount for amount, _ in first]
    assert len(set(amounts)) < len(amounts), "some came more than once"
    assert amounts != sorted(amounts, key=float), "some came out of order"
    assert any(kind == "FORGED" for _, kind in first), "some are false"


@pytest.mark.parametrize(
    ("weather", "heard"),
    [({"drop_percent": 100}, 0), ({}, 3), ({"duplicate_percent": 100, "copies_max": 2}, 6)],
)
async def test_weather_can_be_certain(weather: dict[str, Any], heard: int) -> None:
    assert len(await heard_in_weather({"seed": 1, **weather}, payments=3)) == heard
