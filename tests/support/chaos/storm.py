"""One storm from end to end: set up, rage, stop, heal, judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from quickkub.audit.verify import verify
from quickkub.cli.ground import bind_port
from quickkub.connectors.simulation.run import served
from quickkub.house.demo_shop import DemoShop, demo_file, read_demo_shop
from quickkub.house.seeding import seed_everything
from quickkub.invariants.run import check_invariants
from quickkub.settings import read_settings
from quickkub.storage import open_database
from quickkub.storage.embedded import EmbeddedPostgres, make_own_folder
from quickkub.storage.migrate import migrate
from quickkub.storage.scope import HOUSE
from tests.support.chaos.bank import StormyBank
from tests.support.chaos.database import TROUBLE, StormDatabase
from tests.support.chaos.hooks import Hooks, receiving_hooks
from tests.support.chaos.merchant import Merchant
from tests.support.chaos.plan import HEAL_SECONDS, Faults, Storm
from tests.support.chaos.processes import Gateway, environment
from tests.support.chaos.verdict import UNSETTLED, failings, look
from tests.support.ports import free_port

LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Weathered:
    """What a storm did and what it left."""

    storm: Storm
    faults: Faults
    payments: int = 0
    moved: int = 0
    booked: int = 0
    unknown: int = 0
    healed_seconds: dict[str, float] = field(default_factory=dict)
    failings: dict[str, str] = field(default_factory=dict)
    last_seen: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    points: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, object]:
        """Everything for which the storm is not passed."""
        found: dict[str, object] = dict(self.failings)
        if self.violations:
            found["invariants"] = self.violations
        if self.statuses.get("500"):
            found["no bug shows in an answer"] = f"{self.statuses['500']} answers with status 500"
        if short := self.faults.short():
            found["too few faults"] = short
        return found


class StormRun:
    """The parts of one storm, brought up by `set_up` and taken down by the stack."""

    def __init__(
        self,
        storm: Storm,
        folder: Path,
        stack: AsyncExitStack,
        server: EmbeddedPostgres | None = None,
    ) -> None:
        self.storm, self.folder, self._stack = storm, folder, stack
        self.faults = Faults(storm)
        self.database = StormDatabase(storm, self.faults, server or EmbeddedPostgres(folder / "postgres"))
        self.bank: StormyBank
        self.hooks: Hooks
        self.merchant: Merchant
        self.gateway: Gateway

    async def set_up(self) -> None:
        """PostgreSQL, bank, webhook receiver, processes, and a merchant with an endpoint."""
        port, bank_port = free_port(), free_port()
        dsn = await self.database.start()
        self._stack.push_async_callback(self.database.stop)
        env = environment(dsn, self.folder, port, bank_port)
        shop = await self._shop(env, dsn)
        self.bank = StormyBank({"callback_url": shop.callback_url("scb")}, self.faults)
        await self._stack.enter_async_context(served(self.bank, "127.0.0.1", bank_port))
        self.hooks = await self._stack.enter_async_context(receiving_hooks(self.faults, free_port()))
        listening = bind_port("127.0.0.1", port, option="--port", variable="QUICKKUB_PORT")
        self._stack.enter_context(listening)
        self.gateway = Gateway(self.storm, self.faults, self.folder, env, listening)
        self.gateway.start()
        self._stack.push_async_callback(self._stop_gateway)
        self.merchant = Merchant(self.storm, self.faults, shop.url, shop.api_key)
        await self._endpoint(shop)

    async def restart(self, *program: str) -> None:
        """End the gateway's processes and start them by another program."""
        await self.gateway.stop()
        await self._starts_again(self.gateway.env, program or self.gateway.program)

    async def moves_to(self, server: EmbeddedPostgres) -> None:
        """Start the gateway, which was ended, at another server that runs."""
        self.database.server = server
        await self._starts_again({**self.gateway.env, "DATABASE_URL": server.dsn()}, self.gateway.program)

    async def _starts_again(self, env: Mapping[str, str], program: Sequence[str]) -> None:
        listening = self.gateway.listening
        self.gateway = Gateway(self.storm, self.faults, self.folder, env, listening, program=program)
        self.gateway.start()

    async def _stop_gateway(self) -> None:
        await self.gateway.stop()

    async def _shop(self, env: dict[str, str], dsn: str) -> DemoShop:
        settings = read_settings(env)
        await asyncio.to_thread(migrate, dsn)
        await seed_everything(settings, dsn, only=["scb"])
        db = await open_database(dsn, size_max=1, scope=HOUSE)
        try:
            shop = await read_demo_shop(db, settings.data_dir)
        finally:
            await db.close()
        assert shop is not None, f"{demo_file(settings.data_dir)} was just written"
        return shop

    async def _endpoint(self, shop: DemoShop) -> None:
        headers = {"authorization": f"Bearer {shop.api_key}"}
        async with (
            aiohttp.ClientSession(shop.url, headers=headers) as session,
            session.post("/v1/webhook_endpoints", json={"url": self.hooks.url}) as came,
        ):
            assert came.status == 201, await came.text()

    async def rage(self) -> asyncio.Task[None]:
        """Faults for the storm's length. Gives the tills, which still wait for their answers."""
        self.gateway.switch.touch()
        self.faults.begin()
        tills = asyncio.create_task(self.merchant.sells())
        troubles = [
            asyncio.create_task(work)
            for work in (
                self.database.cut_sessions(),
                self.database.crash_and_return(),
                self.gateway.lightning(),
            )
        ]
        await asyncio.sleep(self.storm.seconds)
        self.faults.stop()
        self.gateway.switch.unlink()
        await asyncio.gather(*troubles)
        return tills

    async def heal(self, tills: asyncio.Task[None]) -> Weathered:
        """Wait until all is well, at most HEAL_SECONDS from the last fault, and judge."""
        assert self.faults.stopped is not None
        result = Weathered(self.storm, self.faults)
        while True:
            passed = time.monotonic() - self.faults.stopped
            try:
                truth = await look(self.bank, self.merchant, self.hooks, self.database)
            except TROUBLE as trouble:
                result.failings = {"the database answers": type(trouble).__name__}
            else:
                result.failings = failings(truth)
                payments = truth.rows["payments"]
                result.payments, result.moved = len(payments), self.bank.total
                result.booked = truth.rows["ledger"][0]["n"]
                result.unknown = sum(row["attempt_state"] in UNSETTLED for row in payments)
            if not tills.done():
                result.failings["every till has its answer"] = "some still ask"
            for name, what in result.failings.items():
                result.healed_seconds[name] = passed
                result.last_seen[name] = what
            if not result.failings or passed > HEAL_SECONDS:
                break
            await asyncio.sleep(LOOK_SECONDS)
        tills.cancel()
        await asyncio.gather(tills, return_exceptions=True)
        return await self._judged(result)

    async def _judged(self, result: Weathered) -> Weathered:
        db = await open_database(self.database.server.dsn(), size_max=1, scope=HOUSE)
        try:
            report, chains = await check_invariants(db), await verify(db, None)
        finally:
            await db.close()
        result.violations = [f"{v.invariant} {v.what} {dict(v.details)}" for v in report.violations]
        result.violations += [f"A2 {bad.told()}" for bad in chains.bad]
        if not chains.entries:
            result.violations.append("A2 nothing was audited, so the chains say nothing")
        result.points = dict(self.gateway.crash_points_hit())
        result.ends = dict(self.gateway.ends)
        result.statuses = dict(self.merchant.statuses)
        result.errors = dict(self.gateway.errors())
        return result


async def weather(storm: Storm, folder: Path, turn: asyncio.Lock) -> Weathered:
    """A storm in a folder of its own. `turn` lets one storm rage at a time; they may heal side by side."""
    make_own_folder(folder)
    async with AsyncExitStack() as stack:
        run = StormRun(storm, folder, stack)
        async with turn:
            await run.set_up()
            tills = await run.rage()
        return await run.heal(tills)
