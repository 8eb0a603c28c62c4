"""Answers of the OAuth2 endpoints in the words of RFC 6749 5: JSON, kept by no cache."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from litestar import Request, Response

from quickkub.access.oauth.errors import OAuthRefused
from quickkub.api.auth import client_address
from quickkub.api.problems import request_id_of
from quickkub.api.request import GatewayRequest
from quickkub.audit import Actor, ActorKind
from quickkub.audit.acting import act_as
from quickkub.kernel.errors import Kind, Refusal

_NOT_SAYABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""What an error_description may not hold (RFC 6749 5.2)."""

_AGENT_LETTERS_MAX: Final = 300
NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}


def json_answer(said: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """An answer that holds secrets or depends on them."""
    return Response(
        msgspec.json.encode(said),
        status_code=status,
        media_type="application/json",
        headers=NO_STORE | (headers or {}),
    )


def refuse_in_json(request: Request[Any, Any, Any], refusal: Exception) -> Response[bytes]:
    """A no in the form OAuth2 clients read."""
    assert isinstance(refusal, Refusal)
    request.scope["state"]["problem_code"] = refusal.code
    headers = {}
    if refusal.kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Basic realm="quickkub", charset="UTF-8"'
    if refusal.retry_after is not None:
        headers["retry-after"] = str(refusal.retry_after)
    said = {"error": error_of(refusal), "error_description": _NOT_SAYABLE.sub("", refusal.detail)}
    return json_answer(said, status=refusal.kind.value, headers=headers)


def error_of(refusal: Refusal) -> str:
    """The word for a refusal; the house's own refusals have none of OAuth2's."""
    if isinstance(refusal, OAuthRefused):
        return refusal.error
    return "temporarily_unavailable" if refusal.kind is Kind.UNAVAILABLE else "invalid_request"


def someone_acts(request: GatewayRequest, kind: ActorKind, who: str | None = None) -> None:
    """From here on the audit log names this actor, and where the request came from."""
    agent = request.headers.get("user-agent")
    act_as(
        Actor(
            kind,
            who,
            ip_address=client_address(request),
            user_agent=agent and agent[:_AGENT_LETTERS_MAX],
            request_id=request_id_of(request),
        )
    )
