"""Each vector keeps connector, simulator and the bank's manual together: it is played against both."""

from __future__ import annotations

from datetime import UTC

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import Forged, RawCallback, Unreadable
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.kernel.clock import rfc3339
from tests.support.ports import free_port
from tests.support.stub import Stub, answering
from tests.support.vectors import Player, Vector, all_vectors, fits, loads, told

ALL = all_vectors()
EXCHANGES = [v for v in ALL if "exchange" in v.said]
AT_SIMULATOR = [v for v in EXCHANGES if "world" in v.said]
CALLBACKS = [v for v in ALL if "callback" in v.said]
SENT_CALLBACKS = [v for v in CALLBACKS if "world" in v.said]
REFUSED = [v for v in ALL if "refused" in v.said]


def a_client() -> aiohttp.ClientSession:
    """A client that sends a request once; aiohttp's usual one repeats a GET that broke off."""
    session = aiohttp.ClientSession()
    session._retry_connection = False
    return session


def named(vector: Vector) -> str:
    return f"{vector.provider}-{vector.name}"


@pytest.mark.parametrize("vector", EXCHANGES, ids=named)
async def test_connector_asks_and_concludes_as_the_vector_says(vector: Vector) -> None:
    stub, line = Stub(vector), Line(registry.connector)
    async with answering(stub.handle) as url:
        account = vector.account(url + vector.shared["base_path"])
        outcome = (await line.run(account, vector.exchange(account))).outcome
        await line.close()
    assert stub.troubles == []
    assert stub.left == 0, "the connector did not ask everything"
    assert fits(vector.said["outcome"], told(outcome)), told(outcome)


@pytest.mark.parametrize("vector", AT_SIMULATOR, ids=named)
async def test_simulator_answers_as_the_vector_says(vector: Vector) -> None:
    simulator = registry.simulator(vector.provider)({})
    async with served(simulator, "127.0.0.1", free_port()) as url, a_client() as session:
        player = Player(vector, url, session)
        await player.play()
    assert player.token or vector.said["exchange"][0]["answer"][0] >= 400


@pytest.mark.parametrize("vector", AT_SIMULATOR, ids=named)
async def test_connector_concludes_the_same_from_the_simulator_itself(vector: Vector) -> None:
    """No answers from files: the connector talks to the simulator in the vector's world."""
    if any("world" in step for step in vector.said["exchange"]):
        assert vector.name.startswith("token-"), "time passes between two requests, which no connector sees"
        return
    simulator, line = registry.simulator(vector.provider)({}), Line(registry.connector)
    async with served(simulator, "127.0.0.1", free_port()) as url, a_client() as session:
        player = Player(vector, url, session)
        await player.make_world(vector.said["world"])
        renamed = Vector(vector.provider, vector.name, player.renamed(vector.said), vector.shared)
        account = renamed.account(url + vector.shared["base_path"])
        outcome = (await line.run(account, renamed.exchange(account))).outcome
        await line.close()
    expected = player.renamed(vector.said["outcome"])
    fresh = {name for step in vector.said["exchange"] for name in step.get("names", {})}
    if fresh:  # made by this very request, so the file cannot know it
        assert told(outcome)[0] == expected[0]
    else:
        assert fits(expected, told(outcome)), told(outcome)


@pytest.mark.parametrize("vector", CALLBACKS, ids=named)
def test_connector_reads_and_answers_a_callback_as_the_vector_says(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    raw = RawCallback("POST", {}, {}, vector.callback())
    account = vector.account("https://bank.example")
    news = connector.read_callback(account, raw)
    assert news.receipt is not None
    read = {
        "event_key": news.event_key,
        "reference": news.reference,
        "satang": news.receipt.amount.minor,
        "currency": news.receipt.amount.currency.code,
        "paid_at": rfc3339(news.receipt.paid_at),
    }
    assert fits(vector.said["news"], read), read
    assert news.receipt.paid_at.tzinfo is UTC
    answer = connector.answer_callback(account, news)
    assert [answer.status, loads(answer.body)] == vector.said["answer"]


@pytest.mark.parametrize("vector", REFUSED, ids=named)
def test_connector_refuses_a_callback_as_the_vector_says(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    raw = RawCallback("POST", {}, {}, vector.said["callback_raw"].encode(), vector.said.get("remote_ip"))
    with pytest.raises((Forged, Unreadable)) as refused:
        connector.read_callback(vector.account("https://bank.example"), raw)
    assert refused.value.code == vector.said["refused"]


@pytest.mark.parametrize("vector", SENT_CALLBACKS, ids=named)
async def test_simulator_sends_the_callback_and_is_content_with_our_answer(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    account = vector.account("https://bank.example")
    came: list[bytes] = []

    async def gateway(request: web.Request) -> web.Response:
        came.append(await request.read())
        news = connector.read_callback(account, RawCallback("POST", {}, {}, came[-1]))
        answer = connector.answer_callback(account, news)
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)

    simulator = registry.simulator(vector.provider)({})
    async with (
        served(simulator, "127.0.0.1", free_port()) as url,
        answering(gateway) as gateway_url,
        a_client() as session,
    ):
        player = Player(vector, url, session)
        await player.register_confirmations(gateway_url)
        await player.make_world(vector.said["world"])
        await player.settle()
        letters = await player.confirmations()
    player.same(vector.said["callback"], loads(came[0]), {}, "the callback")
    assert [letter["state"] for letter in letters] == ["accepted"]
    assert len(came) == 1


def test_every_provider_has_vectors_of_what_it_owes() -> None:
    for provider in registry.names():
        ours = [v for v in ALL if v.provider == provider]
        ends = {v.said["outcome"][0] for v in ours if "outcome" in v.said}
        assert {"Paid", "Declined", "Waiting", "Unknown"} <= ends, provider
        assert any("callback" in v.said for v in ours), provider
        assert any("refused" in v.said for v in ours), provider
