"""The line out to providers: what it concludes when the wire misbehaves, and what it never lets out."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from quickkub.connectors.contract import Declined, NotSent, Unknown, Waiting
from quickkub.connectors.transport import CalledInTransaction, Line
from quickkub.kernel.secrets import Secret
from quickkub.storage import Database
from tests.support.made_up_provider import CANARY, MadeUp, account_at
from tests.support.mtls import Identities, identities
from tests.support.ports import free_port
from tests.support.stub import answering

TOKEN = "canary-token-91c2"


class House:
    """A provider's server: counts what comes, answers `/token` itself and the rest as the test says."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.lives = 600
        self.tokens = 0
        self.answer: Callable[[web.Request], Any] = lambda _: web.json_response({"ref": "R1"})
        self.token_answer: Callable[[web.Request], Any] = self._token

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.came.append(request.path)
        found: Any = (self.token_answer if request.path == "/token" else self.answer)(request)
        answer: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
        return answer

    def _token(self, _: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"token": f"{TOKEN}-{self.tokens}", "lives": self.lives})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    async with answering(found.handle) as url:
        found.url = url  # type: ignore[attr-defined]
        yield found


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    found = Line(MadeUp().found)
    yield found
    await found.close()


def at(house: House) -> Any:
    return account_at(house.url)  # type: ignore[attr-defined]


async def charged(line: Line, house: House, account: Any = None) -> Any:
    account = account or at(house)
    return (await line.run(account, MadeUp().create(account))).outcome


def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def says_nothing(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


# --- answers ---


async def test_an_answer_of_any_status_reaches_the_connector(line: Line, house: House) -> None:
    house.answer = lambda _: web.json_response({"ref": "R2"}, status=500)
    assert await charged(line, house) == Waiting(provider_reference="R2")


async def test_a_query_arrives_as_it_was_meant(line: Line, house: House) -> None:
    house.answer = lambda request: web.json_response({"ref": request.query["ref"]})
    told = await line.run(at(house), MadeUp().inquire(at(house)))
    assert told.outcome == Waiting(provider_reference="R 1&2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"ref": NaN}',
        b'{"ref": "R1", "ref": "R2"}',
        b'{"ref": 1}',
        b'{"ref": "a\\u0000b"}',
        b'{"ref": "\\ud800"}',
        b'{"ref": "R1", "x": ' + b"[" * 60 + b"]" * 60 + b"}",
        b"[" * 100_000,
    ],
)
async def test_an_answer_without_one_clear_meaning_is_unknown(line: Line, house: House, body: bytes) -> None:
    house.answer = lambda _: web.Response(body=body, content_type="application/json")
    assert isinstance(await charged(line, house), Unknown)


async def test_a_packed_answer_is_unpacked(line: Line, house: House) -> None:
    body = gzip.compress(b'{"ref": "R1"}')
    house.answer = lambda _: web.Response(body=body, headers={"content-encoding": "gzip"})
    assert await charged(line, house) == Waiting(provider_reference="R1")


@pytest.mark.parametrize("kind", ["plain", "gzip", "deflate", "cut", "br"])
async def test_an_answer_too_big_or_packed_wrongly_is_unknown(line: Line, house: House, kind: str) -> None:
    big = b'{"ref": "' + b"0" * (16 << 20) + b'"}'
    body, encoding = {
        "plain": (big[: 2 << 20], ""),
        "gzip": (gzip.compress(big, 1), "gzip"),
        "deflate": (zlib.compress(big, 1), "deflate"),
        "cut": (gzip.compress(b'{"ref": "R1"}')[:-4], "gzip"),
        "br": (b'{"ref": "R1"}', "br"),
    }[kind]
    headers = {"content-encoding": encoding} if encoding else {}
    house.answer = lambda _: web.Response(body=body, headers=headers)
    assert isinstance(await charged(line, house), Unknown)


async def test_a_redirect_is_not_followed(line: Line, house: House) -> None:
    house.answer = lambda _: web.Response(status=307, headers={"location": "/elsewhere"})
    assert isinstance(await charged(line, house), Unknown)
    assert house.came == ["/token", "/charge"]


async def test_cookies_are_not_kept(line: Line, house: House) -> None:
    seen: list[bool] = []

    def answer(request: web.Request) -> web.Response:
        seen.append("cookie" in request.headers)
        return web.json_response({"ref": "R1"}, headers={"set-cookie": "a=b; Path=/"})

    house.answer = answer
    # By name: for bare addresses, aiohttp keeps no cookies anyway.
    account = account_at(house.url.replace("127.0.0.1", "localhost"))  # type: ignore[attr-defined]
    await charged(line, house, account)
    await charged(line, house, account)
    assert seen == [False, False]


