"""A shop that asks over HTTP: the real application and server, real PostgreSQL, and the made-up bank."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp

from quickkub.access.ground import Ground, Rules
from quickkub.access.hashing import Cost, Hashing
from quickkub.access.service import Access
from quickkub.api.app import create_app
from quickkub.api.services import Services, Settings
from quickkub.disputes.service import Disputes
from quickkub.fraud.service import Fraud
from quickkub.fraud.subject import Hasher
from quickkub.kernel.clock import SystemClock
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import KeyKind, Keys, open_key
from quickkub.payments.service import Payments
from quickkub.privacy.office import Office as PrivacyOffice
from quickkub.privacy.periods import read_periods
from quickkub.privacy.service import Privacy
from quickkub.refunds.service import Refunds
from quickkub.storage import Database
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.schema import head_revision
from quickkub.storage.scope import NOBODY
from quickkub.webhooks.guard import Guard
from tests.support.server import serving
from tests.support.shop import VAULT, Shop, open_shop

INDEX: Final = BlindIndex(Secret(base64.b64encode(bytes(range(7, 39))).decode()))  # for tests only
PEPPER: Final = Secret("a pepper for tests, long enough to be one")


class LoopbackResolver:
    """Every name is this machine, whoever asks."""

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]


@dataclass
class Told:
    """An answer: status, headers with lower-case names, and the exact bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem; raises when the answer is none."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        problem = self.json
        assert problem["status"] == self.status
        assert problem["request_id"] == self.headers["x-request-id"]
        return str(problem["code"])

    @property
    def no(self) -> tuple[int, str, str | None]:
        """Status, code and param of a problem."""
        return self.status, self.code, self.json["param"]


@dataclass
class Client:
    """Asks one gateway with one key."""

    session: aiohttp.ClientSession
    url: str
    key: str | None
    shop: Shop
    services: Services
    headers: dict[str, str] = field(default_factory=dict)

    async def asks(
        self,
        method: str,
        path: str,
        *,
        words: Any = None,
        raw: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """Send a request; `words` go as JSON, `raw` as they are."""
        sent = dict(self.headers)
        if self.key is not None:
            sent["Authorization"] = f"Bearer {self.key}"
        if words is not None or raw is not None:
            sent["Content-Type"] = "application/json"
        data = json.dumps(words).encode() if words is not None else raw
        sent |= headers or {}
        async with self.session.request(
            method,
            self.url + path,
            data=data,
            headers=sent,
            skip_auto_headers=["Content-Type"],
            allow_redirects=False,
        ) as answer:
            body = await answer.read()
            return Told(answer.status, {k.lower(): v for k, v in answer.headers.items()}, body)

    async def gets(self, path: str, **headers: str) -> Told:
        return await self.asks("GET", path, headers=headers)

    async def posts(self, path: str, words: Any = None, *, once: str | None = None, **headers: str) -> Told:
        """POST with a fresh Idempotency-Key, or with the one given."""
        key = {"Idempotency-Key": once or new_id("key")}
        return await self.asks("POST", path, words=words, headers={**key, **headers})

    async def charges(self, **words: Any) -> dict[str, Any]:
        """A new payment of 150 baht, or as said otherwise."""
        told = await self.posts("/v1/payments", ORDER | words)
        assert told.status == 201, told.body
        payment: dict[str, Any] = told.json
        return payment

    def with_key(self, key: str | None) -> Client:
        return Client(self.session, self.url, key, self.shop, self.services)


ORDER: Final = {"amount": 15_000, "currency": "THB", "method": "promptpay"}


def services_for(
    database: Database, shop: Shop, *, access_rules: Rules | None = None, **settings: Any
) -> Services:
    """Everything the application needs, over the shop's payments; who says nothing sees nothing."""
    served = database.with_default(NOBODY)
    fraud = Fraud(served, Hasher(PEPPER))
    office = replace(shop.office, db=served, screen=fraud.screen)
    return Services(
        db=served,
        vault=VAULT,
        keys=Keys(served, PEPPER, SystemClock()),
        payments=Payments(office),
        refunds=Refunds(office),
        disputes=Disputes(office),
        guard=Guard(LoopbackResolver(), loopback_in_test_mode=True),
        fraud_desk=fraud,
        privacy_desk=Privacy(PrivacyOffice(served, VAULT, INDEX, read_periods({}))),
        access=Access(Ground(served, VAULT, Hashing(Cost(memory_kib=64, passes=1)), access_rules or Rules())),
        settings=Settings(
            **{"public_url": "http://shop.test", "version": "0.1.0", "schema_revision": head_revision()}
            | settings
        ),
    )


async def key_for(
    database: Database, merchant: MerchantId, mode: str = "test", kind: KeyKind = KeyKind.SECRET
) -> str:
    """A new key in clear."""
    async with database.transaction() as tx:
        _, key = await open_key(tx, PEPPER, merchant, mode, kind)
    return key.reveal()


@contextlib.asynccontextmanager
async def gateway(database: Database, shop: Shop | None = None, **settings: Any) -> AsyncIterator[Client]:
    """A served gateway and a client with a key of its shop."""
    shop = shop or await open_shop(database)
    services = services_for(database, shop, **settings)
    key = await key_for(database, shop.merchant)
    async with serving(create_app(services)) as url, aiohttp.ClientSession() as session:
        yield Client(session, url, key, shop, services)
