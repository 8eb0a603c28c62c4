"""What an operator may set, and what is refused."""

from __future__ import annotations

import base64
import json
import secrets
import stat
import threading
from pathlib import Path

import pytest

from quickkub.settings import BadSetting, default_data_dir, read_jwt_secret, read_settings, weakness
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
        "ENCRYPTION_KEY": "terimkI7drMlaiRu7gwU/TrbW+SNGLI68pnEPBQNq7s=",
        "QUICKKUB_KEY_PEPPER": "p" * 32,
        "JWT_SECRET": JWT_SECRET,
        "QUICKKUB_INDEX_ROOT": "u3rHE43BJx40yfCxsm82khFgpP+QF0M+dFqLGkbGhr0=",
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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (JWT_SECRET[:63], "64 characters"),
        ("", "64 characters"),
        ("a" * 80, "different characters"),
        ("0123401234" * 8, "different characters"),
        ("kT9vQ2xWm7Lz" * 6, "repeats itself"),
        ("kT9vQ2xWm7Lz4RbY" * 5 + "!", "repeats itself"),
        ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", "sequence"),
        (JWT_SECRET[:40] + "-QuickKub-" + JWT_SECRET[40:], "common word"),
        ("your_super_long_and_very_hard_to_guess_token_key_for_this_shop_2026", "common word"),
    ],
)
def test_a_weak_token_secret_is_refused_and_the_message_says_how_to_make_one(text: str, why: str) -> None:
    with pytest.raises(BadSetting, match="openssl rand") as refused:
        read_jwt_secret(text)
    assert why in refused.value.detail and refused.value.param == "JWT_SECRET"
    assert not text or text not in refused.value.detail


def test_a_gateway_does_not_start_with_a_weak_token_secret(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="JWT_SECRET"):
        read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), "JWT_SECRET": "changeme" * 10})


def test_what_is_made_at_random_is_not_called_weak() -> None:
    for _ in range(500):
        made = secrets.token_bytes(64)
        for text in (base64.b64encode(made).decode(), made.hex(), secrets.token_urlsafe(64)):
            assert weakness(text) is None


def test_an_installation_of_before_is_given_the_secrets_it_does_not_have(tmp_path: Path) -> None:
    read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    path = tmp_path / "secrets.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({name: kept[name] for name in ("encryption_key", "key_pepper")}))
    again = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    assert again.encryption_key.reveal() == kept["encryption_key"]
    assert again.key_pepper.reveal() == kept["key_pepper"]
    assert again.jwt_secret.reveal() != kept["jwt_secret"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_at_once_have_the_same_secrets(tmp_path: Path) -> None:
    made = []

    def start() -> None:
        settings = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
        made.append((settings.encryption_key, settings.jwt_secret, settings.key_pepper, settings.index_root))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1 and len(made) == 8


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RATE_LIMIT_WINDOW_MS", "15m"),
        ("RATE_LIMIT_WINDOW_MS", "0"),
        ("RATE_LIMIT_MAX_REQUESTS", "-1"),
        ("RATE_LIMIT_MAX_REQUESTS", "1e3"),
        ("RATE_LIMIT_MAX_REQUESTS", "9" * 30),
        ("REDIS_URL", "cache.internal:6379"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://cache:port"),
        ("SMTP_URL", "http://mail.internal"),
        ("QUICKKUB_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("QUICKKUB_TRUSTED_PROXIES", "proxy.internal"),
        ("QUICKKUB_PUBLIC_URL", "pay.example.co.th"),
        ("QUICKKUB_PUBLIC_URL", "https://[pay"),
        ("QUICKKUB_PUBLIC_URL", "https://pay.example.co.th?x=1"),
    ],
)
def test_what_is_malformed_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), name: text})
    assert refused.value.param == name


def test_without_settings_limits_are_the_brief_s_and_nothing_is_shared_or_trusted(tmp_path: Path) -> None:
    settings = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path)})
    assert (settings.rate_limit_window_ms, settings.rate_limit_max_requests) == (900_000, 100)
    assert (settings.redis_url, settings.smtp_url, settings.trusted_proxies) == (None, None, ())
    assert settings.mail_dir == tmp_path / "mail" and settings.anchor_dir == tmp_path / "anchors"


def test_proxies_are_read_as_networks(tmp_path: Path) -> None:
    said = {"QUICKKUB_DATA_DIR": str(tmp_path), "QUICKKUB_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1"}
    assert read_settings(said).trusted_proxies == ("10.0.0.0/8", "2001:db8::1/128")