async def test_a_proxy_named_in_the_environment_is_not_asked(
    line: Line, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert isinstance(await charged(line, house), Waiting)


# --- no answer ---


async def test_a_server_that_is_not_there_was_not_sent_anything(line: Line) -> None:
    account = account_at(f"http://127.0.0.1:{free_port()}")
    assert isinstance((await line.run(account, MadeUp().create(account))).outcome, NotSent)


async def test_a_name_that_does_not_resolve_was_not_sent_anything(line: Line) -> None:
    account = account_at("http://no-such-host.invalid")
    assert isinstance((await line.run(account, MadeUp().create(account))).outcome, NotSent)


async def test_a_server_whose_certificate_we_do_not_trust_was_not_sent_anything(tmp_path: Path) -> None:
    house, strangers = House(), identities(tmp_path)
    line = Line(MadeUp().found)
    async with answering(house.handle, ssl_context=strangers.server()) as url:
        account = account_at(url)
        assert isinstance((await line.run(account, MadeUp().create(account))).outcome, NotSent)
    await line.close()
    assert house.came == []


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "nonsense",
        "ftp://bank.example",
        "http://bank.example",
        "https://user:pass@bank.example",
        "https://b.example?x=1",
    ],
)
async def test_a_live_account_is_only_called_at_a_plain_https_address(line: Line, base_url: str) -> None:
    account = account_at(base_url or "nowhere", mode="live")
    assert isinstance((await line.run(account, MadeUp().create(account))).outcome, NotSent)


@pytest.mark.parametrize("way", [hangs_up, says_nothing])
async def test_an_answer_that_never_comes_is_unknown(house: House, way: Any) -> None:
    provider = MadeUp(deadline_seconds=1)
    line = Line(provider.found)
    house.answer = way
    account = at(house)
    told = await line.run(account, provider.create(account))
    await line.close()
    assert isinstance(told.outcome, Unknown)
    assert json.loads(told.transcript)[-1]["sent"] is True


async def test_a_body_that_drips_for_ever_is_cut_off_by_the_deadline(house: House) -> None:
    async def drips(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0.05)

    provider = MadeUp(deadline_seconds=1)
    line, account = Line(provider.found), at(house)
    house.answer = drips
    assert isinstance((await line.run(account, provider.create(account))).outcome, Unknown)
    await line.close()


@pytest.mark.parametrize("ask", [MadeUp.create, MadeUp.inquire])
async def test_nothing_is_sent_twice_by_itself(line: Line, house: House, ask: Any) -> None:
    """Also on a kept connection, where a library may think that it knows better."""
    await charged(line, house, account := at(house))
    house.came.clear()
    house.answer = hangs_up
    told = await line.run(account, ask(MadeUp(), account))
    assert isinstance(told.outcome, Unknown)
    assert len(house.came) == 1


async def test_a_connector_may_take_a_lost_answer_itself(line: Line, house: House) -> None:
    house.answer = hangs_up
    told = await line.run(at(house), MadeUp().catches())
    assert told.outcome == Waiting(provider_reference="lost, sent True")


async def test_a_mistake_in_a_connector_is_unknown_and_is_logged(
    line: Line, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    told = await line.run(at(house), MadeUp().stumbles())
    assert isinstance(told.outcome, Unknown)
    assert "KeyError" in caplog.text and json.loads(told.transcript)[0]["status"] == 200


async def test_nobody_is_called_while_a_transaction_is_open(
    line: Line, house: House, database: Database
) -> None:
    account = at(house)
    with pytest.raises(CalledInTransaction):
        async with database.transaction():
            await line.run(account, MadeUp().create(account))
    assert house.came == []
    assert isinstance(await charged(line, house), Waiting)


# --- tokens ---


async def test_a_token_is_fetched_once_for_many_who_come_at_once(line: Line, house: House) -> None:
    account = at(house)
    outcomes = await asyncio.gather(*(charged(line, house, account) for _ in range(20)))
    assert house.tokens == 1 and set(outcomes) == {Waiting(provider_reference="R1")}


async def test_each_account_has_a_token_of_its_own(line: Line, house: House) -> None:
    await charged(line, house)
    await charged(line, house)
    assert house.tokens == 2


async def test_a_refused_token_is_renewed_once_and_the_request_repeated_once(
    line: Line, house: House
) -> None:
    seen: list[str] = []

    def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["authorization"])
        return web.json_response({"ref": "R1"}, status=401 if len(seen) == 1 else 200)

    house.answer = answer
    account = at(house)
    assert isinstance(await charged(line, house, account), Waiting)
    assert seen == [f"Bearer {TOKEN}-1", f"Bearer {TOKEN}-2"]
    await charged(line, house, account)
    assert house.tokens == 2, "the new token is kept"


