"""The folder's page for people: own style, no script, Thai and English, made to be printed."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from quickkub.reports.duties import Duty
from quickkub.reports.model import Cell, Table
from quickkub.reports.words import COLUMNS, Words

ROWS_SHOWN: Final = 100
_STYLE: Final = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; form-action 'none'"
)

TITLE: Final = Words("หลักฐานประกอบการตรวจประเมิน", "Evidence for an assessment")
_ABOUT: Final = Words(
    "หน้านี้แสดงสิ่งที่มีอยู่ในระบบเมื่อเวลาที่ระบุ ไม่ใช่คำรับรองว่าผ่านมาตรฐานใด การตัดสินเป็นของผู้ตรวจประเมิน",
    "This page shows what the system held at the time below. It is evidence, and no statement that any "
    "standard is met: that is for an assessor to judge.",
)


def page(
    facts: Mapping[str, object], duties: Sequence[Duty], tables: Sequence[Table], files: Mapping[str, str]
) -> bytes:
    """The whole page. `facts` are told at its top; `files` are the folder's other files and what they are."""
    by_name = {table.name: table for table in tables}
    parts = [
        f'<!doctype html>\n<html lang="th">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(TITLE.th)} · {escape(TITLE.en)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
        f"<h1>{escape(TITLE.th)} <span>{escape(TITLE.en)}</span></h1>\n",
        _note(_ABOUT),
        "<dl>" + "".join(_fact(name, value) for name, value in facts.items()) + "</dl>\n",
        *_duties(duties, by_name, files),
        _standing(by_name.get("asvs")),
        *(_section(table) for table in tables if table.name != "duties"),
        "</body>\n</html>\n",
    ]
    return "".join(parts).encode()


_FACTS: Final = {
    "report": Words("รายงาน", "report"),
    "made_at": Words("จัดทำเมื่อ", "made at"),
    "quickkub": Words("รุ่นของ QuickKub", "version of QuickKub"),
    "postgresql": Words("รุ่นของ PostgreSQL", "version of PostgreSQL"),
    "from": Words("ตั้งแต่", "from"),
    "until": Words("จนถึงก่อน", "until"),
}


def _fact(name: str, value: object) -> str:
    words = _FACTS[name]
    return f"<dt>{escape(words.th)} · {escape(words.en)}</dt><dd>{escape(str(value))}</dd>"


def _note(words: Words) -> str:
    return f'<p class="note">{escape(words.th)}<br><span lang="en">{escape(words.en)}</span></p>\n'


def _heading(words: Words, anchor: str) -> str:
    return f'<h2 id="{escape(anchor)}">{escape(words.th)} <span lang="en">{escape(words.en)}</span></h2>\n'


def _duties(duties: Sequence[Duty], tables: Mapping[str, Table], files: Mapping[str, str]) -> Iterator[str]:
    for standard in dict.fromkeys(one.standard for one in duties):
        yield _heading(Words(f"{standard}: ข้อกำหนดและหลักฐาน", "requirements and evidence"), standard)
        yield (
            "<table><thead><tr><th>ข้อ<small>Requirement</small></th><th>เรื่อง<small>About</small></th>"
            "<th>หลักฐาน<small>Evidence</small></th>"
            "<th>สิ่งที่ไม่ได้แสดง<small>Not shown here</small></th></tr></thead>\n"
        )
        for one in duties:
            if one.standard == standard:
                links = "<br>".join(_link(name, tables, files) for name in one.evidence)
                yield (
                    f"<tr><td>{escape(one.requirement)}</td><td>{escape(one.words.th)}<br>"
                    f'<span lang="en">{escape(one.words.en)}</span></td><td>{links}</td>'
                    f"<td>{escape(one.missing)}</td></tr>\n"
                )
        yield "</table>\n"


def _link(name: str, tables: Mapping[str, Table], files: Mapping[str, str]) -> str:
    if name in tables:
        return f'<a href="#{escape(name)}">{escape(name)}</a> ({len(tables[name].rows)})'
    return f'<a href="{escape(name)}">{escape(name)}</a> ({escape(files[name])})'


def _standing(asvs: Table | None) -> str:
    if asvs is None:
        return ""
    status = asvs.columns.index("status")
    counts = Counter(row[status] for row in asvs.rows)
    told = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items(), key=str))
    return f'<p class="note">OWASP ASVS 5.0.0 ({len(asvs.rows)}): {escape(told)}</p>\n'


def _section(table: Table) -> str:
    head = "".join(
        f"<th>{escape(COLUMNS[name].th)}<small>{escape(COLUMNS[name].en)}</small></th>"
        for name in table.columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell) for cell in row) + "</tr>\n" for row in table.rows[:ROWS_SHOWN]
    )
    note = _note(table.note) if table.note else ""
    title = _heading(table.title, table.name)
    if not table.rows:
        return f'{title}{note}<p class="empty">0 แถว · 0 rows</p>\n'
    shown, of = min(ROWS_SHOWN, len(table.rows)), len(table.rows)
    path = f"tables/{table.name}.csv"
    caption = f'{shown} / {of} แถว · rows, <a href="{escape(path)}">{escape(path)}</a>'
    return (
        f"{title}{note}<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table>\n"
    )


def _cell(cell: Cell) -> str:
    match cell:
        case bool():
            return f"<td>{'yes' if cell else 'no'}</td>"
        case int():
            return f'<td class="number">{cell}</td>'
        case None:
            return "<td></td>"
        case _:
            return f"<td>{escape(cell)}</td>"
