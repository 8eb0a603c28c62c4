"""Delivering what is due: claim in one transaction, send with none open, write the end in one statement."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from quickkub.kernel.clock import Clock
from quickkub.kernel.secrets import Secret
from quickkub.storage import Connection, Database, DatabaseAway
from quickkub.storage.scope import for_merchant
from quickkub.storage.vault import CannotOpen, Vault
from quickkub.telemetry import get_logger
from quickkub.telemetry.crash_points import crash_point
from quickkub.telemetry.work import WEBHOOK_CIRCUITS_OPEN, WEBHOOK_TRIES
from quickkub.webhooks import claims
from quickkub.webhooks.answers import Answer, Delivered, NotReached
from quickkub.webhooks.circuit import Circuits
from quickkub.webhooks.event import body_of
from quickkub.webhooks.model import Claimed, previous_secret_place, secret_place
from quickkub.webhooks.rules import Verdict, judge
from quickkub.webhooks.sender import Sender
from quickkub.webhooks.sign import BadSecret, compatible_headers, standard_headers

AT_ONCE: Final = 64
"""Deliveries one worker process has under way."""

PER_ENDPOINT: Final = 8
"""How many of them may go to one endpoint."""

POLL_SECONDS: Final = 0.2
_AWAY_SECONDS: Final = 1.0
_PUT_OFF_ROUNDS: Final = 8

_log = get_logger("webhooks")


class Courier:
    """Keeps deliveries under way: a slow receiver holds its own few places and nobody else's.

    One per worker process, because the circuits live in it. `chance` spreads the next tries and is for tests.
    """

    def __init__(
        self,
        db: Database,
        sender: Sender,
        vault: Vault,
        clock: Clock,
        *,
        at_once: int = AT_ONCE,
        per_endpoint: int = PER_ENDPOINT,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._sender = sender
        self._vault = vault
        self._clock = clock
        self._at_once = at_once
        self._per_endpoint = per_endpoint
        self._chance = chance
        self._circuits = Circuits(clock)
        self._under_way: dict[asyncio.Task[None], str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set, then let what is under way end (10 s at most)."""
        while not stop.is_set():
            try:
                started = await self.sweep()
            except DatabaseAway as away:
                _log.warning("webhooks wait for the database", reason=away.detail)
                await _first_of(stop, [], _AWAY_SECONDS)
                continue
            if not started:
                await _first_of(stop, list(self._under_way), POLL_SECONDS)
        await self.drain()

    async def sweep(self, limit: int = AT_ONCE) -> int:
        """Claim what is due and there is room for, and start sending it. Returns how many were started.

        Raises DatabaseAway, and whatever an earlier delivery raised that is a bug.
        """
        self._tidy()
        free = min(limit, self._at_once - len(self._under_way))
        if free <= 0:
            return 0
        async with self._db.transaction() as tx:
            rooms = self._rooms()
            await claims.bury_due(tx)
            await _put_off_held(tx, [endpoint for endpoint, room in rooms.items() if not room])
            claimed = await claims.claim_due(tx, free, self._per_endpoint, rooms)
        for one in claimed:
            self._under_way[asyncio.create_task(self._deliver(one))] = one.endpoint
        return len(claimed)

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)
            self._tidy()

    def _tidy(self) -> None:
        ended = [task for task in self._under_way if task.done()]
        for task in ended:
            del self._under_way[task]
        for task in ended:
            task.result()

    def _rooms(self) -> dict[str, int]:
        busy = Counter(self._under_way.values())
        WEBHOOK_CIRCUITS_OPEN.set(self._circuits.open_count())
        return {
            endpoint: max(0, self._circuits.room(endpoint, self._per_endpoint) - busy[endpoint])
            for endpoint in {*busy, *self._circuits.troubled()}
        }

    async def _deliver(self, claimed: Claimed) -> None:
        began = self._clock.monotonic()
        try:
            answer = await self._send(claimed)
        except Exception as bug:  # noqa: BLE001 -- one merchant's odd webhook must not stop everybody else's
            _log.error(
                "a webhook could not be sent for a reason of ours", exc_info=bug, event_id=claimed.event.id
            )
            answer = NotReached("an error on our side; it is written in our log")
        crash_point("in_delivery")
        took_ms = int((self._clock.monotonic() - began) * 1000)
        verdict = judge(answer, claimed.tries, self._chance())
        if isinstance(answer, Delivered):
            self._circuits.succeeded(claimed.endpoint)
        else:
            self._circuits.failed(claimed.endpoint)
        try:
            with for_merchant(claimed.merchant):
                async with self._db.read() as connection:
                    kept = await claims.finish(connection, claimed, verdict, took_ms)
        except DatabaseAway as away:
            # The lease runs out and the delivery is tried again: at least once, never lost.
            _log.warning("a webhook's end was not written", event_id=claimed.event.id, reason=away.detail)
            return
        _tell(claimed, verdict, kept)

    async def _send(self, claimed: Claimed) -> Answer:
        try:
            secrets = self._secrets(claimed)
            body = body_of(claimed.event)
            headers = _headers(claimed, int(self._clock.now().timestamp()), body, secrets)
        except (CannotOpen, BadSecret) as refusal:
            _log.error("a webhook secret cannot be used", endpoint=claimed.endpoint, code=refusal.code)
            return NotReached("the endpoint's secret cannot be used; rotate it")
        return await self._sender.post(claimed.url, claimed.event.mode, headers, body)

    def _secrets(self, claimed: Claimed) -> list[Secret]:
        """The newest first."""
        opened = [
            self._vault.open(
                claimed.secret, secret_place(claimed.merchant, claimed.endpoint, claimed.event.mode)
            )
        ]
        if claimed.previous_secret is not None:
            place = previous_secret_place(claimed.merchant, claimed.endpoint, claimed.event.mode)
            opened.append(self._vault.open(claimed.previous_secret, place))
        return [Secret(value.decode()) for value in opened]


