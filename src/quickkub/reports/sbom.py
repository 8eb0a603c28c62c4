"""The components this installation is made of, as CycloneDX 1.6 (PCI DSS 4.0.1, 6.3.2; ASVS 15.1.2).

Read from what is installed here, so that it tells what runs and not what a lock file wished for.
"""

from __future__ import annotations

import platform
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import Distribution, distributions
from typing import Any, Final

from quickkub import __version__
from quickkub.kernel.clock import rfc3339
from quickkub.reports.model import Table
from quickkub.reports.words import Words

OWN: Final = "quickkub"
_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_OSI: Final = "License :: "
_LICENCE_LETTERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Component:
    """A library as installed. `needs` are installed, too; `expression`: its licence is an SPDX expression."""

    name: str
    version: str
    licence: str | None
    expression: bool
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def installed(found: Iterable[Distribution] | None = None) -> list[Component]:
    """Everything that is installed beside us, by name; the first found of a name counts, as for imports."""
    here: dict[str, Distribution] = {}
    for one in distributions() if found is None else found:
        here.setdefault(_normal(one.metadata["Name"]), one)
    return [_component(name, here[name], here) for name in sorted(here) if name != OWN]


def needed(components: Iterable[Component], roots: Iterable[str] | None = None) -> set[str]:
    """Names that `roots`, our own needs when not said, lead to. The rest is there and we do without it."""
    by_name = {one.name: one for one in components}
    waiting = list(_own_needs(by_name) if roots is None else roots)
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in reached:
            reached.add(name)
            waiting.extend(by_name[name].needs)
    return reached


def bill(components: list[Component], now: datetime, database: str) -> dict[str, Any]:
    """The document. `database` is the version of the PostgreSQL server that answered."""
    required = needed(components)
    own = f"pkg:pypi/{OWN}@{__version__}"
    platforms = [
        {"type": "platform", "bom-ref": "python", "name": "CPython", "version": platform.python_version()},
        {"type": "platform", "bom-ref": "postgresql", "name": "PostgreSQL", "version": database},
    ]
    refs = {one.name: one.purl for one in components}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": rfc3339(now),
            "component": {"type": "application", "bom-ref": own, "name": OWN, "version": __version__},
        },
        "components": platforms + [_entry(one, one.name in required) for one in components],
        "dependencies": [
            {"ref": own, "dependsOn": sorted(refs[name] for name in set(_own_needs(refs)))},
            *({"ref": one.purl, "dependsOn": [refs[name] for name in one.needs]} for one in components),
        ],
    }


def table(components: list[Component]) -> Table:
    """The same for people."""
    required = needed(components)
    rows = tuple(
        (one.name, one.version, one.licence, "runs" if one.name in required else "beside")
        for one in components
    )
    return Table(
        "components",
        Words("ส่วนประกอบซอฟต์แวร์", "Components installed"),
        ("name", "version", "licence", "state"),
        rows,
        Words(
            "'runs' คือสิ่งที่ QuickKub ใช้ 'beside' คือติดตั้งอยู่ในเครื่องเดียวกัน; ฉบับเต็มอยู่ใน sbom.cdx.json",
            "'runs' is what QuickKub needs, 'beside' is installed here as well; in full in sbom.cdx.json.",
        ),
    )


def _entry(one: Component, required: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "purl": one.purl,
        "scope": "required" if required else "optional",
    }
    if one.licence is not None:
        said["licenses"] = (
            [{"expression": one.licence}] if one.expression else [{"license": {"name": one.licence}}]
        )
    return said


def _component(name: str, found: Distribution, here: Mapping[str, Distribution]) -> Component:
    licence, expression = _licence(found)
    needs = {need for need in _needs(found) if need in here}
    return Component(name, found.version, licence, expression, tuple(sorted(needs - {name, OWN})))


def _own_needs(here: Mapping[str, object]) -> list[str]:
    own = next(iter(distributions(name=OWN)), None)
    return [name for name in (_needs(own) if own else ()) if name in here]


def _needs(found: Distribution) -> Iterable[str]:
    for text in found.requires or ():
        name = _NAME.match(text)
        if name is not None and "extra ==" not in text.replace("'", '"'):
            yield _normal(name[1])


def _licence(found: Distribution) -> tuple[str | None, bool]:
    said = found.metadata
    if "License-Expression" in said:
        return said["License-Expression"], True
    classes = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if one.startswith(_OSI)]
    if classes:
        return ", ".join(classes), False
    text = said["License"].strip() if "License" in said else ""
    return (text if 0 < len(text) <= _LICENCE_LETTERS_MAX else None), False


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
