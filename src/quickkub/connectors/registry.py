"""Which providers there are: those with a folder in connectors/providers. Nothing is listed anywhere."""

from __future__ import annotations

import pkgutil
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType

from quickkub.connectors import providers as folder
from quickkub.connectors.contract import Connector, Manifest
from quickkub.connectors.simulation.base import SimulatorMaker
from quickkub.kernel.errors import Kind, Refusal


class UnknownProvider(Refusal):
    """There is no folder for a provider of this name."""

    code, kind = "provider_unknown", Kind.NOT_FOUND


def names() -> list[str]:
    """The providers' names, sorted."""
    return list(_found_in(tuple(folder.__path__)))


@lru_cache
def _found_in(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(found.name for found in pkgutil.iter_modules(paths) if found.ispkg))


def providers() -> dict[str, Manifest]:
    """Every provider's manifest by name."""
    return {name: _part(name, "manifest").MANIFEST for name in names()}


def connector(name: str) -> Connector:
    """The provider's connector. Raises UnknownProvider."""
    found: Connector = _part(name, "connector").CONNECTOR
    return found


def simulator(name: str) -> SimulatorMaker:
    """What makes the provider's simulator. Raises UnknownProvider."""
    found: SimulatorMaker = _part(name, "simulator").SIMULATOR
    return found


@cache
def _part(name: str, part: str) -> ModuleType:
    # Only a name that was found is imported, so that no name from outside reaches the import system.
    if name not in names():
        raise UnknownProvider(f"there is no provider {name[:40]!r}", param="provider")
    return import_module(f"{folder.__name__}.{name}.{part}")
