"""A merchant's server for webhooks, over a real socket: remembers what came and answers as a test wishes.

It speaks just enough HTTP/1.1, by hand, because it has to misbehave: hang, break off, never end, not be HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Says:
    """An answer with this status."""

    status: int = 200
    body: bytes = b"thank you"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hangs:
    """Takes the request and says nothing until the line is cut."""


@dataclass(frozen=True, slots=True)
class HangsInTheBody:
    """Says 200 and the beginning of a body, and no more."""

    body: bytes = b"thank"


@dataclass(frozen=True, slots=True)
class NeverEnds:
    """Says 200 and sends body until the line is cut."""


@dataclass(frozen=True, slots=True)
class HangsUp:
    """Closes the line without a word."""


@dataclass(frozen=True, slots=True)
class Babbles:
    """Answers with something that is not HTTP."""

    raw: bytes = b"\x00\x01 hello\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers 200 once the test lets it."""

    go: asyncio.Event


Behaviour: TypeAlias = Says | Hangs | HangsInTheBody | NeverEnds | HangsUp | Babbles | Waits


@dataclass(frozen=True, slots=True)
class Received:
    """One request. Header names are in small letters; `sni` is the name TLS was asked for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    sni: str | None


class Receiver:
    """Answers from a queue, and with `usual` when the queue is empty."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.usual: Behaviour = Says()
        self.sent_bytes = 0
        self.port = 0
        self._queue: deque[Behaviour] = deque()
        self._came = asyncio.Condition()
        self._scheme = "http"
        self._sni: str | None = None

    def url(self, path: str = "/hooks", host: str = "127.0.0.1") -> str:
        """Where it listens."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def will(self, *behaviours: Behaviour) -> None:
        """How it behaves next, one for each request."""
        self._queue.extend(behaviours)

    @property
    def ids(self) -> list[str]:
        """The webhook ids in the order they came."""
        return [request.headers["webhook-id"] for request in self.requests]

    async def until(self, count: int) -> None:
        """Wait until this many requests have come."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.requests.append(await self._read(reader))
            async with self._came:
                self._came.notify_all()
            await self._behave(self._queue.popleft() if self._queue else self.usual, reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Received(method, path, headers, body, self._sni)

    async def _behave(
        self, behaviour: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match behaviour:
            case Says(status=status, body=body, headers=headers):
                await self._say(writer, status, body, headers)
            case Waits(go=go):
                await go.wait()
                await self._say(writer, 200, b"at last", {})
            case Hangs():
                await reader.read()
            case HangsInTheBody(body=body):
                await self._say(writer, 200, body, {"content-length": "1000"})
                await reader.read()
            case NeverEnds():
                await self._say(writer, 200, b"", {"content-length": str(10**12)})
                while True:
                    writer.write(b"x" * 4096)
                    await writer.drain()
                    self.sent_bytes += 4096
            case HangsUp():
                pass
            case Babbles(raw=raw):
                writer.write(raw)
                await writer.drain()

    async def _say(
        self, writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str]
    ) -> None:
        said = {"content-length": str(len(body)), "connection": "close"} | headers
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in said.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()


@contextlib.asynccontextmanager
async def receiving(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Receiver]:
    """A receiver on this machine, on a free port if none is said."""
    receiver = Receiver()
    if tls is not None:
        receiver._scheme = "https"

        def remember(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
            receiver._sni = name

        tls.sni_callback = remember
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        await receiver._serve(reader, writer)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
