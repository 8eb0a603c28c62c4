"""Merchants' API keys, the platform's side: seen, given a rate of their own, revoked when one has leaked."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.api import access_schema, schema
from quickkub.api import merchant_schema as words
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.v1.platform_merchants import ONE, merchant_id
from quickkub.kernel.ids import has_shape
from quickkub.merchants import key_making, store
from quickkub.merchants.lifecycle import MerchantNotFound

KEYS = f"{ONE}/api_keys"

LIST = Operation(
    id="listMerchantApiKeys",
    needs="merchants:read",
    platform=True,
    summary="List a merchant's newest keys",
    answers=schema.List[access_schema.ApiKey],
    query=words.ModeQuery,
    refusals=(MerchantNotFound,),
)


@get(KEYS, opt=says(LIST))
async def list_keys(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.ModeQuery)
    async with request.services.db.read() as reader:
        rows = await store.list_keys(
            reader, merchant_id(request), query.mode, query.starting_after, query.limit + 1
        )
    shown = [key_making.view_of(row) for row in rows[: query.limit]]
    return page(request.url.path, shown, has_more=len(rows) > query.limit)


REVOKE = Operation(
    id="revokeMerchantApiKey",
    needs="keys:revoke",
    platform=True,
    summary="Refuse a merchant's key from now on",
    description="For a key that has leaked and whose owner cannot be reached.",
    answers=access_schema.ApiKey,
    refusals=(key_making.KeyNotFound,),
)


@post(f"{KEYS}/{{api_key:str}}/revoke", status_code=200, opt=says(REVOKE))
async def revoke_key(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        return answer(await key_making.revoke_for(tx, merchant_id(request), _key_id(request)))


RATE = Operation(
    id="setMerchantApiKeyRate",
    needs="limits:write",
    platform=True,
    summary="Give a key a rate of its own, or the usual one again",
    answers=words.KeyRate,
    body=words.SetKeyRate,
    refusals=(key_making.KeyNotFound,),
)


@post(f"{KEYS}/{{api_key:str}}/rate", status_code=200, opt=says(RATE))
async def set_rate(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.SetKeyRate)
    request.query(schema.NoQuery)
    per_second, burst = (None, None) if said.rate is None else (said.rate.per_second, said.rate.burst)
    key_id = _key_id(request)
    async with request.services.db.transaction() as tx:
        await key_making.set_rate(tx, merchant_id(request), key_id, per_second=per_second, burst=burst)
    return answer(words.KeyRate(id=key_id, object="api_key_rate", rate=said.rate))


def _key_id(request: ApiRequest) -> str:
    key_id = str(request.path_params["api_key"])
    if not has_shape(key_id, "key"):
        raise key_making.KeyNotFound
    return key_id


ROUTES = (list_keys, revoke_key, set_rate)
