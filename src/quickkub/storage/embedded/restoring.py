"""A base backup brought to life beside the real database, to see that it can be (security-reliability 9).

Nothing of the restored copy reaches out: settings that came along from the real server (where its log is
archived to, whom it follows, who may connect) are replaced before it starts.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.embedded.account import Account, account_for
from quickkub.storage.embedded.programs import all_binaries, major_of
from quickkub.storage.embedded.server import (
    EmbeddedPostgres,
    WrongPostgresVersion,
    make_own_folder,
)

_KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
_STAYS_BEHIND: Final = ("standby.signal", "recovery.signal", "postmaster.pid", "postmaster.opts")
_QUIET: Final = {
    # Nobody asks before it is what it was; and a copy with fewer places than the real server still starts.
    "hot_standby": "off",
    "archive_mode": "off",
    "recovery_target_action": "'promote'",
}
_LAST_WORDS: Final = 500


class BackupFailed(Refusal):
    """No base backup could be taken: the user may not replicate, or there is no room."""

    code, kind = "base_backup_failed", Kind.UNAVAILABLE


class BackupUnreadable(Refusal):
    """A folder is not a plain base backup that can be read here."""

    code, kind = "base_backup_unreadable", Kind.INVALID


class DrillFolderFull(Refusal):
    """The folder of a drill has no room for a copy of the database."""

    code, kind = "drill_folder_full", Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of its own for one drill, and who the restored server's processes are."""

    folder: Path
    account: Account

    @property
    def cluster(self) -> Path:
        """Where the copy of the data is."""
        return self.folder / "cluster"


@contextmanager
def place_for_drill(inside: Path, bytes_needed: int) -> Iterator[Place]:
    """A folder that is gone afterwards, whatever happened, for it holds everything the database holds.

    Raises DrillFolderFull.
    """
    make_own_folder(inside)
    free = shutil.disk_usage(inside).free
    if free < bytes_needed:
        raise DrillFolderFull(f"{inside} has {free} bytes free, and a copy takes {bytes_needed}")
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=inside))
    try:
        account = account_for(folder / "cluster")
        if account.changes:
            folder.chmod(0o711)  # the server's account walks through; what is inside is its own
        yield Place(folder, account)
    finally:
        shutil.rmtree(folder)
        with suppress(OSError):
            inside.rmdir()


def take_backup(dsn: str, major: int, place: Place) -> None:
    """A base backup with the log it needs, taken now. Blocks. Raises WrongPostgresVersion, BackupFailed."""
    conninfo, password = _without_password(dsn)
    words = [str(_programs(major) / "pg_basebackup"), "-d", conninfo, "-D", str(place.cluster)]
    # Nobody needs this backup after a power cut; the restored server syncs it, within the time measured.
    words += ["-X", "stream", "-c", "fast", "--no-password", "--no-sync"]
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    done = subprocess.run(  # noqa: S603 - our own words
        words,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        umask=0o077,
        env=kept | {"LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {}),
    )
    if done.returncode != 0:
        raise BackupFailed(done.stderr.strip()[-_LAST_WORDS:])


def copy_backup(backup: Path, place: Place) -> None:
    """A copy of a base backup that was taken before. Blocks. Raises BackupUnreadable."""
    try:
        shutil.copytree(backup, place.cluster, symlinks=True)
    except (OSError, shutil.Error) as trouble:
        raise BackupUnreadable(f"{backup} cannot be copied: {type(trouble).__name__}") from trouble


def backup_began(backup: Path) -> datetime:
    """When a base backup was begun: what its label says, or else when the label was written.

    Raises BackupUnreadable.
    """
    label = backup / "backup_label"
    try:
        said = re.search(r"^START TIME: (\S+ \S+) (?:UTC|GMT)$", label.read_text(), re.MULTILINE)
        written = label.stat().st_mtime
    except (OSError, UnicodeDecodeError) as trouble:
        raise BackupUnreadable(f"{backup} has no backup_label: it is no plain base backup") from trouble
    # Other zones have names that say nothing certain.
    return datetime.fromisoformat(f"{said[1]}+00:00") if said else datetime.fromtimestamp(written, UTC)


def restored(place: Place, archive: Path | None) -> EmbeddedPostgres:
    """The server of the copy, not started yet. It plays back what `archive` holds of the log, to its end."""
    for name in _STAYS_BEHIND:
        (place.cluster / name).unlink(missing_ok=True)
    # What ALTER SYSTEM said wins over our settings, so a copy must not remember it.
    (place.cluster / "postgresql.auto.conf").write_text("")
    (place.cluster / "pg_hba.conf").write_text("local all all trust\n")
    (place.cluster / "pg_ident.conf").write_text("")
    (place.cluster / "recovery.signal").touch()
    place.cluster.chmod(0o700)
    _give(place)
    command = f"cp {shlex.quote(str(archive.resolve()))}/%f %p" if archive is not None else "exit 1"
    doubled = command.replace("'", "''")
    return EmbeddedPostgres(place.folder, settings={**_QUIET, "restore_command": f"'{doubled}'"})


def dsn_of(server: EmbeddedPostgres, user: str, database: str) -> str:
    """How the real database's user reaches its copy."""
    parts = urlsplit(server.dsn(quote(database, safe="")))
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}@"))


def _programs(major: int) -> Path:
    for binaries in all_binaries():
        if major_of(binaries) == major and (binaries / "pg_basebackup").exists():
            return binaries
    raise WrongPostgresVersion(
        f"the database is PostgreSQL {major}, and this machine has no programs of that version"
    )


def _without_password(dsn: str) -> tuple[str, str | None]:
    """A command line is seen by everybody on the machine; the environment of a program is not."""
    parts = urlsplit(dsn)
    if parts.password is None:
        return dsn, None
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{host}"
    return urlunsplit(parts._replace(netloc=netloc)), unquote(parts.password)


def _give(place: Place) -> None:
    if place.account.changes:
        for path in (place.cluster, *place.cluster.rglob("*")):
            os.chown(path, place.account.uid, place.account.gid, follow_symlinks=False)
