"""`quickkub fraud`, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from quickkub.cli.fraud import app
from quickkub.fraud.reading import read_rule_set
from quickkub.fraud.simulation.attacks import ATTACKS
from quickkub.storage.migrate import migrate
from tests.storage.fraud.conftest import Guarded, at_least, rule


@dataclass
class OneDatabase:
    """The wiring of a program that knows one database."""

    dsn: str

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    def migrate(self, dsn: str) -> str:
        migrate(dsn)
        return "newest"


async def run(dsn: str, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=OneDatabase(dsn))


async def test_a_decision_is_made_again_by_command(guarded: Guarded, database_dsn: str) -> None:
    await guarded.rules(rule(at_least("amount", 1), name="everything"))
    screened = await guarded.pays()
    told = await run(database_dsn, "replay", screened.decision)
    assert told.exit_code == 0, told.output
    assert "rule:everything" in told.output and "The same in every part." in told.output
    machine = await run(database_dsn, "replay", screened.decision, "--json")
    assert json.loads(machine.output)["same"] is True
    assert (await run(database_dsn, "replay", "frd_" + "0" * 32)).exit_code == 2


async def test_a_rule_in_a_file_is_played_against_the_past(
    guarded: Guarded, database_dsn: str, tmp_path: Path
) -> None:
    await guarded.rules(rule(at_least("amount", 1), mode="shadow"))
    guarded.at = datetime.now(UTC)
    for satang in (100, 200, 300):
        await guarded.pays(satang)
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(rule(at_least("amount", 200))), encoding="utf-8")
    told = await run(database_dsn, "backtest", str(file), "--merchant", guarded.merchant, "--mode", "test")
    assert told.exit_code == 0, told.output
    said = json.loads(told.output)
    assert (said["payments"], said["hit"], said["changed"]) == (3, 2, {"allow -> block": 2})
    file.write_text("{}", encoding="utf-8")
    assert (await run(database_dsn, "backtest", str(file), "--merchant", "x")).exit_code == 2


@pytest.mark.parametrize("mode", ["shadow", "live"])
async def test_the_starter_rules_are_printed_as_the_api_takes_them(mode: str, database_dsn: str) -> None:
    said = json.loads((await run(database_dsn, "starter", "--mode", mode)).output)
    assert {one.mode.value for one in read_rule_set(said, 1).rules} == {mode}


async def test_attacks_are_played_on_a_database_of_their_own(guarded: Guarded, database_dsn: str) -> None:
    told = await run(database_dsn, "simulate", "--seed", "3", "--share", "1", "--days", "3", "--json")
    said = json.loads(told.output)
    assert [one["name"] for one in said["attacks"]] == list(ATTACKS)
    async with guarded.db.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM fraud_decisions") == 0
