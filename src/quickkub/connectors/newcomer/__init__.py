"""A provider that is not here yet: the folder `quickkub provider new` writes, and what it then owes.

The files are templates with words like `$name` in them; what they become runs at once, as a made-up API of
one charge, and the contract tests name what is still missing. Nothing outside the new folder is ever touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from quickkub.connectors import providers as home
from quickkub.connectors import registry
from quickkub.kernel.errors import Kind, Refusal

FILES: Final = Path(__file__).parent / "files"
SUFFIX: Final = ".txt"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9]{1,19}")
FIRST_PORT: Final = 3110

OWED: Final = (
    "a payment that is Paid, by inquiry",
    "a charge that has ended: Declined",
    "creation and inquiry that end as Unknown: broken JSON, another amount, a lost answer",
    "a callback that is read and answered",
    "the check of an account: Works and Declined",
    "whatever `can` of a method promises: Authorized, capture, void, refund, cancel",
)


class ProviderExists(Refusal):
    """There is a provider of this name already."""

    code, kind = "provider_exists", Kind.CONFLICT


class BadProviderName(Refusal):
    """A provider's name is 2 to 20 small letters and digits."""

    code, kind = "provider_name_invalid", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What was written, and where."""

    name: str
    folder: Path
    port: int
    files: tuple[Path, ...]


def write(name: str, title: str = "", into: Path | None = None) -> Newcomer:
    """Write the folder of a new provider, by default beside the others.

    Raises BadProviderName, and ProviderExists before anything is written.
    """
    if NAME.fullmatch(name) is None:
        raise BadProviderName("a provider's name is 2 to 20 small letters and digits", param="name")
    module = name if name[0].isalpha() else f"p{name}"
    folder = Path(into or home.__path__[0], module)
    if name in registry.names() or folder.exists():
        raise ProviderExists(f"there is a provider {name} already", param="name")
    words = {
        "name": name,
        "folder": module,
        "title": title or name.capitalize(),
        "class_name": module.capitalize(),
        "port": str(free_simulator_port()),
        "owed": "\n".join(f"- {duty}" for duty in OWED),
    }
    written = []
    for template in sorted(FILES.rglob(f"*{SUFFIX}")):
        path = folder / template.relative_to(FILES).with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text(encoding="utf-8")).substitute(words)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return Newcomer(name, folder, int(words["port"]), tuple(written))


def free_simulator_port() -> int:
    """The port after the last that a simulator has."""
    return max((m.simulator_port for m in registry.providers().values()), default=FIRST_PORT - 1) + 1
