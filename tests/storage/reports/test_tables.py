"""What single reports count, and that no cell of theirs is a formula."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.reports import scans
from quickkub.reports.kinds import KINDS
from quickkub.reports.model import Table, cell
from quickkub.reports.names import GROUPS
from quickkub.reports.office import ReportUnknown
from quickkub.reports.words import COLUMNS, Words
from quickkub.reports.writing import as_csv, as_json
from tests.storage.reports.conftest import SPAN, Gateway

NOON = datetime(2026, 11, 25, 5, tzinfo=UTC)


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / f"tables/{name}.json").read_text())["rows"]
    return rows


async def test_a_volume_adds_up_to_what_was_paid_and_keeps_test_money_apart(
    gateway: Gateway, out: Path
) -> None:
    await gateway.office.one("volume", SPAN, out)
    for name in ("volume-daily", "volume-monthly"):
        rows = rows_of(out, name)
        for mode, paid, captured in (("test", 2, 30_000), ("live", 1, 250_000_000)):
            lines = [one for one in rows if one["mode"] == mode]
            assert sum(one["paid_count"] for one in lines) == paid
            assert sum(one["captured_satang"] for one in lines) == captured
        assert sum(one["asked_count"] for one in rows) == 4
    assert {one["merchant_class"] for one in rows} == {"standard"}


async def test_a_day_ends_at_midnight_in_bangkok(gateway: Gateway, out: Path) -> None:
    # Paid at 05:00 UTC on the 23rd, which is noon in Bangkok.
    day = replace(
        SPAN, since=datetime(2026, 11, 22, 17, tzinfo=UTC), until=datetime(2026, 11, 23, 17, tzinfo=UTC)
    )
    await gateway.office.one("volume", day, out)
    assert {one["day"] for one in rows_of(out, "volume-daily") if one["paid_count"]} == {"2026-11-23"}


async def test_payments_from_the_threshold_on_are_listed(gateway: Gateway, out: Path) -> None:
    await gateway.office.one("threshold-transactions", SPAN, out)
    (large,) = rows_of(out, "threshold-transactions")
    assert (large["amount_satang"], large["mode"]) == (250_000_000, "live")
    (day,) = rows_of(out, "threshold-days")
    assert (day["count"], day["day"]) == (1, "2026-11-23")
    lower = replace(SPAN, threshold_satang=15_000)
    await gateway.office.one("threshold-transactions", lower, out.with_name("lower"))
    assert len(rows_of(out.with_name("lower"), "threshold-transactions")) == 3


async def test_suspicious_cases_come_with_their_reasons_and_no_formula(gateway: Gateway, out: Path) -> None:
    await gateway.office.one("suspicious-cases", SPAN, out)
    (case,) = rows_of(out, "suspicious-cases")
    assert (case["kind"], case["state"], case["merchant"]) == ("review", "open", gateway.merchant)
    assert "HYPERLINK" in case["reasons"]
    (risk,) = rows_of(out, "merchant-risks")
    assert risk["kind"] == "not judged"


async def test_every_report_can_be_written_alone(gateway: Gateway, tmp_path: Path) -> None:
    for name, tables in GROUPS.items():
        done = await gateway.office.one(name, SPAN, tmp_path / name, scanned=False)
        there = {path.stem for path in (tmp_path / name / "tables").glob("*.csv")}
        assert there == set(tables)
        assert done.files == 2 * len(tables) + (1 if "components" in tables else 0)


async def test_a_report_nobody_knows_is_refused(gateway: Gateway, out: Path) -> None:
    with pytest.raises(ReportUnknown, match="access-review"):
        await gateway.office.one("everything", SPAN, out)
    assert not out.exists()


async def test_a_stranger_sees_no_merchants_rows(gateway: Gateway) -> None:
    """The queries run under row-level security like everything else."""
    nobody = gateway.db.with_default("")  # type: ignore[arg-type]
    async with nobody.transaction() as tx:
        for kind in KINDS:
            found = await kind.read(tx, SPAN)
            if "merchant" in kind.columns and "merchants" not in kind.name:
                assert [row for row in found.rows if row[0] == gateway.merchant] == [], kind.name


@given(st.text(max_size=30))
def test_no_cell_begins_like_a_formula_and_none_is_lost(text: str) -> None:
    table = Table("t", Words("t", "t"), ("name", "detail"), ((cell(text), "x"),))
    head, row = csv.reader(io.StringIO(as_csv(table).decode(), newline=""))
    assert head == ["name", "detail"] and row[1] == "x"
    assert row[0].lstrip(" ")[:1] not in tuple("=+-@\t\r\n")
    kept = cell(text)
    assert row[0] in (kept, f"'{kept}")
    assert json.loads(as_json(table))["rows"] == [{"name": kept, "detail": "x"}]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("=1+1", "'=1+1"),
        ("  =1+1", "'  =1+1"),
        ("+66", "'+66"),
        ("-5", "'-5"),
        ("@SUM", "'@SUM"),
        (-5, "-5"),
        (True, "true"),
        (None, ""),
        ("ร้าน, กาแฟ", '"ร้าน, กาแฟ"'),
    ],
)
def test_cells_that_spreadsheets_would_run_are_quoted_and_numbers_stay_numbers(
    value: Any, plain: str
) -> None:
    table = Table("t", Words("t", "t"), ("name",), ((value,),))
    assert as_csv(table).decode() == f"name\r\n{plain or chr(34) * 2}\r\n"


def test_secrets_that_stand_in_a_free_text_become_stars() -> None:
    assert cell("key qk_live_sk_0123456789abcdefghijABCDEFGHIJ01abcdef") == "key qk_live_sk_***"
    assert cell(["a", "b"]) == "a b" and cell(NOON) == "2026-11-25T05:00:00Z"


def test_every_column_has_words_in_both_languages() -> None:
    assert all(words.th and words.en for words in COLUMNS.values())
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    with pytest.raises(ValueError, match="no words"):
        Table("t", Words("t", "t"), ("unheard_of",), ())


# --- scanners ---


async def test_bandit_reads_code_and_its_findings_are_rows(tmp_path: Path) -> None:
    code = tmp_path / "shop"
    code.mkdir()
    (code / "x.py").write_text("import subprocess\nsubprocess.call('ls', shell=True)\n")
    words: list[list[str]] = []

    async def run(said: list[str], folder: Path) -> tuple[str, str]:
        words.append(said)
        if said[0] == "pip_audit":
            return "", "a warning\nConnectionError: no route"
        return await scans.run_module(said, folder)

    audit, bandit = await scans.scan(run, code)
    assert (audit.outcome, audit.detail) == (
        "not run",
        "it ended without a result: ConnectionError: no route",
    )
    assert bandit.outcome == "ran" and {one.id for one in bandit.found} >= {"B602"}
    assert bandit.found[0].place.startswith("shop/x.py:")
    ran, found = scans.tables([audit, bandit], NOON)
    assert [row[3] for row in ran.rows] == ["not run", "ran"]
    assert len(found.rows) == len(bandit.found)


async def test_a_library_that_a_scanner_does_not_know_is_not_taken_for_sound(tmp_path: Path) -> None:
    said = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]},
            {"name": "b", "skip_reason": "not found"},
        ]
    }

    async def run(words: list[str], folder: Path) -> tuple[str, str]:
        if words[0] == "bandit":
            raise TimeoutError
        return json.dumps(said), ""

    audit, bandit = await scans.scan(run, tmp_path)
    assert audit.outcome == "partly" and audit.found[0].text == "mended in 2"
    assert (bandit.outcome, bandit.found) == ("not run", ())
    del said["dependencies"][0]
    (audit, _) = await scans.scan(run, tmp_path)
    assert audit.outcome == "not run" and "knew none of 1" in audit.detail
