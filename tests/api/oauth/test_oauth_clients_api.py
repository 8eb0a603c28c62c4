"""OAuth clients over the API:

made by whoever may, never stronger than their maker, and shown without secrets.
"""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey

from quickkub.kernel.ids import new_id
from tests.support.api import Told, key_for
from tests.support.oauth import BACK
from tests.support.oauth_http import Site

PATH = "/v1/oauth_clients"
WORDS: dict[str, Any] = {
    "name": "ร้านของเรา",
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["payments:read"],
    "redirect_uris": [BACK],
}


async def makes(site: Site, **change: Any) -> Told:
    words = {name: value for name, value in (WORDS | change).items() if value is not None}
    return await site.api.posts(PATH, words)


async def test_a_client_is_made_used_and_revoked(site: Site) -> None:
    made = await makes(site, grant_types=["client_credentials"], redirect_uris=None)
    assert made.status == 201, made.body
    client = made.json
    form = {
        "grant_type": "client_credentials",
        "client_id": client["id"],
        "client_secret": client["client_secret"],
    }
    status, token, _ = await site.posts("/oauth/token", form)
    assert status == 200
    program = site.api.with_key(token["access_token"])
    assert (await program.gets("/v1/payments")).status == 200
    gone = await site.api.asks("DELETE", f"{PATH}/{client['id']}")
    assert gone.status == 200 and gone.json["revoked_at"] is not None
    status, said, _ = await site.posts("/oauth/token", form)
    assert (status, said["error"]) == (401, "invalid_client")
    assert (await site.api.asks("DELETE", f"{PATH}/{client['id']}")).no[:2] == (404, "oauth_client_not_found")


async def test_a_secret_is_shown_once_and_can_be_replaced(site: Site) -> None:
    client = (await makes(site)).json
    assert client["client_secret"].startswith("qk_cs_")
    seen = await site.api.gets(f"{PATH}/{client['id']}")
    assert seen.json == {name: value for name, value in client.items() if name != "client_secret"}
    listed = await site.api.gets(PATH)
    assert client["id"] in [one["id"] for one in listed.json["data"]]
    assert b"qk_cs_" not in listed.body
    rolled = await site.api.asks("POST", f"{PATH}/{client['id']}/roll_secret")
    assert rolled.status == 200 and rolled.json["client_secret"] != client["client_secret"]


async def test_a_client_with_keys_or_without_anything_has_no_secret(site: Site) -> None:
    jwks = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    keyed = await makes(site, authentication="private_key_jwt", jwks=jwks)
    assert keyed.status == 201 and keyed.json["client_secret"] is None
    public = await makes(site, authentication="none", redirect_uris=["com.example.till:/back"])
    assert public.status == 201 and public.json["client_secret"] is None
    told = await site.api.asks("POST", f"{PATH}/{public.json['id']}/roll_secret")
    assert told.no[:2] == (400, "oauth_client_invalid")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"redirect_uris": ["http://example.com/back"]}, "redirect_uri_refused", "redirect_uris[0]"),
        ({"redirect_uris": None}, "oauth_client_invalid", "redirect_uris"),
        ({"scopes": ["no:such"]}, "oauth_client_invalid", "scopes"),
        ({"scopes": []}, "parameter_invalid", "scopes"),
        ({"grant_types": ["password"]}, "parameter_invalid", "grant_types[0]"),
        ({"grant_types": []}, "parameter_invalid", "grant_types"),
        ({"authentication": "private_key_jwt"}, "oauth_client_invalid", "jwks"),
        (
            {"authentication": "private_key_jwt", "jwks": {"keys": [{"kty": "oct"}]}},
            "client_keys_refused",
            "jwks",
        ),
        ({"authentication": "tls"}, "parameter_invalid", "authentication"),
        ({"name": " "}, "parameter_invalid", "name"),
        ({"name": "a\u202eb"}, "parameter_invalid", "name"),
        ({"secret": "mine"}, "parameter_unknown", "secret"),
    ],
)
async def test_a_client_that_cannot_be_is_refused(
    site: Site, change: dict[str, Any], code: str, param: str
) -> None:
    assert (await makes(site, **change)).no == (400, code, param)


async def test_a_program_that_may_make_clients_makes_none_stronger_than_itself(site: Site) -> None:
    client = await site.server.registers(
        scopes=("keys:write", "payments:read"), grant_types=("client_credentials",), redirect_uris=()
    )
    token = (await site.server.settles(client, {"grant_type": "client_credentials"})).access_token.reveal()
    program = site.api.with_key(token)
    assert (await program.posts(PATH, WORDS)).status == 201
    stronger = await program.posts(PATH, WORDS | {"scopes": ["payments:read", "refunds:write"]})
    assert stronger.no == (403, "oauth_scopes_too_wide", "scopes")
    strong = await site.server.registers()
    rolled = await program.asks("POST", f"{PATH}/{strong.id}/roll_secret")
    assert rolled.no[:2] == (403, "oauth_scopes_too_wide")


async def test_what_is_foreign_and_what_does_not_exist_look_the_same(site: Site) -> None:
    client = (await makes(site)).json["id"]
    live = site.api.with_key(await key_for(site.api.shop.db, site.server.merchant, "live"))
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/roll_secret")):
        told = [
            await live.asks(method, f"{PATH}/{client}{path}"),
            await live.asks(method, f"{PATH}/{new_id('cli')}{path}"),
            await live.asks(method, f"{PATH}/nonsense{path}"),
        ]
        assert {one.no for one in told} == {(404, "oauth_client_not_found", None)}
    assert (await live.gets(PATH)).json["data"] == []


async def test_a_program_without_the_permission_makes_no_clients(site: Site) -> None:
    client = await site.server.registers()
    token = (await site.server.settles(client, {"grant_type": "client_credentials"})).access_token.reveal()
    program = site.api.with_key(token)
    for told in (await program.posts(PATH, WORDS), await program.gets(PATH)):
        assert told.no == (403, "permission_missing", "Authorization")