async def test_without_a_token_the_request_itself_was_not_sent(line: Line, house: House) -> None:
    house.token_answer = hangs_up
    assert isinstance(await charged(line, house), NotSent)
    house.token_answer = lambda _: web.Response(status=500)
    assert isinstance(await charged(line, house), NotSent)
    house.token_answer = lambda _: web.Response(body=b"{")
    assert isinstance(await charged(line, house), NotSent)
    house.token_answer = lambda _: web.Response(status=403)
    assert isinstance(await charged(line, house), Declined)
    assert "/charge" not in house.came


async def test_a_token_that_cannot_be_renewed_after_the_request_left_is_unknown(
    line: Line, house: House
) -> None:
    house.answer = lambda _: web.Response(status=401)
    account = at(house)
    await charged(line, house, account)
    house.token_answer = lambda _: web.Response(status=403)
    assert isinstance(await charged(line, house, account), Unknown)


async def test_someone_who_gives_up_does_not_take_the_token_from_the_others(line: Line, house: House) -> None:
    go = asyncio.Event()

    async def slowly(request: web.Request) -> web.Response:
        await go.wait()
        return web.json_response({"token": TOKEN, "lives": 600})

    house.token_answer = slowly
    account = at(house)
    impatient, patient = (asyncio.create_task(charged(line, house, account)) for _ in range(2))
    while not house.came:
        await asyncio.sleep(0.01)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    go.set()
    assert isinstance(await patient, Waiting)
    assert house.came.count("/token") == 1


# --- the gate ---


async def test_the_circuit_opens_for_a_provider_that_is_not_there_and_questions_still_pass(
    line: Line,
) -> None:
    account = account_at(f"http://127.0.0.1:{free_port()}")
    assert not line.circuit_open(account)
    causes = []
    for _ in range(8):
        outcome = (await line.run(account, MadeUp().catches())).outcome
        causes.append(outcome)
    told = await line.run(account, MadeUp().create(account))
    assert isinstance(told.outcome, NotSent) and "circuit" in told.outcome.reason
    assert line.circuit_open(account)
    assert not line.circuit_open(account_at("http://127.0.0.1:1")), "a circuit belongs to an address"


# --- secrets and certificates ---


async def test_no_secret_and_no_token_is_in_a_transcript_or_a_log(
    line: Line, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    account = at(house)

    def echoes(request: web.Request) -> web.Response:
        said = {"ref": "R1", "you": request.headers["authorization"], "know": CANARY}
        return web.json_response(said, headers={"x-echo": CANARY, "x-token": TOKEN})

    house.answer = echoes
    first = await line.run(account, MadeUp().create(account))
    house.answer = hangs_up
    second = await line.run(account, MadeUp().create(account))
    seen = first.transcript.decode() + second.transcript.decode() + caplog.text + repr(account)
    assert CANARY not in seen and f"{TOKEN}-1" not in seen
    assert json.loads(first.transcript)[1]["path"] == "/charge"


@pytest.fixture
def papers(tmp_path: Path) -> Identities:
    return identities(tmp_path)


async def test_a_bank_that_wants_a_certificate_is_shown_ours(papers: Identities) -> None:
    house = House()
    line = Line(MadeUp().found, ca_file=papers.authority)
    async with answering(house.handle, ssl_context=papers.server(wants_client=True)) as url:
        with_papers = account_at(
            url,
            mode="live",
            settings={"mtls": "on", "client_cert": papers.client_cert},
            credentials={"client_key": Secret(papers.client_key)},
        )
        assert isinstance(await charged(line, house, with_papers), Waiting)
        without = account_at(url, mode="live")
        # The bank's refusal may come after our side of the handshake: then nobody can tell what it read.
        assert isinstance(await charged(line, house, without), NotSent | Unknown)
    await line.close()
    assert house.came == ["/token", "/charge"]


async def test_a_certificate_that_cannot_be_used_means_nothing_is_sent(papers: Identities) -> None:
    house = House()
    line = Line(MadeUp().found, ca_file=papers.authority)
    async with answering(house.handle, ssl_context=papers.server()) as url:
        account = account_at(url, settings={"mtls": "on", "client_cert": "not PEM"})
        assert isinstance(await charged(line, house, account), NotSent)
    await line.close()
    assert house.came == [] and ssl.HAS_SNI
