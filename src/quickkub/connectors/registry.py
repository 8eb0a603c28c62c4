"""Which providers there are: those with a folder in connectors/providers. Nothing is listed anywhere."""

from __future__ import annotations

import pkgutil
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from quickkub.connectors import providers as folder
from quickkub.connectors.contract import Connector, Manifest
from quickkub.connectors.simulation.base import SimulatorMaker
from quickkub.kernel.errors import Kind, Refusal


class UnknownProvider(Refusal):
    """There is no folder for a provider of this name."""

    code, kind = "provider_unknown", Kind.NOT_FOUND


def names() -> list[str]:
    """The providers' names, sorted. A name is the manifest's; its folder may be spelt as Python needs it."""
    return list(_found_in(tuple(folder.__path__)))


def folder_of(name: str) -> Path:
    """The provider's folder on disk. Raises UnknownProvider."""
    return Path(str(_part(name, "manifest").__file__)).parent


@lru_cache
def _found_in(paths: tuple[str, ...]) -> dict[str, str]:
    """Module by provider name. A folder is a provider's once it has a manifest; nothing else is imported."""
    packages = [found.name for found in pkgutil.iter_modules(paths) if found.ispkg]
    modules = sorted(name for name in packages if any(Path(p, name, "manifest.py").is_file() for p in paths))
    named = {import_module(f"{folder.__name__}.{m}.manifest").MANIFEST.name: m for m in modules}
    return dict(sorted(named.items()))


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
    module = _found_in(tuple(folder.__path__)).get(name)
    if module is None:
        raise UnknownProvider(f"there is no provider {name[:40]!r}", param="provider")
    return import_module(f"{folder.__name__}.{module}.{part}")
