"""Style, scripts and icons under names that hold their digest: cached for ever and never stale.

Every file is listed in assets.toml with its digest, the pages that load it and the reason it is there
(security-reliability 5.8); one that is not listed, or is not what was listed, stops the gateway from
starting. A script's digest is also in the page, so a browser refuses one that was changed on the way.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE / "assets"
MANIFEST: Final = HERE / "assets.toml"

_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_NAME_DIGITS: Final = 16
"""Hex digits of the digest that go into the name: 64 bits tell versions apart; integrity has all 256."""


class AssetNotAsListed(Exception):
    """A file is not in assets.toml, is listed and missing, or differs from its digest there."""


KINDS: Final = ("script", "style", "font", "image")


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the manifest: which file, its SHA-256 in hex, which pages load it, and why it is there."""

    kind: str
    file: str
    sha256: str
    pages: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: plain, and compressed once at the start."""

    name: str
    media_type: str
    body: bytes
    gzipped: bytes
    integrity: str

    @property
    def path(self) -> str:
        """Where browsers find it."""
        return f"/assets/{self.name}"


def listed(manifest: Path = MANIFEST) -> list[Listed]:
    """What the manifest lists: scripts first, then what has no power over the page."""
    read = tomllib.loads(manifest.read_text(encoding="utf-8"))
    return [
        Listed(kind, line["file"], line["sha256"], tuple(line["pages"]), line["reason"])
        for kind in KINDS
        for line in read.get(kind, [])
    ]


def scripts(manifest: Path = MANIFEST) -> list[Listed]:
    """The scripts alone."""
    return [line for line in listed(manifest) if line.kind == "script"]


class Assets:
    """All assets of a folder, by file name for pages and by digest name for browsers."""

    def __init__(self, folder: Path = FOLDER, manifest: Path = MANIFEST) -> None:
        """Reads and checks everything at once. Raises AssetNotAsListed."""
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
        _refuse_unlisted(files, listed(manifest))
        self._by_file = {name: _prepare(name, body) for name, body in files.items()}
        self._by_name = {asset.name: asset for asset in self._by_file.values()}

    def of(self, file: str) -> Asset:
        """The asset made from this file; a page that names a missing one is a bug and raises KeyError."""
        return self._by_file[file]

    def find(self, name: str) -> Asset | None:
        """The asset a browser asks for, or None for an older or invented name."""
        return self._by_name.get(name)


def _prepare(file: str, body: bytes) -> Asset:
    digest = hashlib.sha256(body)
    stem, _, suffix = file.rpartition(".")
    return Asset(
        name=f"{stem}.{digest.hexdigest()[:_NAME_DIGITS]}.{suffix}",
        media_type=_TYPES[f".{suffix}"],
        body=body,
        # Without a time in its header the same file gives the same bytes in every process.
        gzipped=gzip.compress(body, 9, mtime=0),
        integrity=f"sha256-{base64.b64encode(digest.digest()).decode()}",
    )


def _refuse_unlisted(files: dict[str, bytes], lines: Iterable[Listed]) -> None:
    digests = {line.file: line.sha256 for line in lines}
    found = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    for name in sorted(digests.keys() | found.keys()):
        if digests.get(name) != found.get(name):
            raise AssetNotAsListed(
                f"{name}: assets.toml says {digests.get(name, 'nothing')}, the file is "
                f"{found.get(name, 'missing')}; read what changed, then list it"
            )
