"""The guide's commands do what the guide says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import aiohttp

from quickkub.connectors.providers.kbank.simulator import KbankSimulator
from quickkub.connectors.providers.kbank.simulator.register import App, Options
from quickkub.connectors.simulation.run import served
from tests.support.kbank_client import Shop
from tests.support.ports import free_port
from tests.support.stub import answering

GUIDE = Path(__file__).parents[2] / "docs/guide/kbank-simulator.md"


async def typed(session: aiohttp.ClientSession, command: str) -> Any:
    """What `curl -s URL [-H header] [-d body]` would get."""
    words = shlex.split(command)
    assert words[:2] == ["curl", "-s"], words
    pairs = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(text.split(": ", 1) for flag, text in pairs if flag == "-H")
    data = next((text for flag, text in pairs if flag == "-d"), None)
    method = "GET" if data is None else "POST"
    async with session.request(method, words[2], data=data, headers=headers) as came:
        assert came.status < 300, f"{command}: {await came.text()}"
        return await came.json(content_type=None)


async def test_the_guide_s_commands_lead_from_a_qr_to_its_void_and_a_charge_to_its_refund() -> None:
    commands = re.findall(r"^    (curl .*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    shop, answers, token = Shop(), [], ""
    async with (
        served(KbankSimulator({}), "127.0.0.1", free_port()) as url,
        answering(shop.handle) as shop_url,
        aiohttp.ClientSession() as session,
    ):
        for command in commands:
            filled = command.replace("$KBANK", url).replace("$TOKEN", token)
            if filled.endswith("/_sim/confirmations"):
                async with session.post(f"{url}/_sim/clock", json={"advance_seconds": 0}) as settled:
                    assert settled.status == 200
            answers.append(await typed(session, filled.replace("http://127.0.0.1:8000", shop_url)))
            token = answers[-1].get("access_token", token)
    states = [said["txnStatus"] for said in answers if "txnStatus" in said]
    assert states == ["PAID"]
    assert all(said.get("statusCode", "00") == "00" for said in answers), answers
    kgp = [said["transaction_state"] for said in answers if "transaction_state" in said]
    assert kgp == ["Pre-Authorized", "Authorized", "Refund Sent"]
    assert {said.get("partnerTxnUid") or said.get("reference_order") for said in shop.heard} == {
        "ORDER1",
        "CHARGE1",
    }
    assert answers[-1]["total_satang"] == 20050, "the QR went back whole"


def test_the_guide_names_every_operation_option_and_word_of_an_app() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    operations = {operation.name for operation in KbankSimulator({}).operations()} - {"other", "other_method"}
    for name in (*operations, *Options.__slots__):
        assert f"`{name}`" in text, name
    for name in App.__slots__:
        assert f'"{name}"' in text, name
