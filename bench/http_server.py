"""uvicorn or granian in front of our own application, at 1,000 connections.

    .venv/bin/python -m bench.http_server [--connections 1000] [--seconds 8] [--rounds 3]

Each server runs in a process of its own, with one worker, over a real PostgreSQL. A client in another process
keeps all connections busy, one request under way on each. Two routes: /livez, which costs the server and the
edge only, and GET /v1/payments/{id}, with a key, two statements and JSON. The servers take turns, so that a
busy machine hurts both; requests per CPU second of the server's processes are less disturbed by others than
requests per second.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from quickkub.api.app import create_app
from quickkub.kernel.money import baht
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from quickkub.telemetry import configure_logging
from tests.support.api import key_for, services_for
from tests.support.postgres import private_folder, running_server
from tests.support.shop import open_shop

ROOT: Final = Path(__file__).resolve().parent.parent
DSN: Final = "BENCH_HTTP_DSN"
ROUTES: Final = ("livez", "payment")
ONE_BAHT: Final = baht(1)
WARM_SECONDS: Final = 4
"""Until the pool has its connections, and they know their statements."""


def say(text: str) -> None:
    """One line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# --- the application, in the server's process ---------------------------------------------------------------


class Nowhere(io.BytesIO):
    """Where log lines go: they are made, as they would be, and dropped."""

    def write(self, _: object, /) -> int:
        return 0


class Application:
    """Our application, put together when the server starts, because the pool belongs to the server's loop."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            configure_logging(Nowhere())
            database = await open_database(os.environ[DSN], size_max=20, scope=HOUSE)
            self._app = create_app(services_for(database, await open_shop(database)))
        await self._app(scope, receive, send)


app = Application()


SERVERS: Final = {
    "uvicorn": [
        "uvicorn", "bench.http_server:app", "--http", "httptools", "--loop", "uvloop", "--ws", "none",
        "--no-access-log", "--log-level", "warning", "--no-server-header", "--backlog", "2048",
    ],
    "granian": [
        "granian", "bench.http_server:app", "--interface", "asgi", "--workers", "1", "--loop", "uvloop",
        "--http", "1", "--no-ws", "--no-access-log", "--log-level", "warning", "--backlog", "2048",
        "--backpressure", "2048",
    ],
}  # fmt: skip


@contextmanager
def served(name: str, dsn: str, port: int) -> Iterator[int]:
    """A server on a port; yields its process id."""
    program, *arguments = SERVERS[name]
    process = subprocess.Popen(
        [Path(sys.executable).with_name(program), *arguments, "--host", "127.0.0.1", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, DSN: dsn, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/livez", process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def memory_mb(pid: int) -> int:
    """Resident memory of the server's processes together, what they share counted once."""
    pss = (Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(pid))
    return sum(int(found[1]) for text in pss if (found := re.search(r"Pss:\s+(\d+)", text))) // 1000


def cpu_seconds(pid: int) -> float:
    """User and system time of the server's processes."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- the client, in a process of its own --------------------------------------------------------------------


class Caller(asyncio.Protocol):
    """One connection that asks again as soon as it is answered. All answers are equally long."""

    def __init__(self, request: bytes, took_ms: list[float], wrong: list[bytes]) -> None:
        self._request, self._took_ms, self._wrong = request, took_ms, wrong
        self._length = self._came = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        self._came, self._asked = 0, time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._came == 0:
            if not data.startswith(b"HTTP/1.1 200 "):
                self._wrong.append(data[:200])
            head = data.index(b"\r\n\r\n") + 4
            found = re.search(rb"(?i)content-length: (\d+)", data)
            self._length = head + (int(found[1]) if found else 0)
        self._came += len(data)
        if self._came >= self._length:
            self._took_ms.append((time.perf_counter() - self._asked) * 1000)
            self._ask()


async def call(port: int, path: str, key: str, connections: int, seconds: float) -> dict[str, float]:
    """Keep the connections busy; the first seconds are for warming up and are not counted."""
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    took_ms: list[float] = []
    wrong: list[bytes] = []
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Caller(request, took_ms, wrong), "127.0.0.1", port)
    await asyncio.sleep(WARM_SECONDS)
    took_ms.clear()
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    lasted = time.perf_counter() - began
    if wrong:
        raise RuntimeError(f"{len(wrong)} wrong answers, such as {wrong[0]!r}")
    cuts = statistics.quantiles(took_ms, n=100)
    return {"count": len(took_ms), "rps": len(took_ms) / lasted, "p50": cuts[49], "p99": cuts[98]}


# --- the measurement ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One round of one server on one route."""

    rps: float
    per_cpu_second: float
    p50: float
    p99: float
    idle_mb: int
    after_mb: int


def measure(name: str, dsn: str, path: str, key: str, options: argparse.Namespace) -> Measured:
    """One round: start, ask, stop."""
    port = 22_000 + secrets.randbelow(1000)
    with served(name, dsn, port) as pid:
        idle = memory_mb(pid)
        before = cpu_seconds(pid)
        asking = [sys.executable, "-m", "bench.http_server", "--client", str(port), path, key]
        asking += ["--connections", str(options.connections), "--seconds", str(options.seconds)]
        told = json.loads(subprocess.run(asking, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
        spent = cpu_seconds(pid) - before
        # The warm-up is in the CPU time too, so the time is shared out over the whole run.
        counted = spent * options.seconds / (options.seconds + WARM_SECONDS)
        return Measured(told["rps"], told["count"] / counted, told["p50"], told["p99"], idle, memory_mb(pid))


async def prepared(dsn: str) -> tuple[str, str]:
    """A shop's key and one payment's address."""
    database = await open_database(dsn, scope=HOUSE)
    shop = await open_shop(database)
    key = await key_for(database, shop.merchant)
    payment = await shop.charges(ONE_BAHT)
    await database.close()
    return key, f"/v1/payments/{payment['id']}"


def main(options: argparse.Namespace) -> None:
    """Every server on every route, in turns; prints the median of the rounds."""
    with private_folder() as folder, running_server(folder) as postgres:
        asyncio.run(_measure_all(postgres, options))


async def _measure_all(postgres: Any, options: argparse.Namespace) -> None:
    async with postgres.fresh_database() as dsn:
        key, payment = await prepared(dsn)
        found: dict[tuple[str, str], list[Measured]] = {}
        for _ in range(options.rounds):
            for route, path in zip(ROUTES, ("/livez", payment), strict=True):
                for name in SERVERS:
                    one = await asyncio.to_thread(measure, name, dsn, path, key, options)
                    found.setdefault((route, name), []).append(one)
    say(f"{options.connections} connections, median of {options.rounds} rounds of {options.seconds} s")
    say("route    server    req/s   req/CPU s   p50 ms   p99 ms   idle MB   after MB")
    for (route, name), rounds in found.items():
        row = [statistics.median(getattr(one, field) for one in rounds) for field in Measured.__annotations__]
        rps, per_cpu_second, p50, p99, idle, after = row
        say(
            f"{route:8} {name:8} {rps:6.0f} {per_cpu_second:11.0f} "
            f"{p50:8.0f} {p99:8.0f} {idle:9.0f} {after:10.0f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", nargs=3, metavar=("PORT", "PATH", "KEY"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.client:
        port, path, key = chosen.client
        told = uvloop.run(call(int(port), path, key, chosen.connections, chosen.seconds))
        say(json.dumps(told))
    else:
        main(chosen)
