"""What an operator may set, and what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from quickkub.settings import BadSetting, default_data_dir, read_settings
from quickkub.storage.vault import WeakKey, read_key

# For tests only.
JWT_SECRET = "kT9vQ2xWm7Lz4RbYh8NcJf3PgD6sXa5EoUi1rVtBqKwMyZpHnGjCdFlAeOuISx0T-_9"


def test_a_first_start_makes_its_own_keys_and_keeps_them_for_the_owner_only(tmp_path: Path) -> None:
    first = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    again = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    assert first.encryption_key == again.encryption_key and first.key_pepper == again.key_pepper
    assert len(read_key(first.encryption_key)) == 32
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_keys_from_the_environment_are_used_and_no_file_is_written(tmp_path: Path) -> None:
    given = {
        "QUICKKUB_DATA_DIR": str(tmp_path),
        "ENCRYPTION_KEY": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
        "QUICKKUB_KEY_PEPPER": "p" * 32,
        "JWT_SECRET": JWT_SECRET,
        "QUICKKUB_INDEX_ROOT": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
    }
    assert read_settings(given).key_pepper.reveal() == "p" * 32
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80a", "", "๘๐", "1e3"])
def test_what_is_no_port_is_refused_by_name(tmp_path: Path, port: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), "QUICKKUB_PORT": port})
    assert refused.value.param == "QUICKKUB_PORT"


def test_a_short_pepper_is_refused_and_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="openssl rand"):
        read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), "QUICKKUB_KEY_PEPPER": "short"})


def test_a_passphrase_is_not_an_encryption_key(tmp_path: Path) -> None:
    passphrase = {"QUICKKUB_DATA_DIR": str(tmp_path), "ENCRYPTION_KEY": "correct horse battery staple!!!!"}
    with pytest.raises(WeakKey):
        read_key(read_settings(passphrase).encryption_key)


def test_secrets_do_not_show_when_settings_are_printed(tmp_path: Path) -> None:
    settings = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    assert settings.key_pepper.reveal() not in repr(settings)
    assert settings.encryption_key.reveal() not in repr(settings)


def test_data_goes_where_the_operator_says(tmp_path: Path) -> None:
    assert default_data_dir({"QUICKKUB_DATA_DIR": str(tmp_path / "here")}) == tmp_path / "here"


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"QUICKKUB_PUBLIC_URL": "https://pay.example"}, False),
        ({"QUICKKUB_PUBLIC_URL": "https://pay.example", "QUICKKUB_ALLOW_LOCAL_WEBHOOKS": "1"}, True),
        ({"QUICKKUB_ALLOW_LOCAL_WEBHOOKS": "0"}, False),
    ],
)
def test_webhooks_to_this_machine_are_for_a_gateway_that_is_only_here(
    tmp_path: Path, given: dict[str, str], allowed: bool
) -> None:
    assert read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), **given}).allow_local_webhooks is allowed
