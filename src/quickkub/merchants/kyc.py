"""Know your customer: what a merchant hands in about itself and its people, and what the platform decides.

All of it is sealed: names, birthdays and numbers of people are read by whoever decides, and each reading is
in the audit log. What was decided is not changed; the merchant hands in anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from quickkub.audit import Act, record
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, new_id
from quickkub.merchants.documents import media_type_of
from quickkub.merchants.states import REVIEW, ReviewFact, ReviewState
from quickkub.storage import Connection, Row
from quickkub.storage.vault import Place, Vault

DOCUMENTS_MAX: Final = 50


class KycNotFound(Refusal):
    """There is no such application or document."""

    code, kind = "kyc_not_found", Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such application or document", param="id")


class KycPending(Refusal):
    """An application is being looked at; another one can be handed in when it is decided."""

    code, kind = "kyc_pending", Kind.CONFLICT


class TooManyDocuments(Refusal):
    """So many documents were handed in that somebody should talk to somebody."""

    code, kind = "too_many_documents", Kind.UNPROCESSABLE


class ReasonMissing(Refusal):
    """A no comes with a reason the merchant can do something about."""

    code, kind = "reason_missing", Kind.INVALID


_APPLICATION: Final = """merchant_id, id, state, data, submitted_by, submitted_at, decided_by, decided_at,
    reason"""
_DOCUMENT: Final = """merchant_id, id, kind, state, media_type, size_bytes, sha256, uploaded_by, uploaded_at,
    decided_by, decided_at, reason"""


def _sealed_application(merchant: str, application: str) -> Place:
    return Place("kyc_applications", "data", merchant, application)


def _sealed_document(merchant: str, document: str) -> Place:
    return Place("kyc_documents", "content", merchant, document)


async def submit(
    tx: Connection, vault: Vault, merchant: MerchantId, data: Mapping[str, Any], by: str
) -> dict[str, Any]:
    """Hand in an application. Raises KycPending."""
    application = new_id("kyc")
    sealed = vault.seal(msgspec.json.encode(dict(data)), _sealed_application(merchant, application))
    row = await tx.fetchrow(
        f"""
        INSERT INTO kyc_applications (merchant_id, id, data, submitted_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id) WHERE state = 'pending' DO NOTHING RETURNING {_APPLICATION}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        application,
        sealed,
        by,
    )
    if row is None:
        raise KycPending("your application is being looked at")
    await record(tx, Act("kyc.submitted", "kyc_application", application, merchant))
    return application_view(row)


async def newest(reader: Connection, merchant: MerchantId) -> Row | None:
    """The application that counts."""
    row: Row | None = await reader.fetchrow(
        f"""
        SELECT {_APPLICATION} FROM kyc_applications WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
    )
    return row


async def read_application(
    tx: Connection, vault: Vault, merchant: MerchantId
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The newest application and what it says, opened. Reading is an act. Raises KycNotFound, CannotOpen."""
    row = await newest(tx, merchant)
    if row is None:
        raise KycNotFound
    opened = vault.open(bytes(row["data"]), _sealed_application(merchant, row["id"]))
    await record(tx, Act("kyc.read", "kyc_application", row["id"], merchant))
    said: Mapping[str, Any] = msgspec.json.decode(opened)
    return application_view(row), said


async def hand_in(
    tx: Connection, vault: Vault, merchant: MerchantId, kind: str, content: bytes, by: str
) -> dict[str, Any]:
    """Keep a document. Raises DocumentRefused, TooManyDocuments."""
    media_type = media_type_of(content)
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant)
    held = await tx.fetchval("SELECT count(*) FROM kyc_documents WHERE merchant_id = $1", merchant)
    if held >= DOCUMENTS_MAX:
        raise TooManyDocuments(f"there are {DOCUMENTS_MAX} documents already")
    document = new_id("doc")
    row = await tx.fetchrow(
        f"""
        INSERT INTO kyc_documents (merchant_id, id, kind, media_type, size_bytes, sha256, content,
                                   uploaded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_DOCUMENT}
        """,  # noqa: S608 -- only our own column names are put in
        merchant,
        document,
        kind,
        media_type,
        len(content),
        hashlib.sha256(content).digest(),
        vault.seal(content, _sealed_document(merchant, document)),
        by,
    )
    assert row is not None, "it was inserted"
    after = {"kind": kind, "media_type": media_type, "size_bytes": len(content)}
    await record(tx, Act("kyc.document_added", "kyc_document", document, merchant, after=after))
    return document_view(row)


