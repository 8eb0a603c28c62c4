"""Accounts at providers over HTTP: tried first, then stored, and never shown again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from quickkub.api.services import Tried
from quickkub.connectors import registry
from quickkub.connectors.contract import Account
from quickkub.kernel.ids import new_id
from quickkub.storage import Database, in_transaction
from tests.support.api import Client, key_for
from tests.support.shop import open_shop
from tests.support.team import team

ACCOUNTS = "/v1/provider_accounts"
MANIFEST = registry.connector("linepay").manifest
PARTICULARS = dict(MANIFEST.simulator_account)
SECRETS = [PARTICULARS[field.name] for field in MANIFEST.fields if field.secret and field.name in PARTICULARS]


class Bank:
    """Says whether an account works."""

    def __init__(self) -> None:
        self.works = True
        self.asked: list[Account] = []

    async def __call__(self, account: Account) -> Tried:
        assert not in_transaction()
        self.asked.append(account)
        return Tried(self.works, "works: hello" if self.works else "does not work: wrong channel secret")


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
async def shop(database: Database, bank: Bank) -> AsyncIterator[Client]:
    async with team(database, check_account=bank) as opened:
        yield opened.shop


async def adds(shop: Client, **more: str) -> dict[str, object]:
    told = await shop.posts(ACCOUNTS, {"provider": "linepay", "particulars": PARTICULARS | more})
    assert told.status == 201, told.body
    return dict(told.json)


async def test_an_account_that_works_is_stored_and_its_secrets_are_seen_nowhere(
    shop: Client, bank: Bank
) -> None:
    added = await adds(shop)
    assert SECRETS and [one.mode for one in bank.asked] == ["test"]
    assert str(added["callback_url"]).startswith("http://shop.test/callbacks/linepay/")
    listed = (await shop.gets(ACCOUNTS)).json["data"]
    assert added["id"] in {one["id"] for one in listed}
    logs = await shop.shop.rows("SELECT audit_logs::text AS row FROM audit_logs")
    stored = await shop.shop.rows("SELECT provider_accounts::text AS row FROM provider_accounts")
    for secret in SECRETS:
        assert secret not in str(added) + str(listed) + str(logs) + str(stored)


async def test_an_account_that_does_not_work_is_not_stored(shop: Client, bank: Bank) -> None:
    bank.works = False
    before = await shop.shop.counts("provider_accounts")
    told = await shop.posts(ACCOUNTS, {"provider": "linepay", "particulars": PARTICULARS})
    assert told.no == (422, "provider_account_refused", "particulars")
    assert await shop.shop.counts("provider_accounts") == before


async def test_an_account_is_switched_off_and_on(shop: Client) -> None:
    one = f"{ACCOUNTS}/{(await adds(shop))['id']}"
    assert (await shop.posts(one, {"enabled": False})).json["enabled"] is False
    assert (await shop.posts(one, {"enabled": True})).json["enabled"] is True
    acts = await shop.shop.rows("SELECT action FROM audit_logs ORDER BY created_at")
    words = [row["action"] for row in acts if row["action"].startswith("provider_account.")]
    assert words == ["provider_account.added", "provider_account.disabled", "provider_account.enabled"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"provider": "nobody", "particulars": {}}, "provider_unknown"),
        ({"provider": "linepay", "particulars": {}}, "account_particulars_invalid"),
        ({"provider": "linepay", "particulars": PARTICULARS | {"x": "y"}}, "account_particulars_invalid"),
    ],
)
async def test_what_the_provider_does_not_know_is_refused_before_it_is_asked(
    shop: Client, bank: Bank, wish: dict[str, object], code: str
) -> None:
    assert (await shop.posts(ACCOUNTS, wish)).code == code
    assert bank.asked == []


async def test_nobody_makes_us_ask_a_bank_of_their_own(shop: Client, bank: Bank, database: Database) -> None:
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    own = {"provider": "linepay", "particulars": PARTICULARS | {"base_url": "http://127.0.0.1:9/"}}
    assert (await live.posts(ACCOUNTS, own)).status in (400, 403, 422)
    assert bank.asked == []
    await adds(shop, base_url="http://127.0.0.1:9")
    assert [one.settings["base_url"] for one in bank.asked] == ["http://127.0.0.1:9"]


async def test_accounts_of_other_merchants_and_of_the_other_mode_are_not_there(
    shop: Client, database: Database
) -> None:
    mine = (await adds(shop))["id"]
    other = shop.with_key(await key_for(database, (await open_shop(database)).merchant))
    live = shop.with_key(await key_for(database, shop.shop.merchant, mode="live"))
    for client in (other, live):
        for account in (mine, new_id("acc"), "x"):
            told = await client.posts(f"{ACCOUNTS}/{account}", {"enabled": False})
            assert told.no == (404, "provider_account_missing", "id")
    assert [one["enabled"] for one in (await shop.gets(ACCOUNTS)).json["data"] if one["id"] == mine] == [True]
