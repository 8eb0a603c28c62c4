"""Simulators without a gateway, for people who integrate with a provider by themselves."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from quickkub.cli.ground import PortTaken
from quickkub.connectors import registry
from quickkub.connectors.contract import Manifest
from quickkub.connectors.simulation.base import Config
from quickkub.connectors.simulation.run import run
from quickkub.house.serve import stop_on_signals
from quickkub.settings import BadSetting

ADDRESS: Final = re.compile(r"https?://[^\s/]+[^\s]*")


def serve_alone(
    names: Sequence[str], *, host: str, port: int | None, callback: str | None, as_json: bool
) -> None:
    """Serve until Ctrl-C and print where each is and how to use it.

    Raises UnknownProvider, PortTaken, and BadSetting for a stray port or a callback address that is none.
    """
    if port is not None and len(names) != 1:
        raise BadSetting("--port goes with one name", param="port")
    if callback is not None and ADDRESS.fullmatch(callback) is None:
        raise BadSetting("--callback is an http or https address", param="callback")
    named = list(dict.fromkeys(names)) or registry.names()
    ports = {named[0]: port} if port is not None else {}
    config = {name: {"callback_url": callback} for name in named} if callback else {}
    asyncio.run(_serve(named, host, ports, config, as_json))


async def _serve(
    names: Sequence[str], host: str, ports: Mapping[str, int], config: Mapping[str, Config], as_json: bool
) -> None:
    stop = stop_on_signals()
    found: dict[str, dict[str, str]] = {}
    manifests = registry.providers()

    def ready(name: str, url: str) -> None:
        found[name] = particulars(manifests[name], url)
        if len(found) == len(names):
            _tell(found, as_json)

    serving = asyncio.create_task(run(names, host=host, ports=ports, ready=ready, config=config))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if serving.done():
        _refuse_taken_port(serving)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def _refuse_taken_port(ended: asyncio.Task[None]) -> None:
    """Raises PortTaken when that was why it ended, and whatever else it was."""
    try:
        ended.result()
    except OSError as trouble:
        if trouble.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(f"a simulator's port is in use: {trouble.strerror}") from None


def particulars(manifest: Manifest, url: str) -> dict[str, str]:
    """What a client of a simulator at `url` needs: addresses, and credentials by the provider's own names."""
    others = {f"{host}_base_url": url + path for host, path in manifest.simulator_other_paths.items()}
    base = {"url": url, "base_url": url + manifest.simulator_base_path}
    return base | others | dict(manifest.simulator_credentials)


def _tell(found: dict[str, dict[str, str]], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, said in found.items():
            sys.stdout.write(f"{name}\n")
            sys.stdout.writelines(f"  {key:20} {value}\n" for key, value in said.items())
    sys.stdout.flush()
