"""A base backup with its log, and a server brought back from them as it was at an earlier moment (T9)."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.embedded.account import Account, account_for

ARCHIVE: Final = "archive"


def archiving(folder: Path) -> dict[str, str]:
    """Settings of a server whose log is kept in `folder`, segment by segment."""
    kept = folder / ARCHIVE
    return {"archive_mode": "on", "archive_command": f"'test ! -f {kept}/%f && cp %p {kept}/%f'"}


def make_room(folder: Path) -> None:
    """The folder for the log and the backup, which the server's account may write to."""
    account = account_for(folder / "none")
    for place in (folder, folder / ARCHIVE):
        place.mkdir(exist_ok=True)
        if account.changes:
            os.chown(place, account.uid, account.gid)


def back_up(server: EmbeddedPostgres, folder: Path) -> None:
    """pg_basebackup into `folder/base`."""
    socket_dir = server.dsn().partition("host=")[2].partition("&")[0]
    words = [str(server.binaries() / "pg_basebackup"), "-h", socket_dir, "-p", "5432", "-U", "quickkub"]
    words += ["-D", str(folder / "base"), "-X", "none", "-c", "fast"]
    _run(words, account_for(server.cluster))


def restore(folder: Path, into: Path, until: datetime) -> EmbeddedPostgres:
    """A server in `into` as it was at `until`; not started yet."""
    account = account_for(folder / "base")
    into.mkdir()
    into.chmod(0o711)
    _run(["cp", "-a", str(folder / "base"), str(into / "cluster")], None)
    signal = into / "cluster" / "recovery.signal"
    signal.touch()
    if account.changes:
        os.chown(signal, account.uid, account.gid)
    return EmbeddedPostgres(
        into,
        settings={
            "restore_command": f"'cp {folder / ARCHIVE}/%f %p'",
            "recovery_target_time": f"'{until.isoformat()}'",
            "recovery_target_action": "promote",
        },
    )


def _run(words: list[str], account: Account | None) -> None:
    changes = account is not None and account.changes
    done = subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        user=account.uid if account and changes else None,
        group=account.gid if account and changes else None,
        extra_groups=[] if changes else None,
    )
    assert done.returncode == 0, done.stderr
