"""`quickkub privacy`, as the guide and the runbook say to run it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shlex
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from quickkub.audit import Actor, ActorKind, acting
from quickkub.cli.app import build
from quickkub.privacy import requests
from quickkub.privacy.office import Office
from quickkub.privacy.periods import read_periods
from quickkub.privacy.requests import AskedFor
from quickkub.privacy.service import Privacy
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE
from tests.storage.privacy.counter import MALEE, MALEE_WRITTEN, Counter, asked
from tests.storage.privacy.dump import naming
from tests.support.api import INDEX
from tests.support.shop import VAULT

DOCS: Final = Path(__file__).parents[3] / "docs"
GUIDE, RUNBOOK = DOCS / "guide/privacy.md", DOCS / "runbooks/data-breach.md"
KNOWN: Final = ["--email", "malee.s@example.com", "--phone", "0891234567"]


@dataclass
class OnePrivacy:
    """The wiring of a program that knows one database and the shop's keys."""

    dsn: str

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    @asynccontextmanager
    async def privacy_office(self, dsn: str) -> AsyncIterator[Privacy]:
        db = await open_database(dsn, size_max=2, scope=HOUSE)
        try:
            with acting(Actor(ActorKind.SYSTEM, "quickkub privacy")):
                yield Privacy(Office(db, VAULT, INDEX, read_periods({})))
        finally:
            await db.close()


async def run(dsn: str, *arguments: str) -> Result:
    app = build(OnePrivacy(dsn))  # type: ignore[arg-type]  # the part of the wiring that is used
    return await asyncio.to_thread(CliRunner().invoke, app, ["privacy", *arguments])


async def done(dsn: str, *arguments: str) -> str:
    told = await run(dsn, *arguments)
    assert told.exit_code == 0, (arguments, told.output)
    return told.stdout


async def test_a_payer_is_erased_by_command_and_the_certificate_is_printed(
    counter: Counter, database_dsn: str
) -> None:
    await counter.sells(MALEE)
    shop = counter.shop.merchant
    told = json.loads(await done(database_dsn, "erase", "--merchant", shop, *KNOWN))
    assert (told["counts"]["payments.payer"], told["erased_by"]) == (1, "quickkub privacy")
    again = await run(database_dsn, "erase", "--merchant", shop, "--email", "nobody@example.com")
    assert (again.exit_code, "person_not_found" in again.stderr) == (1, True)


async def test_an_export_is_a_zip_that_only_its_owner_reads(
    counter: Counter, database_dsn: str, tmp_path: Path
) -> None:
    payment = await counter.sells(MALEE)
    file = tmp_path / "malee.zip"
    asks = ["export", "--merchant", counter.shop.merchant, *KNOWN, "--out", str(file)]
    assert "SHA-256" in await done(database_dsn, *asks)
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        everything = json.loads(archive.read("everything.json"))
        assert archive.read("payments.csv").decode().count(payment["id"]) == 1
    assert everything["payments"][0]["payer"]["phone"] == MALEE.phone
    assert (await run(database_dsn, *asks)).exit_code == 2, "a file that is there is not written over"


async def test_a_spreadsheet_is_not_given_a_formula(
    counter: Counter, database_dsn: str, tmp_path: Path
) -> None:
    await counter.sells(MALEE)
    await counter.shop.rows("UPDATE payments SET reference = '=cmd|calc'")
    file = tmp_path / "malee.zip"
    await done(database_dsn, "export", "--merchant", counter.shop.merchant, *KNOWN, "--out", str(file))
    with zipfile.ZipFile(file) as archive:
        assert ",'=cmd|calc," in archive.read("payments.csv").decode()


async def test_retention_is_shown_before_and_after(counter: Counter, database_dsn: str) -> None:
    await counter.is_shown_a_slip(MALEE, (await counter.sells(MALEE))["id"], days_ago=200)
    for arguments, gone in ((["--dry-run"], 1), ([], 1), ([], 0)):
        told = json.loads(await done(database_dsn, "retention", *arguments, "--json"))
        assert told["provider_bodies"]["evidence.transcript"] == {"gone": gone, "held": 0}


