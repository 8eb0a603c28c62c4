"""Who may call a provider address now: so many at once, and none while its circuit is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from quickkub.connectors.breaker import Breaker, Ticket
from quickkub.connectors.contract import NoAnswer
from quickkub.kernel.clock import Clock

AT_ONCE_MAX: Final = 50
"""Requests on the way to one provider address from this process; further ones wait for their turn."""

TURN_SECONDS: Final = 2
"""The longest a request waits for its turn before it is given back unsent."""


class TimedOut(NoAnswer):
    """No answer in time; the circuit counts it."""


class Gate:
    """One provider address."""

    def __init__(
        self, clock: Clock, *, at_once_max: int = AT_ONCE_MAX, turn_seconds: float = TURN_SECONDS
    ) -> None:
        self.breaker = Breaker(clock)
        self._turn_seconds = turn_seconds
        self._turns = asyncio.Semaphore(at_once_max)

    @asynccontextmanager
    async def passing(self, *, asks_only: bool) -> AsyncIterator[None]:
        """Let a request through for the length of the block. Raises NoAnswer, unsent, when it has to stay."""
        await self._turn()
        try:
            ticket = self.breaker.admit(asks_only=asks_only)
            if ticket is None:
                raise NoAnswer("the circuit is open: the provider did not answer several times", sent=False)
            async with self._watched(ticket):
                yield
        finally:
            self._turns.release()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise NoAnswer("too many requests to this provider are on the way", sent=False) from None

    @asynccontextmanager
    async def _watched(self, ticket: Ticket) -> AsyncIterator[None]:
        try:
            yield
        except NoAnswer as lost:
            if isinstance(lost, TimedOut) or not lost.sent:
                self.breaker.troubled(ticket)
            else:
                self.breaker.undecided(ticket)
            raise
        except asyncio.CancelledError:
            # Whoever waits for us ran out of patience: that is a provider that did not answer in time.
            self.breaker.troubled(ticket)
            raise
        except BaseException:
            self.breaker.undecided(ticket)
            raise
        self.breaker.answered(ticket)
