"""The single steps an operator may take by hand."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import asyncpg

from quickkub.connectors import registry
from quickkub.payments import methods
from tests.support.ports import free_port


async def quickkub(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "quickkub.main", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_migrate_and_seed_may_be_done_by_hand_and_repeated(database_dsn: str) -> None:
    for _ in range(2):
        assert (await quickkub("db", "migrate", DATABASE_URL=database_dsn)).returncode == 0
        seeded = await quickkub("seed", "thai-payment-methods", DATABASE_URL=database_dsn)
        assert seeded.returncode == 0 and f"{len(methods.THAI_METHODS)} payment methods" in seeded.stdout
    connection = await asyncpg.connect(database_dsn)
    try:
        enabled = await connection.fetch(
            "SELECT id, providers FROM thai_payment_methods WHERE enabled ORDER BY position"
        )
    finally:
        await connection.close()
    promptpay = next(row for row in enabled if row["id"] == "promptpay")
    offers = methods.offers_of("promptpay", registry.providers().values())
    assert "scb" in promptpay["providers"]
    assert sorted(promptpay["providers"]) == sorted(name for name, _ in offers)


async def test_a_database_that_is_not_there_is_told_in_one_line() -> None:
    told = await quickkub("seed", "thai-payment-methods", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert told.returncode == 1
    assert told.stderr.startswith("database_unavailable") and "Traceback" not in told.stderr


async def test_a_process_with_a_weak_key_ends_with_the_exit_status_for_configuration(
    database_dsn: str, tmp_path: Path
) -> None:
    ended = await quickkub(
        "serve",
        "worker",
        DATABASE_URL=database_dsn,
        QUICKKUB_DATA_DIR=str(tmp_path),
        ENCRYPTION_KEY="a passphrase is not a key",
    )
    assert ended.returncode == 78
    assert "openssl rand -base64 32" in ended.stderr


async def test_simulators_without_a_demo_shop_to_call_back_are_refused(
    database_dsn: str, tmp_path: Path
) -> None:
    said = {"DATABASE_URL": database_dsn, "QUICKKUB_DATA_DIR": str(tmp_path)}
    ended = await quickkub("serve", "simulators", **said)
    assert ended.returncode != 0
    assert "`quickkub up` makes one" in ended.stderr


async def test_simulators_alone_say_first_where_they_are_and_with_which_credentials() -> None:
    serving = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "quickkub.main",
            "simulators",
            "up",
            "scb",
            "--json",
            "--port",
            str(free_port()),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        said = json.loads(await asyncio.to_thread(serving.stdout.readline))
        body = json.dumps(
            {
                "applicationKey": said["scb"]["application_key"],
                "applicationSecret": said["scb"]["application_secret"],
            }
        ).encode()
        request = urllib.request.Request(
            said["scb"]["base_url"] + "/v1/oauth/token",
            data=body,
            headers={
                "content-type": "application/json",
                "resourceOwnerId": "anything",
                "requestUId": "85230887-e643-4fa4-84b2-4e56709c4ac4",
            },
        )
        answer = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(request, timeout=10)))
        assert answer["status"]["code"] == 1000
    finally:
        serving.terminate()
        assert await asyncio.to_thread(serving.wait, 10) == 0
        assert serving.stdout is not None
        serving.stdout.close()
