"""What the server says about itself (RFC 8414, with the words of 9207)."""

from __future__ import annotations

from typing import Any

from quickkub.access.oauth.clients import GRANT_TYPES
from quickkub.merchants.scopes import MERCHANT_PERMISSIONS

AUTHORIZE, TOKEN = "/oauth/authorize", "/oauth/token"
REVOKE, INTROSPECT = "/oauth/revoke", "/oauth/introspect"
JWKS, METADATA = "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"
_WITH_PROOF = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_SIGNED_WITH = ("ES256", "RS256", "PS256")


def metadata(issuer: str) -> dict[str, Any]:
    """The document. `issuer` is the gateway's public address, without a slash at its end."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "revocation_endpoint": issuer + REVOKE,
        "introspection_endpoint": issuer + INTROSPECT,
        "jwks_uri": issuer + JWKS,
        "scopes_supported": sorted(MERCHANT_PERMISSIONS),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*_WITH_PROOF, "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(_SIGNED_WITH),
        "revocation_endpoint_auth_methods_supported": [*_WITH_PROOF, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(_SIGNED_WITH),
        "introspection_endpoint_auth_methods_supported": list(_WITH_PROOF),
        "introspection_endpoint_auth_signing_alg_values_supported": list(_SIGNED_WITH),
        "authorization_response_iss_parameter_supported": True,
    }
