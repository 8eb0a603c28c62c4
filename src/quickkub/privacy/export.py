"""Everything held about a person, for the person: a JSON file and a CSV for each kind, zipped, with a digest.

The same rows in the same state give the same bytes but for the time they were asked at.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import MerchantId
from quickkub.privacy import bodies, export_store
from quickkub.privacy.bodies import BODIES, SEALED_BY_NAME
from quickkub.privacy.found import Found, look
from quickkub.privacy.index import catch_up
from quickkub.privacy.office import NobodyFound, Office
from quickkub.privacy.person import Person
from quickkub.storage import Connection
from quickkub.telemetry.redaction import redact_value

_WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip can say: the files in it are of no time of their own."""

_SEALED: Final = {"payments": "payer", "refunds": "destination"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A zip, its SHA-256, and how many rows of each kind are in it."""

    content: bytes
    sha256: str
    rows: Mapping[str, int]


async def export(office: Office, merchant: MerchantId, person: Person) -> Exported:
    """Raises NobodyFound. What is handed out is written down, not to whom it belongs."""
    await catch_up(office.db, office.vault, office.index, merchant)
    async with office.db.transaction() as tx:
        return await export_in(tx, office, merchant, person)


async def export_in(tx: Connection, office: Office, merchant: MerchantId, person: Person) -> Exported:
    """The same inside a transaction; the index has been brought up to date."""
    found = await look(tx, office, merchant, person)
    if not found.ids:
        raise NobodyFound("nothing is held about this person")
    held = await _held(tx, office, merchant, found)
    content = _zipped(held)
    done = Exported(
        content, hashlib.sha256(content).hexdigest(), {name: len(rows) for name, rows in held.items()}
    )
    after = {"sha256": done.sha256, "rows": dict(done.rows)}
    await record(tx, Act("person.exported", "merchant", merchant, merchant=merchant, after=after))
    return done


async def _held(
    tx: Connection, office: Office, merchant: MerchantId, found: Found
) -> dict[str, list[dict[str, Any]]]:
    held: dict[str, list[dict[str, Any]]] = {}
    for name, rows in (await export_store.rows_of(tx, merchant, found.objects)).items():
        held[name] = [_opened(office, merchant, name, dict(row)) for row in rows]
    said: list[dict[str, Any]] = []
    for kind in BODIES:
        about = f"t.merchant_id = $1 AND {kind.about} && $2::text[]"
        for body in await bodies.find(tx, kind, about, [merchant, found.ids]):
            text = office.vault.open(body.sealed, body.place).decode("utf-8", "replace")
            # Providers' words may hold keys of ours.
            said.append({"what": kind.name, "id": body.place.row, "said": redact_value(text)})
    held["providers"] = said
    return held


def _opened(office: Office, merchant: MerchantId, table: str, row: dict[str, Any]) -> dict[str, Any]:
    column = _SEALED.get(table)
    sealed = row.get(column) if column else None
    if column and sealed is not None:
        place = SEALED_BY_NAME[f"{table}.{column}"].place(merchant, row["id"], row["mode"])
        row[column] = json.loads(office.vault.open(bytes(sealed), place))
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
    return value


def _zipped(held: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in sorted(held.items()):
            archive.writestr(zipfile.ZipInfo(f"{name}.csv", _WHEN), _csv(rows))
        whole = json.dumps(held, ensure_ascii=False, indent=2, sort_keys=True)
        archive.writestr(zipfile.ZipInfo("everything.json", _WHEN), whole)
    return file.getvalue()


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return text.getvalue()


def _cell(value: Any) -> str:
    """A spreadsheet takes a text that begins like a formula for one, whoever wrote it."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
