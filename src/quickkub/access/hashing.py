"""argon2id in a small pool of its own (security-reliability 5.2).

A hash takes 64 MiB and a fifth of a second on purpose. So it never runs on the event loop, only few run at a
time, on threads that give way to everything else, and whoever comes when too many wait is sent away before
anything was done for him. A flood of logins then costs logins their speed, and payments nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from quickkub.kernel.errors import Kind, Refusal

MEMORY_MIB_MIN: Final = 19
PASSES_MIN: Final = 2
WAITING_MAX: Final = 32
WAIT_SECONDS_MAX: Final = 10
"""How long somebody with a place waits for a thread. Whoever waits longer has left, and comes back anyway."""
_GIVE_WAY: Final = 10
"""How much nicer a hashing thread is than the rest of its process."""

_NICEST: Final = 19

_T = TypeVar("_T")


class HashingBusy(Refusal):
    """Too many passwords are being checked at this moment. Nothing was tried; come back in a moment."""

    code, kind = "login_busy", Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("too many logins at this moment", retry_after=2)


class HashingWeak(Refusal):
    """Passwords are to be hashed with less memory or fewer passes than OWASP's floor."""

    code, kind = "password_hashing_weak", Kind.INVALID


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: memory in KiB, and passes over it. One lane: the pool is the parallelism."""

    memory_kib: int = 64 * 1024
    passes: int = 3


def cost_of(*, memory_mib: int, passes: int) -> Cost:
    """An operator's choice. Raises HashingWeak below 19 MiB and 2 passes (OWASP's floor for argon2id)."""
    for value, floor, name in (
        (memory_mib, MEMORY_MIB_MIN, "QUICKKUB_PASSWORD_MEMORY_MIB"),
        (passes, PASSES_MIN, "QUICKKUB_PASSWORD_PASSES"),
    ):
        if value < floor:
            raise HashingWeak(f"{name} must be {floor} or more", param=name)
    return Cost(memory_mib * 1024, passes)


class Hashing:
    """Hashes and checks passwords. One for each process; `close` it at the end."""

    def __init__(
        self,
        cost: Cost | None = None,
        *,
        threads: int | None = None,
        waiting_max: int = WAITING_MAX,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
    ) -> None:
        cost = cost or Cost()
        self._argon2 = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1, type=Type.ID
        )
        workers = threads or (os.cpu_count() or 1) + 1
        self._places = workers + waiting_max
        self._taken = 0
        self._wait_seconds_max = wait_seconds_max
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2", initializer=_give_way)
        # Checked when there is no such user, so that this takes as long as a wrong password.
        self._nobodys = _hash_of_nothing(cost)
        self.work_done = 0
        """How many hashes were computed, whatever for."""

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place among those that hash or wait. Raises HashingBusy when there is none, at once."""
        if self._taken >= self._places:
            raise HashingBusy
        self._taken += 1
        try:
            yield Place(self)
        finally:
            self._taken -= 1

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made at another cost than today's."""
        return self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads; what waits is not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], _T]) -> _T:
        """Raises HashingBusy when no thread was free in time; nothing was hashed then."""
        self.work_done += 1
        waiting = self._pool.submit(work)
        # What has begun cannot be cancelled, and is not.
        timer = asyncio.get_running_loop().call_later(self._wait_seconds_max, waiting.cancel)
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise HashingBusy from None
        finally:
            timer.cancel()

    async def _make(self, password: str) -> str:
        return await self._run(lambda: self._argon2.hash(password))

    async def _fits(self, stored: str | None, password: str) -> bool:
        return await self._run(lambda: self._verify(stored or self._nobodys, password)) and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


class Place:
    """Somebody who was let in to hash. Passwords are given in NFC (passwords.normal)."""

    def __init__(self, hashing: Hashing) -> None:
        self._hashing = hashing

    async def make(self, password: str) -> str:
        """A hash to store; salt and cost are in it."""
        return await self._hashing._make(password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one stored. None is nobody's: as much work, and no."""
        return await self._hashing._fits(stored, password)


def _hash_of_nothing(cost: Cost) -> str:
    """A stored hash no password fits, made without hashing one. Checking it costs what any check costs."""
    salt, digest = (b64encode(os.urandom(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p=1${salt}${digest}"


def _give_way() -> None:
    if sys.platform == "linux":
        # On Linux a priority belongs to a thread, so this leaves the event loop's alone.
        nicer = os.nice(0) + _GIVE_WAY
        if nicer <= _NICEST:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nicer)
        else:
            # A gateway that was started nice itself: the system would take the thread for its equal.
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
