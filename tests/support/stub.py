"""A provider that expects exactly a vector's requests, over a real socket, and gives the vector's answers."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.support.ports import free_port
from tests.support.vectors import Vector, at, dumps, loads


class Stub:
    """`troubles` is empty and `left` is 0 when the connector asked for everything as the vector has it."""

    def __init__(self, vector: Vector) -> None:
        self._vector = vector
        self._steps = list(vector.said["exchange"])
        self._token = ""
        self.troubles: list[str] = []

    @property
    def left(self) -> int:
        return len(self._steps)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self._steps:
            self.troubles.append(f"{request.method} {request.path_qs} was not to be asked")
            return web.Response(status=500)
        step = self._steps.pop(0)
        await self._compare(step, request)
        return await self._answer(step, request)

    async def _compare(self, step: dict[str, Any], request: web.Request) -> None:
        method, path, words = step["ask"]
        expected = (method, self._vector.shared["base_path"] + path)
        self._expect("the request", (request.method, request.path), expected)
        body = await request.read()
        asked = loads(body) if method != "GET" else dict(request.query)
        self._expect("the words", asked, words)
        if method != "GET":
            self._expect("content-type", request.headers.get("content-type"), "application/json")
        is_token = [method, path] == self._vector.shared["token"]["ask"]
        headers = {**self._vector.shared["headers"], **step.get("headers", {})}
        for name, value in headers.items():
            actual = request.headers.get(name, "")
            if is_token and "<token>" in value:
                self._expect(name, actual, "")
            elif value == "<fresh>":
                self._expect(f"length of {name}", len(actual), 32)
            else:
                self._expect(name, actual, value.replace("<token>", self._token))

    def _expect(self, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            self.troubles.append(f"{what} is {actual!r} instead of {expected!r}")

    async def _answer(self, step: dict[str, Any], request: web.Request) -> web.StreamResponse:
        match step["answer"]:
            case [status, body]:
                where = self._vector.shared["token"]
                if step["ask"][:2] == where["ask"] and status < 300:
                    self._token = at(body, where["at"])
                text = body if isinstance(body, str) else dumps(body)
                return web.Response(status=status, body=text.encode(), content_type="application/json")
            case "half":
                return await _half(request)
            case how:
                return _cut(request, reset=how == "reset")


async def _half(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"content-type": "application/json"})
    answer.content_length = 500
    await answer.prepare(request)
    await answer.write(b'{"status": {"code": 1000')
    assert request.transport is not None
    request.transport.close()
    return answer


def _cut(request: web.Request, *, reset: bool) -> web.Response:
    assert request.transport is not None
    if reset:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()


Handle = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


@asynccontextmanager
async def answering(handle: Handle, **more: Any) -> AsyncIterator[str]:
    """An HTTP server whose every request goes to `handle`; gives its address. `more` is for web.TCPSite."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, **more).start()
        yield f"{'https' if 'ssl_context' in more else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
