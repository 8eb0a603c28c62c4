"""`quickkub config check` tells everything that is weak at once, what mends it, and never a secret."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quickkub.cli.app import build
from quickkub.house.config_check import config_findings
from quickkub.house.sealing import open_ring
from quickkub.house.wiring import HouseWiring
from quickkub.settings import read_settings

# For tests only.
STRONG = {
    "JWT_SECRET": "kT9vQ2xWm7Lz4RbYh8NcJf3PgD6sXa5EoUi1rVtBqKwMyZpHnGjCdFlAeOuISx0T-_9",
    "ENCRYPTION_KEY": "terimkI7drMlaiRu7gwU/TrbW+SNGLI68pnEPBQNq7s=",
    "QUICKKUB_KEY_PEPPER": "Zr4tYw8QeRm2LpXk7VbNh3JsDf6GcUa9",
    "QUICKKUB_INDEX_ROOT": "u3rHE43BJx40yfCxsm82khFgpP+QF0M+dFqLGkbGhr0=",
}
CLI = CliRunner()


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    return {"QUICKKUB_DATA_DIR": str(tmp_path)}


def found(environment: dict[str, str]) -> dict[str, str]:
    return {one.setting: f"{one.problem}; {one.remedy}" for one in config_findings(environment)}


def test_on_a_bare_machine_nothing_has_to_be_set_and_nothing_is_written(
    here: dict[str, str], tmp_path: Path
) -> None:
    assert found(here) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_a_first_start_makes_for_itself_is_strong(here: dict[str, str]) -> None:
    read_settings(here)
    assert found(here) == {}


def test_a_gateway_for_others_with_everything_set_has_nothing_to_mend(here: dict[str, str]) -> None:
    assert (
        found(
            here
            | STRONG
            | {
                "QUICKKUB_HOST": "0.0.0.0",
                "QUICKKUB_PUBLIC_URL": "https://pay.example.co.th",
                "DATABASE_URL": "postgresql://quickkub@db.internal/quickkub?sslmode=verify-full",
                "REDIS_URL": "rediss://cache.internal:6379/0",
                "SMTP_URL": "smtps://mail.internal:465",
                "QUICKKUB_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32",
            }
        )
        == {}
    )


WEAK = {
    "JWT_SECRET": "secret" * 12,
    "ENCRYPTION_KEY": "correct horse battery staple!!!!",
    "QUICKKUB_KEY_PEPPER": "p" * 40,
    "QUICKKUB_INDEX_ROOT": "passphrase",
    "QUICKKUB_PUBLIC_URL": "http://pay.example.co.th",
    "QUICKKUB_ALLOW_LOCAL_WEBHOOKS": "1",
    "QUICKKUB_TRUSTED_PROXIES": "10.0.0.1/8",
    "QUICKKUB_KEY_RING_FILE": "/nowhere/keys.json",
    "DATABASE_URL": "postgresql://quickkub:hunter2hunter2@db.internal/quickkub",
    "REDIS_URL": "http://:cachepassword@cache.internal",
    "SMTP_URL": "mail.internal",
    "RATE_LIMIT_WINDOW_MS": "15 minutes",
    "RATE_LIMIT_MAX_REQUESTS": "0",
    "QUICKKUB_PORT": "http",
    "QUICKKUB_TEST_RATE": "fast",
    "QUICKKUB_RETENTION_AUDIT_DAYS": "30",
    "QUICKKUB_RETENTION_PAYMENTS_DAYS": "ten years",
    "QUICKKUB_RETENTION_BOOKS_DAYS": "3650",
}


def test_every_weak_setting_is_told_at_once_with_what_mends_it(here: dict[str, str]) -> None:
    told = found(here | WEAK)
    assert set(told) == set(WEAK)
    for name in ("ENCRYPTION_KEY", "QUICKKUB_INDEX_ROOT", "JWT_SECRET", "QUICKKUB_KEY_PEPPER"):
        assert "openssl rand" in told[name]
    assert "sslmode=verify-full" in told["DATABASE_URL"]
    assert "QUICKKUB_RETENTION_AUDIT_DAYS=2555" in told["QUICKKUB_RETENTION_AUDIT_DAYS"]
    assert told["QUICKKUB_RETENTION_BOOKS_DAYS"].endswith("unset it")


def test_the_value_of_a_secret_is_never_printed(
    here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (here | WEAK).items():
        monkeypatch.setenv(name, value)
    for arguments in (["config", "check"], ["config", "check", "--json"]):
        told = CLI.invoke(build(HouseWiring()), arguments)
        assert told.exit_code == 1
        for name in ("JWT_SECRET", "ENCRYPTION_KEY", "QUICKKUB_KEY_PEPPER", "QUICKKUB_INDEX_ROOT"):
            assert WEAK[name] not in told.output
        assert "hunter2" not in told.output and "cachepassword" not in told.output


def test_the_command_says_so_when_all_is_well(here: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*WEAK, *STRONG):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUICKKUB_DATA_DIR", here["QUICKKUB_DATA_DIR"])
    assert CLI.invoke(build(HouseWiring()), ["config", "check"]).exit_code == 0
    told = CLI.invoke(build(HouseWiring()), ["config", "check", "--json"])
    assert json.loads(told.output) == {"ok": True, "findings": []}


@pytest.mark.parametrize("name", list(STRONG))
def test_a_secret_that_is_set_and_empty_is_told(here: dict[str, str], name: str) -> None:
    assert "empty" in found(here | {name: ""})[name]


def test_a_database_on_another_machine_needs_keys_that_outlive_this_one(here: dict[str, str]) -> None:
    url = {"DATABASE_URL": "postgresql://quickkub@db.internal/quickkub?sslmode=require"}
    assert set(found(here | url)) == set(STRONG)
    read_settings(here)
    told = found(here | url)
    assert set(told) == set(STRONG) and all("file of secrets" in text for text in told.values())
    assert found(here | STRONG | url) == {}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://quickkub@localhost/quickkub", False),
        ("postgresql://quickkub@127.0.0.1:5432/quickkub", False),
        ("postgresql://quickkub@[::1]/quickkub", False),
        ("postgresql:///quickkub?host=/run/postgresql", False),
        ("postgresql://quickkub@10.1.2.3/quickkub", True),
        ("postgresql://quickkub@localhost,db.internal/quickkub", True),
        ("postgresql://quickkub@db.internal/quickkub?sslmode=prefer", True),
        ("postgresql://quickkub@db.internal/quickkub?sslmode=disable", True),
        ("postgresql://quickkub@localhost.example.com/quickkub?sslmode=allow", True),
        ("mysql://db.internal/quickkub", True),
        ("postgresql://[db/quickkub", True),
    ],
)
def test_a_database_elsewhere_is_spoken_to_over_tls(here: dict[str, str], url: str, told: bool) -> None:
    assert ("DATABASE_URL" in found(here | STRONG | {"DATABASE_URL": url})) is told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://pay.example.co.th", False),
        ("http://127.0.0.1:3002", False),
        ("http://localhost:3002", False),
        ("http://[::1]:3002", False),
        ("http://pay.example.co.th", True),
        ("http://192.168.1.5:3002", True),
        ("pay.example.co.th", True),
        ("https://", True),
        ("https://pay.example.co.th?x=1", True),
        ("https://[pay", True),
        ("ftp://pay.example.co.th", True),
    ],
)
def test_payers_reach_the_gateway_over_https(here: dict[str, str], url: str, told: bool) -> None:
    assert ("QUICKKUB_PUBLIC_URL" in found(here | {"QUICKKUB_PUBLIC_URL": url})) is told


def test_a_gateway_that_lets_others_in_says_where_it_is_reached(here: dict[str, str]) -> None:
    told = found(here | {"QUICKKUB_HOST": "0.0.0.0"})
    assert set(told) == {"QUICKKUB_PUBLIC_URL"}


def test_files_with_keys_are_for_their_owner_only(here: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(here)
    open_ring(settings).change(lambda ring: ring.with_new(os.urandom(32), _now()))
    for path in (tmp_path / "secrets.json", settings.key_ring_file):
        path.chmod(0o644)
    told = found(here)
    assert set(told) == {str(tmp_path / "secrets.json"), "QUICKKUB_KEY_RING_FILE"}
    assert all("chmod 600" in text for text in told.values())


def test_a_ring_that_was_made_with_another_key_is_told(here: dict[str, str]) -> None:
    settings = read_settings(here)
    open_ring(settings).change(lambda ring: ring.with_new(os.urandom(32), _now()))
    other = {"ENCRYPTION_KEY": base64.b64encode(os.urandom(32)).decode()}
    assert "not the one it was made with" in found(here | other)["QUICKKUB_KEY_RING_FILE"]


def test_a_damaged_file_of_secrets_is_told(here: dict[str, str], tmp_path: Path) -> None:
    read_settings(here)
    (tmp_path / "secrets.json").write_text("[]")
    assert str(tmp_path / "secrets.json") in found(here)


def _now() -> datetime:
    return datetime.now(UTC)
