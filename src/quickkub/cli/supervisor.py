"""Keeps child processes alive: starts them, sees them ready, restarts them, ends them. Knows nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from quickkub.cli.lifeline import LIFELINE_VARIABLE, READY_VARIABLE
from quickkub.kernel.errors import Kind, Refusal

EXIT_CONFIGURATION: Final = 78
"""EX_CONFIG of sysexits.h: a child that ends so is not started again, because trying again cannot help."""

_TAIL_LINES: Final = 12
_POLL_SECONDS: Final = 0.05


class ChildWillNotStart(Refusal):
    """A child ended again and again before it was ever ready; the detail ends with its last lines."""

    code, kind = "child_will_not_start", Kind.UNAVAILABLE


class State(enum.Enum):
    """Where a child is in its life."""

    STARTING = "starting"
    READY = "ready"
    CRASHED = "crashed"
    STOPPING = "stopping"
    STOPPED = "stopped"


Report = Callable[[str, State, str], None]
"""Told of every change: the child's name, its state, and what there is to say about it (may be empty)."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One process to keep alive. Its output goes to `<log_dir>/<name>.log`.

    `ready` is asked until it says yes; without it the child says so itself (lifeline.say_ready). The file
    descriptors in `pass_fds` keep their numbers in the child.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[bool]] | None = None
    pass_fds: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the supervisor is. All in seconds but the last."""

    first_pause: float = 0.2
    longest_pause: float = 10.0
    healthy_after: float = 60.0
    start_max: float = 60.0
    grace: float = 25.0
    failures_max: int = 5


@dataclass(frozen=True, slots=True)
class _End:
    code: int
    late: bool


class _Child:
    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self.log_begin = 0
        self.first_ready = asyncio.Event()
        self.failures = 0

    def last_lines(self) -> str:
        """The end of what it has written since its last start."""
        with self.log.open("rb") as log:
            size = self.log.stat().st_size
            # The log may have been cut short since.
            log.seek(max(self.log_begin if self.log_begin <= size else 0, size - 16 * 1024))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-_TAIL_LINES:])


class Supervisor:
    """Runs children until told to stop. Use once; `run` needs a running event loop.

    `keep_fds` are inherited by every child (a lock that lives as long as any of them). Children write to
    their log files directly: a supervisor that is slow or gone never makes a child wait.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        log_dir: Path,
        report: Report,
        pace: Pace | None = None,
        keep_fds: Sequence[int] = (),
    ) -> None:
        log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._children = [_Child(spec, log_dir / f"{spec.name}.log") for spec in children]
        self._report = report
        self._pace = pace or Pace()
        self._keep_fds = keep_fds
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._lifeline: int = -1

    @property
    def logs(self) -> dict[str, Path]:
        """Where each child writes."""
        return {child.spec.name: child.log for child in self._children}

    async def run(self, stop: asyncio.Event, all_ready: Callable[[], None]) -> None:
        """Start all children, call `all_ready` once every one of them was ready, and keep them until `stop`.

        No child is left when this returns or raises. Raises ChildWillNotStart when one of them fails five
        times before it was ready once, or says that its configuration is wrong.
        """
        with self._lifeline_open():
            keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
            starting = asyncio.create_task(self._all_ready())
            stopped = asyncio.create_task(stop.wait())
            try:
                await _first_of(*keepers, starting, stopped)
                if starting.done():
                    all_ready()
                await _first_of(*keepers, stopped)
            finally:
                self._stopping.set()
                starting.cancel()
                stopped.cancel()
                await asyncio.gather(*keepers, starting, stopped, return_exceptions=True)

    def hurry(self) -> None:
        """End the children at once instead of waiting for their grace."""
        self._hurry.set()

    @contextlib.contextmanager
    def _lifeline_open(self) -> Iterator[None]:
        # Nothing is ever written: the write end closes when we end, and that is the message.
        self._lifeline, ours = os.pipe()
        try:
            yield
        finally:
            os.close(ours)
            os.close(self._lifeline)

    async def _all_ready(self) -> None:
        for child in self._children:
            await child.first_ready.wait()

    async def _keep(self, child: _Child) -> None:
        while not self._stopping.is_set():
            self._report(child.spec.name, State.STARTING, "")
            healthy_since, why = await self._one_life(child)
            if not self._stopping.is_set():
                await self._pause(child, healthy_since, why)
        self._report(child.spec.name, State.STOPPED, "")

    async def _one_life(self, child: _Child) -> tuple[float | None, _End]:
        """Start it and stay with it to its end; since when it was ready (monotonic), and how it ended."""
        healthy_since = None
        ready_end, says_end = os.pipe()
        try:
            process = await self._spawn(child, says_end)
        finally:
            os.close(says_end)
        exited = asyncio.create_task(process.wait())
        late = False
        try:
            if await self._becomes_ready(child, exited, ready_end):
                healthy_since = time.monotonic()
                self._report(child.spec.name, State.READY, "")
                child.first_ready.set()
                await self._first(exited, self._stopping.wait())
            else:
                late = not exited.done() and not self._stopping.is_set()
        finally:
            os.close(ready_end)
            await self._end(child, process, exited)
        return healthy_since, _End(exited.result(), late)

    async def _spawn(self, child: _Child, says_end: int) -> Process:
        spec = child.spec
        with child.log.open("ab") as log:
            child.log_begin = log.tell()
            return await asyncio.create_subprocess_exec(
                *spec.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    **spec.env,
                    LIFELINE_VARIABLE: str(self._lifeline),
                    READY_VARIABLE: str(says_end),
                },
                pass_fds=(self._lifeline, says_end, *self._keep_fds, *spec.pass_fds),
                # Ctrl-C in the terminal reaches us only; we end the children in our own way.
                start_new_session=True,
            )

    async def _becomes_ready(self, child: _Child, exited: asyncio.Task[int], ready_end: int) -> bool:
        """False when it ended, took too long, or we are stopping."""
        ask = _says_so(ready_end) if child.spec.ready is None else _asked(child.spec.ready)
        ready = asyncio.create_task(ask)
        try:
            async with asyncio.timeout(self._pace.start_max):
                await self._first(exited, self._stopping.wait(), ready)
            return ready.done() and ready.result()
        except TimeoutError:
            return False
        finally:
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)

    async def _end(self, child: _Child, process: Process, exited: asyncio.Task[int]) -> None:
        if not exited.done():
            self._report(child.spec.name, State.STOPPING, "")
            # Not process.terminate(): in Python 3.11 it may reap the child under asyncio's hands, and the
            # exit status is lost.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.grace):
                    await self._first(exited, self._hurry.wait())
        # Its whole session: a child that was killed may have left processes of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await exited

    async def _pause(self, child: _Child, healthy_since: float | None, end: _End) -> None:
        lived = 0.0 if healthy_since is None else time.monotonic() - healthy_since
        child.failures = 1 if lived >= self._pace.healthy_after else child.failures + 1
        why = f"was not ready within {self._pace.start_max:g} s" if end.late else _how_it_ended(end.code)
        hopeless = child.failures >= self._pace.failures_max or end.code == EXIT_CONFIGURATION
        if hopeless and not child.first_ready.is_set():
            times = f" {child.failures} times" if child.failures > 1 else ""
            raise ChildWillNotStart(f"{child.spec.name} {why}{times} while starting.\n{child.last_lines()}")
        pause = min(self._pace.first_pause * 2 ** (child.failures - 1), self._pace.longest_pause)
        self._report(child.spec.name, State.CRASHED, f"{why}, next try in {pause:g} s\n{child.last_lines()}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stopping.wait()

    @staticmethod
    async def _first(exited: asyncio.Task[int], *others: Awaitable[object]) -> None:
        """Return when the child has ended or one of the others is done; what it made itself is cleaned up."""
        tasks = [asyncio.ensure_future(other) for other in others]
        fresh = [task for task, other in zip(tasks, others, strict=True) if task is not other]
        try:
            await asyncio.wait([exited, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in fresh:
                task.cancel()


def python(*words: str) -> list[str]:
    """The argv of a Python module or script run by the Python that runs us."""
    return [sys.executable, *words]


def answers_http(host: str, port: int, path: str) -> Callable[[], Awaitable[bool]]:
    """A `ready` that asks for a page and expects 200; who binds to 0.0.0.0 or :: is asked on loopback."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound

    async def ask() -> bool:
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(address, port)
                try:
                    writer.write(
                        f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n".encode()
                    )
                    status = await reader.readline()
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError):
            return False
        return status.split(b" ")[1:2] == [b"200"]

    return ask


async def _first_of(*tasks: asyncio.Task[Any]) -> None:
    """Wait for the first to be done. Raises what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _asked(ready: Callable[[], Awaitable[bool]]) -> bool:
    while not await ready():  # noqa: ASYNC110 - what is asked is in another process
        await asyncio.sleep(_POLL_SECONDS)
    return True


async def _says_so(ready_end: int) -> bool:
    """Wait for the child's byte. An end closed without a word is for the exit status to explain."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(ready_end, readable.set)
    try:
        await readable.wait()
        said = os.read(ready_end, 1) != b""
    finally:
        loop.remove_reader(ready_end)
    if not said:
        await asyncio.Event().wait()
    return True


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
