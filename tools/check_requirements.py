"""The pins cover what is asked for, agree, carry hashes, name no address; what is imported is asked for."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.tree import Finding, sources

AGAIN: Final = "run `make lock`"
_OUR_OWN: Final = {"quickkub", "tools", "tests"}
_PIN: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
_ADDRESS: Final = re.compile(
    r"https?://|^--(index-url|extra-index-url|find-links|trusted-host)", re.MULTILINE
)


def check(root: Path) -> list[Finding]:
    """All rules of this file, without touching the network."""
    project = _of_project(root)
    runtime = project + _of_file(root, "runtime.in")
    dev = runtime + _of_file(root, "dev.in")
    found: list[Finding] = []
    for name, asked in (("bootstrap", _of_file(root, "bootstrap.in")), ("runtime", runtime), ("dev", dev)):
        found += _covers(root, name, asked)
    found += _dev_holds_runtime(root)
    found += _imports(root, "src", _names(project), "pyproject.toml")
    for folder in ("tests", "tools"):
        found += _imports(root, folder, _names(dev), "requirements/dev.in")
    return found


def _names(asked: list[Requirement]) -> set[str]:
    return {canonicalize_name(one.name) for one in asked}


def _of_project(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        Requirement(text) for text in project["project"]["dependencies"] + project["build-system"]["requires"]
    ]


def _of_file(root: Path, name: str) -> list[Requirement]:
    lines = (root / "requirements" / name).read_text(encoding="utf-8").splitlines()
    texts = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(text) for text in texts if text and not text.startswith("-")]


def _pins(root: Path, name: str) -> dict[str, Version]:
    lines = (root / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines()
    pins = (match for match in map(_PIN.match, lines) if match)
    return {canonicalize_name(pin["name"]): Version(pin["version"]) for pin in pins}


def _covers(root: Path, name: str, asked: list[Requirement]) -> Iterator[Finding]:
    path = f"requirements/{name}.txt"
    text = (root / path).read_text(encoding="utf-8")
    pins = _pins(root, name)
    if address := _ADDRESS.search(text):
        yield Finding(
            path, 1, f"holds {address[0]!r}; pins name versions and hashes, never where they come from"
        )
    for one in asked:
        pinned = pins.get(canonicalize_name(one.name))
        if pinned is None:
            yield Finding(path, 1, f"does not pin {one.name}; {AGAIN}")
        elif not one.specifier.contains(pinned, prereleases=True):
            yield Finding(path, 1, f"pins {one.name} {pinned}, but {one.specifier} is asked for; {AGAIN}")
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        pin = _PIN.match(block)
        if pin and "--hash=sha256:" not in block:
            yield Finding(path, 1, f"{pin['name']} has no hash; {AGAIN}")


def _dev_holds_runtime(root: Path) -> Iterator[Finding]:
    """`make test` tests what `make run` runs: the same packages at the same versions."""
    dev = _pins(root, "dev")
    for name, version in _pins(root, "runtime").items():
        if dev.get(name) != version:
            yield Finding(
                "requirements/dev.txt", 1, f"has {name} {dev.get(name)}, runtime has {version}; {AGAIN}"
            )


def _imports(root: Path, folder: str, asked: set[str], where: str) -> Iterator[Finding]:
    """A package that is only there because another one brought it may be gone tomorrow."""
    homes = packages_distributions()
    for source in sources(root, folder):
        for node in ast.walk(source.tree):
            for top in _imported(node) - _OUR_OWN - sys.stdlib_module_names:
                owners = {canonicalize_name(owner) for owner in homes.get(top, [top])}
                if owners.isdisjoint(asked) and isinstance(node, ast.stmt):
                    message = f"imports {top} of {'/'.join(sorted(owners))}; add it to {where} and {AGAIN}"
                    yield Finding(source.path, node.lineno, message)


def _imported(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {name.name.partition(".")[0] for name in names}
        case ast.ImportFrom(module=str(module), level=0):
            return {module.partition(".")[0]}
        case _:
            return set()
