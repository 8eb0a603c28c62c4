"""`quickkub provider check`: whether an account works, told without a secret."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from quickkub.cli.app import build
from quickkub.cli.wiring import AddedAccount
from quickkub.connectors import registry
from quickkub.connectors.contract import Checkable
from quickkub.connectors.particulars import (
    BadParticulars,
    loose_account,
    simulator_particulars,
    sort,
)
from quickkub.connectors.simulation.run import served
from quickkub.house.provider_account import DoesNotWork, add
from quickkub.house.provider_check import CannotCheck, NoSuchAccount, check, check_stored
from quickkub.house.wiring import HouseWiring
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.accounts import open_account
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.storage import Database
from quickkub.storage.vault import Vault
from tests.support.ports import free_port
from tests.support.rows import add_shop
from tests.support.scb import running_scb

SCB = registry.providers()["scb"]
VAULT = Vault({1: b"k" * 32})


def types(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(build(HouseWiring()), ["provider", *words], env=environment)


@pytest.mark.parametrize("provider", registry.names())
async def test_the_simulator_s_own_account_works_and_another_secret_does_not(provider: str) -> None:
    manifest = registry.providers()[provider]
    if not isinstance(registry.connector(provider), Checkable):
        with pytest.raises(CannotCheck):
            await check(loose_account(manifest, manifest.simulator_account))
        return
    async with served(registry.simulator(provider)({}), "127.0.0.1", free_port()) as url:
        said = simulator_particulars(manifest, url)
        assert (await check(loose_account(manifest, said))).works
        secrets = [field.name for field in manifest.fields if field.secret and field.name in said]
        wrong = {name: said[name][:-1] + ("0" if said[name][-1] != "0" else "1") for name in secrets}
        found = await check(loose_account(manifest, {**said, **wrong}))
    assert not found.works
    assert all(value not in found.told for value in wrong.values())


async def test_a_stored_account_is_checked_and_another_merchant_s_is_not_found(
    database: Database, database_dsn: str
) -> None:
    async with running_scb() as scb, database.transaction() as tx:
        merchant = (await add_shop(tx)).merchant
        settings, credentials = sort(SCB, simulator_particulars(SCB, scb.url))
        account, _ = await open_account(
            tx, VAULT, merchant, mode="test", provider="scb", settings=settings, credentials=credentials
        )
    async with running_scb() as scb:
        found = await check_stored("scb", merchant, account, database_dsn, VAULT)
        assert not found.works and "reached" in found.told, "its simulator has gone"
    with pytest.raises(NoSuchAccount):
        await check_stored("scb", MerchantId(new_id("mer")), account, database_dsn, VAULT)


def test_without_particulars_it_says_which_is_missing_and_repeats_no_value(tmp_path: Path) -> None:
    done = types("check", "scb", QUICKKUB_SCB_APPLICATION_KEY="key-of-mine")
    assert isinstance(done.exception, BadParticulars) and done.exception.param == "application_secret"
    file = tmp_path / "scb.json"
    file.write_text(json.dumps({"application_key": "k", "biller_id": "not-to-be-seen"}))
    done = types("check", "scb", "--file", str(file))
    assert isinstance(done.exception, BadParticulars) and "not-to-be-seen" not in str(done.exception)


@pytest.mark.parametrize("text", ["", "[]", '{"application_key": 5}', '{"settings": {"unheard_of": "x"}}'])
def test_a_file_that_is_no_account_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "scb.json"
    file.write_text(text)
    assert isinstance(types("check", "scb", "--file", str(file)).exception, BadParticulars)


def test_settings_are_read_under_both_spellings_and_secrets_are_set_apart() -> None:
    said = {**SCB.simulator_account, "scb.mtls": "off", "base_url": "http://127.0.0.1:1/x"}
    settings, credentials = sort(SCB, said)
    assert settings["mtls"] == "off" and settings["base_url"] == "http://127.0.0.1:1/x"
    assert set(credentials) == {"application_key", "application_secret"}


def test_what_exists_is_listed(tmp_path: Path) -> None:
    done = types("list")
    assert done.exit_code == 0 and "scb" in done.stdout and "promptpay" in done.stdout


async def test_an_account_is_stored_only_when_its_provider_knows_it_and_its_secrets_are_sealed(
    database: Database, database_dsn: str, tmp_path: Path
) -> None:
    async with database.transaction() as tx:
        merchant = (await add_shop(tx)).merchant
    before = await accounts_in(database)
    async with running_scb() as scb:
        right = simulator_particulars(SCB, scb.url)
        wrong = {**right, "application_secret": right["application_secret"][::-1]}
        with pytest.raises(DoesNotWork) as refused:
            await add_to(database_dsn, merchant, wrong)
        with pytest.raises(MerchantNotFound):
            await add_to(database_dsn, new_id("mer"), right)
        assert await accounts_in(database) == before
        file = tmp_path / "scb.json"
        file.write_text(json.dumps(right))
        words = ("add", "scb", "--merchant", merchant, "--file", str(file), "--database", database_dsn)
        done = await asyncio.to_thread(types, *words, QUICKKUB_DATA_DIR=str(tmp_path / "data"))
    assert wrong["application_secret"] not in str(refused.value)
    assert done.exit_code == 0, done.output
    ((account, stored),) = [one for one in await accounts_in(database) if one not in before]
    assert account in done.output and "/callbacks/scb/" in done.output
    secrets = [field.name for field in SCB.fields if field.secret and right.get(field.name)]
    assert secrets and all(right[name] not in stored + done.output for name in secrets)


async def add_to(dsn: str, merchant: str, said: dict[str, str]) -> AddedAccount:
    return await add(
        "scb", merchant, said, mode="test", dsn=dsn, vault=VAULT, public_url="http://127.0.0.1:1"
    )


async def accounts_in(database: Database) -> list[tuple[str, str]]:
    """Each account's id, and its whole row as text."""
    async with database.read() as reader:
        rows = await reader.fetch("SELECT a.id, to_jsonb(a)::text AS row FROM provider_accounts a")
    return [(row["id"], row["row"]) for row in rows]
