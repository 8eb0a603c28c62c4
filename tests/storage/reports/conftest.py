"""A gateway that has lived a little: a shop, payments, people, a key and some audited acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quickkub.audit import Act, Actor, ActorKind, acting, record
from quickkub.audit.sealing import seal_waiting
from quickkub.house.reporting import ground_of
from quickkub.kernel.ids import MerchantId
from quickkub.reports.model import Wish
from quickkub.reports.office import Ground, ReportOffice
from quickkub.reports.scans import Found, Scan
from quickkub.settings import Settings, read_settings
from quickkub.storage import Database, open_database
from quickkub.storage.scope import HOUSE
from tests.support.api import key_for
from tests.support.people import add_member, add_user
from tests.support.postgres import TestServer
from tests.support.rows import Shop, add_payment, add_shop, insert

SPAN = Wish(datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), 200_000_000)
SCANNED = [
    Scan("pip-audit", "2.0", "ran", "3 libraries looked up"),
    Scan(
        "bandit",
        "1.0",
        "ran",
        "9 lines read",
        (Found("B101", "low", "quickkub/x.py:1", "=cmd|' /C calc'!A0"),),
    ),
]


@dataclass
class Gateway:
    """The database, whose rows were put there, and the office over it."""

    db: Database
    dsn: str
    shop: Shop
    key: str
    email: str
    settings: Settings
    ground: Ground

    @property
    def merchant(self) -> MerchantId:
        return self.shop.merchant

    @property
    def office(self) -> ReportOffice:
        return ReportOffice(self.ground)


async def _scanned() -> list[Scan]:
    return SCANNED


@pytest.fixture(scope="module")
async def gateway(
    postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """One for the tests of a file, which only add to it."""
    settings = read_settings({"QUICKKUB_DATA_DIR": str(tmp_path_factory.mktemp("data"))})
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=4, scope=HOUSE)
        shop, email = await _lived(database)
        key = await key_for(database, shop.merchant)
        ground = replace(ground_of(database, settings), scan=_scanned)
        yield Gateway(database, dsn, shop, key, email, settings, ground)
        await database.close()


async def _lived(db: Database) -> tuple[Shop, str]:
    async with db.transaction() as tx:
        shop = await add_shop(tx)
        live = await add_shop(tx, mode="live", merchant=shop.merchant)
        for whose, amount in ((shop, 15_000), (shop, 15_000), (live, 250_000_000)):
            await add_payment(tx, whose, state="succeeded", amount=amount, captured_amount=amount)
        await add_payment(tx, shop)
        await insert(
            tx,
            "fraud_reviews",
            merchant_id=shop.merchant,
            id="frv_" + "1" * 32,
            mode="test",
            payment_id="pay_" + "2" * 32,
            decision_id="frd_" + "3" * 32,
            reasons=["=HYPERLINK"],
            expires_at=datetime(2027, 1, 1, tzinfo=UTC),
            on_expiry="keep",
        )
        await tx.execute(
            """
            INSERT INTO breaches (id, title, known_at, due_at, high_risk, opened_by)
            VALUES ($1, 'A laptop was lost', now(), now() + interval '72 hours', true, 'usr_x')
            """,
            "brc_" + "4" * 32,
        )
        await tx.execute(
            """
            INSERT INTO retention_runs (id, kind, days, dry_run, cutoff, counts)
            VALUES ($1, 'audit', 2555, false, now(), '{"audit": {"gone": 3}}')
            """,
            "rtn_" + "5" * 32,
        )
        await tx.execute(
            """
            INSERT INTO oauth_clients (merchant_id, id, mode, name, auth_method, secret_hash, grant_types,
                                       redirect_uris, scopes)
            VALUES ($1, $2, 'test', 'Night report', 'client_secret', $3, '{client_credentials}', '{}',
                    '{payments:read,balance:read}')
            """,
            shop.merchant,
            "cli_" + "6" * 32,
            bytes(32),
        )
    member = await add_member(db, shop.merchant, "finance")
    await add_user(db, "Nobody")
    with acting(Actor(ActorKind.USER, member.id, role="finance")):
        async with db.transaction() as tx:
            await record(tx, Act("settings.changed", "settings", shop.merchant, merchant=shop.merchant))
            await record(tx, Act("merchant.approved", "merchant", shop.merchant))
    await seal_waiting(db, 100)
    return shop, member.email


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "evidence"
