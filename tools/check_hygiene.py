"""What may not be in a committed file (addresses, machine paths, dead links), and what must (headings)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.check_vendored import vendored_files
from tools.tree import PACKAGE, ROOT, Finding, tracked

# Written in pieces, so that this file may stand beside the rule it states.
_HOSTS: Final = re.compile(
    "|".join(
        re.escape(left + right)
        for left, right in (
            ("py", "pi.org"),
            ("python", "hosted.org"),
            ("npm", "js.org"),
            ("npm", "js.com"),
            ("deb.deb", "ian.org"),
            ("security.deb", "ian.org"),
            ("crates", ".io"),
        )
    )
)
_MACHINE_PATHS: Final = re.compile(
    r"(?<![\w.~*/-])/(" + "|".join(("ro" + "ot", "home", "Users", "wo" + "rk")) + r")/\w"
)
_LATER: Final = re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME)\b")
# A relative link of Markdown, without its #part; addresses have a colon.
_LINK: Final = re.compile(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)")
_HEADINGS: Final = ("Context", "Decision", "Consequences", "Considered")
_DECISION_NAME: Final = re.compile(r"\d{4}-[a-z0-9-]+\.md")
_FRAGMENT_NAME: Final = re.compile(r"[a-z0-9-]+\.(added|changed|fixed|removed|security)\.md")
_ROOM_LETTERS_MIN: Final = 80


def check(root: Path) -> list[Finding]:
    """All rules of this file over the whole checkout."""
    found: list[Finding] = []
    vendored = vendored_files(root)
    for path in tracked(root):
        if path not in vendored:
            found += _words(path, root)
        if path.suffix == ".md" and path not in vendored:
            found += _links(path, root)
    found += _decisions(root)
    found += _fragments(root)
    found += _rooms(root)
    return found


def _words(path: Path, root: Path) -> Iterator[Finding]:
    raw = path.read_bytes()
    if b"\0" in raw[:8192]:
        return
    name = path.relative_to(root).as_posix()
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), start=1):
        if host := _HOSTS.search(line):
            yield Finding(
                name, number, f"{host[0]} is a registry's address; installers know it, files do not say it"
            )
        if place := _MACHINE_PATHS.search(line):
            yield Finding(
                name, number, f"{place[0]}... is a path of one machine; write it relative to the checkout"
            )
        if later := _LATER.search(line):
            yield Finding(name, number, f"{later[0]}: do it now, or say in the docs that it is not there")
        if str(ROOT) != "/" and f"{ROOT}/" in line:
            yield Finding(name, number, "the path of this very checkout; write it relative to the checkout")


def _links(path: Path, root: Path) -> Iterator[Finding]:
    """A link to a file of ours leads to one."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        for target in _LINK.findall(line):
            if not (path.parent / target).exists():
                name = path.relative_to(root).as_posix()
                yield Finding(
                    name, number, f"links to {target}, which is not there; links start at this file's folder"
                )


def _decisions(root: Path) -> Iterator[Finding]:
    numbers: dict[str, str] = {}
    for path in sorted((root / "docs/decisions").glob("*.md")):
        name = path.relative_to(root).as_posix()
        if _DECISION_NAME.fullmatch(path.name) is None:
            yield Finding(name, 1, "a decision is named NNNN-what-we-decided.md, in small letters")
            continue
        taken = numbers.setdefault(path.name[:4], path.name)
        if taken != path.name:
            yield Finding(name, 1, f"number {path.name[:4]} is taken by {taken}; take the next free one")
        text = path.read_text(encoding="utf-8")
        missing = [heading for heading in _HEADINGS if not re.search(rf"^## {heading}\b", text, re.MULTILINE)]
        if missing:
            yield Finding(name, 1, f"lacks {', '.join(f'`## {heading}`' for heading in missing)}")


def _fragments(root: Path) -> Iterator[Finding]:
    for path in sorted((root / "changelog.d").glob("*")):
        if path.name != "README.md" and _FRAGMENT_NAME.fullmatch(path.name) is None:
            name = path.relative_to(root).as_posix()
            yield Finding(
                name, 1, "a fragment is named what-changed.<added|changed|fixed|removed|security>.md"
            )


def _rooms(root: Path) -> Iterator[Finding]:
    """Each folder of Python right below src/quickkub says at its top what it is for and never does."""
    for folder in sorted((root / PACKAGE).glob("[a-z]*")):
        if not any(folder.glob("*.py")):
            continue
        top = folder / "__init__.py"
        name = top.relative_to(root).as_posix()
        said = ast.get_docstring(ast.parse(top.read_text(encoding="utf-8"))) if top.exists() else None
        if (
            not said
            or len(said) < _ROOM_LETTERS_MIN
            or not re.search(r"(?i)\b(never|nothing|not|no)\b", said)
        ):
            yield Finding(name, 1, "open with a paragraph: what this room is for, and what it will never do")
