"""The audit log: who did what. Reading it is written down in it, too."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from quickkub.access.permissions import is_platform
from quickkub.api import audit_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.times import moment
from quickkub.audit import Act, record
from quickkub.audit.chain import PLATFORM
from quickkub.audit.reading import Wanted, entries, entry_of
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId, has_shape
from quickkub.merchants.keys import Caller
from quickkub.merchants.lifecycle import MerchantNotFound
from quickkub.merchants.profile import profile
from quickkub.telemetry import masks

PATH = "/v1/audit_logs"
PLATFORM_PATH = "/v1/platform/audit_logs"


class AuditLogNotFound(Refusal):
    """There is no such entry, or it is not yours."""

    code, kind = "audit_log_not_found", Kind.NOT_FOUND


LIST = Operation(
    id="listAuditLogs",
    needs="audit:read",
    summary="List who did what, newest first",
    description="Acts of the mode you ask in, and those that concern both. Each look is an entry itself.",
    answers=schema.List[words.AuditLog],
    query=words.AuditLogsQuery,
)


@get(PATH, opt=says(LIST))
async def list_audit_logs(request: ApiRequest) -> Response[bytes]:
    query, caller = request.query(words.AuditLogsQuery), request.caller
    return await _listed(request, query, PATH, caller.merchant, caller.mode)


GET = Operation(
    id="getAuditLog",
    needs="audit:read",
    summary="Look at one act",
    answers=words.AuditLog,
    refusals=(AuditLogNotFound,),
)


@get(f"{PATH}/{{audit_log:str}}", opt=says(GET))
async def get_audit_log(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return await _one(request, caller.merchant, caller.mode)


PLATFORM_LIST = Operation(
    id="listPlatformAuditLogs",
    needs="audit:read",
    summary="List the platform's own acts, or a merchant's, newest first",
    answers=schema.List[words.AuditLog],
    query=words.PlatformAuditLogsQuery,
    refusals=(MerchantNotFound,),
    platform=True,
)


@get(PLATFORM_PATH, opt=says(PLATFORM_LIST))
async def list_platform_audit_logs(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.PlatformAuditLogsQuery)
    merchant = None if query.merchant is None else MerchantId(query.merchant)
    if merchant is not None:
        # The look is written into the merchant's own chain, so there has to be such a merchant.
        async with request.services.db.read() as reader:
            await profile(reader, merchant)
    return await _listed(request, query, PLATFORM_PATH, merchant, None)


PLATFORM_GET = Operation(
    id="getPlatformAuditLog",
    needs="audit:read",
    summary="Look at one act of the platform or of any merchant",
    answers=words.AuditLog,
    refusals=(AuditLogNotFound,),
    platform=True,
)


@get(f"{PLATFORM_PATH}/{{audit_log:str}}", opt=says(PLATFORM_GET))
async def get_platform_audit_log(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    return await _one(request, None, None)


async def _listed(
    request: ApiRequest, query: words.AuditLogsQuery, path: str, merchant: MerchantId | None, mode: str | None
) -> Response[bytes]:
    """A page of a chain; the look is written into the same chain, after what it shows."""
    refuse_bad_cursors(query, "aud")
    wanted = Wanted(
        query.action,
        query.resource_type,
        query.resource_id,
        query.actor,
        None if query.created_from is None else moment(query.created_from, "created_from"),
        None if query.created_before is None else moment(query.created_before, "created_before"),
    )
    async with request.services.db.transaction() as tx:
        rows = await entries(
            tx, merchant or PLATFORM, mode, wanted, before=query.starting_after, limit=query.limit + 1
        )
        shown = [_shown(row, request) for row in rows[: query.limit]]
        asked = {name: value for name, value in request.query_pairs() if name != "limit"}
        looked = Act(
            "audit_log.listed",
            "audit_log",
            None,
            merchant=merchant,
            mode=mode,
            after={"entries": len(shown), "asked": asked},
        )
        await record(tx, looked)
    return page(path, shown, has_more=len(rows) > query.limit)


async def _one(request: ApiRequest, merchant: MerchantId | None, mode: str | None) -> Response[bytes]:
    """One entry of a merchant, or of anybody when the platform asks; the look goes into the entry's chain."""
    entry = str(request.path_params["audit_log"])
    if not has_shape(entry, "aud"):
        raise AuditLogNotFound("there is no such audit entry")
    async with request.services.db.transaction() as tx:
        row = await entry_of(tx, merchant, mode, entry)
        if row is None:
            raise AuditLogNotFound("there is no such audit entry")
        looked = Act("audit_log.read", "audit_log", entry, merchant=row["merchant_id"], mode=mode)
        await record(tx, looked)
    return answer(_shown(row, request))


def _address(row: Any, caller: Caller) -> str | None:
    """From where: in full to the platform and to whoever it was; a merchant's readers see the network."""
    address: str | None = row["ip_address"]
    is_own = caller.user_id is not None and row["actor_id"] == caller.user_id
    if address is None or is_own or is_platform(caller.role):
        return address
    return masks.address(address)


def _shown(row: Any, request: ApiRequest) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "audit_log",
        "mode": row["mode"],
        "user_id": row["actor_id"] if row["actor_kind"] == "user" else None,
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"], "role": row["role"]},
        "action": row["action"],
        "resource": {"type": row["resource_type"], "id": row["resource_id"]},
        "outcome": row["outcome"],
        "details": row["details"],
        "ip_address": _address(row, request.caller),
        "user_agent": row["user_agent"],
        "request_id": row["request_id"],
        "created_at": rfc3339(row["created_at"]),
    }


ROUTES = (list_audit_logs, get_audit_log)
PLATFORM_ROUTES = (list_platform_audit_logs, get_platform_audit_log)
"""For operators; see api/operators.py."""
