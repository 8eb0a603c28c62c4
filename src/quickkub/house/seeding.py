"""What a gateway has from its first start: payment methods, and the demo shop with what to paste."""

from __future__ import annotations

from collections.abc import Collection

from quickkub.cli.gateway import Welcome
from quickkub.connectors import registry
from quickkub.house.demo_shop import DemoShop, make_demo_shop, simulator_ports
from quickkub.house.sealing import open_vault
from quickkub.payments import methods
from quickkub.settings import Settings
from quickkub.storage import open_database
from quickkub.storage.scope import HOUSE


async def seed_methods(dsn: str) -> int:
    """Write the Thai payment methods; returns how many there are."""
    db = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        async with db.transaction() as tx:
            return await methods.seed(tx, registry.providers().values())
    finally:
        await db.close()


async def seed_everything(settings: Settings, dsn: str, only: Collection[str] | None = None) -> Welcome:
    """Methods and demo shop; may be called any number of times. `only`: its accounts at these providers."""
    await seed_methods(dsn)
    ports = simulator_ports(settings)
    db = await open_database(dsn, size_max=1, scope=HOUSE)
    try:
        shop = await make_demo_shop(
            db,
            open_vault(settings),
            settings.key_pepper,
            data_dir=settings.data_dir,
            public_url=settings.public_url,
            ports={name: port for name, port in ports.items() if only is None or name in only},
        )
    finally:
        await db.close()
    return welcome(settings, shop)


def welcome(settings: Settings, shop: DemoShop) -> Welcome:
    """Addresses, the key, and a first payment."""
    url = settings.public_url
    ports = simulator_ports(settings).items()
    return Welcome(
        key=shop.api_key,
        links=[
            ("API", f"{url}/v1"),
            ("API documentation", f"{url}/docs"),
            ("Health", f"{url}/health"),
            *((f"{name} simulator", f"http://127.0.0.1:{port}/") for name, port in ports),
        ],
        example=(
            f"  curl {url}/v1/payments \\\n"
            f"    -H 'Authorization: Bearer {shop.api_key}' \\\n"
            "    -H 'Idempotency-Key: order-1' \\\n"
            "    -H 'Content-Type: application/json' \\\n"
            '    -d \'{"amount": 15000, "currency": "THB", "method": "promptpay"}\'\n\n'
            "  Open the checkout_url of the answer, then press pay in the SCB simulator."
        ),
    )