async def documents(reader: Connection, merchant: MerchantId) -> list[dict[str, Any]]:
    """All documents of a merchant, newest first, without their content."""
    rows = await reader.fetch(
        f"SELECT {_DOCUMENT} FROM kyc_documents WHERE merchant_id = $1 ORDER BY id DESC",  # noqa: S608
        merchant,
    )
    return [document_view(row) for row in rows]


async def read_document(
    tx: Connection, vault: Vault, merchant: MerchantId, document: str
) -> tuple[str, bytes]:
    """A document's media type and content, opened. Reading is an act. Raises KycNotFound, CannotOpen."""
    row = await tx.fetchrow(
        "SELECT media_type, content FROM kyc_documents WHERE merchant_id = $1 AND id = $2", merchant, document
    )
    if row is None:
        raise KycNotFound
    content = vault.open(bytes(row["content"]), _sealed_document(merchant, document))
    await record(tx, Act("kyc.document_read", "kyc_document", document, merchant))
    return row["media_type"], content


async def decide_application(
    tx: Connection, merchant: MerchantId, application: str, fact: ReviewFact, by: str, reason: str
) -> dict[str, Any]:
    """Approve or reject. Raises KycNotFound, WrongState, ReasonMissing."""
    row = await _decide(tx, "kyc_applications", _APPLICATION, (merchant, application), fact, by, reason)
    await record(tx, _decided(f"kyc.{row['state']}", "kyc_application", row))
    return application_view(row)


async def decide_document(
    tx: Connection, merchant: MerchantId, document: str, fact: ReviewFact, by: str, reason: str
) -> dict[str, Any]:
    """Approve or reject one document. Raises KycNotFound, WrongState, ReasonMissing."""
    row = await _decide(tx, "kyc_documents", _DOCUMENT, (merchant, document), fact, by, reason)
    await record(tx, _decided(f"kyc.document_{row['state']}", "kyc_document", row))
    return document_view(row)


async def _decide(
    tx: Connection,
    table: str,
    columns: str,
    place: tuple[MerchantId, str],
    fact: ReviewFact,
    by: str,
    reason: str,
) -> Row:
    if fact is ReviewFact.REJECT and not reason:
        raise ReasonMissing("say why, so that the merchant can put it right", param="reason")
    where = f"{table} WHERE merchant_id = $1 AND id = $2"
    state = await tx.fetchval(f"SELECT state FROM {where} FOR UPDATE", *place)  # noqa: S608 -- our own table
    if state is None:
        raise KycNotFound
    row: Row | None = await tx.fetchrow(
        f"""
        UPDATE {table} SET state = $3, decided_by = $4, decided_at = now(), reason = $5
         WHERE merchant_id = $1 AND id = $2 RETURNING {columns}
        """,  # noqa: S608 -- only our own names are put in
        *place,
        REVIEW.after(ReviewState(state), fact).value,
        by,
        reason,
    )
    assert row is not None, "it was locked a moment ago"
    return row


def _decided(action: str, kind: str, row: Row) -> Act:
    merchant = MerchantId(row["merchant_id"])
    return Act(action, kind, row["id"], merchant, after={"status": row["state"], "reason": row["reason"]})


def application_view(row: Row) -> dict[str, Any]:
    """An application as shown: where it stands, not what it says."""
    return {
        "id": row["id"],
        "object": "kyc_application",
        "status": row["state"],
        "submitted_by": row["submitted_by"],
        "submitted_at": rfc3339(row["submitted_at"]),
        **_decision(row),
    }


def document_view(row: Row) -> dict[str, Any]:
    """A document as shown, without its content."""
    return {
        "id": row["id"],
        "object": "kyc_document",
        "kind": row["kind"],
        "status": row["state"],
        "media_type": row["media_type"],
        "size_bytes": row["size_bytes"],
        "sha256": bytes(row["sha256"]).hex(),
        "uploaded_by": row["uploaded_by"],
        "uploaded_at": rfc3339(row["uploaded_at"]),
        **_decision(row),
    }


def _decision(row: Row) -> dict[str, Any]:
    decided = row["decided_at"]
    return {
        "decided_by": row["decided_by"],
        "decided_at": None if decided is None else rfc3339(decided),
        "reason": row["reason"],
    }