async def test_a_breach_runs_through_its_72_hours(database_dsn: str) -> None:
    opened = await run(
        database_dsn, "breach", "open", "A file to the wrong shop", "--people", "12", "--high-risk"
    )
    breach = json.loads(opened.stdout)
    assert breach["minutes_left"] in range(72 * 60 - 5, 72 * 60 + 1)
    assert "left to report it" in opened.stderr
    refused = await run(database_dsn, "breach", "close", breach["id"])
    assert (refused.exit_code, "breach_unreported" in refused.stderr) == (1, True)
    await done(database_dsn, "breach", "note", breach["id"], "key revoked")
    reported = json.loads(await done(database_dsn, "breach", "report", breach["id"]))
    assert (reported["in_time"], [one["note"] for one in reported["notes"]]) == (True, ["key revoked"])
    closed = json.loads(await done(database_dsn, "breach", "close", breach["id"]))
    assert closed["closed_at"] is not None
    assert (await run(database_dsn, "breach", "note", breach["id"], "more")).exit_code == 1


async def test_a_breach_known_for_four_days_says_that_it_is_late(database_dsn: str) -> None:
    told = await run(database_dsn, "breach", "open", "An old one", "--known-at", "2026-01-01T00:00+07:00")
    assert json.loads(told.stdout)["minutes_left"] < 0
    assert "late: report it now" in told.stderr


@pytest.mark.parametrize("time", ["tomorrow", "2026-11-25T09:00", "2999-01-01T00:00+07:00"])
async def test_a_time_that_is_none_or_yet_to_come_is_refused(database_dsn: str, time: str) -> None:
    assert (await run(database_dsn, "breach", "open", "x", "--known-at", time)).exit_code == 2


def commands(page: Path) -> list[str]:
    """The lines of the page's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("quickkub ")]


async def test_every_command_of_the_guide_and_the_runbook_does_what_it_says(
    counter: Counter, database_dsn: str, tmp_path: Path
) -> None:
    lines = [shlex.split(line)[2:] for page in (GUIDE, RUNBOOK) for line in own_commands(page)]
    assert len(lines) > 15
    for number, words in enumerate(lines):
        said = await filled_in(counter, database_dsn, words)
        file = str(tmp_path / f"{number}.zip")
        await done(database_dsn, *(file if one.endswith(".zip") else one for one in said))


@pytest.mark.parametrize("page", [GUIDE, RUNBOOK], ids=["guide", "runbook"])
async def test_every_other_command_they_name_is_there(page: Path) -> None:
    for line in commands(page):
        words = itertools.takewhile(re.compile("[a-z]+").fullmatch, shlex.split(line)[1:])
        app = build(OnePrivacy(""))  # type: ignore[arg-type]  # nothing of it is used
        told = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--help"])
        assert told.exit_code == 0, line


def own_commands(page: Path) -> list[str]:
    return [line for line in commands(page) if line.startswith("quickkub privacy ")]


async def filled_in(counter: Counter, dsn: str, words: list[str]) -> list[str]:
    """The command with the ids of things that are there and wait for it."""
    payment = (await counter.sells(MALEE))["id"]
    for held in (await done(dsn, "hold", "list")).splitlines():
        await lift(counter, dsn, json.loads(held)["id"])
    ids = {"mer_…": counter.shop.merchant, "pay_…": payment, "malee@example.com": "malee.s@example.com"}
    if "prq_…" in words:
        ids["prq_…"] = await erasure_request(counter)
    if "hld_…" in words:
        placed = await done(dsn, "hold", "place", "--merchant", counter.shop.merchant, "--reason", "x")
        ids["hld_…"] = json.loads(placed)["id"]
    if "brc_…" in words:
        ids["brc_…"] = json.loads(await done(dsn, "breach", "open", "x"))["id"]
    if words[:2] == ["breach", "close"]:
        await done(dsn, "breach", "report", ids["brc_…"])
    return [ids.get(word, word) for word in words]


async def lift(counter: Counter, dsn: str, hold: str) -> None:
    await done(dsn, "hold", "lift", hold, "--merchant", counter.shop.merchant, "--reason", "over")


async def erasure_request(counter: Counter) -> str:
    async with counter.office.db.transaction() as tx:
        filed = await requests.file(tx, counter.office, counter.shop.merchant, AskedFor.ERASURE, asked(MALEE))
    return str(filed["id"])


async def test_open_requests_are_listed_by_when_they_are_owed_without_a_name(
    counter: Counter, database_dsn: str
) -> None:
    request = await erasure_request(counter)
    told = await done(database_dsn, "requests")
    assert [json.loads(line)["id"] for line in told.splitlines()] == [request]
    assert naming({"told": told}, MALEE_WRITTEN) == {}
