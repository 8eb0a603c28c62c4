"""The demo merchant: a test key, and an SCB account at the simulator in the box."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants import keys
from quickkub.merchants.accounts import change_settings, open_account
from quickkub.settings import write_private
from quickkub.storage import Database
from quickkub.storage.vault import Vault

SCB_BASE_PATH: Final = "/partners/sandbox"
BILLER_ID: Final = "010555123456700"
REF3_PREFIX: Final = "QKB"
APPLICATION_KEY: Final = "l7quickkub000000000000000000000000"
APPLICATION_SECRET: Final = "demo-secret"  # noqa: S105 -- known to everybody; the simulator's, and worth nothing


@dataclass(frozen=True, slots=True)
class DemoShop:
    """What somebody needs to try the gateway. The key is a test key; it moves no real money."""

    url: str
    api_key: str
    merchant: str
    scb_account: str
    scb_callback_token: str

    @property
    def scb_callback_path(self) -> str:
        """Where SCB's simulator sends its confirmations, below the public URL."""
        return f"/callbacks/scb/{self.scb_callback_token}"


def demo_file(data_dir: Path) -> Path:
    """Where the demo shop's particulars are kept, readable by the operator only."""
    return data_dir / "demo.json"


async def read_demo_shop(db: Database, data_dir: Path) -> DemoShop | None:
    """The demo shop of this data folder, if it was made and its merchant is in this database."""
    path = demo_file(data_dir)
    if not path.exists():
        return None
    shop = DemoShop(**json.loads(path.read_text(encoding="utf-8")))
    async with db.read() as reader:
        known = await reader.fetchval("SELECT 1 FROM merchants WHERE id = $1", shop.merchant)
    return shop if known else None


async def make_demo_shop(
    db: Database, vault: Vault, pepper: Secret, *, data_dir: Path, public_url: str, simulators_port: int
) -> DemoShop:
    """Make the demo merchant once; later starts only bring the addresses up to date."""
    shop = await read_demo_shop(db, data_dir) or await _open_shop(db, vault, pepper, public_url)
    base_url = f"http://127.0.0.1:{simulators_port}{SCB_BASE_PATH}"
    settings = {"base_url": base_url, "biller_id": BILLER_ID, "ref3_prefix": REF3_PREFIX}
    async with db.transaction() as tx:
        await change_settings(tx, MerchantId(shop.merchant), shop.scb_account, settings)
    fresh = DemoShop(**{**asdict(shop), "url": public_url})
    write_private(demo_file(data_dir), json.dumps(asdict(fresh), indent=2))
    return fresh


async def _open_shop(db: Database, vault: Vault, pepper: Secret, public_url: str) -> DemoShop:
    merchant = MerchantId(new_id("mer"))
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO merchants (id, name, name_th) VALUES ($1, $2, $3)",
            merchant,
            "QuickKub Demo Shop",
            "ร้านสาธิตควิกคับ",
        )
        _, key = await keys.open_key(tx, pepper, merchant, "test")
        account, token = await open_account(
            tx,
            vault,
            merchant,
            mode="test",
            provider="scb",
            settings={},
            credentials={"application_key": APPLICATION_KEY, "application_secret": APPLICATION_SECRET},
        )
    return DemoShop(public_url, key.reveal(), merchant, account, token)
