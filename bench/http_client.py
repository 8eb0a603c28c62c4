"""Requests per CPU second of two HTTP clients, to choose the one behind connectors/transport.py.

    python bench/http_client.py [--requests 6000] [--rounds 5]

A server in a process of its own answers POSTs with a QR-sized JSON body over kept-open connections. Each
client sends the same requests, 20 at a time, reads the whole body, and is charged the CPU seconds of its own
process only (user and system). The clients take turns, round by round, so that a busy machine hurts both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
import httpx2
import uvloop
from aiohttp import web

AT_ONCE = 20
ASK = json.dumps({"qrType": "PP", "ppType": "BILLERID", "ppId": "1" * 15, "amount": "150.00"}).encode()
ANSWER = json.dumps(
    {"status": {"code": 1000}, "data": {"qrRawData": "0" * 160, "qrImage": "A" * 1200}}
).encode()
HEADERS = {
    "content-type": "application/json",
    "authorization": "Bearer 30915739-27ba-4d10-9b2e-0d8b0a1f0001",
    "resourceownerid": "l7demo",
    "requestuid": "0" * 32,
}


async def _answer(_: web.Request) -> web.Response:
    return web.Response(body=ANSWER, content_type="application/json")


async def _serve(tell: Connection) -> None:
    app = web.Application()
    app.router.add_post("/v1/payment/qrcode/create", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for port in range(20_000, 20_100):  # below the range that outgoing connections use
        with contextlib.suppress(OSError):
            await web.TCPSite(runner, "127.0.0.1", port).start()
            tell.send(port)
            break
    await asyncio.Event().wait()


def _server(tell: Connection) -> None:
    uvloop.run(_serve(tell))


async def _with_aiohttp(url: str, count: int) -> None:
    pool = aiohttp.TCPConnector(limit=AT_ONCE)
    limits = aiohttp.ClientTimeout(total=15, connect=3)
    async with aiohttp.ClientSession(
        connector=pool, timeout=limits, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def once() -> None:
            async with session.post(url, data=ASK, headers=HEADERS, allow_redirects=False) as answer:
                assert answer.ok and len(await answer.read()) == len(ANSWER)

        await _many(once, count)


async def _with_httpx2(url: str, count: int) -> None:
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx2.AsyncClient(
        limits=limits, timeout=httpx2.Timeout(15, connect=3), trust_env=False
    ) as client:

        async def once() -> None:
            answer = await client.post(url, content=ASK, headers=HEADERS)
            assert answer.is_success and len(answer.content) == len(ANSWER)

        await _many(once, count)


async def _many(once: Callable[[], Awaitable[None]], count: int) -> None:
    async def worker() -> None:
        for _ in range(count // AT_ONCE):
            await once()

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


CLIENTS = {"aiohttp": _with_aiohttp, "httpx2": _with_httpx2}


def _measure(name: str, url: str, count: int) -> float:
    before = time.process_time()
    uvloop.run(CLIENTS[name](url, count))
    return count / (time.process_time() - before)


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--requests", type=int, default=6000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_server, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/v1/payment/qrcode/create"
    found: dict[str, list[float]] = {name: [] for name in CLIENTS}
    for _ in range(chosen.rounds):
        for name in CLIENTS:
            found[name].append(_measure(name, url, chosen.requests))
    server.terminate()
    server.join()
    for name, rates in found.items():
        low, middle, high = min(rates), statistics.median(rates), max(rates)
        spread = f"median of {len(rates)}, {low:.0f} to {high:.0f}"
        print(f"{name:8} {middle:7.0f} requests per CPU second ({spread})")


if __name__ == "__main__":
    main()
