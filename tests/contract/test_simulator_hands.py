"""The page a person presses buttons on, the control API, and the faults between an answer and the wire."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.simulation.run import run
from tests.contract.conftest import Gateway
from tests.support.ports import free_port
from tests.support.scb import Scb
from tests.support.scb_client import Client


async def press(scb: Scb, path: str, **form: str) -> str:
    """Press a button; the page that comes back."""
    async with scb._session.post(f"{scb.url}{path}", data=form) as came:
        assert came.status == 200
        return await came.text()


async def paid(scb: Scb) -> list[str]:
    return [movement["amount"] for movement in (await scb.truth())["movements"]]


async def test_the_page_lists_what_can_be_paid_and_says_that_no_money_is_real(
    client: Client, scb: Scb
) -> None:
    await client.makes_qr()
    async with scb._session.get(scb.url) as came:
        text = await came.text()
        assert "QK0001" in text and "100.00 baht" in text and "No real money" in text
        assert 'src="data:image/png;base64,' in text
        assert "default-src 'none'" in came.headers["content-security-policy"]
        assert "<script" not in text


@pytest.mark.parametrize(
    ("button", "form", "amounts"),
    [
        ("pay", {}, ["100.00"]),
        ("less", {"amount": "60.00"}, ["60.00"]),
        ("twice", {}, ["100.00", "100.00"]),
        ("lose", {}, ["100.00"]),
    ],
)
async def test_each_button_pays_as_it_says(
    client: Client, scb: Scb, button: str, form: dict[str, str], amounts: list[str]
) -> None:
    await client.makes_qr()
    page = await press(scb, "/pay/QK0001", button=button, **form)
    assert "is paid" in page
    assert await paid(scb) == amounts


async def test_paying_twice_what_can_be_paid_once_pays_once_and_says_so(client: Client, scb: Scb) -> None:
    await client.makes_link()
    assert "is paid once" in await press(scb, "/pay/QK0003", button="twice")
    assert await paid(scb) == ["100.00"]
    assert "Not done" in await press(scb, "/pay/QK0003", button="twice")


async def test_pay_late_pays_when_its_time_has_come(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    assert "will be paid in 900 s" in await press(scb, "/pay/QK0001", button="late", seconds="900")
    await scb.time_passes(899)
    assert await paid(scb) == []
    await scb.time_passes(1)
    assert await paid(scb) == ["100.00"]


async def test_pay_late_is_refused_by_a_qr_that_has_ended_meanwhile(client: Client, scb: Scb) -> None:
    await client.makes_qr_v2(numberOfTimes=1, expiryDate="2026-01-15 12:01:00")
    await press(scb, "/pay/QK0002", button="late", seconds="90")
    await scb.time_passes(90)
    assert await paid(scb) == []


async def test_drop_the_answer_pays_in_silence_and_cuts_the_next_answer(
    client: Client, scb: Scb, gateway: Gateway
) -> None:
    await client.makes_qr()
    await press(scb, "/pay/QK0001", button="lose")
    client.session._retry_connection = False
    with pytest.raises(aiohttp.ClientError):
        await client.asks()
    assert len((await client.asks()).data) == 1, "the next question is answered"
    assert gateway.heard == []


async def test_the_answer_to_the_next_request_can_be_dropped_from_the_page(client: Client, scb: Scb) -> None:
    await press(scb, "/drop-answer")
    with pytest.raises(aiohttp.ClientError):
        await client.makes_qr()
    assert len((await scb.control("GET", "items"))["items"]) == 1, "it was carried out"


async def test_a_deep_link_can_be_cancelled_from_the_page_and_a_qr_cannot(client: Client, scb: Scb) -> None:
    transaction = (await client.makes_link()).data["transactionId"]
    assert "is cancelled" in await press(scb, "/pay/QK0003", button="cancelled")
    assert (await client.link(transaction)).data["statusCode"] == 2
    await client.makes_qr()
    assert "Not done" in await press(scb, "/pay/QK0001", button="cancelled")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/pay/QK9999", {"button": "pay"}),
        ("/pay/QK0001", {"button": "nothing"}),
        ("/pay/QK0001", {"button": "less", "amount": "<b>"}),
        ("/pay/QK0001", {"button": "late", "seconds": "soon"}),
        ("/scan", {"qr": "0002"}),
    ],
)
async def test_what_cannot_be_done_is_said_on_the_page(
    client: Client, scb: Scb, path: str, form: dict[str, str]
) -> None:
    await client.makes_qr()
    page = await press(scb, path, **form)
    assert "Not done" in page and "<b>" not in page
    assert await paid(scb) == []


async def test_another_site_s_page_cannot_press_our_buttons(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    headers = {"sec-fetch-site": "cross-site"}
    async with scb._session.post(f"{scb.url}/pay/QK0001", data={"button": "pay"}, headers=headers) as came:
        assert came.status == 403
    assert await paid(scb) == []


async def test_what_a_merchant_names_is_shown_as_text(scb: Scb, client: Client) -> None:
    async with scb._session.get(f"{scb.url}/", params={"said": "<script>alert(1)</script>"}) as came:
        assert "<script" not in await came.text()


async def test_a_qr_is_paid_by_its_text_even_when_the_bank_has_forgotten_it(client: Client, scb: Scb) -> None:
    text = (await client.makes_qr()).data["qrRawData"]
    await scb.control("POST", "reset")
    assert "is paid" in await press(scb, "/scan", qr=text)
    await client.logs_in()
    assert len((await client.asks()).data) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "payments/QK9999/pay", {}, 404),
        ("POST", "payments/QK0001/pay", {"amount": "1e2"}, 400),
        ("POST", "payments/QK0001/pay", {"amount": "0"}, 400),
        ("POST", "payments/QK0001/pay", {"times": 0}, 400),
        ("POST", "payments/QK0001/pay", {"times": "2"}, 400),
        ("POST", "payments/QK0001/pay", {"callback": "maybe"}, 400),
        ("POST", "payments/QK0001/end", {"state": "cancelled"}, 409),
        ("POST", "payments/QK0001/end", {"state": "gone"}, 400),
        ("POST", "movements/T1/reverse", {}, 404),
        ("POST", "faults", {"faults": [{"kind": "unheard of"}]}, 400),
        ("POST", "faults", {"chance": {"seed": 1}}, 400),
        ("POST", "weather", {"rain_percent": 10}, 400),
        ("POST", "clock", {"at": "noon"}, 400),
        ("POST", "options", {"unpaid_inquiry": "shrug"}, 400),
        ("POST", "options", {"rate_limit_per_second": "5"}, 400),
        ("POST", "apps", {"application_key": "k"}, 400),
        (
            "POST",
            "apps",
            {"application_key": "k", "application_secret": "s", "billers": [{"biller_id": "1"}]},
            400,
        ),
        (
            "POST",
            "registrations",
            {"biller_id": "123456789012345", "ref3_prefix": "scb", "url": "http://a"},
            400,
        ),
        (
            "POST",
            "registrations",
            {"biller_id": "999999999999999", "ref3_prefix": "A", "url": "http://a"},
            400,
        ),
        ("POST", "registrations", {"merchant_id": "1", "url": "ftp://a"}, 400),
    ],
)
async def test_the_control_api_says_what_is_wrong(
    client: Client, scb: Scb, method: str, path: str, body: Any, status: int
) -> None:
    await client.makes_qr()
    async with scb._session.request(method, f"{scb.url}/_sim/{path}", json=body) as came:
        assert came.status == status
        assert (await came.json())["error"]


async def test_truth_adds_up_every_movement(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    await scb.pay("QK0001", times=3)
    await scb.pay("QK0001", "0.01")
    truth = await scb.truth()
    assert (truth["count"], truth["total_satang"]) == (4, 30001)
    assert sum(movement["satang"] for movement in truth["movements"]) == 30001


# --- faults ---


@pytest.mark.parametrize("kind", ["drop_answer", "reset", "half_body", "timeout"])
async def test_an_answer_can_be_lost_after_the_request_was_carried_out(
    client: Client, scb: Scb, kind: str
) -> None:
    await scb.will(kind, operation="qr_create", seconds=0)
    with pytest.raises(aiohttp.ClientError):
        await client.makes_qr()
    assert len((await scb.control("GET", "items"))["items"]) == 1


async def test_a_fault_before_the_request_leaves_nothing_behind(client: Client, scb: Scb) -> None:
    await scb.will("error_500", before=True)
    assert (await client.makes_qr()).no == (500, 9700)
    assert (await scb.control("GET", "items"))["items"] == []
    assert (await client.makes_qr()).code == 1000


async def test_a_fault_may_be_asked_for_by_a_header(client: Client, scb: Scb) -> None:
    said = await client.sends("GET", "/v2/transactions/x", x_sim_fault="error_503;before")
    assert said.no == (503, 9900)
    async with scb._session.get(scb.base_url + "/v1", headers={"x-sim-fault": "unheard of"}) as came:
        assert came.status == 400


async def test_a_fault_waits_for_its_operation_and_its_times(client: Client, scb: Scb) -> None:
    await scb.will("limit", operation="inquiry", times=2)
    assert (await client.makes_qr()).code == 1000
    assert [(await client.asks()).status for _ in range(3)] == [429, 429, 200]


async def test_an_amount_or_a_currency_can_be_wrong(client: Client, scb: Scb) -> None:
    await client.makes_qr()
    await scb.pay("QK0001")
    await scb.will("wrong_amount", operation="inquiry")
    assert (await client.asks()).data[0]["amount"] == "101.00"
    await scb.will("wrong_currency", operation="inquiry")
    assert (await client.asks()).data[0]["currencyCode"] == "840"


async def test_chance_faults_are_the_same_for_the_same_seed(client: Client, scb: Scb) -> None:
    async def run_of(seed: int) -> list[int]:
        chance = {"seed": seed, "percent": 40, "kinds": ["error_500", "error_503", "limit"]}
        await scb.control("POST", "faults", {"chance": chance})
        found = [(await client.asks()).status for _ in range(20)]
        await scb.control("DELETE", "faults")
        return found

    first, again, other = await run_of(7), await run_of(7), await run_of(8)
    assert first == again != other
    assert {200, 500, 503, 429} == set(first)
    assert [(await client.asks()).status for _ in range(5)] == [200] * 5


# --- the runner ---


async def test_all_simulators_run_on_their_ports_until_they_are_stopped() -> None:
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    ports = {name: free_port() for name in registry.names()}
    running = asyncio.create_task(run([], ports=ports, ready=lambda name, url: told.put_nowait((name, url))))
    urls = dict([await told.get() for _ in ports])
    assert urls == {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    async with aiohttp.ClientSession() as session:
        for url in urls.values():
            async with session.get(f"{url}/_sim/truth") as came:
                assert json.loads(await came.read())["count"] == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for url in urls.values():
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(url)
