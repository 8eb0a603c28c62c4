"""T6: a line to PostgreSQL that carries a commit there, and is cut before the answer comes back.

A commit is the word COMMIT, or a statement that writes outside a transaction and so commits by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

_COMMIT: Final = b"COMMIT;\0"
_WRITES: Final = re.compile(rb"\b(INSERT|UPDATE|DELETE)\b")
_QUERY, _PARSE, _BIND, _SYNC, _READY = b"Q", b"P", b"B", b"S", b"Z"
_IDLE: Final = b"I"


@dataclass(slots=True)
class Proxy:
    """Counts commits from when it was told to, and cuts the line of the n-th once it has been carried out."""

    socket_path: str
    database: str
    port: int = 0
    cut: int = 0
    _countdown: int = 0
    _lines: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def dsn(self) -> str:
        """The same database by way of this line."""
        return f"postgresql://quickkub@127.0.0.1:{self.port}/{self.database}"

    def will_cut(self, nth: int) -> None:
        """The answer of the n-th commit from now is lost."""
        self._countdown = nth

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line, until either end hangs up or it is cut."""
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        there, back = await asyncio.open_unix_connection(self.socket_path)
        line = _Line(self, reader, writer, there, back)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await line.carry()
        finally:
            for end in (writer, back):
                end.transport.abort()
            self._lines.discard(task)

    def is_lost(self) -> bool:
        """Whether the commit just read is the one."""
        if self._countdown:
            self._countdown -= 1
            if not self._countdown:
                self.cut += 1
                return True
        return False

    async def close(self) -> None:
        """Hang up everywhere."""
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)


@dataclass(slots=True)
class _Line:
    proxy: Proxy
    client: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    server: asyncio.StreamReader
    to_server: asyncio.StreamWriter
    _losing: bool = False
    _status: bytes = _IDLE
    _writers: set[bytes] = field(default_factory=set)
    _writes: bool = False

    async def carry(self) -> None:
        """Both ways; ends with the first end."""
        await self._start_up()
        ways = [asyncio.create_task(way()) for way in (self._there, self._back)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _start_up(self) -> None:
        """The first message has no type. A question for TLS is answered no, as the socket would."""
        while True:
            size = await self.client.readexactly(4)
            rest = await self.client.readexactly(int.from_bytes(size) - 4)
            if rest[:4] != (80877103).to_bytes(4):
                self.to_server.write(size + rest)
                return
            self.to_client.write(b"N")

    async def _there(self) -> None:
        while True:
            kind, size, body = await _message(self.client)
            if self._commits(kind, body) and self.proxy.is_lost():
                self._losing = True
            self.to_server.write(kind + size + body)
            await self.to_server.drain()

    def _commits(self, kind: bytes, body: bytes) -> bool:
        """Whether something is committed by this message; notes on the way which statements write."""
        if kind == _PARSE:
            name, sql = body.split(b"\0")[:2]
            (self._writers.add if _WRITES.search(sql) else self._writers.discard)(name)
        elif kind == _BIND:
            self._writes = self._writes or body.split(b"\0")[1] in self._writers
        elif kind == _SYNC:
            writes, self._writes = self._writes, False
            return writes and self._status == _IDLE
        return kind == _QUERY and body == _COMMIT

    async def _back(self) -> None:
        while True:
            kind, size, body = await _message(self.server)
            if self._losing:
                if kind == _READY:
                    return
                continue
            if kind == _READY:
                self._status = body
            self.to_client.write(kind + size + body)
            await self.to_client.drain()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes, bytes]:
    kind = await reader.readexactly(1)
    size = await reader.readexactly(4)
    return kind, size, await reader.readexactly(int.from_bytes(size) - 4)


@contextlib.asynccontextmanager
async def proxied(dsn: str, port: int) -> AsyncIterator[Proxy]:
    """A line to the database at this DSN, which is reached by a Unix socket."""
    parts = urlsplit(dsn)
    said = parse_qs(parts.query)
    proxy = Proxy(f"{said['host'][0]}/.s.PGSQL.{said['port'][0]}", parts.path.lstrip("/"), port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
