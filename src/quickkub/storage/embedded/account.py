"""Under which system account the server's processes run, and how they are started.

PostgreSQL refuses to run as root. When we are root, the server gets the account that owns the data, or for
new data `quickkub`, `postgres` or `nobody`; otherwise it runs as whoever we are.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server's processes are. `changes`: starting them means changing user, which only root can."""

    name: str
    uid: int
    gid: int
    changes: bool

    def start(
        self, words: Sequence[str], *, output: IO[bytes] | int, keep: int, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start a program as this account, away from our terminal, with a clean environment.

        Standard output and errors go to `output`; the file descriptor `keep` is inherited. No PGDATA,
        PGPORT or LC_* of the caller reaches the program.
        """
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        return subprocess.Popen(  # noqa: S603 - our own words
            words,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(keep,),
            # Ctrl-C in the terminal is for us; the database is the last to stop.
            start_new_session=True,
            cwd="/",
            env=kept | {"LC_ALL": "C", "TZ": "UTC"},
            umask=0o077,
            user=self.uid if self.changes else None,
            group=self.gid if self.changes else None,
            extra_groups=[] if self.changes else None,
        )

    def can(self, script: str, path: Path) -> bool:
        """Whether a shell of this account can do `script` with `path` as `$1`; the kernel says, with ACLs."""
        done = subprocess.run(  # noqa: S603 - our own words
            ["/bin/sh", "-c", script, "sh", str(path)],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self.uid if self.changes else None,
            group=self.gid if self.changes else None,
            extra_groups=[] if self.changes else None,
        )
        return done.returncode == 0

    def give(self, path: Path) -> None:
        """Make this account the owner of something we have just made."""
        if self.changes:
            os.chown(path, self.uid, self.gid)


def account_for(cluster: Path) -> Account:
    """The account for this data folder, existing or not. As root, `quickkub` is made when none fits."""
    if os.geteuid() != 0:
        return Account("", os.geteuid(), os.getegid(), changes=False)
    if cluster.exists():
        owner = cluster.stat()
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid, changes=True)
    for name in ("quickkub", "postgres"):
        with contextlib.suppress(KeyError):
            return _read(name)
    if (useradd := shutil.which("useradd")) is not None:
        words = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "quickkub"]
        subprocess.run(words, check=False, capture_output=True)  # noqa: S603 - our own words
    with contextlib.suppress(KeyError):
        return _read("quickkub")
    return _read("nobody")


def _read(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid, changes=True)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
