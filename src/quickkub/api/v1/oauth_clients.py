"""OAuth clients: programs a merchant lets in. A secret is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, delete, get, post

from quickkub.access.jose import ClientKeysRefused
from quickkub.access.oauth.clients import (
    Client,
    Clients,
    NewClient,
    OAuthClientInvalid,
    OAuthClientNotFound,
    OAuthScopesTooWide,
    TooManyOAuthClients,
)
from quickkub.access.oauth.rules import RedirectRefused
from quickkub.access.permissions import all_allowed
from quickkub.api import oauth_clients_schema as words
from quickkub.api import schema
from quickkub.api.lists import answer, page
from quickkub.api.operations import Operation, says
from quickkub.api.request import ApiRequest
from quickkub.api.text import plain_text
from quickkub.kernel.clock import rfc3339
from quickkub.kernel.ids import has_shape
from quickkub.kernel.secrets import Secret

PATH = "/v1/oauth_clients"

CREATE = Operation(
    id="createOAuthClient",
    needs="keys:write",
    summary="Let a program in by OAuth2",
    description="Of the mode you ask in. Its secret is in this answer only.",
    answers=words.OAuthClientWithSecret,
    status=201,
    body=words.CreateOAuthClient,
    refusals=(
        OAuthClientInvalid,
        RedirectRefused,
        ClientKeysRefused,
        OAuthScopesTooWide,
        TooManyOAuthClients,
    ),
)


@post(PATH, status_code=201, opt=says(CREATE))
async def create_client(request: ApiRequest) -> Response[bytes]:
    said = await request.words(words.CreateOAuthClient)
    request.query(schema.NoQuery)
    caller = request.caller
    asked = NewClient(
        plain_text(said.name, "name", letters_max=100),
        said.authentication,
        said.grant_types,
        said.scopes,
        said.redirect_uris,
        msgspec.to_builtins(said.jwks) if said.jwks is not None else None,
    )
    made, secret = await _clients(request).create(
        caller.merchant, caller.mode, asked, by=caller.id, may=all_allowed(caller)
    )
    return answer(_with_secret(made, secret), status=201)


LIST = Operation(
    id="listOAuthClients",
    needs="keys:read",
    summary="List OAuth clients that are not revoked, newest first",
    description="All of them on one page: there are few.",
    answers=schema.List[words.OAuthClient],
)


@get(PATH, opt=says(LIST))
async def list_clients(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    found = await _clients(request).list(request.caller.merchant, request.caller.mode)
    return page(PATH, [_view(one) for one in found], has_more=False)


GET = Operation(
    id="getOAuthClient",
    needs="keys:read",
    summary="Look at an OAuth client",
    answers=words.OAuthClient,
    refusals=(OAuthClientNotFound,),
)


@get(f"{PATH}/{{oauth_client:str}}", opt=says(GET))
async def get_client(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    caller = request.caller
    return answer(_view(await _clients(request).get(caller.merchant, caller.mode, _id(request))))


ROLL = Operation(
    id="rollOAuthClientSecret",
    needs="keys:write",
    summary="Give an OAuth client another secret",
    description="The old one is refused from now on; tokens already given out live on.",
    answers=words.OAuthClientWithSecret,
    refusals=(OAuthClientNotFound, OAuthClientInvalid, OAuthScopesTooWide),
)


@post(f"{PATH}/{{oauth_client:str}}/roll_secret", status_code=200, opt=says(ROLL))
async def roll_secret(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    caller = request.caller
    client, secret = await _clients(request).roll_secret(
        caller.merchant, caller.mode, _id(request), may=all_allowed(caller)
    )
    return answer(_with_secret(client, secret))


REVOKE = Operation(
    id="revokeOAuthClient",
    needs="keys:write",
    summary="Revoke an OAuth client and every token it holds",
    answers=words.OAuthClient,
    refusals=(OAuthClientNotFound,),
)


@delete(f"{PATH}/{{oauth_client:str}}", status_code=200, opt=says(REVOKE))
async def revoke_client(request: ApiRequest) -> Response[bytes]:
    request.query(schema.NoQuery)
    await request.no_words()
    caller, client = request.caller, _id(request)
    await _clients(request).revoke(caller.merchant, caller.mode, client)
    return answer(_view(await _clients(request).get(caller.merchant, caller.mode, client)))


def _clients(request: ApiRequest) -> Clients:
    return Clients(request.services.db)


def _id(request: ApiRequest) -> str:
    client: str = request.path_params["oauth_client"]
    if not has_shape(client, "cli"):
        raise OAuthClientNotFound
    return client


def _view(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "object": "oauth_client",
        "mode": client.mode,
        "name": client.name,
        "authentication": client.auth_method,
        "grant_types": sorted(client.grant_types),
        "scopes": sorted(client.scopes),
        "redirect_uris": list(client.redirect_uris),
        "created_at": rfc3339(client.created_at),
        "revoked_at": rfc3339(client.revoked_at) if client.revoked_at is not None else None,
    }


def _with_secret(client: Client, secret: Secret | None) -> dict[str, Any]:
    return _view(client) | {"client_secret": secret.reveal() if secret is not None else None}


ROUTES = (create_client, list_clients, get_client, roll_secret, revoke_client)
