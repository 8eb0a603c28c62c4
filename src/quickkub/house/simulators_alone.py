"""Simulators without a gateway, for people who integrate with a provider by themselves."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence

from quickkub.connectors import registry
from quickkub.connectors.simulation.run import run
from quickkub.house.serve import stop_on_signals
from quickkub.settings import BadSetting


def serve_alone(names: Sequence[str], *, host: str, port: int | None, as_json: bool) -> None:
    """Serve until Ctrl-C and print where each is. Raises UnknownProvider, and BadSetting for a stray port."""
    if port is not None and len(names) != 1:
        raise BadSetting("--port goes with one name", param="port")
    ports = {names[0]: port} if port is not None else {}
    asyncio.run(_serve([*names] or registry.names(), host, ports, as_json))


async def _serve(names: Sequence[str], host: str, ports: Mapping[str, int], as_json: bool) -> None:
    stop = stop_on_signals()
    found: dict[str, dict[str, str]] = {}
    manifests = registry.providers()

    def ready(name: str, url: str) -> None:
        found[name] = {"url": url, **manifests[name].simulator_credentials}
        if len(found) == len(names):
            _tell(found, as_json)

    serving = asyncio.create_task(run(names, host=host, ports=ports, ready=ready))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if serving.done():
        serving.result()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def _tell(found: dict[str, dict[str, str]], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, particulars in found.items():
            sys.stdout.write(f"{name}\n")
            sys.stdout.writelines(f"  {key:20} {value}\n" for key, value in particulars.items())
    sys.stdout.flush()
