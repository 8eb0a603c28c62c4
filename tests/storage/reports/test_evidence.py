"""The folder of evidence says what the database holds, proves itself, and gives nobody away."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from quickkub.reports import duties, sbom, scans
from quickkub.reports.folder import ReportFolderTaken
from quickkub.reports.kinds import KINDS
from quickkub.reports.names import GROUPS
from quickkub.reports.office import ReportOffice
from quickkub.reports.page import ROWS_SHOWN
from quickkub.storage import DatabaseAway
from tests.storage.reports.conftest import SPAN, Gateway


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / f"tables/{name}.json").read_text())["rows"]
    return rows


def everything(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
async def evidence(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder written once for the tests that only read it."""
    folder = tmp_path_factory.mktemp("reports") / "evidence"
    await gateway.office.compliance(SPAN, folder)
    return folder


def test_every_file_is_in_the_manifest_with_its_digest_and_the_sums_prove_it(evidence: Path) -> None:
    manifest = json.loads((evidence / "manifest.json").read_text())
    told = {one["path"]: one for one in manifest["files"]}
    there = {path.relative_to(evidence).as_posix() for path in evidence.rglob("*") if path.is_file()}
    assert there == told.keys() | {"manifest.json", "SHA256SUMS"}
    for path, one in told.items():
        body = (evidence / path).read_bytes()
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (one["sha256"], one["bytes"])
    for line in (evidence / "SHA256SUMS").read_text().splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256((evidence / path).read_bytes()).hexdigest() == digest


def test_counts_are_the_rows_of_both_files(evidence: Path) -> None:
    for one in json.loads((evidence / "manifest.json").read_text())["files"]:
        if one["rows"] is None:
            continue
        text = (evidence / one["path"]).read_text(encoding="utf-8")
        if one["path"].endswith(".json"):
            assert one["rows"] == json.loads(text)["count"] == len(json.loads(text)["rows"])
        else:
            assert one["rows"] == len(list(csv.DictReader(text.splitlines(keepends=True))))


def test_every_table_is_there_and_every_duty_points_at_something(evidence: Path) -> None:
    names = {path.stem for path in (evidence / "tables").glob("*.csv")}
    assert {kind.name for kind in KINDS} <= names
    assert {name for group in GROUPS.values() for name in group} <= names
    page = (evidence / "index.html").read_text()
    for duty in duties.duties():
        assert duty.evidence and duty.words.th and duty.words.en
        assert {one for one in duty.evidence if one not in names} <= {"sbom.cdx.json"}
        assert duty.requirement in page
    assert {duty.standard for duty in duties.duties()} >= {"PCI DSS 4.0.1", "BOT", "PDPA", "AML"}


def test_nothing_claims_more_than_evidence(evidence: Path) -> None:
    assert "evidence" in (evidence / "index.html").read_text().lower()
    assert re.search(r"complian(?!ce)", everything(evidence), re.IGNORECASE) is None


