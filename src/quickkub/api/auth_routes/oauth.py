"""The OAuth2 endpoints for programs:

tokens, revocation, introspection, and what the server says about itself.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.types import ControllerRouterHandler

from quickkub.access.oauth.clients import Client
from quickkub.access.oauth.errors import OAuthRequestInvalid
from quickkub.access.oauth.metadata import INTROSPECT, JWKS, METADATA, REVOKE, TOKEN, metadata
from quickkub.api.auth import one_header
from quickkub.api.auth_routes.oauth_answers import json_answer, refuse_in_json, someone_acts
from quickkub.api.auth_routes.oauth_consent import consent_routes
from quickkub.api.auth_routes.oauth_desk import OAuthDesk
from quickkub.api.auth_routes.oauth_form import FORM_BYTES_MAX, proof_in, read_form
from quickkub.api.request import GatewayRequest
from quickkub.audit import ActorKind
from quickkub.kernel.errors import Refusal

PUBLIC_SECONDS: Final = 300
"""How long outside verifiers may keep the key set; far less than the day a key is published before its
use."""


def oauth_routes(desk: OAuthDesk) -> list[ControllerRouterHandler]:
    """All routes of the server; those for people only where there are pages for them."""
    return [_for_programs(desk), _about(desk), *(consent_routes(desk) if desk.pages is not None else [])]


def _for_programs(desk: OAuthDesk) -> Router:
    server = desk.server

    async def proven(request: GatewayRequest) -> tuple[Client, dict[str, str]]:
        someone_acts(request, ActorKind.CLIENT)
        form = await read_form(request)
        return await server.door.client(proof_in(one_header(request, "Authorization"), form)), form

    @post(TOKEN, status_code=200)
    async def token(request: GatewayRequest) -> Response[bytes]:
        client, form = await proven(request)
        answer = await server.settling.settle(client, form)
        said: dict[str, Any] = {
            "access_token": answer.access_token.reveal(),
            "token_type": "Bearer",
            "expires_in": answer.expires_in,
            "scope": " ".join(sorted(answer.scopes)),
        }
        if answer.refresh_token is not None:
            said["refresh_token"] = answer.refresh_token.reveal()
        return json_answer(said)

    @post(REVOKE, status_code=200)
    async def revoke(request: GatewayRequest) -> Response[bytes]:
        client, form = await proven(request)
        await server.afterwards.revoke(client, _token_in(form))
        return json_answer({})

    @post(INTROSPECT, status_code=200)
    async def introspect(request: GatewayRequest) -> Response[bytes]:
        client, form = await proven(request)
        return json_answer(await server.afterwards.introspect(client, _token_in(form)))

    return Router(
        "/",
        route_handlers=[token, revoke, introspect],
        request_max_body_size=FORM_BYTES_MAX,
        exception_handlers={Refusal: refuse_in_json},
        include_in_schema=False,
    )


def _token_in(form: dict[str, str]) -> str:
    if "token" not in form:
        raise OAuthRequestInvalid("token is missing", param="token")
    return form["token"]


def _about(desk: OAuthDesk) -> Router:
    @get(METADATA)
    async def about() -> Response[bytes]:
        return _public(metadata(desk.server.tokens.issuer))

    @get(JWKS)
    async def jwks() -> Response[bytes]:
        return _public({"keys": await desk.server.tokens.keys.published()})

    return Router("/", route_handlers=[about, jwks], include_in_schema=False)


def _public(said: dict[str, Any]) -> Response[bytes]:
    headers = {"cache-control": f"public, max-age={PUBLIC_SECONDS}"}
    return Response(msgspec.json.encode(said), media_type="application/json", headers=headers)
