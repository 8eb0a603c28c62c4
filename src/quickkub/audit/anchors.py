"""Anchors: how far each chain went at a time, signed, in files the role of the database cannot write.

One file a month, one line an hour, only ever added to. A line is a compact JWS over
`{"at", "previous", "chains", "heads"}`: `previous` is the SHA-256 of the line before, also across files, so
a line that was taken out is missed. The first line of a month names every chain, later ones those that grew
since: each file can be read by itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from quickkub.audit.chain import Head
from quickkub.audit.jose import AnchorKey, NotSigned

PUBLIC_KEY: Final = "anchor-key.json"
_SUFFIX: Final = ".anchors"


class SignedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chain's head as a line tells it; `hash` is hexadecimal."""

    chain: str
    length: int
    hash: str


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a line says. `chains` counts all there were, also those not named again."""

    at: str
    previous: str | None
    chains: int
    heads: list[SignedHead]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as found: what it says, or why it cannot be believed."""

    place: str
    says: Statement | None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class _Raw:
    file: str
    number: int
    text: str
    whole: bool

    @property
    def place(self) -> str:
        return f"{self.file} line {self.number}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_lines(folder: Path, key: AnchorKey) -> Iterator[Line]:
    """Every line in order, each checked against the key and the line before.

    A line cut by a crash is passed over when the next one follows the one before it, as the writer does.
    """
    previous: str | None = None
    cut: Line | None = None
    for raw in _raw_lines(folder):
        says = _opened(raw, key)
        if says is None:
            if cut is not None:
                yield cut
            cut = Line(raw.place, None, "is not signed by this key" if raw.whole else "ends in the middle")
            continue
        if says.previous != previous:
            yield Line(raw.place, None, "does not follow the line before: a line is missing or was changed")
        yield Line(raw.place, says)
        previous, cut = raw.digest, None
    if cut is not None:
        yield cut


def append(folder: Path, key: AnchorKey, at: datetime, heads: Mapping[str, Head]) -> list[SignedHead]:
    """Write the heads, signed, and have them on the disk when this returns. Returns those that were named.

    Writers of one folder wait for each other; the folder may be one that allows only adding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{at:%Y-%m}{_SUFFIX}"
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        told, previous, whole = _so_far(folder, path, key)
        named = [
            SignedHead(chain, head.length, head.hash.hex())
            for chain, head in sorted(heads.items())
            if told.get(chain) != (head.length, head.hash.hex())
        ]
        said = Statement(at.strftime("%Y-%m-%dT%H:%M:%SZ"), previous, len(heads), named)
        line = key.sign(msgspec.json.encode(said))
        # What a crash cut off stays where it is, on a line of its own.
        file.write(("" if whole else "\n").encode() + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _publish(folder, key)
    _sync(folder)
    return named


def has_lines(folder: Path) -> bool:
    """Whether anything was ever anchored here."""
    return any(path.stat().st_size for path in _files(folder))


def _so_far(folder: Path, path: Path, key: AnchorKey) -> tuple[dict[str, tuple[int, str]], str | None, bool]:
    """What this month's file tells, the digest of the last line, and whether the file's end is whole."""
    told: dict[str, tuple[int, str]] = {}
    previous: str | None = None
    whole = True
    # The file before is enough for `previous`: it has a whole line, unless a crash cut its only one.
    for file in _files(folder)[-2:]:
        for raw in _raw_of(file):
            says = _opened(raw, key)
            whole = raw.whole or file != path
            if says is not None:
                previous = raw.digest
            if says is not None and file == path:
                told |= {head.chain: (head.length, head.hash) for head in says.heads}
    return told, previous, whole


def _opened(raw: _Raw, key: AnchorKey) -> Statement | None:
    try:
        return msgspec.json.decode(key.open(raw.text), type=Statement)
    except (NotSigned, msgspec.DecodeError):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"))


def _raw_lines(folder: Path) -> Iterator[_Raw]:
    for path in _files(folder):
        yield from _raw_of(path)


def _raw_of(path: Path) -> Iterator[_Raw]:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, text in enumerate(file, start=1):
            yield _Raw(path.name, number, text.rstrip("\n"), text.endswith("\n"))


def _publish(folder: Path, key: AnchorKey) -> None:
    """The public key beside the lines, for who verifies elsewhere; the first one stays."""
    path = folder / PUBLIC_KEY
    if not path.exists():
        path.write_text(key.public() + "\n", encoding="utf-8")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
