"""The guide's commands do what the guide says."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.scb.simulator import ScbSimulator
from quickkub.connectors.providers.scb.simulator.register import Options
from quickkub.connectors.simulation.faults import FaultKind
from quickkub.connectors.simulation.run import served
from quickkub.kernel.clock import BANGKOK
from tests.support.ports import free_port
from tests.support.stub import answering

GUIDE = Path(__file__).parents[2] / "docs/guide/scb-simulator.md"


class Reader:
    """Somebody who types the guide's commands, with `curl` done by us."""

    def __init__(self, simulator: str, shop: str, session: aiohttp.ClientSession) -> None:
        self._places = {"http://127.0.0.1:3110": simulator, "http://127.0.0.1:8000": shop}
        self._session = session
        self._words: dict[str, str] = {}
        self.answers: list[Any] = []

    async def type(self, command: str) -> None:
        for written, real in self._places.items():
            command = command.replace(written, real)
        if setting := re.fullmatch(r"([A-Z]+)=(.*)", command):
            self._words[setting[1]] = self._filled(setting[2])
            return
        for name, value in self._words.items():
            command = command.replace(f"${name}", value)
        await self._curl(shlex.split(command))

    def _filled(self, value: str) -> str:
        match value:
            case "<data.accessToken>" | "<data.qrCodeId>" | "<data.transactionId>":
                return str(self.answers[-1]["data"][value[len("<data.") : -1]])
            case "<today in Bangkok>":
                return datetime.now(UTC).astimezone(BANGKOK).date().isoformat()
            case _:
                return value

    async def _curl(self, words: list[str]) -> None:
        assert words[:2] == ["curl", "-s"], words
        url, data, headers = words[2], None, {}
        for flag, value in zip(words[3::2], words[4::2], strict=True):
            if flag == "-H":
                name, _, text = value.partition(": ")
                headers[name] = text
            else:
                assert flag == "-d", flag
                data = value
        method = "GET" if data is None else "POST"
        async with self._session.request(method, url, data=data, headers=headers) as came:
            assert came.status < 300, f"{words}: {await came.text()}"
            self.answers.append(await came.json(content_type=None))


def commands() -> list[str]:
    text = GUIDE.read_text(encoding="utf-8").replace("\\\n      ", " ")
    typed = re.findall(r"^    (curl .*|[A-Z]+=.*)$", text, re.MULTILINE)
    assert len(typed) >= 24
    return typed


async def test_the_guide_s_commands_lead_to_a_confirmed_payment() -> None:
    heard: list[str] = []

    async def shop(request: web.Request) -> web.Response:
        said = await request.json()
        heard.append(said["billPaymentRef1"])
        return web.json_response(
            {"resCode": "00", "resDesc": "success", "transactionId": said["transactionId"]}
        )

    async with (
        served(ScbSimulator({}), "127.0.0.1", free_port()) as simulator,
        answering(shop) as shop_url,
        aiohttp.ClientSession() as session,
    ):
        reader = Reader(simulator, shop_url, session)
        for command in commands():
            if command.endswith("/_sim/confirmations"):
                async with session.post(f"{simulator}/_sim/clock", json={"advance_seconds": 0}) as settled:
                    assert settled.status == 200
            await reader.type(command)
    shown = [answer for answer in reader.answers if isinstance(answer.get("data"), list)]
    assert shown[0]["data"][0]["billPaymentRef1"] == "ORDER1"
    assert any(answer.get("total_satang") == 10000 for answer in reader.answers)
    assert any(answer.get("confirmations", [{}])[0].get("state") == "accepted" for answer in reader.answers)
    assert heard[0] == "ORDER1"
    assert any(answer.get("data", {}) == {} for answer in reader.answers if "data" in answer), "the refund"


def test_the_guide_names_every_operation_fault_and_option() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    operations = {operation.name for operation in ScbSimulator({}).operations()} - {"other", "other_method"}
    for name in (*operations, *(kind.value for kind in FaultKind), *Options.__slots__):
        assert f"`{name}`" in text, name
