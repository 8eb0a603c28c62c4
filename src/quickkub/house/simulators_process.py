"""The process that plays the providers, with the demo shop known to each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from quickkub.cli.lifeline import inherited_socket, say_ready
from quickkub.connectors.providers.scb.simulator.register import DEMO
from quickkub.connectors.simulation.run import run as run_simulators
from quickkub.house import demo_shop
from quickkub.house.demo_shop import DemoShop
from quickkub.house.serve import stop_on_signals
from quickkub.settings import Settings

SOCKET_VARIABLE: Final = "QUICKKUB_SIMULATORS_FD"


def run(settings: Settings) -> None:
    """Play until told to stop."""
    asyncio.run(_play(settings))


async def _play(settings: Settings) -> None:
    stop = stop_on_signals()
    particulars = json.loads(demo_shop.demo_file(settings.data_dir).read_text(encoding="utf-8"))
    shop = DemoShop(**particulars)
    config = {"scb": scb_config(shop, settings.public_url)}
    listening = inherited_socket(SOCKET_VARIABLE)
    playing = asyncio.create_task(
        run_simulators(
            ["scb"],
            host=settings.host,
            ports={"scb": settings.simulators_port},
            sockets={"scb": listening} if listening else {},
            ready=lambda _name, _url: say_ready(),
            config=config,
        )
    )
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([playing, stopped], return_when=asyncio.FIRST_COMPLETED)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


def scb_config(shop: DemoShop, public_url: str) -> Mapping[str, Any]:
    """The bank's published examples, and the demo shop: its application, biller, and confirmation address."""
    return {
        "apps": [
            DEMO,
            {
                "application_key": demo_shop.APPLICATION_KEY,
                "application_secret": demo_shop.APPLICATION_SECRET,
                "billers": [
                    {
                        "biller_id": demo_shop.BILLER_ID,
                        "name": "QUICKKUB DEMO SHOP",
                        "prefixes": {demo_shop.REF3_PREFIX: public_url + shop.scb_callback_path},
                    }
                ],
            },
        ],
    }
