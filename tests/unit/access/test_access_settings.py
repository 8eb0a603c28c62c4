"""What an operator may choose about passwords and registration."""

from __future__ import annotations

from pathlib import Path

import pytest

from quickkub.access.ground import AccessSetting, Rules, read_rules
from quickkub.access.hashing import Cost, HashingWeak
from quickkub.house.config_check import config_findings

URL = "https://pay.example"


def test_without_settings_passwords_are_dear_and_registration_is_closed() -> None:
    assert read_rules({}, URL) == (Rules(public_url=URL), Cost(64 * 1024, 3))
    assert not Rules().open_registration
    assert (Rules().idle_seconds_money, Rules().idle_seconds, Rules().absolute_seconds) == (
        900,
        43_200,
        43_200,
    )


def test_settings_are_read() -> None:
    said = {
        "QUICKKUB_OPEN_REGISTRATION": "1",
        "QUICKKUB_PASSWORD_MEMORY_MIB": "19",
        "QUICKKUB_PASSWORD_PASSES": "2",
    }
    assert read_rules(said, URL) == (Rules(public_url=URL, open_registration=True), Cost(19 * 1024, 2))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUICKKUB_OPEN_REGISTRATION", "yes"),
        ("QUICKKUB_OPEN_REGISTRATION", ""),
        ("QUICKKUB_PASSWORD_MEMORY_MIB", "64.5"),
        ("QUICKKUB_PASSWORD_MEMORY_MIB", "-64"),
        ("QUICKKUB_PASSWORD_MEMORY_MIB", "\u0e56\u0e54"),
        ("QUICKKUB_PASSWORD_PASSES", "99999"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(AccessSetting) as refused:
        read_rules({name: value}, URL)
    assert refused.value.param == name


@pytest.mark.parametrize(
    ("name", "value"), [("QUICKKUB_PASSWORD_MEMORY_MIB", "18"), ("QUICKKUB_PASSWORD_PASSES", "1")]
)
def test_less_than_the_floor_is_refused(name: str, value: str) -> None:
    with pytest.raises(HashingWeak) as refused:
        read_rules({name: value}, URL)
    assert refused.value.param == name


@pytest.mark.parametrize(
    ("name", "value"), [("QUICKKUB_OPEN_REGISTRATION", "yes"), ("QUICKKUB_PASSWORD_MEMORY_MIB", "8")]
)
def test_the_check_of_settings_tells_them_with_the_others(name: str, value: str, tmp_path: Path) -> None:
    environment = {"QUICKKUB_DATA_DIR": str(tmp_path), name: value, "QUICKKUB_PORT": "0"}
    assert {found.setting for found in config_findings(environment)} == {name, "QUICKKUB_PORT"}
