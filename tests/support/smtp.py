"""A mail server on loopback that takes letters, or refuses them, and shows them."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class StubSmtp:
    """Speaks as much of RFC 5321 as the standard library's client asks for."""

    def __init__(self, *, refuses: bool = False) -> None:
        self._refuses = refuses
        self.recipients: list[str] = []
        self.text = ""
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 stub\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split(" ", maxsplit=1)[0].upper()
            if word == "RCPT":
                self.recipients.append(line.partition(":")[2].split()[0])
                writer.write(b"550 no\r\n" if self._refuses else b"250 ok\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                self.text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                writer.write(b"250 ok\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()
