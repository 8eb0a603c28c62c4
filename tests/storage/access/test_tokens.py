"""Access tokens: who is behind one, and that everything else is the same 401."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from quickkub.access import jose
from quickkub.access.oauth.clients import Client
from quickkub.access.tokens import Tokens
from quickkub.access.tokens_keys import SharedKeyring, StoredKeyring
from quickkub.kernel.ids import new_id
from quickkub.kernel.secrets import Secret
from quickkub.merchants.keys import KeyRefused, MerchantInactive
from quickkub.storage import Database, open_database
from quickkub.storage.scope import house
from tests.support.oauth import ISSUER, Server, open_server, parts_of
from tests.support.postgres import TestServer
from tests.support.shop import VAULT

JWT_SECRET = Secret("a test secret of sixty-four characters and more, good for nothing else: 0123456789")


@pytest.fixture(scope="module")
async def shared(postgres_server: TestServer) -> AsyncIterator[Database]:
    """One database for the file: every test has a merchant of its own in it."""
    async with postgres_server.fresh_database() as dsn:
        database = await open_database(dsn, size_max=10)
        yield database
        await database.close()


@pytest.fixture
async def server(shared: Database) -> Server:
    return await open_server(shared)


async def itself(server: Server, client: Client, **more: str) -> str:
    """An access token by client credentials."""
    answer = await server.settles(client, {"grant_type": "client_credentials", **more})
    return answer.access_token.reveal()


async def own_key(server: Server) -> ECKey:
    key = (await server.tokens.keys.current()).key
    assert isinstance(key, ECKey)
    return key


async def test_a_token_says_what_the_profile_asks_for(server: Server) -> None:
    client = await server.registers()
    head, claims = parts_of(await itself(server, client))
    assert (head["alg"], head["typ"]) == ("ES256", "at+jwt")
    assert head["kid"] in [key["kid"] for key in await server.tokens.keys.published()]
    assert set(claims) >= {"iss", "aud", "sub", "exp", "iat", "jti", "client_id", "scope", "mode"}
    assert (claims["iss"], claims["aud"]) == (ISSUER, ISSUER + "/v1")
    assert claims["sub"] == claims["client_id"] == client.id
    assert claims["exp"] - claims["iat"] == 600
    assert claims["scope"] == "payments:read payments:write refunds:write"
    assert claims["mode"] == "test"


async def test_a_clients_token_asks_for_its_merchant_with_its_scopes(server: Server) -> None:
    client = await server.registers()
    caller = await server.tokens.caller(await itself(server, client, scope="payments:read"))
    assert (caller.merchant, caller.mode, caller.client_id) == (server.merchant, "test", client.id)
    assert caller.scopes == {"payments:read"}
    assert caller.role is None and caller.user_id is None and caller.key_id is None


async def test_a_persons_token_has_the_role_the_database_names_now(server: Server) -> None:
    client = await server.registers()
    token = (await server.signs_in(client)).access_token.reveal()
    caller = await server.tokens.caller(token)
    assert (caller.user_id, caller.role, caller.client_id) == (server.owner.user, "owner", client.id)
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE members SET role = 'viewer' WHERE user_id = $1", server.owner.user)
    server.clock.moves(6)
    assert (await server.tokens.caller(token)).role == "viewer"


async def test_somebody_who_left_is_refused_with_a_token_that_is_still_good(server: Server) -> None:
    client = await server.registers()
    token = (await server.signs_in(client)).access_token.reveal()
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE members SET state = 'removed' WHERE user_id = $1", server.owner.user)
    server.clock.moves(6)
    with pytest.raises(KeyRefused):
        await server.tokens.caller(token)


async def test_a_suspended_merchants_tokens_are_refused(server: Server) -> None:
    token = await itself(server, await server.registers())
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE merchants SET state = 'suspended' WHERE id = $1", server.merchant)
    with pytest.raises(MerchantInactive):
        await server.tokens.caller(token)


async def test_scopes_taken_from_a_client_are_gone_from_tokens_it_has(server: Server) -> None:
    client = await server.registers()
    token = await itself(server, client)
    with house():
        async with server.db.transaction() as tx:
            await tx.execute("UPDATE oauth_clients SET scopes = '{payments:read}' WHERE id = $1", client.id)
    assert (await server.tokens.caller(token)).scopes == {"payments:read"}


async def test_a_token_is_good_until_30_seconds_past_its_end_and_no_longer(server: Server) -> None:
    token = await itself(server, await server.registers())
    server.clock.moves(629)
    # The grant of a client's own token has ended by the database's clock only, which nobody moved.
    assert await server.tokens.read(token) is not None
    server.clock.moves(1)
    assert await server.tokens.read(token) is None
    with pytest.raises(KeyRefused):
        await server.tokens.caller(token)


async def test_a_token_from_the_future_is_refused_but_a_clock_may_be_a_little_off(server: Server) -> None:
    token = await itself(server, await server.registers())
    server.clock.moves(-30)
    assert await server.tokens.read(token) is not None
    server.clock.moves(-1)
    assert await server.tokens.read(token) is None


CHANGED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.test"},
    "an issuer that only begins like ours": {"iss": ISSUER + "/"},
    "another audience": {"aud": "https://elsewhere.test/v1"},
    "an audience among others": {"aud": [ISSUER + "/v1", "https://elsewhere.test"]},
    "no audience": {"aud": None},
    "an end that is text": {"exp": "99999999999"},
    "an end that is a fraction": {"exp": 99999999999.5},
    "an end that is true": {"exp": True},
    "no beginning": {"iat": None},
    "another merchant": {"merchant": "mer_" + "0" * 32},
    "no merchant": {"merchant": "x"},
    "another grant": {"grant": "gr_" + "0" * 32},
    "another mode": {"mode": "live"},
    "another client": {"client_id": "cli_" + "0" * 32},
    "another subject": {"sub": "usr_" + "0" * 32},
}


@pytest.mark.parametrize("change", CHANGED)
async def test_a_claim_that_is_not_ours_is_refused_though_we_signed_it(server: Server, change: str) -> None:
    _, claims = parts_of(await itself(server, await server.registers()))
    key = await server.tokens.keys.current()
    forged = jose.sign(claims | CHANGED[change], key, "at+jwt")
    with pytest.raises(KeyRefused):
        await server.tokens.caller(forged)


@pytest.mark.parametrize("typ", ["JWT", "AT+JWT", "application/at+jwt", "", None, 1])
async def test_a_token_of_another_type_is_refused(server: Server, typ: Any) -> None:
    _, claims = parts_of(await itself(server, await server.registers()))
    key = await server.tokens.keys.current()
    forged = jose.sign(claims, key, typ) if isinstance(typ, str) else with_header(claims, key, {"typ": typ})
    with pytest.raises(KeyRefused):
        await server.tokens.caller(forged)


def with_header(claims: dict[str, Any], key: jose.TokenKey, change: dict[str, Any]) -> str:
    head: dict[str, Any] = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | change
    first, second = (encoded(json.dumps(one).encode()) for one in (head, claims))
    return signed(f"{first}.{second}", key)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(text: str, key: jose.TokenKey) -> str:
    """Signed as it stands, whatever it says."""
    algorithm = jws.JWSRegistry.algorithms["ES256"]
    return f"{text}.{encoded(algorithm.sign(text.encode(), key.key))}"


async def test_no_signature_is_no_token(server: Server) -> None:
    head, claims = parts_of(await itself(server, await server.registers()))
    for alg in ("none", "None", "NONE", "nOnE", "", None):
        first = encoded(json.dumps(head | {"alg": alg}).encode())
        second = encoded(json.dumps(claims).encode())
        for last in ("", encoded(b"\0" * 64)):
            assert await server.tokens.read(f"{first}.{second}.{last}") is None


async def test_the_public_key_is_no_secret_to_sign_with(server: Server) -> None:
    head, claims = parts_of(await itself(server, await server.registers()))
    public = await own_key(server)
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        for alg in ("HS256", "HS384", "HS512"):
            first, second = (encoded(json.dumps(one).encode()) for one in (head | {"alg": alg}, claims))
            digest = hmac.digest(secret, f"{first}.{second}".encode(), f"sha{alg[2:]}")
            assert await server.tokens.read(f"{first}.{second}.{encoded(digest)}") is None


async def test_a_key_in_the_header_is_not_looked_at(server: Server) -> None:
    _, claims = parts_of(await itself(server, await server.registers()))
    key = await server.tokens.keys.current()
    mine = ECKey.generate_key("P-256")
    evil = jose.TokenKey(key.kid, "ES256", mine)
    for change in (
        {"jwk": mine.as_dict(private=False)},
        {"jku": "https://elsewhere.test/jwks.json"},
        {"kid": "elsewhere"},
        {"kid": "../../dev/null"},
        {"kid": None},
        {"kid": ["x"]},
        {"crit": ["b64"], "b64": False},
    ):
        assert await server.tokens.read(with_header(claims, evil, change)) is None
        if "jwk" not in change and "jku" not in change:
            assert await server.tokens.read(with_header(claims, key, change)) is None


async def test_another_algorithm_than_the_keys_is_refused(server: Server) -> None:
    head, claims = parts_of(await itself(server, await server.registers()))
    forged = jws.serialize_compact(
        head | {"alg": "RS256"}, json.dumps(claims), RSAKey.generate_key(2048), algorithms=["RS256"]
    )
    assert await server.tokens.read(forged) is None


async def test_a_name_that_stands_twice_is_refused_in_claims_and_header(server: Server) -> None:
    token = await itself(server, await server.registers())
    head, claims = (base64.urlsafe_b64decode(one + "==").decode() for one in token.split(".")[:2])
    key = await server.tokens.keys.current()
    twice = claims[:-1] + ',"mode":"test"}'
    assert (
        await server.tokens.read(signed(f"{encoded(head.encode())}.{encoded(twice.encode())}", key)) is None
    )
    twice = head[:-1] + ',"typ":"at+jwt"}'
    assert (
        await server.tokens.read(signed(f"{encoded(twice.encode())}.{encoded(claims.encode())}", key)) is None
    )
    assert await server.tokens.read(signed(token.rpartition(".")[0], key)) is not None


async def test_a_token_that_is_too_large_is_refused_before_it_is_read(server: Server) -> None:
    _, claims = parts_of(await itself(server, await server.registers()))
    key = await server.tokens.keys.current()
    assert await server.tokens.read(jose.sign(claims | {"x": "y" * 1500}, key, "at+jwt")) is not None
    assert await server.tokens.read(jose.sign(claims | {"x": "y" * 4000}, key, "at+jwt")) is None


async def test_a_changed_signature_is_refused(server: Server) -> None:
    token = await itself(server, await server.registers())
    body, _, signature = token.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    for place in (0, 31, 32, 63):
        changed = bytearray(raw)
        changed[place] ^= 1
        assert await server.tokens.read(f"{body}.{encoded(bytes(changed))}") is None
    assert await server.tokens.read(f"{body}.{encoded(bytes(64))}") is None
    assert await server.tokens.read(f"{body}.{encoded(bytes(raw[:63]))}") is None


@given(st.text() | st.binary().map(lambda raw: f"{encoded(raw)}.{encoded(raw)}.{encoded(raw)}"))
def test_any_text_is_a_token_of_no_key_or_nothing(text: str) -> None:
    key = jose.shared_key(JWT_SECRET)
    assert jose.opened(text, key, ("at+jwt",)) is None
    named = jose.kid_named(text)
    assert named is None or isinstance(named, str)


async def test_a_gateway_takes_one_family_of_tokens_only(server: Server) -> None:
    client = await server.registers()
    shared = Tokens(server.db, SharedKeyring(JWT_SECRET), server.clock, issuer=ISSUER)
    by_key = await itself(server, client)
    _, claims = parts_of(by_key)
    by_secret = jose.sign(claims, await shared.keys.current(), "at+jwt")
    assert (await shared.caller(by_secret)).client_id == client.id
    assert await shared.read(by_key) is None
    assert await server.tokens.read(by_secret) is None
    assert await shared.keys.published() == []


async def test_two_secrets_are_two_gateways(server: Server) -> None:
    other = Tokens(server.db, SharedKeyring(Secret(JWT_SECRET.reveal() + "!")), server.clock, issuer=ISSUER)
    shared = Tokens(server.db, SharedKeyring(JWT_SECRET), server.clock, issuer=ISSUER)
    _, claims = parts_of(await itself(server, await server.registers()))
    assert await other.read(jose.sign(claims, await shared.keys.current(), "at+jwt")) is None


async def test_a_token_of_another_gateway_is_refused(server: Server) -> None:
    stranger = StoredKeyring(server.db, VAULT, server.clock)
    _, claims = parts_of(await itself(server, await server.registers()))
    key = jose.TokenKey((await stranger.current()).kid, "ES256", ECKey.generate_key("P-256"))
    assert await server.tokens.read(jose.sign(claims | {"jti": new_id("jti")}, key, "at+jwt")) is None
