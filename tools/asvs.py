"""The ASVS table: docs/security/asvs.toml against the standard, the code and the tests.

The standard's own list is docs/security/owasp-asvs-5.0.0.csv (brought in; VENDORED.toml says from where). The
table says for each requirement of the goal where it stands, which code does it and which tests hold it.
"""

from __future__ import annotations

import ast
import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.markdown import WRITTEN, table
from tools.tree import ROOT, tracked

TABLE: Final = "docs/security/asvs.toml"
STANDARD: Final = "docs/security/owasp-asvs-5.0.0.csv"
SHIPPED: Final = "src/quickkub/reports/asvs.csv"

MONEY: Final = frozenset(
    {"V2.3.5", "V4.1.5", "V10.4.5", "V14.2.6", "V14.2.7", "V15.4.1", "V15.4.2", "V15.4.3"}
)
"""Requirements that are about money, whatever their level (security-reliability 8); the goal has them besides
all of levels 1 and 2. In the release 10.4.5 is of level 1."""

MET, PARTLY, NOT_YET, OPERATOR, NOT_APPLICABLE = STATUSES = ("met", "partly", "not yet", "operator", "n/a")
_NOTE_LETTERS_MIN: Final = 12
_FIELDS: Final = frozenset({"status", "code", "tests", "note"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """A line of the standard."""

    id: str
    level: str
    chapter: str
    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where we stand with one requirement."""

    status: str
    code: tuple[str, ...]
    tests: tuple[str, ...]
    note: str


def standard(root: Path = ROOT) -> list[Requirement]:
    """All of it, in its order."""
    text = (root / STANDARD).read_text(encoding="utf-8-sig")
    return [
        Requirement(
            line["req_id"],
            line["L"],
            f"{line['chapter_id']} {line['chapter_name']}",
            line["section_name"],
            line["req_description"],
        )
        for line in csv.DictReader(io.StringIO(text))
    ]


def goal(root: Path = ROOT) -> list[Requirement]:
    """Levels 1 and 2, and what is about money."""
    return [one for one in standard(root) if one.level in ("1", "2") or one.id in MONEY]


def standings(root: Path = ROOT) -> dict[str, Standing]:
    """The table. A field nobody knows is told by `trouble`."""
    return {
        name: Standing(
            str(said.get("status", "")),
            tuple(said.get("code", ())),
            tuple(said.get("tests", ())),
            str(said.get("note", "")),
        )
        for name, said in _read(root).items()
    }


def _read(root: Path) -> dict[str, dict[str, list[str] | str]]:
    # A table named twice is refused by the format itself.
    read: dict[str, dict[str, list[str] | str]] = tomllib.loads((root / TABLE).read_text(encoding="utf-8"))
    return read


def trouble(root: Path = ROOT) -> list[str]:
    """Everything in the table that is not as it must be, a sentence each."""
    stood, asked = standings(root), [one.id for one in goal(root)]
    found = [f"{name}: is asked for and not in the table" for name in asked if name not in stood]
    found += [f"{name}: is in the table and not asked for" for name in stood if name not in asked]
    if [name for name in stood if name in asked] != [name for name in asked if name in stood]:
        found.append("the table is not in the standard's order")
    for name, said in _read(root).items():
        found += [f"{name}: nobody knows the field {extra}" for extra in said.keys() - _FIELDS]
    tests = test_names(root)
    for name, one in stood.items():
        found += [f"{name}: {said}" for said in _wrong(one, root, tests)]
    return found


def _wrong(one: Standing, root: Path, tests: frozenset[str]) -> Iterator[str]:
    if one.status not in STATUSES:
        yield f"{one.status!r} is none of {', '.join(STATUSES)}"
    if one.status == MET and not (one.code and one.tests):
        yield "nothing is met without code that does it and a test that holds it"
    if one.status == PARTLY and not one.code:
        yield "what is partly met has code"
    if one.status != MET and len(one.note) < _NOTE_LETTERS_MIN:
        yield "what is not met says why or what is missing"
    if one.status in (NOT_YET, OPERATOR, NOT_APPLICABLE) and (one.code or one.tests):
        yield f"{one.status} has neither code nor tests; say `partly` if there is some"
    yield from (f"{path} is not there" for path in one.code if not (root / path).exists())
    yield from (f"{test} is no test" for test in one.tests if test not in tests)


def test_names(root: Path = ROOT) -> frozenset[str]:
    """`path::name` of every test function, read without running anything."""
    return frozenset(
        f"{path.relative_to(root).as_posix()}::{node.name}"
        for path in tracked(root)
        if path.suffix == ".py" and path.name.startswith("test_")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def shipped() -> str:
    """The table as the package carries it, for `quickkub report compliance`."""
    out, stood = io.StringIO(), standings()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "level", "section", "status", "code", "tests", "note"])
    for one in goal():
        said = stood[one.id]
        writer.writerow(
            [
                one.id,
                one.level,
                one.section,
                said.status,
                " ".join(said.code),
                " ".join(said.tests),
                said.note,
            ]
        )
    return out.getvalue()


def page() -> str:
    """docs/generated/asvs.md."""
    stood, asked, whole = standings(), goal(), standard()
    chapters = list(dict.fromkeys(one.chapter for one in asked))
    return "\n".join(
        [
            WRITTEN + "# OWASP ASVS 5.0.0, requirement by requirement\n",
            f"{len(asked)} of the standard's {len(whole)} requirements: all of levels 1 and 2, and those of "
            "level 3 that are about\nmoney. The statuses are the makers' own judgement of this version, "
            f"written in [asvs.toml](../security/{Path(TABLE).name});\na check compares them with the "
            "standard, the code and the tests, and a status is no certificate. The words of\n"
            "each requirement are in "
            f"[the standard's own list](../security/{Path(STANDARD).name}) (OWASP, CC BY-SA 4.0).\n",
            "`met`: by the code named, held by the tests named. `partly`, `not yet`: the note says what is "
            "missing.\n`operator`: up to whoever runs it. `n/a`: does not apply, and why.\n",
            _counts(chapters, asked, stood),
            *(_chapter(name, [one for one in asked if one.chapter == name], stood) for name in chapters),
        ]
    )


def _counts(chapters: list[str], asked: list[Requirement], stood: Mapping[str, Standing]) -> str:
    rows = []
    for name in chapters:
        told = Counter(stood[one.id].status for one in asked if one.chapter == name)
        rows.append([name, *(str(told[status] or "") for status in STATUSES), str(told.total())])
    told = Counter(stood[one.id].status for one in asked)
    rows.append(["**all**", *(f"**{told[status]}**" for status in STATUSES), f"**{told.total()}**"])
    return table(["chapter", *STATUSES, "all"], rows)


def _chapter(name: str, asked: list[Requirement], stood: Mapping[str, Standing]) -> str:
    rows = []
    for one in asked:
        said = stood[one.id]
        rows.append(
            [
                one.id.removeprefix("V"),
                one.level,
                one.section,
                "no" if said.status == NOT_APPLICABLE else "yes",
                said.status,
                said.note,
                "<br>".join(f"[{_short(path)}](../../{path})" for path in said.code),
                "<br>".join(_plain(test) for test in said.tests),
            ]
        )
    head = ["requirement", "level", "section", "applies", "status", "note", "code", "tests"]
    return f"## {name}\n\n" + table(head, rows)


def _short(path: str) -> str:
    return re.sub(r"^(src/quickkub|docs)/", "", path)


def _plain(test: str) -> str:
    path, _, name = test.partition("::")
    return f"`{path}` {name.removeprefix('test_').replace('_', ' ')}"
