"""The demo merchant: a test key, and one account at the simulator of each provider there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quickkub.connectors import registry
from quickkub.connectors.contract import Manifest
from quickkub.connectors.particulars import simulator_particulars, sort
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants import keys
from quickkub.merchants.accounts import change_settings, open_account
from quickkub.merchants.rules import change_money_rules
from quickkub.settings import SIMULATORS_PORT_DEFAULT, Settings
from quickkub.storage import Database
from quickkub.storage.vault import Vault
from quickkub.storage.vault.private_file import write_private

_APART_SECONDS: Final = 0.002
"""Ids of one millisecond sort at random, and without rules payments go to the account opened first."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo shop: its id, and the unguessable part of where its callbacks come to."""

    id: str
    callback_token: str


@dataclass(frozen=True, slots=True)
class DemoShop:
    """What somebody needs to try the gateway. The key is a test key; it moves no real money."""

    url: str
    api_key: str
    merchant: str
    accounts: Mapping[str, DemoAccount]

    def callback_url(self, provider: str) -> str:
        """Where the provider's simulator sends its callbacks."""
        return f"{self.url}/callbacks/{provider}/{self.accounts[provider].callback_token}"


def simulator_ports(settings: Settings) -> dict[str, int]:
    """The port of each provider's simulator, SCB's first.

    The first is QUICKKUB_SIMULATORS_PORT; the others keep their distance from it.
    """
    shift = settings.simulators_port - SIMULATORS_PORT_DEFAULT
    ports = {name: manifest.simulator_port + shift for name, manifest in registry.providers().items()}
    return dict(sorted(ports.items(), key=lambda found: found[1]))


def demo_file(data_dir: Path) -> Path:
    """Where the demo shop's particulars are kept, readable by the operator only."""
    return data_dir / "demo.json"


def read_demo_file(data_dir: Path) -> DemoShop | None:
    """The demo shop of this data folder, if one was made by a QuickKub that wrote it down as we do."""
    path = demo_file(data_dir)
    if not path.exists():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    if "accounts" not in said:
        return None
    accounts = {name: DemoAccount(**found) for name, found in said["accounts"].items()}
    return DemoShop(said["url"], said["api_key"], said["merchant"], accounts)


async def read_demo_shop(db: Database, data_dir: Path) -> DemoShop | None:
    """The same, if its merchant is in this database."""
    shop = read_demo_file(data_dir)
    if shop is None:
        return None
    async with db.read() as reader:
        known = await reader.fetchval("SELECT 1 FROM merchants WHERE id = $1", shop.merchant)
    return shop if known else None


async def make_demo_shop(
    db: Database,
    vault: Vault,
    pepper: Secret,
    *,
    data_dir: Path,
    public_url: str,
    ports: Mapping[str, int],
) -> DemoShop:
    """Make the demo merchant once, with accounts at the simulators on these ports.

    Later starts bring the addresses up to date, and open accounts at providers that are new.
    """
    shop = await read_demo_shop(db, data_dir) or await _open_shop(db, pepper, public_url)
    accounts = dict(shop.accounts)
    manifests = registry.providers()
    for name, port in ports.items():
        settings, credentials = _particulars(manifests[name], port)
        merchant = MerchantId(shop.merchant)
        async with db.transaction() as tx:
            if name in accounts:
                await change_settings(tx, merchant, accounts[name].id, settings)
                continue
            opened = await open_account(
                tx,
                vault,
                merchant,
                mode="test",
                provider=name,
                settings=settings,
                credentials=credentials,
            )
        accounts[name] = DemoAccount(*opened)
        await asyncio.sleep(_APART_SECONDS)
    fresh = DemoShop(public_url, shop.api_key, shop.merchant, accounts)
    write_private(demo_file(data_dir), json.dumps(_as_json(fresh), indent=2))
    return fresh


def _particulars(manifest: Manifest, port: int) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and credentials with every method on that an account has to ask for."""
    flags = {offer.flag: "true" for offer in manifest.methods if offer.flag}
    return sort(manifest, {**simulator_particulars(manifest, f"http://127.0.0.1:{port}"), **flags})


def _as_json(shop: DemoShop) -> dict[str, Any]:
    return {
        "url": shop.url,
        "api_key": shop.api_key,
        "merchant": shop.merchant,
        "accounts": {
            name: {"id": account.id, "callback_token": account.callback_token}
            for name, account in shop.accounts.items()
        },
    }


async def _open_shop(db: Database, pepper: Secret, public_url: str) -> DemoShop:
    merchant = MerchantId(new_id("mer"))
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO merchants (id, name, name_th) VALUES ($1, $2, $3)",
            merchant,
            "QuickKub Demo Shop",
            "ร้านสาธิตควิกคับ",
        )
        # Its QRs into an own account carry no reference: money finds its payment by an amount of its own.
        await change_money_rules(tx, merchant, under=None, over=None, orphans=None, unique_satang=True)
        _, key = await keys.open_key(tx, pepper, merchant, "test")
    return DemoShop(public_url, key.reveal(), merchant, {})
