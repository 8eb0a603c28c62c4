"""What people ask for about their data, with a clock: done or refused within 30 days (PDPA s.30)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

import msgspec

from quickkub.audit import Act, current_actor, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.privacy.masking import masked_person
from quickkub.privacy.office import Office, RequestNotFound, RequestOver
from quickkub.privacy.person import Person, person_of
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place

DAYS: Final = 30


class AskedFor(Enum):
    """A right of a person: PDPA s.30 copy, 32 objection, 33 erasure, 34 restriction, 36 correction."""

    EXPORT = "export"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    OBJECTION = "objection"
    RESTRICTION = "restriction"


class AskedInFuture(Refusal):
    """A request was asked for at a time that is yet to come, or before anybody could owe an answer."""

    code, kind = "privacy_request_time", Kind.INVALID


async def file(
    tx: Connection,
    office: Office,
    merchant: MerchantId,
    wanted: AskedFor,
    person: Person,
    asked_at: datetime | None = None,
) -> dict[str, Any]:
    """Write down that somebody asked. The clock runs from when they asked. Raises AskedInFuture."""
    request = new_id("prq")
    sealed = office.vault.seal(msgspec.json.encode(person.known()), _place(merchant, request))
    row = await tx.fetchrow(
        """
        INSERT INTO privacy_requests (merchant_id, id, kind, person, filed_by, asked_at, due_at)
        SELECT $1, $2, $3, $4, $5, asked, asked + make_interval(days => $7)
          FROM (SELECT coalesce($6::timestamptz, now()) AS asked) said
         WHERE asked <= now() AND asked > now() - make_interval(days => $7)
        RETURNING *
        """,
        merchant,
        request,
        wanted.value,
        sealed,
        _by(),
        asked_at,
        DAYS,
    )
    if row is None:
        raise AskedInFuture(f"must be within the last {DAYS} days", param="asked_at")
    after = {"kind": wanted.value, "due_at": rfc3339(row["due_at"])}
    await record(tx, Act("privacy_request.filed", "privacy_request", request, merchant=merchant, after=after))
    return view_of(office, row)


async def open_one(
    tx: Connection, office: Office, merchant: MerchantId, request: str, wanted: AskedFor | None
) -> Person:
    """Who an open request is about; locks it. Raises RequestNotFound, RequestOver."""
    row = await tx.fetchrow(
        "SELECT * FROM privacy_requests WHERE merchant_id = $1 AND id = $2 FOR UPDATE", merchant, request
    )
    if row is None:
        raise RequestNotFound("there is no such request", param="id")
    if row["state"] != "open" or (wanted is not None and row["kind"] != wanted.value):
        raise RequestOver(f"the request is {row['state']} and asks for {row['kind']}", param="id")
    return _person(office, row)


async def close(
    tx: Connection,
    office: Office,
    merchant: MerchantId,
    request: str,
    *,
    refused_because: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Done, or refused with a reason that the person is told. From here on nobody knows who it was."""
    state = "done" if refused_because is None else "refused"
    row = await tx.fetchrow(
        """
        UPDATE privacy_requests SET state = $3, person = NULL, done_at = now(), done_by = $4, reason = $5,
               result = $6
         WHERE merchant_id = $1 AND id = $2 AND state = 'open' RETURNING *
        """,
        merchant,
        request,
        state,
        _by(),
        refused_because,
        dict(result or {}),
    )
    if row is None:
        raise RequestOver("the request is not open", param="id")
    after = {"state": state, "in_time": row["done_at"] <= row["due_at"], "result": dict(result or {})}
    await record(
        tx, Act("privacy_request.closed", "privacy_request", request, merchant=merchant, after=after)
    )
    return view_of(office, row)


async def page(
    reader: Connection,
    office: Office,
    merchant: MerchantId | None,
    *,
    state: str | None,
    after: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Requests, newest first: a merchant's, or everybody's for the platform."""
    rows = await reader.fetch(
        """
        SELECT * FROM privacy_requests
         WHERE ($1::text IS NULL OR merchant_id = $1) AND ($2::text IS NULL OR state = $2)
           AND ($3::text IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4
        """,
        merchant,
        state,
        after,
        limit,
    )
    return [view_of(office, row) for row in rows]


async def get(reader: Connection, office: Office, merchant: MerchantId, request: str) -> dict[str, Any]:
    """One request of a merchant. Raises RequestNotFound."""
    row = await reader.fetchrow(
        "SELECT * FROM privacy_requests WHERE merchant_id = $1 AND id = $2", merchant, request
    )
    if row is None:
        raise RequestNotFound("there is no such request", param="id")
    return view_of(office, row)


async def fulfil(
    office: Office,
    merchant: MerchantId,
    request: str,
    wanted: AskedFor,
    work: Callable[[Connection, Person], Awaitable[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Do what an open request asks for and close it with what came of it, together or not at all."""
    async with office.db.transaction() as tx:
        person = await open_one(tx, office, merchant, request, wanted)
        result = await work(tx, person)
        return await close(tx, office, merchant, request, result=result)


def view_of(office: Office, row: Row) -> dict[str, Any]:
    """As it is shown. Who it is about is masked, and nobody once it is closed."""
    known = _person(office, row).known() if row["person"] is not None else {}
    return {
        "id": row["id"],
        "object": "privacy_request",
        "merchant": row["merchant_id"],
        "kind": row["kind"],
        "status": row["state"],
        "person": masked_person(known),
        "filed_by": row["filed_by"],
        "asked_at": rfc3339(row["asked_at"]),
        "due_at": rfc3339(row["due_at"]),
        "done_at": rfc3339(row["done_at"]) if row["done_at"] else None,
        "reason": row["reason"],
        "result": row["result"],
    }


def _person(office: Office, row: Row) -> Person:
    place = _place(row["merchant_id"], row["id"])
    said: dict[str, str] = msgspec.json.decode(office.vault.open(bytes(row["person"]), place))
    return person_of(said)


def _place(merchant: str, request: str) -> Place:
    return Place("privacy_requests", "person", merchant, request)


def _by() -> str:
    actor = current_actor()
    return actor.id or actor.kind.value
