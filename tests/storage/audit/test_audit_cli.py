"""`quickkub audit`, as an operator runs it."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from quickkub.audit import Act, record
from quickkub.audit.anchoring import AnchorPlace
from quickkub.audit.anchors import PUBLIC_KEY
from quickkub.audit.chain import FIELDS, GENESIS, link
from quickkub.audit.exporting import csv_line
from quickkub.cli.audit import app
from tests.storage.audit.log import Log


@dataclass
class OneHouse:
    """The wiring of a program that knows one database and one anchor folder."""

    dsn: str
    place: AnchorPlace

    @contextmanager
    def database_dsn(self, explicit: str | None) -> Iterator[str]:
        yield explicit or self.dsn

    def anchor_place(self) -> AnchorPlace:
        return self.place


@pytest.fixture
def house(database_dsn: str, place: AnchorPlace) -> OneHouse:
    return OneHouse(database_dsn, place)


async def run(house: OneHouse, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=house)


async def test_verifying_says_what_was_read_and_that_a_lost_tail_needs_an_anchor(
    log: Log, house: OneHouse
) -> None:
    told = await run(house, "verify")
    assert told.exit_code == 0
    assert "7 entries in 2 chains" in told.stdout
    assert "loss of the tail cannot be excluded" in told.stdout
    assert "1 anchors" not in told.stdout


async def test_an_anchored_log_is_verified_and_the_first_bad_row_is_printed(
    log: Log, house: OneHouse
) -> None:
    assert (await run(house, "anchor")).stdout.startswith("2 chains have grown")
    told = await run(house, "verify")
    assert told.exit_code == 0 and "1 anchors, 0 entries sealed since" in told.stdout
    entry = await log.entry_at(3)
    await log.tampered("UPDATE audit_logs SET actor_id = 'usr_x' WHERE id >= $1", args=(entry,))
    told = await run(house, "verify")
    assert told.exit_code == 1
    assert f"{log.merchant} position 3 entry {entry}: the entry or its seal was changed" in told.stdout
    assert log.merchant + " position 4" not in told.stdout


async def test_anybody_with_the_folder_verifies_and_a_wrong_key_finds_no_signature(
    log: Log, house: OneHouse, tmp_path: Path
) -> None:
    await log.is_anchored()
    elsewhere = OneHouse(house.dsn, AnchorPlace(tmp_path / "nothing", tmp_path / "none.json"))
    told = await run(elsewhere, "verify", "--anchors", str(log.place.folder))
    assert told.exit_code == 0 and f"of {PUBLIC_KEY}" in told.stdout
    other = AnchorPlace(tmp_path / "o", tmp_path / "other.json")
    told = await run(house, "verify", "--key", str(tmp_path / "other.json"))
    assert told.exit_code == 2 and "cannot be read" in told.stderr
    assert other.key().id
    told = await run(house, "verify", "--key", str(other.key_file))
    assert told.exit_code == 1 and "is not signed by this key" in told.stdout


async def test_a_database_without_the_log_cannot_be_verified(house: OneHouse, postgres_dsn: str) -> None:
    told = await run(house, "verify", "--database", postgres_dsn)
    assert told.exit_code == 2 and told.stderr.startswith("audit_log_missing")


async def test_an_export_proves_itself_by_count_digest_and_hashes(
    log: Log, house: OneHouse, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    told = await run(house, "export", "--merchant", log.merchant, "--out", str(file))
    assert told.exit_code == 0
    assert told.stderr == f"5 entries, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
    previous = GENESIS
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        previous = link(previous, {name: entry[name] for name in FIELDS})
        assert entry["hash"] == previous.hex()


async def test_an_export_is_written_down(log: Log, house: OneHouse) -> None:
    told = await run(house, "export", "--platform", "--from", "2020-01-01", "--to", "2020-01-02")
    assert told.exit_code == 0 and told.stdout == ""
    assert told.stderr == f"0 entries, SHA-256 {hashlib.sha256(b'').hexdigest()}\n"
    async with log.db.read() as reader:
        row = await reader.fetchrow("SELECT * FROM audit_logs WHERE action = 'audit_log.exported'")
    assert row is not None
    assert (row["chain"], row["actor_id"], row["details"]["after"]["entries"]) == (
        "platform",
        "quickkub audit",
        0,
    )


async def test_a_spreadsheet_finds_no_formula_in_an_export(log: Log, house: OneHouse) -> None:
    async with log.db.transaction() as tx:
        await record(tx, Act("key.made", "key", '=HYPERLINK("x")', merchant=log.merchant))
    told = await run(house, "export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert len(rows) == 8
    assert rows[5]["resource_id"] == '\'=HYPERLINK("x")'
    assert rows[5]["position"] == "" and rows[4]["position"] == "5"
    assert json.loads(rows[0]["details"])["after"] == {"under_tolerance": 1}
    assert csv_line(["+1", "-1", "@a", "a=b"]) == b"'+1,'-1,'@a,a=b\r\n"


@pytest.mark.parametrize(
    "arguments",
    [["--format", "xml"], ["--merchant", "mer_1"], ["--from", "yesterday"]],
)
async def test_an_export_nobody_can_mean_is_refused(house: OneHouse, arguments: list[str]) -> None:
    told = await run(house, "export", *arguments)
    assert told.exit_code == 2


async def test_an_export_never_replaces_a_file(log: Log, house: OneHouse, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("kept")
    told = await run(house, "export", "--format", "csv", "--out", str(file))
    assert told.exit_code != 0
    assert file.read_text() == "kept"
