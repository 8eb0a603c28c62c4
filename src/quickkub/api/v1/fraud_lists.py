"""Fraud lists of a merchant, and the legal list of the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get, post

from quickkub.api import fraud_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest, EncodingUnsupported, MediaTypeUnsupported
from quickkub.fraud.list_store import Entry
from quickkub.fraud.lists import NewEntry, new_entry, read_csv
from quickkub.fraud.model import ListEntryNotFound, ListInvalid
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import has_shape

PATH = "/v1/fraud/lists"
LEGAL_PATH = "/v1/platform/fraud/lists"

UPLOAD_BYTES_MAX: Final = 16 * 1024 * 1024
"""100,000 lines of 160 letters."""

LIST = Operation(
    id="listFraudListEntries",
    needs="fraud:read",
    summary="List who stands on your block and allow lists, newest first",
    answers=schema.List[words.FraudListEntry],
    query=words.FraudListQuery,
)


@get(PATH, opt=says(LIST))
async def list_fraud_list_entries(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.FraudListQuery)
    refuse_bad_cursors(query, "fle")
    caller = request.caller
    found, has_more = await request.services.fraud.listed(
        caller.merchant, caller.mode, query.list, query.limit, query.starting_after
    )
    return page(PATH, [_view(one) for one in found], has_more=has_more)


ADD = Operation(
    id="addToFraudList",
    needs="fraud:write",
    summary="Put entries on your block or allow list",
    description=(
        "What stands there already gets the new reason and expiry. A value is kept as a keyed hash: it "
        "cannot be read again, only be found."
    ),
    answers=words.AddedToFraudList,
    body=words.AddToFraudList,
    refusals=(ListInvalid,),
)


@post(PATH, status_code=200, opt=says(ADD))
async def add_to_fraud_list(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AddToFraudList)
    request.query(schema.NoQuery)
    return await _add(request, said.list, _entries(said.entries))


UPLOAD = Operation(
    id="uploadFraudList",
    needs="fraud:write",
    summary="Put up to 100,000 entries of a CSV file on a list",
    description=(
        "Send `text/csv` in UTF-8 with the columns `kind,value,reason` and perhaps `expires_at`. All "
        "lines are written, or none: a refusal names the lines at fault."
    ),
    answers=words.AddedToFraudList,
    query=words.UploadQuery,
    refusals=(ListInvalid, MediaTypeUnsupported, EncodingUnsupported),
)


@post(f"{PATH}/upload", status_code=200, opt=says(UPLOAD), request_max_body_size=UPLOAD_BYTES_MAX)
async def upload_fraud_list(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.UploadQuery)
    if request.content_type[0] != "text/csv":
        raise MediaTypeUnsupported("send the file as text/csv in UTF-8", param="Content-Type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise EncodingUnsupported("send the file without compression", param="Content-Encoding")
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise ListInvalid("is not UTF-8", param="body") from None
    # 100,000 lines take a second: nobody else waits for them.
    return await _add(request, query.list, await asyncio.to_thread(read_csv, text))


REMOVE = Operation(
    id="removeFromFraudList",
    needs="fraud:write",
    summary="Take an entry off your list",
    answers=words.FraudListEntry,
    refusals=(ListEntryNotFound,),
)


@post(f"{PATH}/{{entry:str}}/remove", status_code=200, opt=says(REMOVE))
async def remove_from_fraud_list(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    caller = request.caller
    gone = await request.services.fraud.unlist(caller.merchant, caller.mode, _entry_id(request), caller.id)
    return answer(_view(gone))


LIST_LEGAL = Operation(
    id="listLegalListEntries",
    needs="fraud:read",
    platform=True,
    summary="List who stands on the legal list, newest first",
    answers=schema.List[words.FraudListEntry],
    query=schema.ForwardQuery,
)


@get(LEGAL_PATH, opt=says(LIST_LEGAL))
async def list_legal_list_entries(request: ApiRequest) -> Response[bytes]:
    query = request.query(schema.ForwardQuery)
    refuse_bad_cursors(query, "fle")
    found, has_more = await request.services.fraud.listed_legal(query.limit, query.starting_after)
    return page(LEGAL_PATH, [_view(one) for one in found], has_more=has_more)


ADD_LEGAL = Operation(
    id="addToLegalList",
    needs="fraud:write",
    platform=True,
    summary="Put entries on the legal list, which holds for every merchant",
    answers=words.AddedToFraudList,
    body=words.AddToLegalList,
    refusals=(ListInvalid,),
)


@post(LEGAL_PATH, status_code=200, opt=says(ADD_LEGAL))
async def add_to_legal_list(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.AddToLegalList)
    request.query(schema.NoQuery)
    ids = await request.services.fraud.list_legal(_entries(said.entries), request.caller.id)
    return answer(_added("legal", len(ids)))


REMOVE_LEGAL = Operation(
    id="removeFromLegalList",
    needs="fraud:write",
    platform=True,
    summary="Take an entry off the legal list",
    answers=words.FraudListEntry,
    refusals=(ListEntryNotFound,),
)


@post(f"{LEGAL_PATH}/{{entry:str}}/remove", status_code=200, opt=says(REMOVE_LEGAL))
async def remove_from_legal_list(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    gone = await request.services.fraud.unlist(None, "live", _entry_id(request), request.caller.id)
    return answer(_view(gone))


async def _add(request: ApiRequest, which: str, entries: Sequence[NewEntry]) -> Response[bytes]:
    caller = request.caller
    ids = await request.services.fraud.list_entries(caller.merchant, caller.mode, entries, which, caller.id)
    return answer(_added(which, len(ids)))


def _added(which: str, entries: int) -> dict[str, Any]:
    return {"object": "fraud_list_upload", "list": which, "entries": entries}


def _entries(said: Sequence[words.ListEntry]) -> list[NewEntry]:
    entries: list[NewEntry] = []
    for number, one in enumerate(said):
        try:
            entry = new_entry(one.kind, one.value, one.reason, one.expires_at)
        except ListInvalid as trouble:
            raise ListInvalid(trouble.detail, param=f"entries[{number}].{trouble.param}") from None
        if any((entry.kind, entry.value) == (other.kind, other.value) for other in entries):
            raise ListInvalid("is there twice", param=f"entries[{number}].value")
        entries.append(entry)
    return entries


def _entry_id(request: ApiRequest) -> str:
    entry = str(request.path_params["entry"])
    if not has_shape(entry, "fle"):
        raise ListEntryNotFound("there is no such entry", param="id")
    return entry


def _view(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": "fraud_list_entry",
        "list": one.list,
        "kind": one.kind,
        "value": one.shown,
        "reason": one.reason,
        "expires_at": rfc3339(one.expires_at) if one.expires_at else None,
        "created_at": rfc3339(one.created_at),
        "created_by": one.created_by,
    }


ROUTES = (
    list_fraud_list_entries,
    add_to_fraud_list,
    upload_fraud_list,
    remove_from_fraud_list,
)

PLATFORM_ROUTES = (list_legal_list_entries, add_to_legal_list, remove_from_legal_list)
