"""What `quickkub up` shows: a spinner in a terminal, plain lines anywhere else, the same words in both."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from quickkub.cli.gateway import Gateway, Welcome
from quickkub.cli.supervisor import State

_LOG_BYTES_MAX: Final = 32 * 1024 * 1024
_FOLLOW_SECONDS: Final = 0.2
_TIDY_SECONDS: Final = 30.0


class Screen:
    """Tells the operator what happens; `verbose` adds every line the processes log."""

    def __init__(self, *, verbose: bool = False, console: Console | None = None) -> None:
        self.verbose = verbose
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._crashed: set[str] = set()

    def tell(self, text: str, style: str = "") -> None:
        """One line, or several."""
        self._console.print(escape(text), style=style or None)

    @contextlib.contextmanager
    def step(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done; call what this gives with what was done, to show that and the seconds."""
        began = time.monotonic()

        def done(what: str) -> None:
            status.stop()
            self.tell(f"  {what} ({time.monotonic() - began:.1f} s)")

        if not self._console.is_terminal:
            self.tell(doing)
        with self._console.status(escape(doing)) as status:
            yield done

    def child_changed(self, name: str, state: State, detail: str) -> None:
        """The supervisor's report."""
        if state is State.CRASHED:
            first, _, lines = detail.partition("\n")
            self.tell(f"{name} {first}", "yellow")
            for line in lines.splitlines() if not self.verbose else ():
                self.tell(f"    {line}", "dim")
            self._crashed.add(name)
        elif state is State.READY and name in self._crashed:
            self._crashed.discard(name)
            self.tell(f"{name} is back.")

    def welcome(self, gateway: Gateway, welcome: Welcome) -> None:
        """The last thing a first start shows, and the first thing a newcomer reads."""
        links = [*welcome.links, ("Test key", welcome.key), ("Data", str(gateway.data_dir))]
        links.append(("Logs", str(gateway.data_dir / "log")))
        width = max(len(name) for name, _ in links)
        self.tell("\nQuickKub is running.\n", "bold")
        for name, link in links:
            self.tell(f"  {name.ljust(width)}  {link}")
        self.tell("\nTake a first payment:\n")
        self.tell(welcome.example)
        self.tell("\nCtrl-C stops everything; the data stays.")


async def look_after_logs(logs: Mapping[str, Path], follow: Callable[[str], None] | None) -> None:
    """Until cancelled: keep log files below 32 MB, and with `follow` hand over each new line, name first."""
    seen = {name: _size(path) for name, path in logs.items()}
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS if follow else _TIDY_SECONDS)
        for name, path in logs.items():
            if follow is not None:
                seen[name] = _follow_one(name, path, seen[name], follow)
            if _cut_short(path):
                seen[name] = 0


def _follow_one(name: str, path: Path, seen: int, follow: Callable[[str], None]) -> int:
    size = _size(path)
    begin = seen if seen <= size else 0
    if begin == size:
        return size
    with path.open("rb") as log:
        log.seek(begin)
        whole, newline, _ = log.read(size - begin).rpartition(b"\n")
    for line in whole.decode(errors="replace").splitlines():
        follow(f"[{name}] {line}")
    return begin + len(whole) + len(newline)


def _cut_short(path: Path) -> bool:
    """Keep one older file when it is too long. The child appends, so it goes on where the file now ends."""
    if _size(path) <= _LOG_BYTES_MAX:
        return False
    shutil.copyfile(path, path.with_suffix(".log.1"))
    os.truncate(path, 0)
    return True


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
