"""Before anything else is done for a request: how much is taken from where it comes from.

By path, because it is asked before routing: an address that does not exist costs its caller a request, too.
Callers with a key are counted by their key (guard.py), once it is known to be one.
"""

from __future__ import annotations

import re
from typing import Any, Final

from quickkub.api.clients import block
from quickkub.api.limits.desk import Limits, refuse_if_over
from quickkub.api.limits.policy import Standing

FREE: Final = ("/livez", "/readyz", "/health", "/metrics")
"""Asked by machines that must not be refused; none of them does more than a little work a second."""

LOGINS: Final = frozenset(
    {
        "/auth/login",
        "/auth/totp",
        "/auth/register",
        "/auth/verify-email",
        "/auth/forgot-password",
        "/auth/reset-password",
        "/auth/step-up",
        "/auth/change-password",
        "/auth/totp/confirm",
        "/auth/totp/disable",
        "/auth/recovery-codes",
    }
)
"""Where something secret could be guessed."""

TOKENS: Final = frozenset({"/oauth/token", "/oauth/introspect", "/oauth/revoke"})
"""Where a machine shows a secret."""

PEOPLE: Final = ("/auth/", "/oauth/", "/v1/platform/")
"""Where browsers show a session's cookie."""

_SLASHES: Final = re.compile("/+")
_STATE: Final = "limit_standings"


async def admit(limits: Limits, scope: Any, address: str | None) -> None:
    """Count a request. Raises RateLimited, LoginUnavailable."""
    path, name = as_routed(scope["path"]), block(address)
    if path in FREE or path.startswith("/assets/"):
        return
    if path.startswith("/callbacks/"):
        wanted = [(limits.rules.callbacks, _account(path)), (limits.rules.senders, name)]
        note(scope, await limits.take(wanted))
    elif path.startswith("/pay/"):
        note(scope, await limits.take([(limits.rules.payers, name)]))
    elif scope["method"] == "POST" and path in LOGINS:
        note(scope, [await limits.hit_or_close(limits.rules.login, name)])
    elif scope["method"] == "POST" and path in TOKENS:
        note(scope, [await limits.hit_or_close(limits.rules.anonymous, name)])
    elif path.startswith(PEOPLE) and _has(scope, b"cookie"):
        # Somebody at work in a dashboard; whether the cookie is one of ours is found out by the route.
        note(scope, await limits.take([(limits.rules.people, name)]))
    elif not (path.startswith("/v1/") and _has(scope, b"authorization")):
        note(scope, [await limits.hit(limits.rules.anonymous, name)])


def as_routed(path: str) -> str:
    """The path as the router reads it: `//auth/login/` is `/auth/login` there, so it has to be here."""
    return "/" + _SLASHES.sub("/", path).strip("/")


async def count_failure(limits: Limits, scope: Any, address: str | None) -> None:
    """A key that is none costs a request of its address. Raises RateLimited when there are none left."""
    note(scope, [await limits.hit(limits.rules.anonymous, block(address))])


def note(scope: Any, standings: list[Standing]) -> None:
    """Keep what the answer's headers will say. Raises RateLimited when the request is one too many."""
    scope["state"][_STATE] = [*noted(scope["state"]), *standings]
    refuse_if_over(standings)


def noted(state: Any) -> list[Standing]:
    """The standings of a request so far."""
    found: list[Standing] = state.get(_STATE, [])
    return found


def _account(path: str) -> str:
    """The token in a callback's address; whatever else is called there shares one name."""
    parts = path.split("/")
    return parts[3][:100] if len(parts) > 3 else "none"  # noqa: PLR2004 -- /callbacks/{provider}/{token}


def _has(scope: Any, header: bytes) -> bool:
    return any(name == header for name, _ in scope["headers"])
