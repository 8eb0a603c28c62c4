"""The process that does due work."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import uvloop

from quickkub.audit.sealing import seal_waiting
from quickkub.cli.lifeline import say_ready
from quickkub.fraud.jobs import tidy as tidy_fraud
from quickkub.house.assembly import House, open_house
from quickkub.house.auditing import audit_schedules
from quickkub.house.page_watch import page_schedules
from quickkub.house.privacy import privacy_of, privacy_schedules
from quickkub.house.serve import stop_on_signals
from quickkub.house.signing_in import access_of, access_schedules, letters_of
from quickkub.house.tokens import token_schedules
from quickkub.invariants.metric import look
from quickkub.payments.gate import bring_up_to_date
from quickkub.settings import Settings
from quickkub.storage import Database
from quickkub.storage.housekeeping import forget_old
from quickkub.storage.scope import HOUSE
from quickkub.storage.statistics import refresh_statistics
from quickkub.telemetry.metrics import serve as serve_metrics
from quickkub.webhooks.flow import Courier
from quickkub.webhooks.sender import HttpSender
from quickkub.worker import loops
from quickkub.worker.loops import Loop, each
from quickkub.worker.schedules import Clerk, Schedule
from quickkub.worker.store import forget_log

FORGET_AT_ONCE: Final = 500
STATISTICS_SECONDS: Final = 30


def run(settings: Settings) -> None:
    """Work until told to stop."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    assert settings.database_url is not None, "the supervisor names the database"
    stop = stop_on_signals()
    if settings.worker_metrics_port:
        serve_metrics(settings.worker_metrics_port)
    # What is due is looked for across merchants; work on one item sees its merchant alone (worker/loops.py).
    async with open_house(settings, settings.database_url, scope=HOUSE) as house:
        courier = Courier(house.db, HttpSender(house.guard, house.clock), house.vault, house.clock)
        access = access_of(house)
        clerk = Clerk(
            settings.database_url,
            schedules(house.db)
            | audit_schedules(house.db, settings)
            | page_schedules(house.db, settings)
            | token_schedules(house)
            | access_schedules(access)
            | privacy_schedules(privacy_of(house)),
        )
        say_ready()
        await asyncio.gather(
            loops.run([*due_work(house), letters_of(access, house)], stop), courier.run(stop), clerk.run(stop)
        )


def due_work(house: House) -> list[Loop]:
    """The loops of a worker. How often each looks is how late it may be when it has slept."""
    payments, refunds, disputes = house.payments, house.refunds, house.disputes

    async def recover(limit: int) -> int:
        return int(await bring_up_to_date(house.db))

    async def keep_statistics(limit: int) -> int:
        async with house.db.statement() as connection:
            await refresh_statistics(connection)
        return 0

    return [
        Loop("recovery", recover, 2, 5),
        Loop("statistics", keep_statistics, 1, STATISTICS_SECONDS),
        Loop("callbacks", each(payments.claim_callbacks, payments.work_callback, "callback"), 16, 0.1),
        Loop("inquiries", each(payments.claim_attempts, payments.check_attempt, "inquiry"), 16, 0.5),
        Loop(
            "instructions",
            each(payments.claim_instructions, payments.check_instruction, "instruction"),
            16,
            0.5,
        ),
        Loop("orphans", each(refunds.claim_unapplied, refunds.give_back, "orphan"), 16, 1),
        Loop("disputes", each(disputes.claim, disputes.check, "dispute"), 16, 5),
        Loop("audit", partial(seal_waiting, house.db), 500, 1),
        Loop("expiry", each(payments.claim_overdue, payments.expire, "expiry"), 50, 1),
    ]


def schedules(db: Database) -> dict[str, Schedule]:
    """What is done by the clock and no money hangs on: each once at its time, however many workers there are.

    Nightly checks and reports get a line here. The name is the label of its metrics.
    """

    async def forget() -> None:
        forgotten = FORGET_AT_ONCE
        while forgotten >= FORGET_AT_ONCE:
            async with db.transaction() as tx:
                forgotten = await forget_old(tx, FORGET_AT_ONCE)
        async with db.transaction() as tx:
            await forget_log(tx)

    async def check() -> None:
        await look(db)

    async def tidy() -> None:
        await tidy_fraud(db)

    return {
        "housekeeping": Schedule("*/10 * * * *", forget),
        "fraud": Schedule("*/5 * * * *", tidy),
        # 02:40 in Bangkok, when there is least to do.
        "invariants": Schedule("40 19 * * *", check),
    }
