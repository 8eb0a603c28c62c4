"""The vectors' own machinery: it must see what is wrong, or nothing else here proves anything."""

from __future__ import annotations

import dataclasses
from typing import Any

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Doing
from quickkub.connectors.simulation.run import served
from tests.support.player import Player
from tests.support.ports import free_port
from tests.support.stub import Stub, answering
from tests.support.vectors import Vector, vectors_of

STEP: dict[str, Any] = {
    "ask": ["POST", "/pay", {"amount": "1.00"}],
    "answer": [200, {"ok": True}, {"x-a": "b"}],
}


def vector(**said: Any) -> Vector:
    shared = {
        "settings": {"a": "1"},
        "credentials": {"key": "k"},
        "base_path": "/api",
        "other_base_paths": {"vault": "/vault"},
        "headers": {"x-key": "k", "x-nonce": "<fresh>"},
        "host_headers": {"vault": {"x-vault-key": "v"}},
    }
    return Vector("scb", "made-up", {"exchange": [STEP], **said}, shared)


async def asked(of: Vector, path: str = "/api/pay", body: Any = None, **headers: str) -> tuple[Stub, Any]:
    """What the stub thinks of one request, and its answer."""
    stub = Stub(of)
    usual = {"x-key": "k", "x-nonce": "n" * 32, "content-type": "application/json"}
    async with answering(stub.handle) as url, aiohttp.ClientSession() as session:
        sent = body if body is not None else '{"amount": "1.00"}'
        async with session.post(url + path, data=sent, headers={**usual, **headers}) as came:
            return stub, (came.status, await came.text(), came.headers.get("x-a"))


async def test_the_stub_is_content_with_exactly_what_the_vector_says() -> None:
    stub, answer = await asked(vector())
    assert (stub.troubles, stub.left) == ([], 0)
    assert answer == (200, '{"ok": true}', "b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/api/paid"},
        {"path": "/pay"},
        {"body": '{"amount": "1.01"}'},
        {"body": '{"amount": "1.00", "more": 1}'},
        {"x-key": "another"},
        {"x-nonce": "short"},
        {"content-type": "text/plain"},
    ],
)
async def test_the_stub_sees_every_difference(wrong: dict[str, Any]) -> None:
    stub, _ = await asked(vector(), **wrong)
    assert stub.troubles != []


async def test_a_step_may_go_to_another_host_with_headers_of_its_own() -> None:
    step = {**STEP, "host": "vault", "headers": {"x-more": "m"}}
    there = {"path": "/vault/pay", "x-vault-key": "v", "x-more": "m"}
    stub, _ = await asked(vector(exchange=[step]), **there)
    assert stub.troubles == []
    stub, _ = await asked(vector(exchange=[step]), **{**there, "path": "/api/pay"})
    assert stub.troubles != []


def test_an_account_knows_all_addresses_and_a_vector_can_take_a_setting_away() -> None:
    account = vector(settings={"a": None, "b": "2"}, credentials={"key": None}).account("http://x.example")
    assert dict(account.settings) == {
        "base_url": "http://x.example/api",
        "vault_base_url": "http://x.example/vault",
        "b": "2",
    }
    assert account.credentials == {}
    assert account.callback_url == "https://pay.example.com/callbacks/scb/token"


def test_an_instruction_is_about_the_whole_order_unless_it_says_otherwise() -> None:
    order = {
        "reference": "QK1",
        "satang": 10000,
        "method": "promptpay",
        "asked_at": "2026-01-15T10:30:00+07:00",
        "expires_at": "2026-01-15T10:45:00+07:00",
        "now": "2026-01-15T10:31:00+07:00",
        "payer": {"phone": "0812345678"},
    }
    said = vector(order=order, instruction={"doing": "refund", "reference": "QKR1"})
    instruction = said.instruction()
    assert instruction.doing is Doing.REFUND and instruction.asked_at == said.order().now
    assert (instruction.amount.minor, instruction.captured.minor, instruction.refunded.minor) == (
        10000,
        10000,
        0,
    )
    part = vector(order=order, instruction={"doing": "capture", "reference": "C", "satang": 1}).instruction()
    assert (part.amount.minor, part.captured.minor) == (1, 0)
    assert said.order().payer.phone == "0812345678"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"answer": [201, {}]},
        {"answer": "dropped"},
        {
            "ask": [
                "POST",
                "/v1/oauth/token",
                {"applicationKey": "another", "applicationSecret": "demo-secret"},
            ]
        },
    ],
)
async def test_the_player_sees_when_a_simulator_says_something_else(spoilt: dict[str, Any]) -> None:
    good = next(one for one in vectors_of("scb") if one.name == "qr-create")
    steps = [{**good.said["exchange"][0], **spoilt}, *good.said["exchange"][1:]]
    bad = dataclasses.replace(good, said={**good.said, "exchange": steps})
    simulator = registry.simulator("scb")({})
    async with served(simulator, "127.0.0.1", free_port()) as url, aiohttp.ClientSession() as session:
        with pytest.raises(AssertionError):
            await Player(bad, url, session).play()
