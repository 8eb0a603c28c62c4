"""The guide of the 2C2P simulator does what it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.twoctwop import example_keys
from quickkub.connectors.providers.twoctwop.simulator import TwoCTwoPSimulator
from quickkub.connectors.providers.twoctwop.simulator.register import Options
from quickkub.connectors.simulation.faults import FaultKind
from quickkub.connectors.simulation.run import served
from tests.support import twoctwop
from tests.support.ports import free_port
from tests.support.stub import answering

GUIDE = (Path(__file__).parents[2] / "docs/guide/2c2p-simulator.md").read_text(encoding="utf-8")


async def test_the_guide_s_commands_lead_to_a_payment_that_is_told() -> None:
    heard: list[Any] = []

    async def shop(request: web.Request) -> web.Response:
        heard.append(twoctwop.claims_of((await request.json())["payload"]))
        return web.Response()

    words: dict[str, str] = {}
    answers: list[Any] = []
    async with (
        served(TwoCTwoPSimulator({}), "127.0.0.1", free_port()) as url,
        answering(shop) as shop_url,
        aiohttp.ClientSession() as session,
    ):
        for line in re.findall(r"^    (curl .*|[A-Z]+=.*)$", GUIDE, re.MULTILINE):
            command = line.replace("http://127.0.0.1:3118", url).replace("http://127.0.0.1:8000", shop_url)
            if setting := re.fullmatch(r"([A-Z]+)=(.*)", command):
                words[setting[1]] = filled(setting[2], answers)
                continue
            for name, value in words.items():
                command = command.replace(f"${name}", value)
            _, _, address, *rest = shlex.split(command)
            said = dict(zip(rest[::2], rest[1::2], strict=True))
            headers = {"content-type": "application/json"} if "-H" in said else {}
            method = "POST" if "-d" in said else "GET"
            if address.endswith("/confirmations"):
                async with session.post(f"{url}/_sim/clock", json={"advance_seconds": 0}):
                    pass
            async with session.request(method, address, data=said.get("-d"), headers=headers) as came:
                assert came.status < 300, line
                answers.append(await came.json())
    assert answers[1]["extras"]["qrData"].startswith("000201")
    assert twoctwop.claims_of(answers[4]["payload"])["respCode"] == "0000"
    assert answers[5]["confirmations"][0]["state"] == "accepted"
    assert answers[6]["total_satang"] == 10_000
    assert heard[0]["invoiceNo"] == "QK250101000001"


def filled(value: str, answers: list[Any]) -> str:
    if value == "<claims.paymentToken>":
        return str(twoctwop.claims_of(answers[-1]["payload"])["paymentToken"])
    if jwt := re.fullmatch(r"<jwt (.*)>", value):
        return twoctwop.jwt(json.loads(jwt[1]))
    return value


def test_the_guide_names_every_operation_fault_and_option() -> None:
    operations = {operation.name for operation in TwoCTwoPSimulator({}).operations()}
    for name in (*operations, *(kind.value for kind in FaultKind), *Options.__slots__):
        assert f"`{name}`" in GUIDE, name
    assert example_keys.SECRET in GUIDE
