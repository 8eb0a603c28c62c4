"""What every provider's simulator gives to those who start it, with nothing configured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from quickkub.connectors import registry
from quickkub.connectors.contract import Order, Payer
from quickkub.connectors.particulars import loose_account, simulator_particulars
from quickkub.connectors.simulation.run import served
from quickkub.connectors.transport import Line
from quickkub.house.simulators_alone import particulars
from quickkub.kernel.money import Money
from tests.support.ports import free_port
from tests.support.telling import told

NOW = datetime.now(UTC).replace(microsecond=0)
PAYER = Payer(
    name="Somchai Jaidee",
    email="somchai@example.com",
    phone="0812345678",
    card_token="",
    code="123456789012345678",
    ip="192.0.2.7",
)
OFFERS = [
    (name, offer.method)
    for name, manifest in registry.providers().items()
    for offer in manifest.methods
    if "card_token" not in offer.needs  # made in the payer's browser, by the provider's own script
]


@pytest.mark.parametrize(("provider", "method"), OFFERS)
async def test_an_account_made_for_the_simulator_can_ask_for_every_method(provider: str, method: str) -> None:
    manifest = registry.providers()[provider]
    offer = manifest.offer(method)
    assert offer is not None
    order = Order(
        reference="QKSIM00001",
        amount=Money(min(max(offer.amount_min, 50_000), offer.amount_max)),
        method=method,
        asked_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        now=NOW,
        description="An order of the tests",
        return_url="https://shop.example.com/back",
        payer=PAYER,
    )
    line = Line(registry.connector)
    simulator = registry.simulator(provider)({})
    async with served(simulator, "127.0.0.1", free_port()) as url:
        switch = {offer.flag: "true"} if offer.flag else {}
        account = loose_account(manifest, {**simulator_particulars(manifest, url), **switch})
        connector = registry.connector(provider)
        outcome = (await line.run(account, connector.create(account, order))).outcome
        await line.close()
    assert told(outcome)[0] in ("Waiting", "Paid", "Authorized"), told(outcome)


@pytest.mark.parametrize("provider", registry.names())
async def test_every_simulator_says_where_its_api_is_and_with_what_it_is_used(provider: str) -> None:
    simulator = registry.simulator(provider)({"callback_url": "http://127.0.0.1:9/heard"})
    async with (
        served(simulator, "127.0.0.1", free_port()) as url,
        aiohttp.ClientSession() as session,
        session.get(url + "/_sim/truth") as came,
    ):
        assert came.status == 200
        said = particulars(registry.providers()[provider], url)
    assert said["base_url"].removeprefix(url) in simulator.base_paths()
    assert len(said) > 2, "it works with credentials, which are to be told"
