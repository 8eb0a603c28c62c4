"""Reads duties.toml: requirement by requirement, what in the folder shows something about it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quickkub.reports.model import Table
from quickkub.reports.words import Words

_FILE: Final = Path(__file__).with_name("duties.toml")


@dataclass(frozen=True, slots=True)
class Duty:
    """`evidence` names tables or files of the folder; `missing` is what they do not show, or empty."""

    standard: str
    requirement: str
    words: Words
    evidence: tuple[str, ...]
    missing: str


def duties() -> list[Duty]:
    """All of them, in the order of the file."""
    read = tomllib.loads(_FILE.read_text(encoding="utf-8"))["duty"]
    return [
        Duty(
            one["standard"],
            one["requirement"],
            Words(one["th"], one["en"]),
            tuple(one["evidence"]),
            one.get("missing", ""),
        )
        for one in read
    ]


def table() -> Table:
    """The same as a table of the folder."""
    rows = tuple(
        (one.standard, one.requirement, one.words.th, one.words.en, " ".join(one.evidence), one.missing)
        for one in duties()
    )
    return Table(
        "duties",
        Words("ข้อกำหนดและหลักฐาน", "Requirements and evidence"),
        ("standard", "requirement", "asked_th", "asked_en", "file", "note"),
        rows,
    )
