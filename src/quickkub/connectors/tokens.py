"""Access tokens of this process: one request at a time per account, renewed before they end.

Tokens are kept in memory only and are not shared between processes: providers give as many as are asked for,
and a token that is never written down cannot leak from where it was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from quickkub.connectors.contract import Account, Declined, NotSent, Token, Unknown
from quickkub.kernel.clock import Clock
from quickkub.kernel.secrets import Secret

RENEW_EARLY_SECONDS: Final = 60

Fetched: TypeAlias = Token | Declined | NotSent | Unknown
Key: TypeAlias = "tuple[str, str, str]"


@dataclass(frozen=True, slots=True)
class _Kept:
    token: Token
    good_until: float  # not money: a moment of the monotonic clock
    credentials: Mapping[str, Secret]


class TokenShelf:
    """Tokens by account. A change of an account's credentials or address makes its old token useless here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Key, _Kept] = {}
        self._under_way: dict[Key, asyncio.Task[Fetched]] = {}

    async def take(
        self,
        account: Account,
        address: str,
        rejected: Token | None,
        fetch: Callable[[], Coroutine[Any, Any, Fetched]],
    ) -> Fetched:
        """A token that is good for a while and is not the rejected one; `fetch` is run when there is none.

        Whoever comes while a fetch is under way gets its result. The fetch goes on when its waiters give up.
        """
        key = (account.provider, account.id, address)
        kept = self._kept.get(key)
        if kept is not None and self._usable(kept, account, rejected):
            return kept.token
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(key, account, fetch))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Forget everything and give up what is under way."""
        self._kept.clear()
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _usable(self, kept: _Kept, account: Account, rejected: Token | None) -> bool:
        if rejected is not None and kept.token.value == rejected.value:
            return False
        return self._clock.monotonic() < kept.good_until and kept.credentials == account.credentials

    async def _renew(
        self, key: Key, account: Account, fetch: Callable[[], Coroutine[Any, Any, Fetched]]
    ) -> Fetched:
        self._kept.pop(key, None)
        asked_since = self._clock.monotonic()
        fetched = await fetch()
        if isinstance(fetched, Token):
            # Counted from before the request left, and never early by more than half of a short life.
            early_seconds = min(RENEW_EARLY_SECONDS, fetched.lives_seconds // 2)
            good_until = asked_since + fetched.lives_seconds - early_seconds
            self._kept[key] = _Kept(fetched, good_until, dict(account.credentials))
        return fetched

    def _finished(self, key: Key, done: asyncio.Task[Fetched]) -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]
        if not done.cancelled():
            done.exception()  # those who waited were told; this marks it as seen when nobody was left
