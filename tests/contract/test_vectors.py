"""Each vector keeps connector, simulator and the bank's manual together: it is played against both."""

from __future__ import annotations

from datetime import UTC

import aiohttp
import pytest
from aiohttp import web

from quickkub.connectors import registry
from quickkub.connectors.contract import Forged, RawCallback, Unknown, Unreadable
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from tests.support.player import Player
from tests.support.ports import free_port
from tests.support.stub import Stub, answering
from tests.support.telling import fits, news_told, told
from tests.support.vectors import Vector, all_vectors
from tools import generate_coverage

ALL = all_vectors()
EXCHANGES = [v for v in ALL if "exchange" in v.said]
AT_SIMULATOR = [v for v in EXCHANGES if "world" in v.said]
CALLBACKS = [v for v in ALL if "news" in v.said]
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
        account = vector.account(url)
        outcome = (await line.run(account, vector.exchange(account))).outcome
        await line.close()
    assert stub.troubles == []
    assert stub.left == 0, "the connector did not ask everything"
    assert fits(vector.said["outcome"], told(outcome)), told(outcome)


UNCLEAR = [v for v in EXCHANGES if v.said["asks"] == "inquire" and v.said["outcome"][0] == "Unknown"]


@pytest.mark.parametrize("provider", sorted({vector.provider for vector in UNCLEAR}))
async def test_a_word_that_no_manual_names_is_unknown_and_put_before_a_person(provider: str) -> None:
    """Some inquiry of each provider's vectors shows such a word, or another payment than was asked about."""
    alerts = []
    for vector in (one for one in UNCLEAR if one.provider == provider):
        stub, line = Stub(vector), Line(registry.connector)
        async with answering(stub.handle) as url:
            account = vector.account(url)
            outcome = (await line.run(account, vector.exchange(account))).outcome
            await line.close()
        assert isinstance(outcome, Unknown)
        alerts.append(outcome.alert)
    assert any(alerts), f"of {len(alerts)} inquiries nobody can tell about, none is put before a person"


@pytest.mark.parametrize("vector", AT_SIMULATOR, ids=named)
async def test_simulator_answers_as_the_vector_says(vector: Vector) -> None:
    simulator = registry.simulator(vector.provider)(vector.simulator_config)
    async with served(simulator, "127.0.0.1", free_port()) as url, a_client() as session:
        player = Player(vector, url, session)
        await player.play()
    assert player.token or not vector.token or vector.said["exchange"][0]["answer"][0] >= 400


@pytest.mark.parametrize("vector", AT_SIMULATOR, ids=named)
async def test_connector_concludes_the_same_from_the_simulator_itself(vector: Vector) -> None:
    """No answers from files: the connector talks to the simulator in the vector's world."""
    if any("world" in step for step in vector.said["exchange"]):
        assert vector.name.startswith("token-"), "time passes between two requests, which no connector sees"
        return
    simulator, line = registry.simulator(vector.provider)(vector.simulator_config), Line(registry.connector)
    async with served(simulator, "127.0.0.1", free_port()) as url, a_client() as session:
        player = Player(vector, url, session)
        await player.make_world(vector.said["world"])
        said = {"account_callback_url": vector.callback_url, **vector.said}
        renamed = Vector(vector.provider, vector.name, player.renamed(said), vector.shared)
        account = renamed.account(url)
        outcome = (await line.run(account, renamed.exchange(account))).outcome
        await line.close()
    expected = player.renamed(vector.said["outcome"])
    fresh = {name for step in vector.said["exchange"] for name in step.get("names", {})}
    if fresh:  # made by this very request, so the file cannot know it
        assert told(outcome)[0] == expected[0], told(outcome)
    else:
        assert fits(expected, told(outcome)), told(outcome)


@pytest.mark.parametrize("vector", CALLBACKS, ids=named)
def test_connector_reads_and_answers_a_callback_as_the_vector_says(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    account = vector.account("https://bank.example")
    news = connector.read_callback(account, vector.callback())
    assert fits(vector.said["news"], news_told(news)), news_told(news)
    assert news.receipt is None or news.receipt.paid_at.tzinfo is UTC
    answer = connector.answer_callback(account, news)
    status, words = vector.said["answer"]
    is_text = isinstance(words, str)
    said = answer.body.decode() if is_text else vector.speech.our_answer_words(vector, answer)
    assert [answer.status, said] == [status, words]


@pytest.mark.parametrize("vector", REFUSED, ids=named)
def test_connector_refuses_a_callback_as_the_vector_says(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    with pytest.raises((Forged, Unreadable)) as refused:
        connector.read_callback(vector.account("https://bank.example"), vector.callback())
    assert refused.value.code == vector.said["refused"]


@pytest.mark.parametrize("vector", SENT_CALLBACKS, ids=named)
async def test_simulator_sends_the_callback_and_is_content_with_our_answer(vector: Vector) -> None:
    connector = registry.connector(vector.provider)
    account = vector.account("https://bank.example")
    came: list[RawCallback] = []

    async def gateway(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        came.append(RawCallback(request.method, headers, dict(request.query), await request.read()))
        answer = connector.answer_callback(account, connector.read_callback(account, came[-1]))
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers={"content-type": answer.content_type, **answer.headers},
        )

    simulator = registry.simulator(vector.provider)(vector.simulator_config)
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
    count = vector.said.get("callbacks", 1)
    assert [letter["state"] for letter in letters] == ["accepted"] * count, letters
    assert len(came) == count
    words = vector.speech.callback_words(vector, came[-1])
    player.same(vector.said["callback"], words, vector.said.get("volatile", {}), "the callback")


@pytest.mark.parametrize("provider", registry.names())
def test_every_provider_has_vectors_of_what_it_owes(provider: str) -> None:
    owed = [duty.words for duty in generate_coverage.missing(provider)]
    assert not owed, f"{provider} owes vectors of: {'; '.join(owed)}"


@pytest.mark.parametrize("vector", ALL, ids=named)
def test_every_vector_says_what_it_is_about_and_where_it_comes_from(vector: Vector) -> None:
    assert vector.said["says"] and vector.said["source"]
    assert {"exchange", "news", "refused"} & vector.said.keys(), "it is played nowhere"
