"""The reports' office over a database, with what other rooms find out for it."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from quickkub.audit import Actor, ActorKind, acting
from quickkub.audit.anchors import Line, has_lines, read_lines
from quickkub.audit.jose import read_key
from quickkub.audit.verify import Verified, verify
from quickkub.house.auditing import audit_place
from quickkub.house.sealing import open_ring
from quickkub.invariants.run import check_invariants
from quickkub.privacy.classification import COLUMNS
from quickkub.privacy.periods import PERIODS, read_periods
from quickkub.reports import scans
from quickkub.reports.observed import DataColumn, KeptFor, PageFile
from quickkub.reports.office import Ground, ReportOffice
from quickkub.settings import Settings
from quickkub.storage import Database, open_database
from quickkub.storage.resealing_inventory import KeyEntry, key_inventory
from quickkub.storage.scope import HOUSE
from quickkub.web.assets import listed

_COMMAND: Final = "quickkub report"


@asynccontextmanager
async def report_office(dsn: str, settings: Settings) -> AsyncIterator[ReportOffice]:
    """The office for a command: acts are those of the machine's user. Raises DatabaseAway, WeakKey."""
    db = await open_database(dsn, size_max=2, scope=HOUSE)
    try:
        with acting(Actor(ActorKind.SYSTEM, _COMMAND, role=machine_user())):
            yield ReportOffice(ground_of(db, settings))
    finally:
        await db.close()


def ground_of(db: Database, settings: Settings) -> Ground:
    """What an installation's reports stand on. Raises WeakKey."""
    ring = open_ring(settings)

    async def keys() -> Sequence[KeyEntry]:
        return await key_inventory(db, ring.read())

    async def verified() -> tuple[Verified, bool]:
        place = audit_place(settings)

        def anchors() -> list[Line] | None:
            key = read_key(place.key_file)
            if key is None or not place.folder.is_dir() or not has_lines(place.folder):
                return None
            return list(read_lines(place.folder, key))

        lines = await asyncio.to_thread(anchors)
        return await verify(db, lines), lines is not None

    return Ground(
        db,
        keys,
        verified,
        lambda: check_invariants(db),
        lambda: [PageFile(one.kind, one.file, one.sha256, one.pages, one.reason) for one in listed()],
        _columns,
        _kept,
        scans.scan,
    )


def _columns() -> list[DataColumn]:
    return [
        DataColumn(
            one.full_name,
            one.class_.value,
            one.whose.value,
            one.kept.value,
            one.mask.value,
            one.erasure.value,
            one.sealed,
        )
        for one in sorted(COLUMNS, key=lambda column: column.full_name)
    ]


def _kept() -> list[KeptFor]:
    days = read_periods(os.environ)
    return [KeptFor(one.kind.value, days.get(one.kind), one.days_min, one.since, one.why) for one in PERIODS]


def machine_user() -> str:
    """Who is logged in to the machine, as far as it knows; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"