async def deliver_due(db: Database, sender: Sender, vault: Vault, clock: Clock, limit: int = AT_ONCE) -> int:
    """One round: deliver up to `limit` due deliveries, wait for their ends, and say how many there were.

    For commands and tests. A worker runs a Courier, which does not wait for the slowest.
    """
    courier = Courier(db, sender, vault, clock, at_once=limit)
    started = await courier.sweep(limit)
    await courier.drain()
    return started


async def _put_off_held(tx: Connection, leave_alone: list[str]) -> None:
    for _ in range(_PUT_OFF_ROUNDS):
        if await claims.put_off_held(tx, leave_alone) < claims.PUT_OFF_MAX:
            return


def _headers(claimed: Claimed, timestamp: int, body: bytes, secrets: list[Secret]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if claimed.signatures in ("both", "standard"):
        headers |= standard_headers(claimed.event.id, timestamp, body, secrets)
    if claimed.signatures in ("both", "compatible"):
        headers |= compatible_headers(timestamp, body, secrets[0])
    return headers


def _tell(claimed: Claimed, verdict: Verdict, kept: bool) -> None:
    WEBHOOK_TRIES.labels(verdict.state if kept else "lost").inc()
    about = {"event_id": claimed.event.id, "endpoint": claimed.endpoint, "tries": claimed.tries}
    if not kept:
        _log.warning("a webhook's lease was lost; another worker has it", **about)
    elif verdict.endpoint_gone:
        _log.warning("a webhook endpoint is gone and was disabled", **about)
    elif verdict.state == "dead":
        _log.warning("a webhook is a dead letter", **about, status=verdict.status, reason=verdict.error)
    elif verdict.state == "pending":
        _log.info("a webhook will be tried again", **about, status=verdict.status, reason=verdict.error)


async def _first_of(stop: asyncio.Event, tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Wait for `stop`, for the first of the tasks, or for the time to pass."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *tasks], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
