"""`quickkub events` and `quickkub webhooks`, as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from quickkub.cli.app import build
from quickkub.kernel.ids import new_id
from quickkub.storage import Database
from quickkub.webhooks.event_store import first_id_at
from tests.support.receiver import Receiver, Says, receiving
from tests.support.webhooks import Kiosk, open_kiosk

NOBODYS = "0" * 32


@dataclass
class OneDatabase:
    """The wiring of a program that knows one database."""

    dsn: str

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn


@pytest.fixture
async def kiosk(database: Database, pool: asyncpg.Pool[Any]) -> Kiosk:
    return await open_kiosk(database, pool)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def run(dsn: str, *arguments: str) -> Result:
    app = build(OneDatabase(dsn))  # type: ignore[arg-type]  # the part of the wiring that is used
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def told(dsn: str, *arguments: str) -> list[dict[str, Any]]:
    result = await run(dsn, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


async def dies(kiosk: Kiosk, events: Sequence[str]) -> None:
    """These could not be delivered."""
    await kiosk.pool.execute(
        """
        UPDATE webhook_deliveries SET state = 'dead', next_try_at = NULL, last_error = 'nobody there'
         WHERE event_id = ANY ($1)
        """,
        list(events),
    )


async def test_the_newest_events_of_all_merchants_are_listed(kiosk: Kiosk, database_dsn: str) -> None:
    other = await open_kiosk(kiosk.db, kiosk.pool)
    made = [
        await kiosk.happens("payment.created", about="pay_1", version=1),
        await other.happens("payment.succeeded", about="pay_2"),
        await kiosk.happens("payment.succeeded", about="pay_1", version=2),
    ]
    newest_first = sorted(made, reverse=True)
    listed = await told(database_dsn, "events", "list")
    assert [one["id"] for one in listed] == newest_first
    assert {one["merchant"] for one in listed} == {kiosk.merchant, other.merchant}
    for option, value, count in (
        ("--type", "payment.succeeded", 2),
        ("--object", "pay_1", 2),
        ("--merchant", other.merchant, 1),
        ("--limit", "1", 1),
    ):
        assert len(await told(database_dsn, "events", "list", option, value)) == count
    lines = (await run(database_dsn, "events", "list")).stdout.splitlines()
    assert [line.split("  ")[1] for line in lines] == newest_first


async def test_an_event_is_told_again_to_everybody_who_wants_it(
    kiosk: Kiosk, receiver: Receiver, database_dsn: str
) -> None:
    await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    await kiosk.delivers()
    result = await run(database_dsn, "events", "replay", event)
    assert (result.exit_code, result.stdout) == (0, "It goes to 1 endpoint.\n")
    await kiosk.delivers()
    assert receiver.ids == [event, event]


async def test_an_event_is_told_to_one_endpoint_that_came_later(
    kiosk: Kiosk, receiver: Receiver, database_dsn: str
) -> None:
    event = await kiosk.happens("payment.failed")
    late, _ = await kiosk.listens(receiver.url(), events=["payment.succeeded"])
    assert (await run(database_dsn, "events", "replay", event)).exit_code == 1
    assert (await run(database_dsn, "events", "replay", event, "--endpoint", late.id)).exit_code == 0
    await kiosk.delivers()
    assert receiver.ids == [event]


async def test_dead_letters_are_shown_and_only_those_since_a_time_are_sent_again(
    kiosk: Kiosk, receiver: Receiver, database_dsn: str
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    old = f"evt_{first_id_at(datetime.now(UTC) - timedelta(days=2))[4:]}{new_id('x')[-20:]}"
    await kiosk.pool.execute(
        """
        INSERT INTO events (merchant_id, id, mode, type, object_id, object_version, data)
        VALUES ($1, $2, 'test', 'payment.failed', 'pay_old', 1, '{}')
        """,
        kiosk.merchant,
        old,
    )
    await kiosk.pool.execute(
        "INSERT INTO webhook_deliveries (merchant_id, event_id, endpoint_id) VALUES ($1, $2, $3)",
        kiosk.merchant,
        old,
        endpoint.id,
    )
    new, waiting = await kiosk.happens(), await kiosk.happens()
    await dies(kiosk, [old, new])
    shown = await told(database_dsn, "webhooks", "deliveries", "--dead", "--endpoint", endpoint.id)
    assert [(one["event"], one["last_error"]) for one in shown] == [
        (new, "nobody there"),
        (old, "nobody there"),
    ]
    assert [one["event"] for one in await told(database_dsn, "webhooks", "deliveries", "--pending")] == [
        waiting
    ]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%MZ")
    since = ("--endpoint", endpoint.id, "--since", yesterday)
    result = await run(database_dsn, "webhooks", "redeliver", *since)
    assert result.stdout == "1 dead letter is sent again.\n"
    result = await run(database_dsn, "webhooks", "redeliver", "--endpoint", endpoint.id)
    assert result.stdout == "1 dead letter is sent again.\n"
    await kiosk.delivers()
    assert sorted(receiver.ids) == sorted([old, new, waiting])


async def test_what_is_not_there_or_disabled_is_refused_by_its_code(
    kiosk: Kiosk, receiver: Receiver, database_dsn: str
) -> None:
    endpoint, _ = await kiosk.listens(receiver.url())
    event = await kiosk.happens()
    receiver.will(Says(410))
    await kiosk.delivers()
    for arguments, code in (
        (("events", "replay", f"evt_{NOBODYS}"), "event_not_found"),
        (("events", "replay", event, "--endpoint", f"we_{NOBODYS}"), "webhook_endpoint_not_found"),
        (("events", "replay", event, "--endpoint", endpoint.id), "webhook_endpoint_disabled"),
        (("webhooks", "redeliver", "--endpoint", f"we_{NOBODYS}"), "webhook_endpoint_not_found"),
        (("webhooks", "redeliver", "--endpoint", endpoint.id), "webhook_endpoint_disabled"),
    ):
        result = await run(database_dsn, *arguments)
        assert (result.exit_code, result.stderr.split(":")[0]) == (1, code)


@pytest.mark.parametrize(
    "arguments",
    [
        ("webhooks", "redeliver", "--endpoint", "we_1", "--since", "yesterday"),
        ("webhooks", "deliveries", "--dead", "--pending"),
        ("webhooks", "redeliver"),
    ],
)
async def test_a_question_that_makes_no_sense_is_not_asked(arguments: tuple[str, ...]) -> None:
    assert (await run("postgresql://nobody@127.0.0.1:1/none", *arguments)).exit_code == 2


async def test_a_database_that_is_away_is_not_taken_for_a_refusal() -> None:
    result = await run("postgresql://nobody@127.0.0.1:1/none", "events", "list")
    assert (result.exit_code, result.stderr.split(":")[0]) == (2, "database_unavailable")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 -- hypothesis asks for it
def test_an_id_made_at_a_time_is_not_before_the_first_of_that_time(moment: datetime) -> None:
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    made_then, made_before = (
        f"evt_{value << 80 | 7 << 76 | 2 << 62:032x}" for value in (milliseconds, milliseconds - 1)
    )
    assert made_before < first_id_at(moment) <= made_then
