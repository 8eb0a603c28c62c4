"""OAuth clients: what one may be, and how it proves to be one by a key of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from quickkub.access.jose import ClientKeysRefused
from quickkub.access.oauth import rules
from quickkub.access.oauth.clients import (
    CLIENTS_MAX,
    Client,
    NewClient,
    OAuthClientInvalid,
    OAuthClientNotFound,
    OAuthScopesTooWide,
    TooManyOAuthClients,
    check_new,
)
from quickkub.access.oauth.errors import OAuthClientRefused
from quickkub.access.oauth.identify import Proof
from quickkub.access.oauth.rules import RedirectRefused
from quickkub.kernel.ids import new_id
from quickkub.storage import Database, open_database
from quickkub.storage.scope import house
from tests.support.oauth import BACK, ISSUER, Server, open_server
from tests.support.postgres import TestServer


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


# Redirect addresses


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.com/back",
        "https://app.example.com:8443/back?fixed=1",
        "http://127.0.0.1:8080/back",
        "https://xn--12c1fe0br.example/back",
    ],
)
def test_a_safe_redirect_address_is_taken(address: str) -> None:
    rules.check_redirects([address], is_public=False)
    assert rules.is_registered(address, [address])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://",
        "http://app.example.com/back",
        "http://localhost/back",
        "http://[::1]:8080/back",
        "http://127.0.0.1.evil.example/back",
        "http://127.0.0.1@evil.example/back",
        "http://0x7f000001/back",
        "https://app.example.com/back#part",
        "https://app.example.com/back#",
        "https://user@app.example.com/back",
        "https://user:password@app.example.com/back",
        "https://*.example.com/back",
        "https://app.example.com/a/../back",
        "https://app.example.com/a/%2e%2e/back",
        "https://app.example.com\\@evil.example/back",
        "https://App.example.com/back",
        "HTTPS://app.example.com/back",
        "https://app.example.com:99999/back",
        "https://app.example.com:x/back",
        "https://10.0.0.1/back",
        "https://ร้าน.example/back",
        "https://app.example.com/back\r\nSet-Cookie: a=b",
        "https://app.example.com/ back",
        "//app.example.com/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/back",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://app.example.com/" + "x" * 500,
    ],
)
def test_an_unsafe_redirect_address_is_refused(address: str) -> None:
    with pytest.raises(RedirectRefused):
        rules.check_redirects([address], is_public=False)


def test_an_app_may_have_its_own_scheme_and_a_script_is_none() -> None:
    rules.check_redirects(["com.example.app:/back"], is_public=True)
    for address in (
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/back",
        "com.example.app://evil.example/",
    ):
        with pytest.raises(RedirectRefused):
            rules.check_redirects([address], is_public=True)


def test_an_address_is_registered_once_and_they_are_few() -> None:
    with pytest.raises(RedirectRefused):
        rules.check_redirects([BACK, BACK], is_public=False)
    with pytest.raises(RedirectRefused):
        rules.check_redirects([f"{BACK}/{number}" for number in range(11)], is_public=False)


@given(asked=st.text(), registered=st.lists(st.text(), max_size=4))
@example(asked=BACK + "\n", registered=[BACK])
def test_only_the_very_same_letters_are_registered(asked: str, registered: list[str]) -> None:
    assert rules.is_registered(asked, registered) == (asked in registered)


@given(
    place=st.integers(0, len(BACK)),
    letter=st.characters(codec="ascii"),
    how=st.sampled_from(["insert", "replace", "remove"]),
)
def test_an_address_with_one_letter_changed_is_not_registered(place: int, letter: str, how: str) -> None:
    rest = BACK[place + (how != "insert") :]
    changed = BACK[:place] + ("" if how == "remove" else letter) + rest
    assert rules.is_registered(changed, [BACK]) == (changed == BACK)


@given(
    st.text() | st.builds("https://{}".format, st.text()) | st.builds("http://127.0.0.1{}".format, st.text())
)
def test_any_text_is_taken_or_refused_and_what_is_taken_goes_to_one_place(text: str) -> None:
    try:
        rules.check_redirects([text], is_public=True)
    except RedirectRefused:
        return
    assert text.isascii() and not set(text) & set(' \\"<>^`{|}#@*\r\n\t')
    assert rules.with_answer(text, [("code", "a b&c")]).endswith("code=a%20b%26c")


# What a client may be


GOOD: dict[str, Any] = {
    "name": "Till",
    "auth_method": "client_secret",
    "grant_types": ("authorization_code",),
    "scopes": ("payments:read",),
    "redirect_uris": (BACK,),
}


@pytest.mark.parametrize(
    "change",
    [
        {"grant_types": ()},
        {"grant_types": ("password",)},
        {"grant_types": ("implicit", "authorization_code")},
        {"grant_types": ("authorization_code", "authorization_code")},
        {"grant_types": ("refresh_token",), "redirect_uris": ()},
        {"grant_types": ("client_credentials",)},
        {"redirect_uris": ()},
        {"auth_method": "client_secret_jwt"},
        {"auth_method": "none", "grant_types": ("client_credentials", "authorization_code")},
        {"auth_method": "private_key_jwt"},
        {"jwks": {"keys": []}},
        {"scopes": ()},
        {"scopes": ("everything",)},
        {"scopes": ("merchants:write",)},
        {"scopes": ("payments:read", "payments:read")},
        {"grant_types": ("client_credentials",), "redirect_uris": (), "scopes": ("team:write",)},
    ],
)
def test_a_client_that_does_not_fit_together_is_refused(change: dict[str, Any]) -> None:
    check_new(NewClient(**GOOD))
    with pytest.raises(OAuthClientInvalid):
        check_new(NewClient(**GOOD | change))


async def test_nobody_makes_a_client_that_may_do_more_than_themselves(server: Server) -> None:
    with house():
        asked = NewClient(**GOOD | {"scopes": ("payments:read", "refunds:write")})
        with pytest.raises(OAuthScopesTooWide):
            await server.oauth.clients.create(
                server.merchant, "test", asked, by=None, may=frozenset({"payments:read"})
            )
        client, _ = await server.oauth.clients.create(server.merchant, "test", asked, by=None)
        with pytest.raises(OAuthScopesTooWide):
            await server.oauth.clients.roll_secret(
                server.merchant, "test", client.id, may=frozenset({"payments:read"})
            )


async def test_a_merchant_sees_its_own_clients_in_one_mode(server: Server) -> None:
    client, stranger = await server.registers(), await open_server(server.db)
    clients = server.oauth.clients
    with house():
        assert [one.id for one in await clients.list(server.merchant, "test")] == [client.id]
        assert await clients.list(server.merchant, "live") == []
        for merchant, mode in ((stranger.merchant, "test"), (server.merchant, "live")):
            with pytest.raises(OAuthClientNotFound):
                await clients.get(merchant, mode, client.id)
            with pytest.raises(OAuthClientNotFound):
                await clients.revoke(merchant, mode, client.id)
            with pytest.raises(OAuthClientNotFound):
                await clients.roll_secret(merchant, mode, client.id)
        assert (await clients.get(server.merchant, "test", client.id)).revoked_at is None


async def test_a_merchant_has_fifty_clients_at_most(server: Server) -> None:
    for _ in range(CLIENTS_MAX):
        await server.registers()
    with pytest.raises(TooManyOAuthClients):
        await server.registers()


async def test_a_secret_is_stored_as_a_hash(server: Server) -> None:
    client = await server.registers()
    secret = server.secrets[client.id].reveal()
    assert secret.startswith("qk_cs_") and client.secret_hash is not None
    assert secret.encode() not in client.secret_hash and len(client.secret_hash) == 32


# Keys of its own


def jwks_of(*keys: Key, **more: str) -> dict[str, Any]:
    return {"keys": [{**key.as_dict(private=False), **more} for key in keys]}


async def keyed(server: Server, key: Key, **more: str) -> Client:
    return await server.registers(auth_method="private_key_jwt", jwks=jwks_of(key, **more))


def assertion(server: Server, client: Client, key: Key, algorithm: str = "ES256", **change: Any) -> str:
    now = int(server.clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": client.id,
        "sub": client.id,
        "aud": ISSUER + "/oauth/token",
        "jti": new_id("jti"),
        "exp": now + 300,
        "iat": now,
    }
    said = {name: value for name, value in (claims | change).items() if value is not None}
    return jws.serialize_compact({"alg": algorithm}, json.dumps(said), key, algorithms=[algorithm])


async def proves(server: Server, client: Client, text: str) -> bool:
    try:
        return (await server.oauth.door.client(Proof(client.id, assertion=text))).id == client.id
    except OAuthClientRefused:
        return False


async def test_a_client_proves_itself_by_its_key_once_for_each_assertion(server: Server) -> None:
    key = ECKey.generate_key("P-256")
    client = await keyed(server, key)
    text = assertion(server, client, key)
    assert await proves(server, client, text)
    assert not await proves(server, client, text)
    assert await proves(server, client, assertion(server, client, key, aud=ISSUER))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_rsa_keys_sign_with_the_algorithm_they_are_registered_for(
    server: Server, algorithm: str
) -> None:
    key = RSAKey.generate_key(2048)
    client = await keyed(server, key, alg=algorithm)
    other = {"RS256": "PS256", "PS256": "RS256"}[algorithm]
    assert await proves(server, client, assertion(server, client, key, algorithm))
    assert not await proves(server, client, assertion(server, client, key, other))


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "cli_" + "0" * 32},
    "another subject": {"sub": "cli_" + "0" * 32},
    "another server": {"aud": "https://elsewhere.test/oauth/token"},
    "several servers": {"aud": [ISSUER, "https://elsewhere.test"]},
    "no server": {"aud": None},
    "no id": {"jti": None},
    "an empty id": {"jti": ""},
    "an id that is too long": {"jti": "x" * 256},
    "no end": {"exp": None},
    "an end long past": {"exp": 1},
    "an end far away": {"exp": 99999999999},
    "an end that is text": {"exp": "99999999999"},
    "a beginning in the future": {"iat": 99999999999},
}


@pytest.mark.parametrize("change", WRONG)
async def test_an_assertion_that_is_not_for_us_now_is_refused(server: Server, change: str) -> None:
    key = ECKey.generate_key("P-256")
    client = await keyed(server, key)
    assert not await proves(server, client, assertion(server, client, key, **WRONG[change]))


async def test_an_assertion_under_another_key_is_refused(server: Server) -> None:
    key, other = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    client, stranger = await keyed(server, key), await keyed(server, other)
    assert not await proves(server, client, assertion(server, client, other))
    assert not await proves(server, client, assertion(server, stranger, other))
    public = OctKey.import_key({"kty": "oct", "k": key.as_dict(private=False)["x"]})
    assert not await proves(server, client, assertion(server, client, public, "HS256"))
    with pytest.raises(OAuthClientRefused):
        await server.oauth.door.client(Proof(client.id))


async def test_a_client_with_a_secret_cannot_use_an_assertion(server: Server) -> None:
    client = await server.registers()
    assert not await proves(server, client, assertion(server, client, ECKey.generate_key("P-256")))


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        [],
        {"keys": []},
        {"keys": [{}]},
        {"keys": ["x"]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]},
        {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA"}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=False) | {"alg": "none"}]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=False, kid="x") for _ in range(2)]},
        {"keys": [ECKey.generate_key("P-256").as_dict(private=False) for _ in range(11)]},
    ],
)
def test_keys_that_are_not_public_keys_of_a_known_kind_are_refused(jwks: Any) -> None:
    with pytest.raises(ClientKeysRefused):
        check_new(NewClient(**GOOD | {"auth_method": "private_key_jwt", "jwks": jwks}))
