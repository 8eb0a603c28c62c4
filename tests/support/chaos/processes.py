"""The gateway's processes: started as the supervisor starts them, killed without a word, started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from quickkub.cli.lifeline import LIFELINE_VARIABLE
from quickkub.telemetry.crash_points import LAST_WORDS, VARIABLE
from tests.support.chaos.plan import POINTS, Faults, Storm

ROOT: Final = Path(__file__).parents[3]
PAUSE_SECONDS: Final = 0.3
"""Between an end that was not a kill, such as a start without a database, and the next start."""


@dataclass(slots=True)
class _Child:
    name: str
    part: str
    lives: int = 0
    process: Process | None = None

    def kill(self) -> None:
        """kill -9, if it lives."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)


@dataclass(slots=True)
class Gateway:
    """Keeps the processes alive until told to stop. `env` is theirs, `listening` the API's socket."""

    storm: Storm
    faults: Faults
    folder: Path
    env: Mapping[str, str]
    listening: socket.socket
    program: Sequence[str] = ("-m", "quickkub.main")
    ends: Counter[str] = field(default_factory=Counter)
    _children: list[_Child] = field(default_factory=list)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)
    _lifeline: tuple[int, int] = (-1, -1)

    @property
    def switch(self) -> Path:
        """While this file is there, crash points kill."""
        return self.folder / "crash-points-live"

    def start(self) -> None:
        """Start all processes."""
        # Nothing is ever written: when we end in whatever way, its closing ends them.
        self._lifeline = os.pipe()
        self._children = [
            *(_Child(f"api-{n}", "api") for n in range(1, self.storm.apis + 1)),
            *(_Child(f"worker-{n}", "worker") for n in range(1, self.storm.workers + 1)),
        ]
        self._keepers = [asyncio.create_task(self._keep(child)) for child in self._children]

    async def stop(self) -> None:
        """End them all."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers = []
        for end in self._lifeline:
            if end >= 0:
                os.close(end)
        self._lifeline = (-1, -1)

    async def lightning(self) -> None:
        """Kill somebody whenever crash points alone have killed too seldom."""
        luck = self.storm.luck("lightning")
        while self.faults.raging:
            await asyncio.sleep(luck.uniform(0.3, 1.2))
            if self.faults.behind("kills"):
                luck.choice(self._children).kill()

    def crash_points_hit(self) -> Counter[str]:
        """How often each point killed, by the last words of the dead."""
        hit: Counter[str] = Counter()
        for child in self._children:
            for line in self._log(child).read_text(errors="replace").splitlines():
                if line.startswith(LAST_WORDS):
                    hit[line.removeprefix(LAST_WORDS).strip()] += 1
        return hit

    def errors(self) -> Counter[str]:
        """What the processes logged as errors, by message and kind: things nobody had thought of."""
        found: Counter[str] = Counter()
        for child in self._children:
            for line in self._log(child).read_text(errors="replace").splitlines():
                said = _read(line)
                if said.get("log.level") in ("error", "critical"):
                    kind = said.get("error.type", "")
                    found[f"{said.get('message')} {kind} {said.get('error.message', '')[:200]}"] += 1
        return found

    def _log(self, child: _Child) -> Path:
        return self.folder / f"{child.name}.log"

    async def _keep(self, child: _Child) -> None:
        while True:
            child.lives += 1
            process = child.process = await self._spawn(child)
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    os.kill(process.pid, signal.SIGKILL)
                    await process.wait()
            self.ends[f"{child.part} {code}"] += 1
            if code == -signal.SIGKILL:
                self.faults.done["kills"] += 1
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _spawn(self, child: _Child) -> Process:
        points = ",".join(f"{name}={often}" for name, often in POINTS.items())
        env = {
            **self.env,
            LIFELINE_VARIABLE: str(self._lifeline[0]),
            VARIABLE: f"{self.switch};{self.storm.seed}/{child.name}/{child.lives};{points}",
        }
        fds = [self._lifeline[0]]
        if child.part == "api":
            env["QUICKKUB_API_FD"] = str(self.listening.fileno())
            fds.append(self.listening.fileno())
        with self._log(child).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *self.program,
                "serve",
                child.part,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                pass_fds=fds,
                cwd=ROOT,
                start_new_session=True,
            )


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def environment(dsn: str, folder: Path, port: int, bank_port: int) -> dict[str, str]:
    """What the processes learn from their environment; nothing of ours but the path to Python."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": dsn,
        "QUICKKUB_DATA_DIR": str(folder / "house"),
        "QUICKKUB_PORT": str(port),
        "QUICKKUB_SIMULATORS_PORT": str(bank_port),
        "QUICKKUB_TEST_RATE": "10000",
    }
