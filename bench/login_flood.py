"""Payments beside 200 logins a second: how much slower they get, and what those who sign in are told.

    .venv/bin/python -m bench.login_flood [--rounds 3] [--seconds 10] [--payments 20] [--logins 200]

A whole gateway on a throw-away folder: `quickkub up`, with a second API process beside it. Payments are asked
for at a steady rate, by the clock and not by the answers, so that a slow one makes the next ones no later.
Three kinds of rounds take turns, and the figures are ratios of medians: payments alone, beside as many
requests a second that cost nothing (a session that is none), and beside the logins. The first ratio is what
the flood costs altogether, its own making on this machine included; the second is what hashing costs.

The flood comes from a process of its own: right and wrong passwords of 40 people and of people who do not
exist, each from another address (through a proxy that the gateway believes). Two in a hundred come with the
right password, as on a morning when somebody tries a list of leaked ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import aiohttp
import uvloop

from quickkub.access.emails import read_email
from quickkub.access.hashing import Hashing
from quickkub.access.users import create_user
from quickkub.house.outside import PORTS_IN_A_ROW, free_port
from quickkub.storage import open_database
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.scope import HOUSE

PEOPLE: Final = 40
PASSWORD: Final = "violet otters paddle upstream"  # the bench's, and nobody's
RIGHT_PERCENT, KNOWN_PERCENT = 2, 50
START_SECONDS: Final = 90
ANSWER_SECONDS: Final = 20
ORDER: Final = {"amount": 15_000, "currency": "THB", "method": "promptpay"}


@dataclass
class Told:
    """What was answered, and in how many milliseconds, where the status was the one hoped for."""

    statuses: Counter[str] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)

    def percentile(self, part: int) -> float:
        """The time that so many of a hundred stayed under."""
        return statistics.quantiles(self.took_ms, n=100)[part - 1]


# --- the gateway ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gateway:
    """Two API processes of one gateway, and the demo shop's key."""

    urls: tuple[str, str]
    origin: str
    key: str


@contextmanager
def gateway() -> Iterator[Gateway]:
    """Started as an operator would, on free ports; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="quickkub-flood-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        ports = free_port(), free_port()
        env = {key: value for key, value in os.environ.items() if not key.startswith("QUICKKUB_")}
        env |= {
            "QUICKKUB_DATA_DIR": str(folder),
            "QUICKKUB_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
            "QUICKKUB_SIMULATORS_PORT": str(free_port(PORTS_IN_A_ROW)),
            "QUICKKUB_TEST_RATE": "1000",
            "QUICKKUB_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        with program(folder / "up.log", env, "up", "--port", str(ports[0])) as up:
            wait_for(up, lambda: "is running" in (folder / "up.log").read_text(errors="replace"))
            dsn = EmbeddedPostgres(folder / "postgres").dsn()
            uvloop.run(make_people(dsn))
            second = {**env, "DATABASE_URL": dsn, "QUICKKUB_PORT": str(ports[1])}
            with program(folder / "second.log", second, "serve", "api") as api:
                wait_for(api, lambda: "startup complete" in (folder / "second.log").read_text())
                shop = json.loads((folder / "demo.json").read_text())
                one, other = (f"http://127.0.0.1:{port}" for port in ports)
                yield Gateway((one, other), one, shop["api_key"])


@contextmanager
def program(log: Path, env: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A quickkub command while the block runs."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "quickkub.main", *words],
            env=env,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_for(process: subprocess.Popen[bytes], is_there: Callable[[], bool]) -> None:
    """Until it runs; ends the bench when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not is_there():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("the gateway did not start")
        time.sleep(0.05)


async def make_people(dsn: str) -> None:
    """People with one password between them, hashed once at the usual cost."""
    db, hashing = await open_database(dsn, size_max=1, scope=HOUSE), Hashing(threads=1)
    with hashing.place() as place:
        stored = await place.make(PASSWORD)
    async with db.transaction() as tx:
        for number in range(PEOPLE):
            address = read_email(f"person{number}@example.com")
            await create_user(tx, address, name="Somchai", locale="en", password_hash=stored, verified=True)
    hashing.close()
    await db.close()


# --- the load ---------------------------------------------------------------------------------------------


async def steadily(rate: float, seconds: float, ask: Callable[[int], Awaitable[None]]) -> None:
    """Ask so many times a second, by the clock; ends when the last is answered."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            group.create_task(_later(ask, number))


async def _later(ask: Callable[[int], Awaitable[None]], number: int) -> None:
    await ask(number)


def session() -> aiohttp.ClientSession:
    """Keeps as many connections open as it takes."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    )


async def asked(told: Told, request: Any, *, hoped: int) -> None:
    """Send it and keep what came of it."""
    began = time.perf_counter()
    try:
        async with request as answer:
            await answer.read()
            told.statuses[str(answer.status)] += 1
            if answer.status == hoped:
                told.took_ms.append((time.perf_counter() - began) * 1000)
    except (TimeoutError, aiohttp.ClientError) as error:
        told.statuses[type(error).__name__] += 1


