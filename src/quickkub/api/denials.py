"""Writes down what people and keys were not let do: every 403 of somebody who is known."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from quickkub.access.sessions import SignedIn
from quickkub.api.operations import OPT_KEY, Operation
from quickkub.audit.acting import current_actor
from quickkub.audit.denied import record_denied
from quickkub.kernel.clock import Clock
from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import MerchantId
from quickkub.merchants.keys import Caller
from quickkub.storage import Database, DatabaseAway
from quickkub.storage.scope import for_merchant, house
from quickkub.telemetry import get_logger

_REMEMBERED_MAX: Final = 10_000
_log = get_logger("api")


class Denials:
    """Hears of every exception of a route, before it is answered. Remembers what needs no entry for now."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._quiet_until: OrderedDict[tuple[str | None, str], float] = OrderedDict()

    async def hear(self, error: Exception, scope: Any) -> None:
        """Write an entry, if this is a 403 of somebody who is known and the minute has none yet.

        It is the answer that counts: where the database is away, the log line has to do.
        """
        if not isinstance(error, Refusal) or error.kind is not Kind.FORBIDDEN:
            return
        operation = scope["route_handler"].opt.get(OPT_KEY)
        whose = _whose(scope)
        if not isinstance(operation, Operation) or whose is None:
            return
        who = current_actor().id, operation.id
        if self._quiet_until.get(who, 0) > self._clock.monotonic():
            return
        try:
            seconds = await self._write(operation.id, error.code, *whose)
        except DatabaseAway:
            _log.warning("a denied act is not in the audit log", code=error.code, operation=operation.id)
            return
        self._remember(who, self._clock.monotonic() + seconds)

    async def _write(self, operation: str, code: str, merchant: MerchantId | None, mode: str | None) -> int:
        with house() if merchant is None else for_merchant(merchant):
            async with self._db.transaction() as tx:
                return await record_denied(tx, operation, code, merchant, mode)

    def _remember(self, who: tuple[str | None, str], until_monotonic: float) -> None:
        self._quiet_until[who] = until_monotonic
        self._quiet_until.move_to_end(who)
        if len(self._quiet_until) > _REMEMBERED_MAX:
            self._quiet_until.popitem(last=False)


def _whose(scope: Any) -> tuple[MerchantId | None, str | None] | None:
    """In whose log it stands and in which mode: a merchant's, or the platform's. None: nobody is known."""
    caller = scope.get("user")
    if isinstance(caller, Caller):
        return (caller.merchant, caller.mode) if caller.merchant else (None, None)
    is_signed_in = isinstance(scope["state"].get("signed_in"), SignedIn)
    return (None, None) if is_signed_in else None
