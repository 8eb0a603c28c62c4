"""The body is read once, up to a size and for a time; a length that lies changes nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from quickkub.api import request
from quickkub.api.request import BODY_BYTES_MAX
from tests.support.api import ORDER, Client


def order_of(size: int) -> bytes:
    """An order that is exactly this many bytes long."""
    bare = json.dumps(ORDER).encode()
    return b" " * (size - len(bare)) + bare


async def in_pieces() -> AsyncIterator[bytes]:
    """Six megabytes without saying how much it will be."""
    for _ in range(100):
        yield b" " * 65_536


async def test_a_body_of_256_kib_is_read(same_shop: Client) -> None:
    assert (
        await same_shop.asks("POST", "/v1/payments", raw=order_of(BODY_BYTES_MAX), headers=KEY)
    ).status == 201


async def test_one_byte_more_is_too_much(same_shop: Client) -> None:
    told = await same_shop.asks("POST", "/v1/payments", raw=order_of(BODY_BYTES_MAX + 1), headers=KEY)
    assert told.no == (413, "body_too_large", None)


async def test_a_body_in_pieces_without_a_length_is_stopped_while_it_comes(same_shop: Client) -> None:
    told = await same_shop.asks("POST", "/v1/payments", raw=in_pieces(), headers=KEY)
    assert told.no == (413, "body_too_large", None)


async def test_what_expands_to_an_order_is_not_expanded(same_shop: Client) -> None:
    raw = gzip.compress(order_of(10_000_000))
    told = await same_shop.asks("POST", "/v1/payments", raw=raw, headers=KEY | {"Content-Encoding": "gzip"})
    assert told.no == (415, "content_encoding_unsupported", "Content-Encoding")


async def test_no_key_means_that_nothing_of_the_body_is_read(same_shop: Client) -> None:
    told = await same_shop.with_key(None).asks("POST", "/v1/payments", raw=in_pieces())
    assert told.status == 401


async def _raw(shop: Client, head: str, body: bytes = b"", *, then_close: bool = False) -> bytes:
    """Write these bytes to the gateway and read all that comes back."""
    address = urlsplit(shop.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
    await writer.drain()
    if then_close:
        writer.write_eof()
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def _head(shop: Client, *lines: str) -> str:
    first = (
        "POST /v1/payments HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {shop.key}",
        "Connection: close",
    )
    return "\n".join([*first, "Content-Type: application/json", "Idempotency-Key: raw", *lines]) + "\n"


async def test_a_length_that_promises_too_much_is_refused_before_anything_comes(same_shop: Client) -> None:
    answer = await _raw(same_shop, _head(same_shop, "Content-Length: 99999999999"))
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "length", ["Content-Length: 5\nContent-Length: 6", "Content-Length: -1", "Content-Length: 1_0"]
)
async def test_a_length_that_can_be_read_in_two_ways_is_refused(same_shop: Client, length: str) -> None:
    answer = await _raw(same_shop, _head(same_shop, length), b"{}")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_length_shorter_than_the_body_ends_the_body(same_shop: Client) -> None:
    answer = await _raw(same_shop, _head(same_shop, "Content-Length: 5"), json.dumps(ORDER).encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"body_malformed" in answer


async def test_a_length_and_pieces_together_are_refused(same_shop: Client) -> None:
    head = _head(same_shop, "Content-Length: 2", "Transfer-Encoding: chunked")
    assert (await _raw(same_shop, head, b"2\r\n{}\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_never_comes_is_given_up(
    same_shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BODY_SECONDS", 0.05)
    answer = await _raw(same_shop, _head(same_shop, "Content-Length: 100"), b'{"amount":')
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"body_too_slow" in answer


async def test_a_caller_that_goes_away_in_the_middle_leaves_nothing_behind(same_shop: Client) -> None:
    before = await same_shop.shop.counts("payments")
    await _raw(same_shop, _head(same_shop, "Content-Length: 1000"), b'{"amount":', then_close=True)
    assert (await same_shop.gets("/livez")).status == 200
    assert await same_shop.shop.counts("payments") == before


async def test_headers_of_more_than_16_kib_are_refused(same_shop: Client) -> None:
    told = await same_shop.gets(
        "/v1/payments", **{"X-Filler": "x" * 7000, "X-Filler-2": "x" * 7000, "X-3": "x" * 4000}
    )
    assert told.no == (431, "headers_too_large", None)


KEY = {"Idempotency-Key": "body"}
