"""One POST to a merchant: where it goes, what it says, and what is made of the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quickkub.storage import Database
from quickkub.webhooks.answers import Answer, Delivered, NotReached, Refused
from quickkub.webhooks.guard import Cleared, Guard, SystemResolver, read_url
from quickkub.webhooks.sender import READ_MAX, HttpSender
from tests.support.receiver import (
    Babbles,
    Hangs,
    HangsInTheBody,
    HangsUp,
    NeverEnds,
    Receiver,
    Says,
    receiving,
)
from tests.support.tls import tls_for
from tests.support.webhooks import LyingResolver, SetClock

HERE = ["127.0.0.1"]
PUBLIC = "93.184.216.34"
NAME = "hooks.shop.example"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


def sender_for(resolver: LyingResolver | None = None, *, total_seconds: float = 5) -> HttpSender:
    guard = Guard(resolver or LyingResolver(HERE), loopback_in_test_mode=True)
    return HttpSender(guard, SetClock(), total_seconds=total_seconds)


async def posted(url: str, sender: HttpSender | None = None, mode: str = "test") -> Answer:
    return await (sender or sender_for()).post(url, mode, {"webhook-id": "evt_1"}, b'{"id":"evt_1"}')


async def test_the_receiver_gets_the_exact_bytes_and_headers(receiver: Receiver) -> None:
    answer = await posted(receiver.url("/hooks?shop=1&name=%E0%B8%81"))
    assert answer == Delivered(200, "thank you")
    [request] = receiver.requests
    assert (request.method, request.path) == ("POST", "/hooks?shop=1&name=%E0%B8%81")
    assert request.body == b'{"id":"evt_1"}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_the_receiver_is_called_by_its_name_at_the_address_that_was_checked(receiver: Receiver) -> None:
    resolver = LyingResolver(HERE)
    answer = await posted(receiver.url(host=NAME), sender_for(resolver))
    assert isinstance(answer, Delivered)
    assert receiver.requests[0].headers["host"] == f"{NAME}:{receiver.port}"
    assert resolver.asked == [NAME]


async def test_a_name_that_changes_its_answer_between_check_and_call_gains_nothing(
    receiver: Receiver,
) -> None:
    async with receiving(host="127.0.0.2", port=receiver.port) as other:
        # Both listen on one port, so that only the address decides who is called.
        resolver = LyingResolver(HERE, ["127.0.0.2"])
        assert isinstance(await posted(receiver.url(host=NAME), sender_for(resolver)), Delivered)
        assert (len(receiver.requests), len(other.requests), len(resolver.asked)) == (1, 0, 1)


async def test_a_name_that_was_public_and_now_leads_inside_is_not_called(receiver: Receiver) -> None:
    guard = Guard(LyingResolver([PUBLIC], HERE))
    await guard.clear(f"https://{NAME}/", "live")
    answer = await posted(f"https://{NAME}:8443/", HttpSender(guard, SetClock()), mode="live")
    assert isinstance(answer, NotReached) and "public internet" in answer.reason
    assert receiver.requests == []


async def test_no_socket_is_made_to_an_address_that_was_not_checked(receiver: Receiver) -> None:
    class Careless(Guard):
        async def clear(self, url: str, mode: str) -> Cleared:
            return Cleared(read_url(url), ("127.0.0.3",))

    sender = HttpSender(Careless(LyingResolver(HERE)), SetClock())
    assert isinstance(await posted(receiver.url(), sender), NotReached)
    assert receiver.requests == []


async def test_the_second_address_is_used_when_the_first_does_not_answer(receiver: Receiver) -> None:
    answer = await posted(receiver.url(host=NAME), sender_for(LyingResolver(["127.0.0.9", "127.0.0.1"])))
    assert isinstance(answer, Delivered)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success(receiver: Receiver, status: int) -> None:
    receiver.will(Says(status, b""))
    assert await posted(receiver.url()) == Delivered(status, "")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 500, 502])
async def test_any_other_status_is_a_refusal_with_what_was_said(receiver: Receiver, status: int) -> None:
    receiver.will(Says(status, b"no"))
    assert await posted(receiver.url()) == Refused(status, "no")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.will(Says(status, b"", {"location": receiver.url("/elsewhere")}))
    assert await posted(receiver.url()) == Refused(status, "")
    assert [request.path for request in receiver.requests] == ["/hooks"]


async def test_a_busy_receiver_may_say_when_to_come_back(receiver: Receiver) -> None:
    receiver.will(*(Says(status, b"", {"retry-after": "120"}) for status in (429, 503, 500)))
    waits = [await posted(receiver.url()) for _ in range(3)]
    assert waits == [Refused(429, "", 120), Refused(503, "", 120), Refused(500, "", None)]


async def test_a_receiver_that_never_ends_its_body_is_cut_off(receiver: Receiver) -> None:
    receiver.will(NeverEnds())
    answer = await posted(receiver.url())
    assert answer == Delivered(200, "x" * 1024)
    # What was read is 16 KiB; the rest is what fits into the buffers of two sockets.
    assert receiver.sent_bytes < 16 * 1024 * 1024


async def test_of_a_long_answer_the_first_kilobyte_is_kept(receiver: Receiver) -> None:
    receiver.will(Says(500, "กข\0".encode() * 10_000))
    answer = await posted(receiver.url())
    assert isinstance(answer, Refused)
    assert answer.text.startswith("กข\N{REPLACEMENT CHARACTER}")
    assert len(answer.text) <= 1024 and "\0" not in answer.text
    assert READ_MAX == 16 * 1024


async def test_a_receiver_that_hangs_is_given_up(receiver: Receiver) -> None:
    receiver.will(Hangs())
    answer = await posted(receiver.url(), sender_for(total_seconds=0.2))
    assert answer == NotReached("no answer within 0.2 seconds")


async def test_a_body_that_hangs_takes_nothing_from_the_status(receiver: Receiver) -> None:
    receiver.will(HangsInTheBody())
    assert await posted(receiver.url(), sender_for(total_seconds=0.2)) == Delivered(200, "thank")


async def test_a_receiver_that_hangs_up_was_not_reached(receiver: Receiver) -> None:
    receiver.will(HangsUp())
    assert await posted(receiver.url()) == NotReached("the connection was closed before an answer came")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01 hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 20_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_no_answer(receiver: Receiver, raw: bytes) -> None:
    receiver.will(Babbles(raw))
    assert isinstance(await posted(receiver.url(), sender_for(total_seconds=2)), NotReached)


async def test_a_compressed_answer_is_not_unpacked(receiver: Receiver) -> None:
    receiver.will(Says(200, b"\x1f\x8b\x08 not really", {"content-encoding": "gzip"}))
    assert isinstance(await posted(receiver.url()), Delivered)
    assert receiver.requests[0].headers["accept-encoding"] == "identity"


async def test_nobody_listening_is_told_without_the_address() -> None:
    async with receiving() as closed:
        url = closed.url()
    answer = await posted(url)
    assert answer == NotReached("the connection was refused or could not be made")


async def test_a_proxy_in_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as trap:
        for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, trap.url(""))
        assert isinstance(await posted(receiver.url()), Delivered)
        assert trap.requests == []


async def test_nothing_is_sent_while_a_transaction_is_open(database: Database, receiver: Receiver) -> None:
    async with database.transaction():
        with pytest.raises(RuntimeError, match="D4"):
            await posted(receiver.url())
    assert receiver.requests == []


async def test_the_certificate_and_sni_are_for_the_name(tmp_path: Path) -> None:
    tls = tls_for(NAME, tmp_path)
    guard = Guard(LyingResolver(HERE), loopback_in_test_mode=True)
    async with receiving(tls.server) as receiver:
        answer = await posted(receiver.url(host=NAME), HttpSender(guard, SetClock(), tls=tls.client))
        assert isinstance(answer, Delivered)
        assert receiver.requests[0].sni == NAME


@pytest.mark.parametrize("name", ["other.shop.example", "127.0.0.1"])
async def test_a_certificate_for_another_name_is_refused(tmp_path: Path, name: str) -> None:
    tls = tls_for(name, tmp_path)
    guard = Guard(LyingResolver(HERE), loopback_in_test_mode=True)
    async with receiving(tls.server) as receiver:
        answer = await posted(receiver.url(host=NAME), HttpSender(guard, SetClock(), tls=tls.client))
        assert isinstance(answer, NotReached) and "certificate" in answer.reason
        assert receiver.requests == []


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    tls = tls_for(NAME, tmp_path)
    async with receiving(tls.server) as receiver:
        answer = await posted(receiver.url(host=NAME), sender_for())
        assert isinstance(answer, NotReached) and "certificate" in answer.reason
        assert receiver.requests == []


async def test_the_operators_proxy_is_asked_for_the_checked_address(tmp_path: Path) -> None:
    tls = tls_for(NAME, tmp_path)
    async with receiving(tls.server) as receiver, _proxy_to(receiver.port) as (proxy, asked):
        guard = Guard(LyingResolver([PUBLIC]))
        sender = HttpSender(guard, SetClock(), tls=tls.client, proxy=proxy)
        answer = await posted(f"https://{NAME}/hooks", sender, mode="live")
        assert answer == Delivered(200, "thank you")
        assert asked == [f"CONNECT {PUBLIC}:443 HTTP/1.1"]
        assert receiver.requests[0].headers["host"] == NAME
        assert receiver.requests[0].sni == NAME


async def test_an_endpoint_on_this_machine_is_not_sent_through_the_proxy(receiver: Receiver) -> None:
    async with _proxy_to(receiver.port) as (proxy, asked):
        guard = Guard(LyingResolver(HERE), loopback_in_test_mode=True)
        answer = await posted(receiver.url(), HttpSender(guard, SetClock(), proxy=proxy))
        assert isinstance(answer, Delivered)
        assert asked == []


async def test_the_machines_own_resolver_knows_this_machine() -> None:
    resolver = SystemResolver()
    addresses = await resolver.addresses("localhost", 443)
    resolver.close()
    assert set(addresses) <= {"127.0.0.1", "::1"} and addresses


@contextlib.asynccontextmanager
async def _proxy_to(port: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that connects every tunnel to this port of ours, and what it was asked for."""
    asked: list[str] = []

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[0])
        onward, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(onward, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
