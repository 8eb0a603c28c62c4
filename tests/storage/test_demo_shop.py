"""The demo shop: an account at the simulator of each provider, made once, with nothing listed by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from quickkub.connectors import registry
from quickkub.connectors.switches import is_on
from quickkub.house.demo_shop import (
    DemoShop,
    demo_file,
    make_demo_shop,
    read_demo_file,
    read_demo_shop,
    simulator_ports,
)
from quickkub.house.sealing import open_vault
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.accounts import ProviderAccount, enabled_accounts
from quickkub.payments.routing import as_account
from quickkub.settings import Settings, read_settings
from quickkub.storage import Database

URL = "http://127.0.0.1:3002"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"QUICKKUB_DATA_DIR": str(tmp_path), "QUICKKUB_SIMULATORS_PORT": "23110"})


async def made(db: Database, settings: Settings, only: tuple[str, ...] = (), url: str = URL) -> DemoShop:
    ports = {name: port for name, port in simulator_ports(settings).items() if not only or name in only}
    return await make_demo_shop(
        db,
        open_vault(settings),
        settings.key_pepper,
        data_dir=settings.data_dir,
        public_url=url,
        ports=ports,
    )


async def accounts_of(db: Database, settings: Settings, shop: DemoShop) -> list[ProviderAccount]:
    async with db.read() as reader:
        return await enabled_accounts(reader, open_vault(settings), MerchantId(shop.merchant), "test")


def test_the_simulators_ports_keep_their_distances_wherever_they_begin(settings: Settings) -> None:
    usual = {name: manifest.simulator_port for name, manifest in registry.providers().items()}
    assert simulator_ports(settings) == {name: port + 20_000 for name, port in usual.items()}
    assert next(iter(simulator_ports(settings).items())) == ("scb", 23110)


async def test_it_has_one_account_at_each_provider_and_scb_is_asked_first(
    database: Database, settings: Settings
) -> None:
    shop = await made(database, settings)
    accounts = await accounts_of(database, settings, shop)
    assert sorted(account.provider for account in accounts) == registry.names()
    assert accounts[0].provider == "scb"
    for account in accounts:
        manifest = registry.providers()[account.provider]
        port = manifest.simulator_port + 20_000
        known = as_account(account, URL)
        assert account.settings["base_url"] == f"http://127.0.0.1:{port}{manifest.simulator_base_path}"
        assert all(is_on(known, offer.flag) for offer in manifest.methods if offer.flag)
        assert known.callback_url == shop.callback_url(account.provider)
        assert not set(account.settings) & {field.name for field in manifest.fields if field.secret}


async def test_a_later_start_keeps_key_and_accounts_and_brings_addresses_up_to_date(
    database: Database, settings: Settings
) -> None:
    first = await made(database, settings)
    moved = dataclasses.replace(settings, simulators_port=24110)
    second = await made(database, moved, url="http://127.0.0.1:4002")
    assert dataclasses.replace(second, url=URL) == first == dataclasses.replace(first, url=URL)
    assert second == read_demo_file(settings.data_dir)
    scb, *_ = await accounts_of(database, settings, second)
    assert scb.settings["base_url"].startswith("http://127.0.0.1:24110/")


async def test_a_provider_that_is_new_gets_an_account_at_the_next_start(
    database: Database, settings: Settings
) -> None:
    first = await made(database, settings, only=("scb", "omise"))
    assert set(first.accounts) == {"scb", "omise"}
    second = await made(database, settings)
    assert second.api_key == first.api_key and sorted(second.accounts) == registry.names()
    assert {name: second.accounts[name] for name in first.accounts} == first.accounts


async def test_a_file_of_an_earlier_version_or_for_another_database_makes_a_new_shop(
    database: Database, settings: Settings
) -> None:
    path = demo_file(settings.data_dir)
    path.write_text(json.dumps({"url": URL, "api_key": "qk_test_old", "merchant": "mer_old"}))
    assert read_demo_file(settings.data_dir) is None
    shop = await made(database, settings, only=("scb",))
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "merchant": "mer_" + "0" * 32}))
    assert await read_demo_shop(database, settings.data_dir) is None
    assert (await made(database, settings, only=("scb",))).merchant != shop.merchant
    assert path.stat().st_mode & 0o077 == 0
