"""A provider that expects exactly a vector's requests, over a real socket, and gives the vector's answers."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.support.ports import free_port
from tests.support.speech import Heard
from tests.support.vectors import Vector, at

FRESH_LETTERS_MIN: Final = 16


class Stub:
    """`troubles` is empty and `left` is 0 when the connector asked for everything as the vector has it."""

    def __init__(self, vector: Vector) -> None:
        self._vector = vector
        self._steps = list(vector.said["exchange"])
        self._token = ""
        self._seen: set[str] = set()
        self.troubles: list[str] = []

    @property
    def left(self) -> int:
        return len(self._steps)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self._steps:
            self.troubles.append(f"{request.method} {request.path_qs} was not to be asked")
            return web.Response(status=500)
        step = self._steps.pop(0)
        heard = await self._heard(step, request)
        self._compare(step, heard)
        return await self._answer(step, heard, request)

    async def _heard(self, step: dict[str, Any], request: web.Request) -> Heard:
        base, (path, _, query) = self._vector.base_path(step.get("host", "")), request.raw_path.partition("?")
        if not path.startswith(base):
            self.troubles.append(f"{path} is not below {base}")
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Heard(request.method, path.removeprefix(base), query, headers, await request.read())

    def _compare(self, step: dict[str, Any], heard: Heard) -> None:
        method, path, words = step["ask"]
        self._expect("the request", (heard.method, heard.path), (method, path))
        try:
            self._expect("the words", self._vector.speech.request_words(self._vector, heard), words)
        except AssertionError as wrong:
            self.troubles.append(str(wrong))
        is_token = self._vector.is_token_step(step)
        for name, value in self._vector.headers(step).items():
            actual = heard.headers.get(name.lower(), "")
            if is_token and "<token>" in value:
                self._expect(name, actual, "")
            elif value == "<fresh>":
                self._expect_fresh(name, actual)
            else:
                self._expect(name, actual, value.replace("<token>", self._token))

    def _expect_fresh(self, name: str, actual: str) -> None:
        """Something nobody can guess, and never the same twice."""
        if len(actual) < FRESH_LETTERS_MIN or actual in self._seen:
            self.troubles.append(f"{name} is {actual!r}, which is not fresh")
        self._seen.add(actual)

    def _expect(self, what: str, actual: object, expected: object) -> None:
        if actual != expected:
            self.troubles.append(f"{what} is {actual!r} instead of {expected!r}")

    async def _answer(self, step: dict[str, Any], heard: Heard, request: web.Request) -> web.StreamResponse:
        match step["answer"]:
            case [status, words, *more]:
                if (token := self._vector.token) and self._vector.is_token_step(step) and status < 300:
                    self._token = at(words, token["at"])
                written = self._vector.speech.answer(self._vector, status, words, heard)
                headers = {**(written.headers or {}), **(more[0] if more else {})}
                return web.Response(status=status, body=written.body, headers=headers)
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