async def pay(place: Gateway, rate: float, seconds: float) -> Told:
    """Payments at a steady rate, at both processes in turn."""
    told, run = Told(), random.randbytes(6).hex()
    async with session() as client:

        async def ask(number: int) -> None:
            headers = {"Authorization": f"Bearer {place.key}", "Idempotency-Key": f"{run}-{number}"}
            url = place.urls[number % 2] + "/v1/payments"
            await asked(told, client.post(url, json=ORDER, headers=headers), hoped=201)

        await steadily(rate, seconds, ask)
    return told


async def knock(place: Gateway, rate: float, seconds: float) -> Told:
    """As many requests that are refused at once."""
    told = Told()
    async with session() as client:

        async def ask(number: int) -> None:
            headers = {"Cookie": "qk_session=none", "X-Forwarded-For": f"10.0.{number // 250}.{number % 250}"}
            url = place.urls[number % 2] + "/auth/me"
            await asked(told, client.get(url, headers=headers), hoped=401)

        await steadily(rate, seconds, ask)
    return told


async def log_in(place: Gateway, rate: float, seconds: float) -> Told:
    """The flood."""
    told, dice = Told(), random.Random(5)
    async with session() as client:

        async def ask(number: int) -> None:
            chance = dice.randrange(100)
            known = chance < RIGHT_PERCENT + KNOWN_PERCENT
            email = f"person{dice.randrange(PEOPLE)}" if known else f"nobody{dice.randrange(10**6)}"
            words = {
                "email": f"{email}@example.com",
                "password": PASSWORD if chance < RIGHT_PERCENT else "not what anybody has chosen",
            }
            address = ".".join(str(dice.randrange(1, 250)) for _ in range(4))
            headers = {"Origin": place.origin, "X-Forwarded-For": address}
            url = place.urls[number % 2] + "/auth/login"
            await asked(told, client.post(url, json=words, headers=headers), hoped=200)

        await steadily(rate, seconds, ask)
    return told


def beside(
    other: Callable[[Gateway, float, float], Awaitable[Told]],
    place: Gateway,
    *,
    payments: float,
    rate: float,
    seconds: float,
) -> tuple[Told, Told]:
    """Payments while the others last, two seconds after they began; what both were told."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_in_its_process, args=(other, place, rate, seconds + 2, theirs)
    )
    process.start()
    time.sleep(2)
    paid = uvloop.run(pay(place, payments, seconds))
    told: Told = ours.recv()
    process.join()
    return paid, told


def _in_its_process(
    other: Callable[[Gateway, float, float], Any],
    place: Gateway,
    rate: float,
    seconds: float,
    tell: Connection,
) -> None:
    tell.send(uvloop.run(other(place, rate, seconds)))


def main(rounds: int, seconds: float, payments: float, logins: float) -> None:
    """Measure and print."""
    paid: dict[str, list[Told]] = {"alone": [], "harmless": [], "logins": []}
    said: Counter[str] = Counter()
    took: list[float] = []
    with gateway() as place:
        uvloop.run(pay(place, payments, 2))
        for _ in range(rounds):
            paid["alone"].append(uvloop.run(pay(place, payments, seconds)))
            for name, other in (("harmless", knock), ("logins", log_in)):
                ours, told = beside(other, place, payments=payments, rate=logins, seconds=seconds)
                paid[name].append(ours)
            said += told.statuses
            took += told.took_ms
    say = sys.stdout.write
    say(f"{payments:.0f} payments and {logins:.0f} logins a second, {rounds} rounds of {seconds:.0f} s, ")
    say(f"{os.cpu_count()} cores, niceness {os.nice(0)}, load {os.getloadavg()[0]:.1f}\n")
    for part in (50, 95, 99):
        alone, harmless, flood = (
            statistics.median(told.percentile(part) for told in some) for some in paid.values()
        )
        say(
            f"payments p{part}: {alone:6.1f} ms alone, {harmless:6.1f} beside harmless requests, "
            f"{flood:6.1f} beside logins; ratio {flood / alone:.2f}, of hashing {flood / harmless:.2f}\n"
        )
    for name, some in paid.items():
        say(f"payments, {name}: {dict(sum((told.statuses for told in some), Counter()))}\n")
    say(f"logins: {dict(sorted(said.items()))}, of {sum(said.values())}\n")
    if took:
        say(f"a login that was let in: {statistics.median(took):.0f} ms in the middle\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--payments", type=float, default=20)
    parser.add_argument("--logins", type=float, default=200)
    chosen = parser.parse_args()
    main(chosen.rounds, chosen.seconds, chosen.payments, chosen.logins)
