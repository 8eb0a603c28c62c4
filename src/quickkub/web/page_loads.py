"""What a page of ours makes a browser load or do, read from its HTML and compared with the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from quickkub.web.assets import Assets, Listed

_NEVER: Final = frozenset(
    {"iframe", "frame", "object", "embed", "applet", "base", "style", "template", "portal"}
)
"""Elements that bring in another page or other code, or turn our addresses to another place."""

_BRINGS: Final = {
    "script": "src",
    "link": "href",
    "img": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
}


@dataclass
class Loads(HTMLParser):
    """The elements of a page that load or run something."""

    addresses: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Tag, address, and the digest the browser is told to insist on."""
    strange: list[str] = field(default_factory=list)
    """What no page of ours has."""

    def __post_init__(self) -> None:
        super().__init__()
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self._script = tag == "script"
        if tag in _NEVER:
            self.strange.append(f"<{tag}> is in the page")
        self.strange += [f"<{tag}> has {name}" for name in told if _runs(name)]
        if tag in _BRINGS:
            self.addresses.append((tag, told.get(_BRINGS[tag]) or "", told.get("integrity")))
        for name in ("href", "action", "formaction"):
            if (told.get(name) or "").strip().lower().startswith(("javascript:", "vbscript:")):
                self.strange.append(f"<{tag}> has a script for its {name}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.strange.append("a script stands inside the page")


def _runs(attribute: str) -> bool:
    return attribute.startswith("on") or attribute in {"style", "srcdoc", "srcset"}


def loads_of(html: str) -> Loads:
    """The page, read."""
    found = Loads()
    found.feed(html)
    found.close()
    return found


def page_differences(
    html: str, page: str, address: str, assets: Assets, manifest: Sequence[Listed]
) -> list[str]:
    """What the page loads or holds and the manifest does not list for it, and what it lists and is missing.

    `page` is the manifest's name of it; below `address` are the pictures of the payment itself.
    """
    found = loads_of(html)
    wanted = {assets.of(line.file).path: line for line in manifest if page in line.pages}
    differences = list(found.strange)
    for tag, loaded, integrity in found.addresses:
        line = wanted.get(loaded)
        if line is None:
            if not (tag == "img" and _is_of_the_payment(loaded, address)):
                differences.append(f"<{tag}> loads {_shown(loaded)}, which is not listed")
        elif line.kind == "script" and integrity != assets.of(line.file).integrity:
            differences.append(f"{line.file} is loaded without its digest")
        elif tag == "script" and line.kind != "script":
            differences.append(f"{line.file} is loaded as a script")
    differences += _missing(found, wanted)
    return sorted(set(differences))


def _missing(found: Loads, wanted: dict[str, Listed]) -> Iterator[str]:
    loaded = {address for _, address, _ in found.addresses}
    yield from (
        f"{line.file} is listed and not loaded" for path, line in wanted.items() if path not in loaded
    )


def _is_of_the_payment(loaded: str, address: str) -> bool:
    return loaded.startswith((f"{address}/", "data:image/"))


def _shown(address: str) -> str:
    """An address without what may belong to a payer."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else (parts.path or "nothing")[:80]
