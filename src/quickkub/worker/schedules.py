"""Work by the clock, on PgQueuer: each schedule once at its time, however many workers there are.

When a schedule is due, the worker that hears it first puts a job into the queue, in one transaction with the
row that says so. Any worker takes the job. When that one is killed, its heartbeat stops and another takes the
job; a job that breaks is tried again later; one that breaks again and again is put aside until its next time.
Nothing that money hangs on is done here: losing these tables would lose reports, not payments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from pgqueuer import (
    AsyncpgDriver,
    AsyncpgPoolDriver,
    Job,
    PgQueuer,
    Queries,
    RetryRequested,
    SchedulerManager,
)
from pgqueuer.adapters.persistence.qb import (
    DBSettings,
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.db import Driver
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.executors import AbstractScheduleExecutor
from pgqueuer.models import Schedule as Tick
from pgqueuer.models import ScheduleContext

from quickkub.telemetry import get_logger
from quickkub.telemetry.work import WORK, WORK_FAILED, WORK_PUT_ASIDE
from quickkub.worker import store
from quickkub.worker.store import Pool

log = get_logger("schedules")

NAMES: Final = {
    "prefix": "",
    "db_schema": None,
    "channel": "ch_pgqueuer",
    "function": "fn_pgqueuer_changed",
    "statistics_table": "pgqueuer_statistics",
    "queue_status_type": "pgqueuer_status",
    "queue_table": "pgqueuer",
    "queue_table_log": "pgqueuer_log",
    "trigger": "tg_pgqueuer_changed",
    "schedules_table": "pgqueuer_schedules",
}
"""The names in our migration, all of them: the library would read each from variables such as TRIGGER."""

TRIES_MAX: Final = 5
RETRY_SECONDS: Final = (10, 60, 300, 900)
"""Between the tries of a job that broke."""

HEARTBEAT_SECONDS: Final = 30
"""A job whose worker has been silent for so long is taken by another."""

LOOK_SECONDS: Final = 10
GRACE_SECONDS: Final = 20
"""A stopping worker gives jobs so long to end; then they go back to the queue. Less than loops.GRACE_SECONDS,
because the way back takes a moment, too."""

_LAST_SECONDS: Final = 4
_TROUBLE_SECONDS: Final = 1
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Schedule:
    """`when` is five cron fields in UTC (Bangkok is 7 h ahead). `work` may run twice when a worker dies."""

    when: str
    work: Callable[[], Awaitable[None]]


class Clerk:
    """Runs schedules on the database at `dsn`; one in each worker process. The numbers are for tests."""

    def __init__(
        self,
        dsn: str,
        schedules: Mapping[str, Schedule],
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._schedules = schedules
        self._heartbeat = timedelta(seconds=heartbeat_seconds)
        self._look = timedelta(seconds=look_seconds)
        self._grace_seconds = grace_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, beginning again whenever the database comes back."""
        while not stop.is_set():
            try:
                async with store.open_pool(self._dsn) as pool:
                    await self._serve(pool, stop)
            except (*store.AWAY, FailingListenerError) as trouble:
                log.warning("schedules wait for the database", reason=type(trouble).__name__)
            except Exception:
                log.exception("schedules begin again")
            await _sleep(stop, _TROUBLE_SECONDS)

    async def _serve(self, pool: Pool, stop: asyncio.Event) -> None:
        given_up = asyncio.Event()
        queuer = self._queuer(pool, given_up)
        running = asyncio.create_task(
            queuer.run(
                dequeue_timeout=self._look,
                batch_size=_AT_ONCE // 2,
                max_concurrent_tasks=_AT_ONCE,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=self._heartbeat,
                log_aggregation_interval=timedelta(0),
            )
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            queuer.shutdown.set()
            await asyncio.wait({running}, timeout=self._grace_seconds)
            given_up.set()
            await asyncio.wait({running}, timeout=_LAST_SECONDS)
            if running.done():
                running.result()
        finally:
            stopping.cancel()
            # A job whose task is merely cancelled would be struck off as called off. With its connections cut
            # it stays taken, falls silent, and comes back.
            pool.terminate()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def _queuer(self, pool: Pool, given_up: asyncio.Event) -> PgQueuer:
        driver = AsyncpgPoolDriver(pool)
        queries = _queries(driver)
        queuer = PgQueuer(driver, channel=queries.qbe.settings.channel, queries=queries)
        queuer.sm = _Ticks(queries)
        queuer.sm.shutdown = queuer.shutdown
        for name, schedule in self._schedules.items():
            queuer.schedule(name, schedule.when, accepts_context=False)(partial(_ask, pool, name))
            work = partial(_work, pool, name, schedule.work, given_up)
            queuer.entrypoint(name, concurrency_limit=1, accepts_context=False)(work)
        return queuer


class _Ticks(SchedulerManager):
    """The library's own puts a schedule back even when asking failed, and so loses one of its times."""

    async def dispatch(self, executor: AbstractScheduleExecutor, schedule: Tick) -> None:
        """Put it back once its job is in the queue; until then it stays taken, falls silent, comes again."""
        self.active_heartbeat_ids.add(schedule.id)
        try:
            await executor.execute(schedule, ScheduleContext(resources=self.resources))
            await self.queries.set_schedule_queued({schedule.id})
        finally:
            self.active_heartbeat_ids.discard(schedule.id)


def _queries(driver: Driver) -> Queries:
    settings = DBSettings.model_validate(NAMES)
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )


