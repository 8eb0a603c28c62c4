"""API keys: made, listed, rolled, revoked. A key is shown once, in the answer that made it."""

from __future__ import annotations

from litestar import Response, get, post

from quickkub.access.permissions import all_allowed
from quickkub.api import access_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page, refuse_bad_cursors
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.api.times import future
from quickkub.kernel.ids import has_shape
from quickkub.merchants import key_making, store
from quickkub.merchants.networks import NetworkInvalid, read_network

PATH = "/v1/api_keys"
_KINDS = {word: kind for kind, word in key_making.WORDS.items()}

CREATE = Operation(
    id="createApiKey",
    needs="keys:write",
    summary="Make an API key",
    description=(
        "Of the mode you ask in. It cannot have more scopes, wider networks or a longer life than your own "
        "key, and the key itself is in this answer only."
    ),
    answers=words.NewApiKey,
    status=201,
    body=words.CreateApiKey,
    refusals=(
        key_making.ScopeUnknown,
        key_making.ScopeExceeded,
        key_making.TooManyKeys,
        NetworkInvalid,
    ),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_key(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.CreateApiKey)
    request.query(schema.NoQuery)
    wish = key_making.KeyWish(
        _KINDS[said.kind],
        plain_text(said.name, "name", letters_max=100) if said.name else "",
        frozenset(said.scopes),
        tuple(read_network(text, f"networks.{i}") for i, text in enumerate(said.networks)),
        None
        if said.expires_at is None
        else future(said.expires_at, "expires_at", request.services.clock.now()),
    )
    caller, pepper = request.caller, request.services.keys.pepper
    async with request.services.db.transaction() as tx:
        view, key = await key_making.make(tx, pepper, caller, all_allowed(caller), wish)
    return answer(view | {"key": key.reveal()}, status=201)


LIST = Operation(
    id="listApiKeys",
    needs="keys:read",
    summary="List the keys of this mode, newest first",
    answers=schema.List[words.ApiKey],
    query=words.KeysQuery,
)


@get(PATH, opt=says(LIST))
async def list_keys(request: ApiRequest) -> Response[bytes]:
    query = request.query(words.KeysQuery)
    refuse_bad_cursors(query, "key")
    caller = request.caller
    async with request.services.db.read() as reader:
        rows = await store.list_keys(
            reader, caller.merchant, caller.mode, query.starting_after, query.limit + 1
        )
    shown = [key_making.view_of(row) for row in rows[: query.limit]]
    return page(PATH, shown, has_more=len(rows) > query.limit)


ROLL = Operation(
    id="rollApiKey",
    needs="keys:write",
    summary="Have a key taken over by a new one with the same rights",
    answers=words.NewApiKey,
    status=201,
    body=words.RollApiKey,
    refusals=(
        key_making.KeyNotFound,
        key_making.KeyEnded,
        key_making.ScopeExceeded,
        key_making.TooManyKeys,
    ),
)


@post(f"{PATH}/{{api_key:str}}/roll", status_code=201, opt=says(ROLL))
async def roll_key(request: ApiRequest) -> Response[bytes]:
    said = await request.words_or(words.RollApiKey)
    request.query(schema.NoQuery)
    caller, pepper = request.caller, request.services.keys.pepper
    async with request.services.db.transaction() as tx:
        view, key = await key_making.roll(
            tx, pepper, caller, all_allowed(caller), _key_id(request), said.overlap_seconds
        )
    return answer(view | {"key": key.reveal()}, status=201)


REVOKE = Operation(
    id="revokeApiKey",
    needs="keys:write",
    summary="Refuse a key from now on",
    description="Every process refuses it within five seconds. It cannot be taken back.",
    answers=words.ApiKey,
    refusals=(key_making.KeyNotFound,),
)


@post(f"{PATH}/{{api_key:str}}/revoke", status_code=200, opt=says(REVOKE))
async def revoke_key(request: ApiRequest) -> Response[bytes]:
    await request.no_words()
    request.query(schema.NoQuery)
    async with request.services.db.transaction() as tx:
        return answer(await key_making.revoke(tx, request.caller, _key_id(request)))


def _key_id(request: ApiRequest) -> str:
    key_id = str(request.path_params["api_key"])
    if not has_shape(key_id, "key"):
        raise key_making.KeyNotFound
    return key_id


ROUTES = (create_key, list_keys, roll_key, revoke_key)
