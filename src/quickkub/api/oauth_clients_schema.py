"""The words of OAuth clients. See schema.py for what they share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from quickkub.access.jose import CLIENT_KEYS_MAX
from quickkub.access.oauth.rules import REDIRECT_LETTERS_MAX, REDIRECTS_MAX
from quickkub.api.schema import Mode, Time, exactly

GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]
Authentication = Literal["client_secret", "private_key_jwt", "none"]
Scope = Annotated[str, Meta(max_length=40, pattern=exactly("^[a-z_]+:[a-z]+$"), examples=["payments:read"])]
RedirectUri = Annotated[str, Meta(max_length=REDIRECT_LETTERS_MAX, examples=["https://app.example.com/back"])]


class KeySet(Struct, kw_only=True, forbid_unknown_fields=True):
    """Public keys as a JWK set (RFC 7517): EC on P-256, or RSA of 2048 to 4096 bits."""

    keys: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=CLIENT_KEYS_MAX)]


class CreateOAuthClient(Struct, kw_only=True, forbid_unknown_fields=True):
    """A program to be let in, in this mode."""

    name: Annotated[str, Meta(max_length=100, description="People read it on the consent page.")]
    grant_types: Annotated[list[GrantType], Meta(min_length=1, max_length=3)]
    scopes: Annotated[
        list[Scope],
        Meta(min_length=1, max_length=100, description="The most it is ever given; no more than you may do."),
    ]
    redirect_uris: Annotated[
        list[RedirectUri],
        Meta(max_length=REDIRECTS_MAX, description="Compared letter by letter; for authorization_code only."),
    ] = []
    authentication: Annotated[
        Authentication,
        Meta(description="`none` is for programs that cannot keep a secret, such as apps on a phone."),
    ] = "client_secret"
    jwks: KeySet | None = None


class OAuthClient(Struct, kw_only=True):
    """A program that may be let in. Its id is its `client_id`."""

    id: str
    object: Literal["oauth_client"]
    mode: Mode
    name: str
    authentication: Authentication
    grant_types: list[str]
    scopes: list[str]
    redirect_uris: list[str]
    created_at: Time
    revoked_at: Time | None


class OAuthClientWithSecret(OAuthClient, kw_only=True):
    """A program with its secret, which is shown in this answer only; null for one without a secret."""

    client_secret: str | None
