"""The guide's commands do what the guide says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from quickkub.connectors.providers.omise.simulator import OmiseSimulator
from quickkub.connectors.providers.omise.simulator.register import DEMO, Options
from quickkub.connectors.simulation.faults import FaultKind
from quickkub.connectors.simulation.run import served
from tests.support.omise_client import basic
from tests.support.ports import free_port
from tests.support.stub import answering

GUIDE = Path(__file__).parents[2] / "docs/guide/omise-simulator.md"


class Reader:
    """Somebody who types the guide's commands, with `curl` done by us."""

    def __init__(self, simulator: str, shop: str, session: aiohttp.ClientSession) -> None:
        self._places = {"http://127.0.0.1:3116": simulator, "http://127.0.0.1:8000": shop}
        self._session = session
        self._words: dict[str, str] = {}
        self.answers: list[Any] = []

    async def type(self, command: str) -> None:
        for written, real in self._places.items():
            command = command.replace(written, real)
        if setting := re.fullmatch(r"([A-Z]+)=<(\w+)>", command):
            self._words[setting[1]] = str(self.answers[-1][setting[2]])
        elif setting := re.fullmatch(r"([A-Z]+)=(.*)", command):
            self._words[setting[1]] = setting[2]
        else:
            for name, value in self._words.items():
                command = command.replace(f"${name}", value)
            await self._curl(shlex.split(command))

    async def _curl(self, words: list[str]) -> None:
        assert words[:2] == ["curl", "-s"], words
        url, headers, method, data = words[2], {}, "", []
        for flag, value in zip(words[3::2], words[4::2], strict=True):
            match flag:
                case "-u":
                    headers["authorization"] = basic(value.removesuffix(":"))
                case "-X":
                    method = value
                case "-d":
                    data.append(value)
                case other:
                    raise AssertionError(other)
        form = [tuple(one.split("=", 1)) for one in data] if data and "=" in data[0] else None
        body = urlencode(form) if form else "".join(data)  # type: ignore[arg-type]
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        method = method or ("POST" if data else "GET")
        async with self._session.request(method, url, data=body or None, headers=headers) as came:
            assert came.status < 300, f"{words}: {await came.text()}"
            self.answers.append(await came.json(content_type=None))


def commands() -> list[str]:
    typed = re.findall(r"^    (curl .*|[A-Z]+=.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(typed) >= 20
    return typed


async def test_the_guide_s_commands_lead_to_payments_a_refund_and_a_dispute_that_is_won() -> None:
    heard: list[str] = []

    async def shop(request: web.Request) -> web.Response:
        heard.append((await request.json())["key"])
        return web.Response()

    async with (
        served(OmiseSimulator({}), "127.0.0.1", free_port()) as simulator,
        answering(shop) as shop_url,
        aiohttp.ClientSession() as session,
    ):
        reader = Reader(simulator, shop_url, session)
        for command in commands():
            async with session.post(f"{simulator}/_sim/clock", json={"advance_seconds": 0}):
                await reader.type(command)
    assert reader.answers[-1]["total_satang"] == 10_000
    assert [moved["satang"] for moved in reader.answers[-1]["movements"]] == [10_000, 6_000]
    assert {"charge.complete", "charge.capture", "refund.create", "dispute.create", "dispute.close"} <= {
        *heard
    }


def test_the_guide_names_every_operation_fault_option_and_credential() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    operations = {operation.name for operation in OmiseSimulator({}).operations()} - {"other"}
    names = (*operations, *(kind.value for kind in FaultKind), *Options.__slots__, *DEMO.values())
    for name in names:
        assert f"`{name}`" in text, name
