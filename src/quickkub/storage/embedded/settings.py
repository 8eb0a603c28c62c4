"""The server's settings, each with its reason; written at every start, overruled by ALTER SYSTEM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SETTINGS: Final[Mapping[str, str]] = {
    # No TCP: who may open the socket's folder may use the database, nobody else.
    "listen_addresses": "''",
    "port": "5432",
    "unix_socket_permissions": "0700",
    # Money: an answered commit is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # One machine, one gateway: small when idle, enough for the API, worker and simulators together.
    "max_connections": "100",
    "shared_buffers": "'128MB'",
    "jit": "off",
    # A process less when idle; nothing of ours is replicated logically.
    "max_logical_replication_workers": "0",
    # Containers often have 64 MB of /dev/shm, which parallel queries exceed.
    "max_parallel_workers_per_gather": "0",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %e '",
    "log_checkpoints": "off",
    # The details and the statement of an error can hold a payer's name; the SQLSTATE in the prefix stays.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}

_SETTINGS_SINCE: Final[Mapping[int, Mapping[str, str]]] = {
    # Three reader processes less when idle; our reads are single rows by key.
    18: {"io_method": "sync"},
}


def settings_text(major: int, socket_dir: Path, more: Mapping[str, str]) -> str:
    """The text of quickkub.conf for this major version; `more` wins over ours."""
    settings = {"unix_socket_directories": _quoted_path(socket_dir), **_SETTINGS}
    for since, newer in _SETTINGS_SINCE.items():
        if major >= since:
            settings |= newer
    settings |= more
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return (
        "# Written by QuickKub at every start. Use ALTER SYSTEM for settings of your own.\n"
        + "\n".join(lines)
        + "\n"
    )


def _quoted_path(path: Path) -> str:
    # A list of names inside a string: double quotes keep a comma or space in the path, twice one of either.
    inner = str(path).replace('"', '""')
    return "'" + f'"{inner}"'.replace("\\", "\\\\").replace("'", "''") + "'"
