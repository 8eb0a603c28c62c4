"""T9: after a restore to an earlier point the providers are asked before anything is sent again (D7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from quickkub.connectors.simulation.base import Pay
from quickkub.invariants.run import check_invariants
from quickkub.payments import recovery
from quickkub.storage import Database, open_database
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.scope import HOUSE
from tests.support.chaos.plan import Storm
from tests.support.chaos.restoring import archiving, back_up, make_room, restore
from tests.support.chaos.storm import StormRun

SOON_SECONDS = 40


@pytest.fixture
async def run(servers_folder: Path) -> AsyncIterator[StormRun]:
    folder = servers_folder / "restore"
    folder.mkdir()
    make_room(folder / "backup")
    async with AsyncExitStack() as stack:
        server = EmbeddedPostgres(folder / "postgres", settings=archiving(folder / "backup"))
        run = StormRun(Storm(seed=9, apis=1, workers=1), folder, stack, server)
        await run.set_up()
        run.bank.configure("options", {"inquiry_lag_seconds": 0})
        yield run


async def sells(run: StormRun, key: str) -> tuple[str, str]:
    """A payment and its reference."""
    async with run.merchant.session() as session:
        status, shown = await run.merchant.asks_once(session, key, 15_000)
    assert status == 201
    (row,) = await run.database.asks("SELECT reference FROM attempts WHERE payment_id = $1", shown["id"])
    return shown["id"], row["reference"]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while not await true():
            await asyncio.sleep(0.1)


async def state_of(run: StormRun, payment: str) -> str | None:
    rows = await run.database.asks("SELECT state FROM payments WHERE id = $1", payment)
    return rows[0]["state"] if rows else None


async def booked(run: StormRun) -> int:
    (row,) = await run.database.asks(
        "SELECT coalesce(sum(amount), 0)::bigint AS n FROM entries WHERE account LIKE 'provider:%'"
    )
    return int(row["n"])


async def test_a_restored_gateway_asks_what_it_forgot_and_only_then_sends_money(
    run: StormRun, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = run.folder / "backup"
    early, early_reference = await sells(run, "early")
    run.bank.pay(early_reference, Pay())
    await until(lambda: _is(run, early, "succeeded"))
    await asyncio.to_thread(back_up, run.database.server, backup)
    waiting, waiting_reference = await sells(run, "waiting")
    (row,) = await run.database.asks("SELECT clock_timestamp() AS now")
    # From here on everything is forgotten by the restore.
    run.bank.pay(waiting_reference, Pay())
    lost, lost_reference = await sells(run, "lost")
    run.bank.pay(lost_reference, Pay())
    await until(lambda: _is(run, waiting, "succeeded"))
    await until(lambda: _is(run, lost, "succeeded"))
    await run.database.asks("SELECT pg_switch_wal()")
    await run.gateway.stop()
    await asyncio.to_thread(run.database.server.stop, "fast")

    began = time.monotonic()
    server = restore(backup, run.folder / "restored", row["now"])
    await asyncio.to_thread(server.start)
    try:
        await _recovers(run, server, waiting, lost)
        took = time.monotonic() - began
    finally:
        await run.gateway.stop()
        await asyncio.to_thread(server.stop, "immediate")
    with capsys.disabled():
        print(f"\nT9: restored and caught up with the provider in {took:.1f} s")


async def _recovers(run: StormRun, server: EmbeddedPostgres, waiting: str, lost: str) -> None:
    db = await open_database(server.dsn(), size_max=2, scope=HOUSE)
    try:
        run.database.server = server
        assert not (await _standing(db)).is_open
        await until(lambda: _takes_writes(run))
        assert await state_of(run, waiting) == "requires_action" and await state_of(run, lost) is None
        await _gate_is_shut(db)
        await run.moves_to(server)
        await until(lambda: _is(run, waiting, "succeeded"))
        run.bank.confirms_all_again()
        await until(lambda: _is_booked(run))
        await until(lambda: _opens(db))
        assert (await _standing(db)).is_open
        assert (await check_invariants(db)).violations == []
    finally:
        await db.close()


async def _gate_is_shut(db: Database) -> None:
    found = await _standing(db)
    assert not found.is_open and found.recovering_since is None, "it knows by itself, before anybody says so"
    async with db.read() as reader:
        with pytest.raises(recovery.Recovering):
            await recovery.refuse_while_recovering(reader)
    async with db.transaction() as tx:
        await recovery.shut(tx)
        assert not await recovery.open_again(tx), "nothing was asked yet"
    assert (await _standing(db)).unasked == 2


async def _standing(db: Database) -> recovery.Standing:
    async with db.read() as reader:
        return await recovery.standing(reader)


async def _opens(db: Database) -> bool:
    async with db.transaction() as tx:
        return await recovery.open_again(tx)


async def _takes_writes(run: StormRun) -> bool:
    """A server that still plays its log back takes connections, but no writes."""
    (row,) = await run.database.asks("SELECT pg_is_in_recovery() AS plays_back")
    return not row["plays_back"]


async def _is(run: StormRun, payment: str, state: str) -> bool:
    return await state_of(run, payment) == state


async def _is_booked(run: StormRun) -> bool:
    return await booked(run) == run.bank.total
