"""The processes of a gateway: `api`, `worker`, `simulators`. Each lives and dies with its supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final, NoReturn

from quickkub.cli.lifeline import stop_on_parent_exit
from quickkub.cli.supervisor import EXIT_CONFIGURATION
from quickkub.kernel.errors import Refusal
from quickkub.merchants.keys import WeakPepper
from quickkub.settings import BadSetting, Settings, read_settings
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
        _end(refusal)


def settings_or_end(environment: Mapping[str, str]) -> Settings:
    """The settings; weak or missing ones end the process as a wrong configuration, which no restart mends."""
    try:
        return read_settings(environment)
    except (BadSetting, WeakKey) as refusal:
        _end(refusal)


def _end(refusal: Refusal) -> NoReturn:
    sys.stderr.write(f"{refusal.code}: {refusal.detail}\n")
    sys.exit(EXIT_CONFIGURATION)


def stop_on_signals() -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
