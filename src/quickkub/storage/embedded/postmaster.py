"""Recognising a PostgreSQL server from outside: its pid file, its command line, its end.

A pid alone proves nothing: after a crash or in a container the number soon belongs to another program.
A process is taken for the server of a cluster only when the pid file names that cluster and the process's
own command line does too. Works where there is `/proc` (Linux) or `ps` (other Unix systems).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")

READY: Final = "ready"
STOPPING: Final = "stopping"

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says: the server's process, its socket folder, and how far it has come.

    `status` is one of `starting`, `stopping`, `ready`, `standby`, or empty while the file is being written.
    """

    pid: int
    socket_dir: str
    status: str


def live_postmaster(cluster: Path) -> Postmaster | None:
    """The running server of this cluster folder (an absolute, resolved path), or None."""
    found = _read_pid_file(cluster)
    if found is None or not is_server_of(cluster, found.pid):
        return None
    return found


def answers(server: Postmaster) -> bool:
    """Whether the server takes connections now; one that was killed a moment ago may still look alive.

    Asks the shortest question of the protocol, "may I use TLS?" (SSLRequest), which a new server process
    answers with one byte before any log-in.
    """
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(f"{server.socket_dir}/.s.PGSQL.5432")
            line.sendall(_SSL_REQUEST)
            return line.recv(1) in (b"N", b"S")
    except OSError:
        return False


def is_server_of(cluster: Path, pid: int) -> bool:
    """Whether this process is alive and was started as `postgres … <cluster>`. A zombie is not alive."""
    line = command_line(pid)
    return bool(line) and Path(line[0]).name in ("postgres", "postmaster") and str(cluster) in line


def command_line(pid: int) -> list[str]:
    """The words a process was started with; empty when it is gone, a zombie or hidden from us."""
    if _PROC.joinpath("self").exists():
        try:
            raw = _PROC.joinpath(str(pid), "cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(word) for word in raw.split(b"\0") if word]
    shown = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    # `ps` shows one line; a path with spaces comes apart here, and the server is then simply not adopted.
    return shown.stdout.split()


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(cluster: Path, pid: int, signals: list[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn and wait that many seconds for the server to go; True when it went.

    The process is looked at again before each signal, so that a number taken over by another program is
    never hit.
    """
    for number, seconds in signals:
        if not is_server_of(cluster, pid):
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_server_of(cluster, pid):
                return True
            time.sleep(0.01)
    return not is_server_of(cluster, pid)


def _read_pid_file(cluster: Path) -> Postmaster | None:
    # Lines: pid, data folder, start time, port, socket folder, TCP address, shared memory, status
    # (PostgreSQL source, src/include/utils/pidfile.h). The server adds the later lines as it comes up.
    try:
        lines = cluster.joinpath("postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    lines = [line.strip() for line in lines] + [""] * 8
    if not lines[0].lstrip("-").isdigit() or Path(lines[1]) != cluster:
        return None
    return Postmaster(pid=abs(int(lines[0])), socket_dir=lines[4], status=lines[7])
