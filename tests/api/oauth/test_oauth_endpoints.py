"""The OAuth2 endpoints on the wire:

forms, client authentication, errors in the words of RFC 6749, and the headers.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from quickkub.access.oauth.clients import Client
from quickkub.kernel.ids import new_id
from tests.support.oauth import by_code, verifier_and_challenge
from tests.support.oauth_http import Site

ITSELF = {"grant_type": "client_credentials"}


def secret(site: Site, client: Client) -> str:
    return site.server.secrets[client.id].reveal()


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    text = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def by_post(site: Site, client: Client, **form: str) -> dict[str, str]:
    return {"client_id": client.id, "client_secret": secret(site, client), **form}


async def test_a_token_answer_is_kept_by_no_cache(site: Site) -> None:
    client = await site.server.registers()
    status, said, headers = await site.posts("/oauth/token", by_post(site, client, **ITSELF))
    assert status == 200
    assert set(said) == {"access_token", "token_type", "expires_in", "scope"}
    assert (headers["cache-control"], headers["pragma"]) == ("no-store", "no-cache")
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("way", ["basic", "post"])
async def test_a_secret_goes_in_the_header_or_in_the_form(site: Site, way: str) -> None:
    client = await site.server.registers()
    if way == "basic":
        status, _, _ = await site.posts(
            "/oauth/token", ITSELF, headers=basic(client.id, secret(site, client))
        )
    else:
        status, _, _ = await site.posts("/oauth/token", by_post(site, client, **ITSELF))
    assert status == 200


async def test_every_failed_authentication_looks_the_same(site: Site) -> None:
    client = await site.server.registers()
    good = secret(site, client)
    tries: list[tuple[dict[str, str], dict[str, str]]] = [
        (ITSELF, {}),
        (ITSELF, basic(client.id, "wrong")),
        (ITSELF, basic(client.id, good[:-1])),
        (ITSELF, basic(client.id, good + "x")),
        (ITSELF, basic(new_id("cli"), good)),
        (ITSELF, basic("nobody", good)),
        (ITSELF, basic(client.id, "é")),
        (ITSELF, {"Authorization": "Basic"}),
        (ITSELF, {"Authorization": "Basic !!!"}),
        (ITSELF, {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()}),
        (ITSELF, {"Authorization": "Bearer " + good}),
        (ITSELF, {"Authorization": f"Bearer {site.api.key}"}),
        (ITSELF | {"client_id": client.id}, {}),
        (ITSELF | {"client_id": client.id, "client_secret": "wrong"}, {}),
        (ITSELF | {"client_id": client.id, "client_secret": ""}, {}),
    ]
    told = set()
    for form, header in tries:
        status, said, headers = await site.posts("/oauth/token", form, headers=header)
        assert headers["www-authenticate"].startswith("Basic realm=")
        told.add((status, said["error"], said["error_description"]))
    assert len(told) == 1 and told.pop()[:2] == (401, "invalid_client")


async def test_a_client_authenticates_in_one_way_at_a_time(site: Site) -> None:
    client, other = await site.server.registers(), await site.server.registers()
    header = basic(client.id, secret(site, client))
    for form in (
        by_post(site, client, **ITSELF),
        ITSELF | {"client_id": other.id},
        ITSELF | {"client_assertion": "x", "client_assertion_type": "y"},
    ):
        status, said, _ = await site.posts("/oauth/token", form, headers=header)
        assert (status, said["error"]) == (400, "invalid_request")


async def test_a_public_client_needs_no_secret_and_may_not_bring_one(site: Site) -> None:
    client = await site.server.registers(auth_method="none", grant_types=("authorization_code",))
    verifier, challenge = verifier_and_challenge()
    heard = await site.server.agrees(client, challenge)
    form = by_code(heard["code"], verifier) | {"client_id": client.id}
    status, said, _ = await site.posts("/oauth/token", form | {"client_secret": "anything"})
    assert (status, said["error"]) == (401, "invalid_client")
    status, said, _ = await site.posts("/oauth/token", form)
    assert status == 200 and "refresh_token" not in said


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("grant_type=client_credentials&grant_type=client_credentials", {}),
        ("grant_type=client_credentials&scope=payments%3Aread&scope=refunds%3Awrite", {}),
        ("grant_type=client_credentials&x=%00", {}),
        ("grant_type=client_credentials&x=%ff", {}),
        ("grant_type=client_credentials&" + "&".join(f"x{n}=1" for n in range(60)), {}),
        ("grant_type=client_credentials&x=\u0e01", {}),
        ('{"grant_type":"client_credentials"}', {"Content-Type": "application/json"}),
        ("grant_type=client_credentials", {"Content-Type": "text/plain"}),
        ("grant_type=client_credentials", {"Content-Encoding": "gzip"}),
        ("", {}),
    ],
)
async def test_a_body_that_is_not_a_plain_form_is_refused(
    site: Site, body: str, headers: dict[str, str]
) -> None:
    client = await site.server.registers()
    sent = basic(client.id, secret(site, client)) | headers
    status, said, _ = await site.posts("/oauth/token", body.encode(), headers=sent)
    assert (status, said["error"]) == (400, "invalid_request")


async def test_a_secret_in_an_address_is_refused(site: Site) -> None:
    client = await site.server.registers()
    form = by_post(site, client, **ITSELF)
    status, said, _ = await site.posts("/oauth/token?" + urlencode(form), form)
    assert (status, said["error"]) == (400, "invalid_request")


async def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    client = await site.server.registers()
    form = by_post(site, client, **ITSELF, x="y" * 17_000)
    status, said, _ = await site.posts("/oauth/token", form)
    assert (status, said["error"]) == (413, "invalid_request")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "no:such"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "resource": "https://elsewhere.test"}, "invalid_target"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x", "redirect_uri": "y"}, "invalid_request"),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": "y", "code_verifier": "z"},
            "invalid_grant",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
async def test_an_error_is_a_word_of_the_standard(site: Site, form: dict[str, str], error: str) -> None:
    client = await site.server.registers()
    status, said, headers = await site.posts("/oauth/token", by_post(site, client, **form))
    assert (status, said["error"]) == (400, error)
    assert set(said) == {"error", "error_description"}
    assert (headers["cache-control"], headers["content-type"]) == ("no-store", "application/json")
    assert '"' not in said["error_description"] and "\\" not in said["error_description"]


async def test_a_client_may_not_use_a_grant_type_it_was_not_given(site: Site) -> None:
    client = await site.server.registers(grant_types=("authorization_code",))
    status, said, _ = await site.posts("/oauth/token", by_post(site, client, **ITSELF))
    assert (status, said["error"]) == (400, "unauthorized_client")


async def test_only_a_post_gets_a_token(site: Site) -> None:
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        async with site.http.get(site.url + path) as answer:
            assert answer.status == 405


async def test_revoking_says_ok_whatever_the_token_was(site: Site) -> None:
    client = await site.server.registers()
    answer = await site.server.signs_in(client)
    for token in ("rubbish", "qk_rt_" + "A" * 64, answer.access_token.reveal(), answer.access_token.reveal()):
        for hint in ("refresh_token", "nonsense"):
            form = by_post(site, client, token=token, token_type_hint=hint)
            status, said, _ = await site.posts("/oauth/revoke", form)
            assert (status, said) == (200, {})
    told = await site.api.with_key(answer.access_token.reveal()).gets("/v1/payments")
    assert told.no == (401, "key_refused", "Authorization")


async def test_revoking_and_introspecting_need_a_client_and_a_token(site: Site) -> None:
    client = await site.server.registers()
    for path in ("/oauth/revoke", "/oauth/introspect"):
        status, said, _ = await site.posts(path, {"token": "x"})
        assert (status, said["error"]) == (401, "invalid_client")
        status, said, _ = await site.posts(path, by_post(site, client))
        assert (status, said["error"]) == (400, "invalid_request")
        # A token of the merchant is no proof of being a client.
        status, said, _ = await site.posts(
            path, {"token": "x"}, headers={"Authorization": f"Bearer {site.api.key}"}
        )
        assert (status, said["error"]) == (401, "invalid_client")


async def test_an_api_key_is_no_token_to_introspect(site: Site) -> None:
    client = await site.server.registers()
    status, said, _ = await site.posts("/oauth/introspect", by_post(site, client, token=str(site.api.key)))
    assert (status, said) == (200, {"active": False})


# Tokens on /v1


async def test_a_token_may_do_what_its_scopes_say(site: Site) -> None:
    client = await site.server.registers()
    answer = await site.server.settles(client, ITSELF | {"scope": "payments:read"})
    program = site.api.with_key(answer.access_token.reveal())
    assert (await program.gets("/v1/payments")).status == 200
    told = await program.posts("/v1/payments", {"amount": 100, "currency": "THB", "method": "promptpay"})
    assert told.no == (403, "permission_missing", "Authorization")


async def test_an_owners_token_makes_a_payment(site: Site) -> None:
    client = await site.server.registers()
    answer = await site.server.signs_in(client)
    person = site.api.with_key(answer.access_token.reveal())
    words = {"amount": 100, "currency": "THB", "method": "promptpay"}
    assert (await person.posts("/v1/payments", words)).status == 201


async def test_every_token_that_is_not_good_gets_the_same_401(site: Site) -> None:
    client = await site.server.registers()
    good = (await site.server.settles(client, ITSELF)).access_token.reveal()
    refresh = (await site.server.signs_in(client)).refresh_token
    assert refresh is not None
    head, claims, signature = good.split(".")
    told = set()
    for token in (
        "",
        "x",
        "a.b.c",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{claims}.{head}.{signature}",
        good + "." + signature,
        good + "A" * 8000,
        refresh.reveal(),
        secret(site, client),
        client.id,
    ):
        answer = await site.api.with_key(token).gets("/v1/payments")
        problem: dict[str, Any] = answer.json
        problem.pop("request_id")
        told.add((answer.status, str(problem), answer.headers["www-authenticate"]))
    assert len(told) == 1 and told.pop()[0] == 401
    assert (await site.api.with_key(good).gets("/v1/payments")).status == 200


async def test_a_token_as_user_name_or_in_the_address_is_no_token(site: Site) -> None:
    client = await site.server.registers()
    good = (await site.server.settles(client, ITSELF)).access_token.reveal()
    told = await site.api.with_key(None).gets(f"/v1/payments?access_token={good}")
    assert told.status == 401
    told = await site.api.with_key(None).gets("/v1/payments", Cookie=f"access_token={good}")
    assert told.status == 401


# What the server says about itself


async def test_the_metadata_names_what_is_there_and_nothing_else(site: Site) -> None:
    async with site.http.get(site.url + "/.well-known/oauth-authorization-server") as answer:
        said = await answer.json()
        assert answer.headers["cache-control"] == "public, max-age=300"
    assert said["issuer"] == site.url
    assert said["response_types_supported"] == ["code"]
    assert set(said["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        status, _, _ = await site.posts(said[name].removeprefix(site.url))
        assert status in (400, 401)
    assert (await site.opens(said["authorization_endpoint"]))[0] == 400


async def test_the_published_keys_are_public(site: Site) -> None:
    async with site.http.get(site.url + "/.well-known/jwks.json") as answer:
        said = await answer.json()
    assert all(not {"d", "k", "p", "q"} & set(key) for key in said["keys"])
