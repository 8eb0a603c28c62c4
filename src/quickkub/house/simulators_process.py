"""The process that plays the providers, with the demo shop's callback address known to each."""

from __future__ import annotations

import asyncio
from typing import Final

from quickkub.cli.gateway import simulator_variable
from quickkub.cli.lifeline import inherited_socket, say_ready
from quickkub.connectors.simulation.run import run as run_simulators
from quickkub.house.demo_shop import read_demo_file, simulator_ports
from quickkub.house.serve import stop_on_signals
from quickkub.settings import BadSetting, Settings

LOOPBACK: Final = "127.0.0.1"
NO_SHOP: Final = "there is no demo shop in this data folder; `quickkub up` makes one"


def run(settings: Settings) -> None:
    """Play until told to stop. Raises BadSetting when there is no demo shop to play for."""
    asyncio.run(_play(settings))


async def _play(settings: Settings) -> None:
    stop = stop_on_signals()
    shop = read_demo_file(settings.data_dir)
    if shop is None:
        raise BadSetting(NO_SHOP)
    ports = {name: port for name, port in simulator_ports(settings).items() if name in shop.accounts}
    found = {name: inherited_socket(simulator_variable(name)) for name in ports}
    waiting = set(ports)

    def ready(name: str, _: str) -> None:
        waiting.discard(name)
        if not waiting:
            say_ready()

    playing = asyncio.create_task(
        run_simulators(
            list(ports),
            host=LOOPBACK,
            ports=ports,
            sockets={name: listening for name, listening in found.items() if listening},
            ready=ready,
            # Those that are told with each order prefer what the order says.
            config={name: {"callback_url": shop.callback_url(name)} for name in ports},
        )
    )
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([playing, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
