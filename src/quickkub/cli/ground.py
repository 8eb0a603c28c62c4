"""What a run stands on before any process starts: a folder that is ours alone, and ports that are free."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quickkub.kernel.errors import Kind, Refusal

_ORPHANS_SECONDS: Final = 8.0
"""Longer than a child of a killed run takes to notice (quickkub.cli.lifeline)."""

_PROC: Final = Path("/proc")
_BACKLOG: Final = 2048


class AlreadyRunning(Refusal):
    """Another `quickkub up` works on this data folder."""

    code, kind = "already_running", Kind.CONFLICT


class OrphansRemain(Refusal):
    """Processes of a killed run are still alive and cannot be ended by us."""

    code, kind = "orphans_remain", Kind.CONFLICT


class FolderUnusable(Refusal):
    """The data folder cannot be made or written."""

    code, kind = "data_folder_refused", Kind.UNAVAILABLE


class PortTaken(Refusal):
    """The port is in use by another program, or we may not use it."""

    code, kind = "port_taken", Kind.CONFLICT


@contextlib.contextmanager
def hold_folder(data_dir: Path, url: str) -> Iterator[None]:
    """Be the only supervisor of this folder. The hold ends with the process, however it ends.

    Raises AlreadyRunning, which names the other's process and address.
    """
    with (data_dir / "quickkub.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise _already_running(data_dir, lock.read()) from None
        lock.truncate(0)
        json.dump({"pid": os.getpid(), "url": url}, lock)
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _already_running(data_dir: Path, text: str) -> AlreadyRunning:
    try:
        other = json.loads(text)
        who, how = f" (process {other['pid']}, {other['url']})", f"`kill {other['pid']}`"
    except (ValueError, KeyError, TypeError):
        who, how = "", "a signal"  # it has not written its line yet
    return AlreadyRunning(
        f"QuickKub already runs on {data_dir}{who}. Stop it with Ctrl-C in its terminal or {how}, "
        "or choose another data folder with QUICKKUB_DATA_DIR."
    )


@contextlib.contextmanager
def children_lock(data_dir: Path) -> Iterator[int]:
    """A lock for children to inherit, once no child of an earlier run holds it; gives its file descriptor.

    The children of a killed supervisor end by themselves within seconds. One that does not is killed: on
    Linux the kernel tells who has the lock's file open. Blocks up to 16 s. Raises OrphansRemain.
    """
    path = data_dir / "children.lock"
    with path.open("a") as lock:
        if not _locked(lock.fileno(), _ORPHANS_SECONDS):
            for pid in holders_of(path):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not _locked(lock.fileno(), _ORPHANS_SECONDS):
                left = ", ".join(str(pid) for pid in holders_of(path)) or "unknown to us"
                raise OrphansRemain(
                    f"Processes of an earlier run still use {data_dir} (numbers: {left}). End them first."
                )
        yield lock.fileno()


def _locked(lock: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def holders_of(path: Path) -> list[int]:
    """Processes other than ours that have this file open; empty where there is no `/proc`."""
    found = []
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and any(
                handle.samefile(path) for handle in process.joinpath("fd").iterdir() if handle.exists()
            ):
                found.append(int(process.name))
    return found


def bind_port(host: str, port: int, *, option: str, variable: str) -> socket.socket:
    """A listening socket that children inherit, so that their restart refuses no connection.

    `option` and `variable` are how another port is chosen, for the message. Port 0 takes any that is free.
    Raises PortTaken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = {
            errno.EADDRINUSE: "is in use by another program",
            errno.EACCES: "may only be used by root",
        }.get(error.errno or 0, f"cannot be used ({error.strerror})")
        raise PortTaken(
            f"Port {port} on {host} {reason}. Choose another one with "
            f"{option} or {variable}; {_free_port(host, port)} is free."
        ) from error


def _free_port(host: str, near: int) -> int:
    for port in range(max(near + 10, 3010), 65536, 10):
        with contextlib.suppress(OSError), socket.create_server((host, port)):
            return port
    return 3010
