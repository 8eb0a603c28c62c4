"""Clients other people wrote run every flow against the served gateway: Authlib and requests-oauthlib."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey
from oauthlib.oauth2 import BackendApplicationClient  # type: ignore[import-untyped]
from requests_oauthlib import OAuth2Session as OtherSession  # type: ignore[import-untyped]

from quickkub.access.oauth.clients import Client
from tests.support.oauth import BACK, answer_in
from tests.support.oauth_http import Site

T = TypeVar("T")


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib refuses http, even to this machine."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


async def aside(work: Callable[[], T]) -> T:
    """In a thread: these clients wait for answers that this very loop gives."""
    return await asyncio.to_thread(work)


def secret(site: Site, client: Client) -> str:
    return site.server.secrets[client.id].reveal()


async def discovered(site: Site) -> dict[str, Any]:
    """The metadata, as a client that knows only the issuer finds it (RFC 8414 3)."""
    async with site.http.get(site.url + "/.well-known/oauth-authorization-server") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
    assert found["issuer"] == site.url
    return found


async def works(site: Site, token: str) -> bool:
    return (await site.api.with_key(token).gets("/v1/payments")).status == 200


async def test_authlib_runs_the_code_flow_with_what_it_discovers(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers(scopes=("payments:read", "payments:write"))
    async with AsyncOAuth2Client(
        client.id,
        secret(site, client),
        redirect_uri=BACK,
        scope="payments:read",
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    ) as outside:
        verifier = "v" * 64
        link, state = outside.create_authorization_url(
            about["authorization_endpoint"], code_verifier=verifier
        )
        back = await site.agrees(link)
        assert answer_in(back)["state"] == state and answer_in(back)["iss"] == site.url
        token = await outside.fetch_token(
            about["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state
        )
        assert token["scope"] == "payments:read" and token["expires_in"] == 600
        assert await works(site, token["access_token"])
        fresh = await outside.refresh_token(about["token_endpoint"], refresh_token=token["refresh_token"])
        assert fresh["refresh_token"] != token["refresh_token"]
        told = await outside.introspect_token(about["introspection_endpoint"], token=fresh["access_token"])
        assert told.json()["active"] is True and told.json()["sub"] == site.server.owner.user
        revoked = await outside.revoke_token(about["revocation_endpoint"], token=fresh["refresh_token"])
        assert revoked.status_code == 200
        told = await outside.introspect_token(about["introspection_endpoint"], token=fresh["access_token"])
        assert told.json() == {"active": False}
        assert not await works(site, fresh["access_token"])


async def test_authlib_by_requests_works_for_a_client_itself(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers(grant_types=("client_credentials",), redirect_uris=())

    def run() -> dict[str, Any]:
        with OAuth2Session(
            client.id, secret(site, client), token_endpoint_auth_method="client_secret_post"
        ) as outside:
            token = outside.fetch_token(about["token_endpoint"], grant_type="client_credentials")
            seen = outside.get(site.url + "/v1/payments")
            assert seen.status_code == 200
            return dict(token)

    token = await aside(run)
    assert "refresh_token" not in token and token["token_type"] == "Bearer"


async def test_authlib_proves_itself_by_a_key(site: Site) -> None:
    about = await discovered(site)
    # Authlib takes a key in PEM for RSA only.
    key = RSAKey.generate_key(2048, {"kid": "till-1"})
    client = await site.server.registers(
        auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
        grant_types=("client_credentials",),
        redirect_uris=(),
    )

    def run() -> dict[str, Any]:
        way = PrivateKeyJWT(about["token_endpoint"], alg="RS256")
        pem = key.as_pem(private=True)
        with OAuth2Session(client.id, pem, token_endpoint_auth_method=way) as outside:
            return dict(outside.fetch_token(about["token_endpoint"], grant_type="client_credentials"))

    assert await works(site, (await aside(run))["access_token"])


async def test_requests_oauthlib_runs_the_code_flow_as_a_public_client(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers(
        auth_method="none", grant_types=("authorization_code", "refresh_token"), scopes=("payments:read",)
    )
    outside = OtherSession(client.id, redirect_uri=BACK, scope=["payments:read"], pkce="S256")
    link, state = await aside(lambda: outside.authorization_url(about["authorization_endpoint"]))
    back = await site.agrees(link)
    assert answer_in(back)["state"] == state
    token = await aside(
        lambda: outside.fetch_token(
            about["token_endpoint"], authorization_response=back, include_client_id=True
        )
    )
    seen = await aside(lambda: outside.get(site.url + "/v1/payments"))
    assert seen.status_code == 200
    fresh = await aside(
        lambda: outside.refresh_token(
            about["token_endpoint"], refresh_token=token["refresh_token"], client_id=client.id
        )
    )
    assert fresh["access_token"] != token["access_token"]
    assert await works(site, fresh["access_token"])
    await aside(outside.close)


async def test_requests_oauthlib_runs_the_code_flow_with_a_secret(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers()
    outside = OtherSession(client.id, redirect_uri=BACK, scope=["payments:read"], pkce="S256")
    link, _ = await aside(lambda: outside.authorization_url(about["authorization_endpoint"]))
    back = await site.agrees(link)
    auth = (client.id, secret(site, client))
    token = await aside(
        lambda: outside.fetch_token(about["token_endpoint"], authorization_response=back, auth=auth)
    )
    told = await aside(
        lambda: outside.post(
            about["introspection_endpoint"],
            data={"token": token["access_token"]},
            auth=auth,
            withhold_token=True,
        )
    )
    assert told.json()["active"] is True
    gone = await aside(
        lambda: outside.post(
            about["revocation_endpoint"],
            data={"token": token["refresh_token"]},
            auth=auth,
            withhold_token=True,
        )
    )
    assert gone.status_code == 200
    assert not await works(site, token["access_token"])
    await aside(outside.close)


async def test_requests_oauthlib_works_for_a_client_itself(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers(grant_types=("client_credentials",), redirect_uris=())
    outside = OtherSession(client=BackendApplicationClient(client.id))
    token = await aside(
        lambda: outside.fetch_token(
            about["token_endpoint"], client_id=client.id, client_secret=secret(site, client)
        )
    )
    assert await works(site, token["access_token"])
    await aside(outside.close)


async def test_an_outside_verifier_needs_only_the_published_keys(site: Site) -> None:
    about = await discovered(site)
    client = await site.server.registers()
    answer = await site.server.settles(client, {"grant_type": "client_credentials"})
    async with site.http.get(about["jwks_uri"]) as response:
        keys = KeySet.import_key_set(await response.json())
    opened = jws.deserialize_compact(answer.access_token.reveal(), keys, algorithms=["ES256"])
    assert json.loads(opened.payload)["aud"] == site.url + "/v1"
