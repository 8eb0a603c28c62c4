"""The processes of a gateway: `api`, `worker`, `simulators`. Each lives and dies with its supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
from importlib import import_module
from typing import Final

from quickkub.cli.lifeline import stop_on_parent_exit
from quickkub.cli.supervisor import EXIT_CONFIGURATION
from quickkub.merchants.keys import WeakPepper
from quickkub.settings import BadSetting, Settings
from quickkub.storage.vault import WeakKey
from quickkub.telemetry import configure_logging

# Imported only by the process that is it, so that the worker does not carry the web framework in memory.
PROCESSES: Final = {
    "api": "quickkub.house.api_process",
    "worker": "quickkub.house.worker_process",
    "simulators": "quickkub.house.simulators_process",
}


def serve(part: str, settings: Settings) -> None:
    """Run one process until SIGTERM or SIGINT. Raises BadSetting for a process there is none of."""
    if part not in PROCESSES:
        raise BadSetting(f"there is no process {part!r}; there are {', '.join(PROCESSES)}", param="part")
    stop_on_parent_exit()
    configure_logging()
    process = import_module(PROCESSES[part])
    try:
        process.run(settings)
    except (BadSetting, WeakKey, WeakPepper) as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal.detail}\n")
        sys.exit(EXIT_CONFIGURATION)


def stop_on_signals() -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
