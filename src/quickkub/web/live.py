"""Telling many open pages how their payments stand, with one question to the database for all of them.

A page that waits must not cost a database connection. So one task asks for every watched payment at once,
twice a second, and hands the answers round. It is a hint, not a promise: a page that misses one asks itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from quickkub.checkout.model import Key, Standing
from quickkub.checkout.rules import is_watched, stage
from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage import DatabaseAway
from quickkub.telemetry import get_logger

Look: TypeAlias = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Standing]]]
"""Asks how these payments stand. Raises DatabaseAway."""

LOOK_EVERY_SECONDS: Final = 0.5
STREAMS_MAX: Final = 2_000
STREAMS_PER_PAYMENT_MAX: Final = 16
_SLOWER_WHEN_AWAY: Final = 10

_log = get_logger("web.live")


class TooManyStreams(Refusal):
    """No more pages can be told by stream just now; they ask by themselves instead."""

    code, kind = "too_many_streams", Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("too many pages are open; ask for the state instead", retry_after=30)


class Follower:
    """One open page: what it was told last, and what it should be told next."""

    def __init__(self, told: Standing) -> None:
        self._told = told
        self._latest = told
        self._wake = asyncio.Event()
        self._over = False

    @property
    def over(self) -> bool:
        """Whether the hub has stopped telling."""
        return self._over

    async def news(self, wait_seconds: float) -> Standing | None:
        """The next change; after `wait_seconds` without one the same again with a later time.

        None when nothing newer is known, because the database is away or the hub has closed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                await self._wake.wait()
        self._wake.clear()
        if self._latest.seen_at <= self._told.seen_at:
            return None
        self._told = self._latest
        return self._told

    def hear(self, standing: Standing) -> None:
        """Take note, and wake the page when it would show something else."""
        self._latest = standing
        if _shows(standing) != _shows(self._told):
            self._wake.set()

    def leave(self) -> None:
        """No more news will come."""
        self._over = True
        self._wake.set()


def _shows(standing: Standing) -> tuple[object, ...]:
    return stage(standing), standing.failure_code, standing.expires_at, is_watched(standing)


class LiveHub:
    """All followers of one process. The asking task runs only while somebody follows."""

    def __init__(
        self,
        look: Look,
        *,
        every_seconds: float = LOOK_EVERY_SECONDS,
        streams_max: int = STREAMS_MAX,
        per_payment_max: int = STREAMS_PER_PAYMENT_MAX,
    ) -> None:
        self._look = look
        self._every_seconds = every_seconds
        self._streams_max = streams_max
        self._per_payment_max = per_payment_max
        self._followers: dict[Key, set[Follower]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def streams(self) -> int:
        """How many pages are being told."""
        return sum(len(followers) for followers in self._followers.values())

    def make_room(self, key: Key) -> None:
        """Raises TooManyStreams when one more page of this payment cannot be told by stream."""
        if (
            self._closed
            or self.streams >= self._streams_max
            or len(self._followers.get(key, ())) >= self._per_payment_max
        ):
            raise TooManyStreams()

    @contextlib.contextmanager
    def follow(self, key: Key, told: Standing) -> Iterator[Follower]:
        """Follow a payment from the standing the page already shows. Raises TooManyStreams."""
        self.make_room(key)
        follower = Follower(told)
        self._followers.setdefault(key, set()).add(follower)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_while_followed(), name="checkout-live")
        try:
            yield follower
        finally:
            self._followers[key].discard(follower)
            if not self._followers[key]:
                del self._followers[key]

    async def close(self) -> None:
        """End every stream and take no new ones, so that a server can stop without waiting for them."""
        self._closed = True
        self._end_streams()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask_while_followed(self) -> None:
        try:
            while self._followers:
                wait_seconds = await self._ask_once()
                await asyncio.sleep(wait_seconds)
        except Exception as error:  # noqa: BLE001 -- the outermost loop of its task
            _log.error("asking for open pages failed", exc_info=error)
        finally:
            # Pages that are still open here are let go: they reconnect, and that starts another task.
            self._end_streams()

    async def _ask_once(self) -> float:
        """Ask and tell; returns the seconds to wait before asking again."""
        try:
            self._tell(await self._look(list(self._followers)))
        except DatabaseAway as away:
            _log.warning("open pages are not being told", reason=away.detail, count=self.streams)
            return self._every_seconds * _SLOWER_WHEN_AWAY
        return self._every_seconds

    def _tell(self, standings: Mapping[Key, Standing]) -> None:
        for key, standing in standings.items():
            for follower in self._followers.get(key, ()):
                follower.hear(standing)

    def _end_streams(self) -> None:
        for followers in self._followers.values():
            for follower in followers:
                follower.leave()
