"""Refusals of the OAuth2 endpoints.

`error` is the word of RFC 6749 (5.2, 4.1.2.1) that goes over the wire.
"""

from __future__ import annotations

from typing import ClassVar

from quickkub.kernel.errors import Kind, Refusal


class OAuthRefused(Refusal):
    """An OAuth2 endpoint said no."""

    code = "oauth_refused"
    error: ClassVar[str] = "invalid_request"


class OAuthRequestInvalid(OAuthRefused):
    """A parameter is missing, malformed, or given twice."""

    code, error = "oauth_invalid_request", "invalid_request"


class OAuthClientRefused(OAuthRefused):
    """The client did not prove who it is. An unknown one, a revoked one and a wrong secret look the same."""

    code, kind, error = "oauth_invalid_client", Kind.UNAUTHENTICATED, "invalid_client"

    def __init__(self) -> None:
        super().__init__("the client is unknown or its authentication failed")


class OAuthGrantRefused(OAuthRefused):
    """The code or refresh token is unknown, spent, late, or was given to another client or address."""

    code, error = "oauth_invalid_grant", "invalid_grant"

    def __init__(self) -> None:
        super().__init__("the code or token is unknown, expired, used, or was given to somebody else")


class OAuthClientNotPermitted(OAuthRefused):
    """The client may not do this: the grant type or token is not one of its own."""

    code, error = "oauth_unauthorized_client", "unauthorized_client"


class OAuthGrantTypeUnsupported(OAuthRefused):
    """The grant type is none that is offered here."""

    code, error = "oauth_unsupported_grant_type", "unsupported_grant_type"


class OAuthResponseTypeUnsupported(OAuthRefused):
    """Only `code` is answered: tokens never travel in an address."""

    code, error = "oauth_unsupported_response_type", "unsupported_response_type"


class OAuthScopeInvalid(OAuthRefused):
    """A scope is unknown, or more than the client was given."""

    code, error = "oauth_invalid_scope", "invalid_scope"


class OAuthTargetInvalid(OAuthRefused):
    """Tokens are for this gateway's API only (RFC 8707)."""

    code, error = "oauth_invalid_target", "invalid_target"


class OAuthAccessDenied(OAuthRefused):
    """The person said no, or has no part in the merchant the client belongs to."""

    code, kind, error = "oauth_access_denied", Kind.FORBIDDEN, "access_denied"


class OAuthAddressRefused(Refusal):
    """The client or its redirect address is not known, so nobody is sent anywhere."""

    code, kind = "oauth_address_refused", Kind.INVALID


class OAuthTicketRefused(Refusal):
    """The consent form is not one this session was shown, or was answered before, or is too old."""

    code, kind = "oauth_ticket_refused", Kind.FORBIDDEN
