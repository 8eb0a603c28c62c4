"""What a worker does for the audit log by the clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickkub.house.auditing import audit_place, audit_schedules
from quickkub.settings import Settings, read_settings
from quickkub.telemetry.audit import ANCHORED, BROKEN, VERIFIED
from tests.storage.audit.log import Log


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(
        {"QUICKKUB_DATA_DIR": str(tmp_path / "data"), "QUICKKUB_ANCHOR_DIR": str(tmp_path / "elsewhere")}
    )


async def test_heads_are_anchored_each_hour_and_all_is_verified_each_night(
    log: Log, settings: Settings
) -> None:
    by_the_clock = audit_schedules(log.db, settings)
    await by_the_clock["audit_anchors"].work()
    await by_the_clock["audit_verify"].work()
    assert len(list(settings.anchor_dir.glob("*.anchors"))) == 1
    assert BROKEN._value.get() == 0
    assert ANCHORED._value.get() > 0 and VERIFIED._value.get() > 0
    await log.tampered("UPDATE audit_logs SET outcome = 'failed' WHERE chain = $1", args=(log.merchant,))
    await by_the_clock["audit_verify"].work()
    assert BROKEN._value.get() == 1


def test_the_private_key_is_not_where_the_anchors_are(settings: Settings) -> None:
    place = audit_place(settings)
    assert place.folder == settings.anchor_dir
    assert place.key_file.parent == settings.data_dir
