"""The checkout pages on a real server and a real database, with payments written straight into the tables."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from litestar import Litestar

from quickkub.kernel.ids import MerchantId, new_id, new_reference
from quickkub.kernel.money import Money
from quickkub.kernel.tokens import new_token
from quickkub.payments.forms import form_place
from quickkub.promptpay import BillPayment, build
from quickkub.storage import Database
from quickkub.storage.vault import Vault
from quickkub.web.live import LiveHub
from quickkub.web.routes import checkout_routes, hub_for
from tests.support.rows import Shop, add_attempt, add_evidence, add_payment, insert
from tests.support.server import serving
from tests.support.shop import VAULT

BILLER: Final = "010555123456700"


@dataclass(frozen=True, slots=True)
class Link:
    """A payment and the address its payer was given."""

    url: str
    token: str
    payment: str
    attempt: str
    payload: str


@dataclass(frozen=True, slots=True)
class PageServices:
    """What the checkout page asks for."""

    database: Database
    vault: Vault
    public_url: str


class Site:
    """A shop whose payers are sent to `url`."""

    def __init__(self, url: str, pool: asyncpg.Pool[Any], hub: LiveHub, shop: Shop) -> None:
        self.url = url
        self.hub = hub
        self.shop = shop
        self._pool = pool

    async def asks(
        self,
        *,
        life_seconds: int = 900,
        amount: int = 123_450,
        action: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Link:
        """A payment of 1,234.50 baht that its payer has 15 minutes for, in the state given or waiting.

        `action` is what the provider gave the payer to do; a PromptPay QR unless said otherwise.
        """
        token = new_token(self.shop.merchant)
        row = {
            "amount": amount,
            "checkout_token": token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=life_seconds),
            "reference": "ORDER-1042",
            "description": "เมล็ดกาแฟคั่วกลาง 250 กรัม",
            "return_url": "https://shop.example/thanks",
        }
        async with self._pool.acquire() as connection:
            payment = await add_payment(connection, self.shop, **(row | values))
        attempt, payload = await self._tries(payment, amount, action)
        return Link(f"{self.url}/pay/{token}", token, payment, attempt, payload)

    async def tries_again(self, link: Link) -> str:
        """Another attempt at the provider; returns the payload of its QR."""
        _, payload = await self._tries(link.payment, 123_450)
        return payload

    async def _tries(
        self, payment: str, amount: int, action: Mapping[str, Any] | None = None
    ) -> tuple[str, str]:
        reference = new_reference()
        payload = build(BillPayment(BILLER, reference, "QKB1", amount=Money(amount)))
        step = dict(action or {"type": "display_qr", "qr_payload": payload})
        fields = step.pop("fields", None)
        async with self._pool.acquire() as connection:
            attempt = await add_attempt(
                connection,
                self.shop,
                payment,
                amount=amount,
                reference=reference,
                next_action=step,
            )
            if fields:
                place = form_place(self.shop.merchant, attempt, self.shop.mode)
                sealed = VAULT.seal(json.dumps(fields).encode(), place)
                await connection.execute(
                    "UPDATE attempts SET form_fields = $2 WHERE id = $1", attempt, sealed
                )
        return attempt, payload

    async def next_check(self, link: Link) -> datetime | None:
        """When the provider will be asked about this attempt again."""
        found: datetime | None = await self._pool.fetchval(
            "SELECT next_check_at FROM attempts WHERE id = $1", link.attempt
        )
        return found

    async def will_be_asked(self, link: Link, *, in_seconds: int, asked_seconds_ago: int | None) -> None:
        """The next inquiry and the last one, as a worker left them."""
        await self._pool.execute(
            """UPDATE attempts SET next_check_at = now() + make_interval(secs => $2),
                                   last_check_at = now() - make_interval(secs => $3) WHERE id = $1""",
            link.attempt,
            in_seconds,
            asked_seconds_ago,
        )

    async def is_paid(self, link: Link) -> None:
        """The provider proved that the money came; the rows say so in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            evidence = await add_evidence(connection, self.shop, link.payment, link.attempt)
            await connection.execute(
                """UPDATE attempts SET state = 'succeeded', evidence_id = $2, next_check_at = NULL
                    WHERE id = $1""",
                link.attempt,
                evidence,
            )
            await self._move(connection, link, "succeeded", "paid_at = now()")

    async def becomes(self, link: Link, state: str) -> None:
        """The payment is moved to a state that needs no evidence."""
        async with self._pool.acquire() as connection:
            await self._move(connection, link, state, "failure_code = NULL")

    async def _move(self, connection: Any, link: Link, state: str, also: str) -> None:
        await connection.execute(
            f"""UPDATE payments SET state = $2, version = version + 1, updated_at = now(), {also},
                       due_at = CASE WHEN $2 IN ('requires_action', 'processing') THEN due_at END
                 WHERE id = $1""",
            link.payment,
            state,
        )


@asynccontextmanager
async def running_site(
    database: Database, pool: asyncpg.Pool[Any], *, hub: LiveHub | None = None
) -> AsyncIterator[Site]:
    """The pages of a coffee shop, served over loopback until the end of the block."""
    shop = await _coffee_shop(pool)
    hub = hub or hub_for(database)
    app = Litestar(
        checkout_routes(PageServices(database, VAULT, "http://127.0.0.1"), hub), openapi_config=None
    )
    async with serving(app) as url:
        try:
            yield Site(url, pool, hub, shop)
        finally:
            await hub.close()


async def _coffee_shop(pool: asyncpg.Pool[Any]) -> Shop:
    shop = Shop(MerchantId(new_id("mer")), new_id("acc"), "test")
    async with pool.acquire() as connection:
        await insert(
            connection, "merchants", id=shop.merchant, name="Klong San Coffee", name_th="ร้านกาแฟคลองสาน"
        )
        await insert(
            connection,
            "provider_accounts",
            merchant_id=shop.merchant,
            id=shop.account_id,
            mode=shop.mode,
            provider="scb",
            credentials=b"sealed",
            callback_token_hash=secrets.token_bytes(32),
        )
    return shop
