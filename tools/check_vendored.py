"""Files that came from elsewhere are listed beside themselves with licence and SHA-256, and are as listed.

A folder with such files holds `VENDORED.toml`:

    [[asset]]
    file = "htmx.min.js"
    name = "htmx"
    version = "2.0.4"
    licence = "0BSD"
    licence_file = "htmx.LICENSE.txt"
    sha256 = "..."
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.tree import Finding, tracked

LIST: Final = "VENDORED.toml"
_FIELDS: Final = ("file", "name", "version", "licence", "licence_file", "sha256")
# Nobody writes these by hand, so one that is not listed came from somewhere without saying so.
_FROM_ELSEWHERE: Final = (".min.js", ".min.css", ".woff", ".woff2", ".ttf", ".otf")


def check(root: Path) -> list[Finding]:
    """Every listed file is there with its digest and licence; every file that looks brought in is listed."""
    found: list[Finding] = []
    for listing in _lists(root):
        for asset in _assets(listing):
            found += _trouble(listing, asset, root)
    listed = vendored_files(root)
    for path in tracked(root):
        if path.name.endswith(_FROM_ELSEWHERE) and path not in listed:
            name = path.relative_to(root).as_posix()
            found.append(
                Finding(name, 1, f"came from elsewhere; list it in {LIST} beside it, with its licence")
            )
    return found


def vendored_files(root: Path) -> set[Path]:
    """Every listed file and licence text: other checks leave their words alone."""
    found: set[Path] = set()
    for listing in _lists(root):
        for asset in _assets(listing):
            found |= {listing.parent / str(asset[key]) for key in ("file", "licence_file") if key in asset}
    return found


def _lists(root: Path) -> list[Path]:
    return [path for path in tracked(root) if path.name == LIST]


def _assets(listing: Path) -> list[dict[str, Any]]:
    assets = tomllib.loads(listing.read_text(encoding="utf-8")).get("asset", [])
    return list(assets)


def _trouble(listing: Path, asset: dict[str, Any], root: Path) -> Iterator[Finding]:
    name = listing.relative_to(root).as_posix()
    missing = [key for key in _FIELDS if not asset.get(key)]
    if missing:
        yield Finding(name, 1, f"{asset.get('file', 'an asset')} lacks {', '.join(missing)}")
        return
    for key in ("file", "licence_file"):
        if not (listing.parent / asset[key]).is_file():
            yield Finding(name, 1, f"lists {asset[key]}, which is not there")
            return
    digest = hashlib.sha256((listing.parent / asset["file"]).read_bytes()).hexdigest()
    if digest != asset["sha256"]:
        yield Finding(name, 1, f"{asset['file']} is not what was listed: its sha256 is {digest}")
