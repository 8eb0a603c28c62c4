"""The limits of a caller who is known: a bucket per key, another for lists, and so many at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from quickkub.api.limits.desk import Limits
from quickkub.api.limits.gate import count_failure, note
from quickkub.api.limits.policy import Bucket
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.kernel.errors import Kind, Refusal
from quickkub.merchants.keys import Caller

Asking = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Asking, BaseRouteHandler], Awaitable[None]]

LEAVE: Final = "limit_leave"
"""In the request's state: what to call when the request has ended."""


def counting_failures(authenticate: Guard) -> Guard:
    """The guard `authenticate`; whoever it does not know uses up a request of their address."""

    async def guard(connection: Asking, handler: BaseRouteHandler) -> None:
        try:
            await authenticate(connection, handler)
        except Refusal as refusal:
            limits: Limits | None = connection.app.state.services.limits
            # Whoever says nothing about themselves was counted at the gate.
            has_tried = "authorization" in connection.headers
            if limits is not None and has_tried and refusal.kind is Kind.UNAUTHENTICATED:
                client = connection.scope.get("client")
                await count_failure(limits, connection.scope, client[0] if client else None)
            raise

    return guard


async def limit_caller(connection: Asking, handler: BaseRouteHandler) -> None:
    """Guard between authentication and everything else. Raises RateLimited, TooManyAtOnce."""
    limits: Limits | None = connection.app.state.services.limits
    if limits is None or connection.scope.get("method") == "OPTIONS":
        return
    caller: Caller = connection.scope["user"]
    operation: Operation = handler.opt[OPT_KEY]
    usual = limits.rules.of_key(caller.mode, caller.rate_per_second, caller.rate_burst)
    wanted: list[tuple[Bucket, str]] = [(usual, caller.id)]
    if (stricter := limits.rules.of_operation(operation.id, usual)) is not None:
        wanted.append((stricter, caller.id))
    note(connection.scope, await limits.take(wanted))
    limits.enter(caller.id, usual.burst)
    connection.scope["state"][LEAVE] = lambda: limits.leave(caller.id)
