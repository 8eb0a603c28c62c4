"""A client that costs little: keeps connections open, sends what it is given, counts answers of 2xx."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any, Final

END_OF_HEAD: Final = b"\r\n\r\n"


class Caller(asyncio.Protocol):
    """One connection: the next request goes out when the last one is answered."""

    def __init__(self, requests: Callable[[], bytes | None], done: asyncio.Future[None]) -> None:
        self._requests, self._done = requests, done
        self._buffer = b""
        self.good = 0
        self.bad: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = self._requests()
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(END_OF_HEAD)
        if not found:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = body[length:]
        if head[9:10] == b"2":
            self.good += 1
        else:
            self.bad.append(head[:12] + body[:200])
        self._next()

    def connection_lost(self, trouble: Exception | None) -> None:
        if not self._done.done():
            self._done.set_result(None)


async def drive(
    ports: list[int], at_once: int, make: Callable[[int], bytes | None], seconds: float
) -> tuple[int, float]:
    """Send `make(number)` over `at_once` connections for so long, or until it gives None.

    Returns how many were answered with 2xx and how long it took. Any other answer ends the bench.
    """
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    number = 0

    def requests() -> bytes | None:
        nonlocal number
        if time.perf_counter() - began > seconds:
            return None
        number += 1
        return make(number)

    callers: list[Caller] = []
    ends = []
    for place in range(at_once):
        end: asyncio.Future[None] = loop.create_future()
        make_caller = functools.partial(Caller, requests, end)
        _, caller = await loop.create_connection(make_caller, "127.0.0.1", ports[place % len(ports)])
        callers.append(caller)
        ends.append(end)
    await asyncio.gather(*ends)
    bad = [one for caller in callers for one in caller.bad]
    if bad:
        raise SystemExit(f"{len(bad)} answers were not 2xx, such as {bad[0]!r}")
    return sum(caller.good for caller in callers), time.perf_counter() - began


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as bytes."""
    told = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return head.encode() + b"\r\n" + body
