"""The process that does due work."""

from __future__ import annotations

import asyncio
from typing import Final

import uvloop

from quickkub.cli.lifeline import say_ready
from quickkub.house.assembly import House, open_house
from quickkub.house.serve import stop_on_signals
from quickkub.settings import Settings
from quickkub.storage.housekeeping import forget_old
from quickkub.webhooks.flow import Courier
from quickkub.webhooks.sender import HttpSender
from quickkub.worker import loops
from quickkub.worker.loops import Loop, each

FORGET_EVERY_SECONDS: Final = 3600


def run(settings: Settings) -> None:
    """Work until told to stop."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    assert settings.database_url is not None, "the supervisor names the database"
    stop = stop_on_signals()
    async with open_house(settings, settings.database_url) as house:
        courier = Courier(house.db, HttpSender(house.guard, house.clock), house.vault, house.clock)
        say_ready()
        await asyncio.gather(loops.run(due_work(house), stop), courier.run(stop))


def due_work(house: House) -> list[Loop]:
    """The loops of a worker. How often each looks is how late it may be when it has slept."""
    payments = house.payments

    async def forget(limit: int) -> int:
        async with house.db.transaction() as tx:
            return await forget_old(tx, limit)

    return [
        Loop("callbacks", each(payments.claim_callbacks, payments.work_callback, "callback"), 16, 0.1),
        Loop("inquiries", each(payments.claim_attempts, payments.check_attempt, "inquiry"), 16, 0.5),
        Loop("expiry", payments.expire_due, 50, 1),
        Loop("housekeeping", forget, 500, FORGET_EVERY_SECONDS),
    ]
