"""Requests that two programs could read in two ways, and callers who dribble: over a bare socket.

A proxy in front and we have to agree where a request ends. Where the standard (RFC 9112) allows doubt, the
connection is closed, nothing is done, and at most one answer is given.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from quickkub.house import http_protocol
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import ORDER, Client, gateway
from tests.support.postgres import TestServer

BODY = json.dumps(ORDER).encode()
HIDDEN = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
"""A second request that a careless reader finds behind the first."""


@pytest.fixture(scope="module")
async def shop(postgres_server: TestServer) -> AsyncIterator[Client]:
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=5, scope=HOUSE)
        async with gateway(database) as client:
            yield client
        await database.close()


async def says(shop: Client, *pieces: bytes, wait_for_end: bool = True) -> bytes:
    """Write these pieces, and read until the gateway ends the connection."""
    address = urlsplit(shop.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if not wait_for_end:
            writer.write_eof()
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def order(shop: Client, *lines: bytes, first: bytes = b"POST /v1/payments HTTP/1.1") -> bytes:
    """The head of a genuine order, with these lines added."""
    head = [
        first,
        b"Host: x",
        f"Authorization: Bearer {shop.key}".encode(),
        b"Content-Type: application/json",
        b"Idempotency-Key: wire",
        *lines,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n"


async def payments(shop: Client) -> int:
    return await shop.shop.counts("payments")


LENGTH = f"Content-Length: {len(BODY)}".encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

TWO_ENDS = {
    "two lengths": (b"Content-Length: 0", LENGTH),
    "two equal lengths": (LENGTH, LENGTH),
    "a list of lengths": (LENGTH + b", " + str(len(BODY)).encode(),),
    "a signed length": (b"Content-Length: +" + str(len(BODY)).encode(),),
    "a length in hexadecimal": (b"Content-Length: 0x10",),
    "a length and chunks": (LENGTH, b"Transfer-Encoding: chunked"),
    "chunks and a length": (b"Transfer-Encoding: chunked", LENGTH),
    "a space before the colon": (b"Transfer-Encoding : chunked", LENGTH),
    "chunks, not last": (b"Transfer-Encoding: chunked, identity",),
    "chunks by another name": (b"Transfer-Encoding: xchunked",),
    "chunks with a vertical tab": (b"Transfer-Encoding: \x0bchunked",),
    "a folded line": (b"Transfer-Encoding:\r\n chunked", LENGTH),
    "a header with NUL": (b"X-Filler: a\x00b", LENGTH),
    "a bare carriage return": (b"X-Filler: a\rTransfer-Encoding: chunked", LENGTH),
    "a header without a name": (b": x", LENGTH),
}


@pytest.mark.parametrize("lines", TWO_ENDS.values(), ids=TWO_ENDS)
@pytest.mark.parametrize("body", [BODY, CHUNKED], ids=["plain", "chunked"])
async def test_a_request_whose_end_can_be_read_in_two_ways_is_refused_with_all_behind_it(
    shop: Client, lines: tuple[bytes, ...], body: bytes
) -> None:
    before = await payments(shop)
    told = await says(shop, order(shop, *lines) + body + HIDDEN)
    assert told.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or told == b""
    assert b"alive" not in told
    assert told.count(b"HTTP/1.1 ") <= 1
    assert await payments(shop) == before


BAD_CHUNKS = {
    "no size": b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a size in words": b"ten\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a signed size": b"-5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a size with 0x": b"0x5a\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"f" * 17 + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
    "more than was said": b"5\r\n" + BODY + b"\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_a_chunk_that_is_none_ends_the_connection(shop: Client, body: bytes) -> None:
    before = await payments(shop)
    told = await says(shop, order(shop, b"Transfer-Encoding: chunked") + body + HIDDEN)
    assert b"HTTP/1.1 2" not in told
    assert b"alive" not in told
    assert await payments(shop) == before


TARGETS = {
    "a proxy's form": (b"GET http://169.254.169.254/latest/meta-data HTTP/1.1", {400, 404}),
    "a tunnel": (b"CONNECT shop.example:443 HTTP/1.1", {400, 404, 405}),
    "a trace": (b"TRACE /v1/payments HTTP/1.1", {400, 405}),
    "an asterisk": (b"OPTIONS * HTTP/1.1", {400, 404, 405}),
    "a method in small letters": (b"get /livez HTTP/1.1", {400, 405}),
    "a method of one's own": (b"BREW /livez HTTP/1.1", {400, 405}),
    "HTTP of another century": (b"GET /livez HTTP/9.9", {400, 505}),
    # The parser is lenient here, as RFC 9112 3 allows: nobody reads another path or another end into these.
    "no version": (b"GET /livez", {200, 400}),
    "two spaces": (b"GET  /livez HTTP/1.1", {200, 400}),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM", {400, 404, 405}),
}


@pytest.mark.parametrize(("first", "statuses"), TARGETS.values(), ids=TARGETS)
async def test_a_request_line_that_is_not_for_us_is_refused(
    shop: Client, first: bytes, statuses: set[int]
) -> None:
    told = await says(shop, first + b"\r\nHost: x\r\nConnection: close\r\n\r\n", wait_for_end=False)
    assert told == b"" or int(told.split(b" ", 2)[1]) in statuses
    assert told.count(b"HTTP/1.1 ") <= 1
    assert b"meta-data" not in told


async def test_what_a_trace_would_show_is_shown_to_nobody(shop: Client) -> None:
    told = await says(shop, order(shop, b"Connection: close", first=b"TRACE / HTTP/1.1"), wait_for_end=False)
    assert str(shop.key).encode() not in told


async def test_two_requests_in_one_write_are_two_answers_in_their_order(shop: Client) -> None:
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    told = await says(shop, HIDDEN + last)
    assert (told.count(b"HTTP/1.1 200"), told.count(b"HTTP/1.1 404")) == (1, 1)
    assert told.index(b"HTTP/1.1 200") < told.index(b"HTTP/1.1 404")


async def test_a_body_nobody_asked_for_is_not_taken_for_the_next_request(shop: Client) -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    told = await says(shop, head + HIDDEN)
    assert told.count(b"HTTP/1.1 ") == 1


async def test_a_head_that_dribbles_in_is_given_up(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
    assert (await says(shop, b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ")).startswith(b"HTTP/1.1 408 ")
    assert (await says(shop)).startswith(b"HTTP/1.1 408 ")
    assert (await says(shop, HIDDEN + b"GET /li")).count(b"HTTP/1.1 408 ") == 1


async def test_a_head_without_end_is_cut_off(shop: Client) -> None:
    told = await says(shop, b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ", *[b"x" * 16_384] * 8)
    assert told == b"" or told.startswith(b"HTTP/1.1 431 ")


async def test_two_hundred_callers_who_say_nothing_keep_nobody_out(shop: Client) -> None:
    address = urlsplit(shop.url)
    idle = [await asyncio.open_connection(address.hostname, address.port) for _ in range(200)]
    assert (await shop.gets("/livez")).status == 200
    for _, writer in idle:
        writer.close()
