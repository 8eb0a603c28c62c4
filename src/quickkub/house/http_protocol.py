"""HTTP as the server reads it, with an end to its patience: a head that dribbles in holds no connection.

The server has a limit for silence between two requests, none for a request's first lines, and keeps what has
come of them however much it is. Source: security-reliability 5.9 (headers 16 KiB, header read 10 s).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

# door: the protocol is a part of the server that api_process.py opens
from uvicorn.protocols.http.httptools_impl import (  # door: as said above
    STATUS_LINE,
    HttpToolsProtocol,
)

HEAD_SECONDS: Final = 10
HEAD_BYTES_MAX: Final = 64 * 1024
"""What is kept of a head that has no end. The 16 KiB of 5.9 are counted by the edge, which can say so."""


class PatientProtocol(HttpToolsProtocol):
    """The server's own protocol, but for heads that are too slow (408) or have no end (431)."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is there: the head is awaited."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes, of a head or of a body."""
        if self._waiting is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._waiting is not None and self._head_bytes > HEAD_BYTES_MAX:
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The first byte of a request, which may be the next one on an open connection."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._stop()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._waiting is None:
            self._head_bytes = 0
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._end, HTTPStatus.REQUEST_TIMEOUT)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end(self, status: HTTPStatus) -> None:
        self._stop()
        if not self.transport.is_closing():
            self.transport.write(
                STATUS_LINE[status]
                + b"content-length: 0\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
            )
            self.transport.close()
