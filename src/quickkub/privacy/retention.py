"""Letting go of what is past its time, every night, in batches that are written down.

A batch that is done no longer matches, so a run that was killed is gone on with by the next one. What a hold
covers is counted and left; the tables' own guards refuse it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from quickkub.audit import Act, record
from quickkub.audit.retention import drop_old
from quickkub.privacy import bodies, retention_store
from quickkub.privacy.index import catch_up
from quickkub.privacy.office import Office
from quickkub.privacy.periods import BY_KIND, YEAR, Kind
from quickkub.privacy.retention_rules import RULES, Rule
from quickkub.storage import Connection

AT_ONCE: Final = 500
_ALL: Final = ("merchant", "payment", "person")

Counts = dict[str, dict[str, int]]


async def run_all(office: Office, *, dry_run: bool = False, at_once: int = AT_ONCE) -> dict[Kind, Counts]:
    """Every kind that ends and is this room's to end; `dry_run` only counts. Looks across merchants."""
    async with office.db.read() as reader:
        with_people_held = await retention_store.merchants_under_hold(reader, ["person"])
    for merchant in with_people_held:
        # A person's hold is seen by tokens, so they have to be there first.
        await catch_up(office.db, office.vault, office.index, merchant)
    kinds = [kind for kind in office.days if not BY_KIND[kind].fixed]
    return {kind: await run_kind(office, kind, dry_run=dry_run, at_once=at_once) for kind in kinds}


async def run_kind(office: Office, kind: Kind, *, dry_run: bool = False, at_once: int = AT_ONCE) -> Counts:
    """One kind of record; returns by rule how much went and how much is held."""
    days = office.days[kind]
    async with office.db.transaction() as tx:
        before = await retention_store.cutoff(tx, days)
        run = await retention_store.begin(tx, kind.value, days, before, dry_run=dry_run)
    counts: Counts = {}
    if kind is Kind.AUDIT:
        counts = await _audit(office, days, dry_run=dry_run)
    for rule in (rule for rule in RULES if rule.kind is kind):
        counts[rule.name] = {"gone": 0, "held": 0}
        if dry_run:
            async with office.db.read() as reader:
                counts[rule.name] = await retention_store.count(reader, rule, before)
        else:
            await _run_rule(office, rule, before, run, counts, at_once)
    await _end(office, run, kind, counts, days=days, dry_run=dry_run)
    return counts


async def _run_rule(
    office: Office, rule: Rule, before: datetime, run: str, counts: Counts, at_once: int
) -> None:
    after: tuple[Any, ...] | None = None
    while True:
        async with office.db.transaction() as tx:
            rows = await retention_store.due(tx, rule, before, after, at_once)
            free = [tuple(row[key] for key in rule.keys) for row in rows if not row["held"]]
            counts[rule.name]["gone"] += await _let_go(tx, office, rule, free)
            counts[rule.name]["held"] += len(rows) - len(free)
            await retention_store.progress(tx, run, counts, finished=False)
        if len(rows) < at_once:
            return
        after = tuple(rows[-1][key] for key in rule.keys)


async def _let_go(tx: Connection, office: Office, rule: Rule, keys: list[tuple[Any, ...]]) -> int:
    if rule.bodies is None:
        return await retention_store.let_go(tx, rule, keys)
    gone = 0
    for key in keys:
        which = " AND ".join(f"t.{name} = ${number}" for number, name in enumerate(rule.keys, start=1))
        found = await bodies.find(tx, rule.bodies, which, key)
        gone += await bodies.empty(tx, office.vault, rule.bodies, found)
    return gone


async def _audit(office: Office, days: int, *, dry_run: bool) -> Counts:
    """The log goes by whole, anchored beginnings of chains; a hold of any kind keeps a merchant's."""
    async with office.db.read() as reader:
        held = await retention_store.merchants_under_hold(reader, _ALL)
    if dry_run:
        return {"audit_logs": {"gone": 0, "held": len(held)}}
    gone = await drop_old(office.db, -(-days // YEAR), held=held)
    return {"audit_logs": {"gone": gone, "held": len(held)}}


async def _end(
    office: Office, run: str, kind: Kind, counts: Mapping[str, Any], *, days: int, dry_run: bool
) -> None:
    async with office.db.transaction() as tx:
        await retention_store.progress(tx, run, counts, finished=True)
        if not dry_run:
            after = {"kind": kind.value, "days": days, "counts": dict(counts)}
            await record(tx, Act("retention.run", "retention_run", run, after=after))