def test_the_page_runs_nothing_and_loads_nothing(evidence: Path) -> None:
    page = (evidence / "index.html").read_text()
    assert "<script" not in page and "javascript:" not in page
    assert re.search(r"(src|href)=\"(https?:|//)", page) is None
    digest = re.search(r"style-src &#x27;(sha256-[^&]+)&#x27;", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert digest is not None and style is not None
    assert "@media print" in style[1]
    assert page.count('lang="en"') > 20 and "หลักฐาน" in page


def test_no_key_and_no_whole_address_is_in_it(gateway: Gateway, evidence: Path) -> None:
    text = everything(evidence)
    assert gateway.key not in text and gateway.key[-20:] not in text
    assert gateway.email not in text
    assert gateway.settings.encryption_key.reveal() not in text
    assert gateway.settings.key_pepper.reveal() not in text
    assert table(evidence, "members")[0]["email"] == f"{gateway.email[0]}***@example.com"


async def test_the_export_is_written_down_with_the_manifests_digest(gateway: Gateway, out: Path) -> None:
    done = await gateway.office.compliance(SPAN, out)
    assert done.sha256 == hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    async with gateway.db.read() as reader:
        row = await reader.fetchrow(
            "SELECT * FROM audit_logs WHERE action = 'report.exported' ORDER BY id DESC LIMIT 1"
        )
    assert row is not None and row["resource_id"] == "compliance" and row["chain"] == "platform"
    assert row["details"]["after"]["sha256"] == done.sha256
    assert row["details"]["after"]["rows"] == done.rows


async def test_what_cannot_be_written_down_leaves_no_folder(gateway: Gateway, out: Path) -> None:
    async with gateway.db.read() as reader:
        before = await reader.fetchval("SELECT count(*) FROM audit_logs")

    class Away(ReportOffice):
        async def _note(self, *_: Any) -> None:
            raise DatabaseAway("gone")

    with pytest.raises(DatabaseAway):
        await Away(gateway.ground).compliance(SPAN, out)
    assert list(out.parent.iterdir()) == []
    async with gateway.db.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM audit_logs") == before


async def test_a_folder_is_never_written_over_and_is_its_owners_alone(gateway: Gateway, out: Path) -> None:
    await gateway.office.one("volume", SPAN, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*.csv")} == {0o600}
    with pytest.raises(ReportFolderTaken):
        await gateway.office.one("volume", SPAN, out)


async def test_the_review_shows_people_programs_and_roles_as_they_are(
    gateway: Gateway, evidence: Path
) -> None:
    users, members, keys = (table(evidence, name) for name in ("users", "members", "api-keys"))
    async with gateway.db.read() as reader:
        assert len(users) == await reader.fetchval("SELECT count(*) FROM users")
        assert len(keys) == await reader.fetchval("SELECT count(*) FROM api_keys")
    assert [(one["role"], one["merchant"]) for one in members] == [("finance", gateway.merchant)]
    assert users[0]["last_login_at"] is None and users[0]["second_factor_at"] is None
    assert (keys[0]["kind"], keys[0]["last_four"]) == ("sk", gateway.key[-4:])
    roles = {one["name"]: one for one in table(evidence, "database-roles")}
    assert roles["quickkub_app"]["bypasses_rows"] is False


def test_keys_chains_and_row_security_are_told_from_the_live_system(evidence: Path) -> None:
    ring = table(evidence, "key-inventory")
    # The shop's credentials were put there by hand and are of no known form, which has to be seen.
    assert [(one["key"], one["state"]) for one in ring] == [("1", "active"), ("-1", "unknown to the ring")]
    facts = {one["fact"]: one["value"] for one in table(evidence, "audit-verification")}
    assert facts["entries"] >= 2 and facts["broken"] == 0 and facts["anchors"] == 0
    note = json.loads((evidence / "tables/audit-verification.json").read_text())["note"]
    assert "cannot be excluded" in note["en"]
    guards = [one for one in table(evidence, "invariants") if one["invariant"] == "A3"]
    assert guards and all(one["broken"] == 0 for one in guards)
    scripts = {one["file"]: one["sha256"] for one in table(evidence, "page-scripts")}
    assert len(scripts["checkout.js"]) == 64
    rules = {one["setting"]: one["value"] for one in table(evidence, "rules-in-force")}
    assert rules["password, letters at least"] == 12


async def test_tables_have_as_many_rows_as_the_database(gateway: Gateway, evidence: Path) -> None:
    stored = {
        "users": "users",
        "members": "members",
        "api-keys": "api_keys",
        "oauth-clients": "oauth_clients",
        "breaches": "breaches",
        "retention-runs": "retention_runs",
        "merchant-risks": "merchants",
        "legal-holds": "legal_holds",
    }
    for name, rows in stored.items():
        async with gateway.db.read() as reader:
            assert len(table(evidence, name)) == await reader.fetchval(f"SELECT count(*) FROM {rows}"), name
    (client,) = table(evidence, "oauth-clients")
    assert (client["scopes"], client["grants"]) == ("payments:read balance:read", 0)
    (breach,) = table(evidence, "breaches")
    assert breach["minutes_open"] == 0 and breach["reported_at"] is None
    kept = {one["kind"]: one for one in table(evidence, "retention-periods")}
    assert kept["audit"]["days"] >= kept["audit"]["days_min"] == 365 and kept["books"]["days"] is None


def test_the_bill_of_materials_is_one_to_an_outside_reader(evidence: Path) -> None:
    text = (evidence / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    said = json.loads(text)
    by_name = {one["name"]: one for one in said["components"]}
    assert by_name["asyncpg"]["scope"] == "required" and by_name["bandit"]["scope"] == "optional"
    assert by_name["asyncpg"]["purl"].startswith("pkg:pypi/asyncpg@")
    own = next(one for one in said["dependencies"] if one["ref"].startswith("pkg:pypi/quickkub@"))
    assert by_name["argon2-cffi"]["bom-ref"] in own["dependsOn"]
    assert "PostgreSQL" in by_name
    assert len(table(evidence, "components")) == len(sbom.installed())


def test_long_tables_are_cut_on_the_page_and_whole_in_the_file(evidence: Path) -> None:
    columns = table(evidence, "data-columns")
    assert len(columns) > ROWS_SHOWN
    assert f"{ROWS_SHOWN} / {len(columns)}" in (evidence / "index.html").read_text()


async def test_scans_that_are_left_out_are_told_as_not_run(gateway: Gateway, out: Path) -> None:
    async def never() -> list[scans.Scan]:
        raise AssertionError("nobody asked for it")

    await ReportOffice(replace(gateway.ground, scan=never)).one(
        "vulnerability-scan", SPAN, out, scanned=False
    )
    assert [one["outcome"] for one in table(out, "scans")] == ["not run", "not run"]
    assert not await asyncio.to_thread((out / "index.html").exists)
