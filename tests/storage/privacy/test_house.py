"""The room as a gateway and a command open it, with the settings of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickkub.house.privacy import privacy_office, privacy_schedules
from quickkub.privacy.periods import Kind, RetentionTooShort, variable
from quickkub.settings import Settings, read_settings
from quickkub.storage import Database


@pytest.fixture
def settings(tmp_path: Path, database_dsn: str) -> Settings:
    return read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), "DATABASE_URL": database_dsn})


async def test_an_installation_lets_go_by_its_own_settings_every_night(
    settings: Settings, database_dsn: str, database: Database
) -> None:
    longer = {variable(Kind.PROVIDER_BODIES): "400"}
    async with privacy_office(database_dsn, settings, longer) as privacy:
        nightly = privacy_schedules(privacy)["retention"]
        assert nightly.when == "40 20 * * *", "03:40 in Bangkok"
        await nightly.work()
    async with database.read() as reader:
        runs = await reader.fetch("SELECT kind, days, finished_at FROM retention_runs")
    assert {row["kind"]: row["days"] for row in runs}["provider_bodies"] == 400
    assert all(row["finished_at"] for row in runs)


async def test_a_period_shorter_than_the_law_allows_does_not_start(
    settings: Settings, database_dsn: str
) -> None:
    with pytest.raises(RetentionTooShort, match="1825"):
        async with privacy_office(database_dsn, settings, {variable(Kind.PAYMENTS): "365"}):
            pass