async def _ask(pool: Pool, name: str, tick: Tick) -> None:
    """A schedule is due: put its job into the queue, as soon as the database is there."""
    while True:
        try:
            await _enqueue(pool, name)
            return
        except store.AWAY as trouble:
            log.warning("a schedule waits for the database", job=name, reason=type(trouble).__name__)
            await asyncio.sleep(_TROUBLE_SECONDS)


async def _enqueue(pool: Pool, name: str) -> None:
    """Unless the last job of this schedule is still in the queue."""
    async with pool.acquire() as connection, connection.transaction():
        if not await store.is_due(connection, name):
            return
        # A connection lent by a pool answers to the same calls, though it has another type.
        queries = _queries(AsyncpgDriver(connection))  # type: ignore[arg-type]
        [job] = await queries.enqueue(name, None, dedupe_key=name, on_conflict="skip")
        if job is None:
            log.warning("due again before the last time came to its end", job=name)
        else:
            await store.begin_anew(connection, name)


async def _work(
    pool: Pool, name: str, work: Callable[[], Awaitable[None]], given_up: asyncio.Event, job: Job
) -> None:
    """Do a job; raise RetryRequested when it has to be done again."""
    tries = await store.start(pool, name)
    if tries > TRIES_MAX:
        _put_aside(name, tries)
        return
    doing = asyncio.ensure_future(work())
    waiting = asyncio.create_task(given_up.wait())
    try:
        await asyncio.wait({doing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing}, timeout=_LAST_SECONDS / 2)
            await store.take_back(pool, name)
            raise RetryRequested(reason="the worker was stopped")
        doing.result()
    except RetryRequested:
        raise
    except Exception as bug:
        WORK_FAILED.labels(name).inc()
        log.exception("scheduled work failed", job=name, tries=tries)
        if tries >= TRIES_MAX:
            _put_aside(name, tries)
            return
        raise RetryRequested(timedelta(seconds=RETRY_SECONDS[tries - 1]), type(bug).__name__) from bug
    finally:
        waiting.cancel()
        doing.cancel()
    await store.finish(pool, name)
    WORK.labels(name).inc()


def _put_aside(name: str, tries: int) -> None:
    WORK_PUT_ASIDE.labels(name).inc()
    log.error("scheduled work is put aside until its next time", job=name, tries=tries)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
