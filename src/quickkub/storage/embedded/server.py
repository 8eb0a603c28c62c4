"""One PostgreSQL server that belongs to one folder: made, started, taken over, recovered, stopped.

What is in the folder:

    cluster/       PostgreSQL's data. It appears by one rename, when it is complete. As root we write nothing
                   in it: it is the server's account's, which must not be able to lead root astray.
    cluster.new/   a first start that was cut off; no server ran on it, so it may be thrown away
    quickkub.conf  the settings, written at every start
    run/           the socket, reachable by the server's account and root only
    log/           what the server says
    lock           held by every process of the server for as long as it lives
    borrowers      held by every command that uses the server (borrow.py)
    programs-*/    only as root, and only where the server's account cannot reach the wheel: a copy of it
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from quickkub.kernel.errors import Kind, Refusal
from quickkub.storage.embedded.account import Account, account_for
from quickkub.storage.embedded.postmaster import (
    READY,
    STOPPING,
    Postmaster,
    answers,
    end,
    is_alive,
    live_postmaster,
)
from quickkub.storage.embedded.programs import (
    WHEEL,
    all_binaries,
    copy_of_wheel,
    find_binaries,
    is_from_wheel,
    major_of,
)
from quickkub.storage.embedded.settings import settings_text

USER: Final = "quickkub"
DATABASE: Final = "quickkub"

_SOCKET_PATH_MAX: Final = 103
"""Bytes the path of a Unix socket may have: 107 on Linux, 103 on macOS and the BSDs."""

_LOCK_SECONDS_MAX: Final = 60.0
_START_SECONDS_MAX: Final = 600.0
_LOG_BYTES_MAX: Final = 16 * 1024 * 1024
_BUILTIN_LOCALES_SINCE: Final = 17


class WrongPostgresVersion(Refusal):
    """The data was written by a major version for which no programs are here."""

    code, kind = "postgres_version_mismatch", Kind.UNAVAILABLE


class DataFolderUnusable(Refusal):
    """The folder cannot be used: damaged, someone else's, or out of reach for the server's account."""

    code, kind = "data_folder_unusable", Kind.UNAVAILABLE


class PostgresDidNotStart(Refusal):
    """PostgreSQL was asked to start and did not; the detail ends with what it said."""

    code, kind = "postgres_did_not_start", Kind.UNAVAILABLE


class EmbeddedPostgres:
    """One PostgreSQL server that belongs to one folder, reached by a Unix socket only.

    The server outlives this object and this process: it ends by `stop`, and a server left behind by a
    killed process is taken over by the next `start`. `settings` are added to ours (names and values as
    they stand in postgresql.conf). An operator's own settings belong in `ALTER SYSTEM`, which wins over
    both. `binaries` names a folder of PostgreSQL programs to use instead of those that are found.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "cluster"
        self.log = self.data_dir / "log" / "postgresql.log"
        self._settings = dict(settings or {})
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server, or take over the one that runs; returns the DSN once it answers.

        Blocks: under a second for a first start, and as long as crash recovery takes after a power cut.
        Raises NoPostgresPrograms, WrongPostgresVersion, DataFolderUnusable, PostgresDidNotStart.
        """
        self._make_folders()
        while True:
            lock = self._lock_or_server()
            if isinstance(lock, Postmaster):
                if self._becomes_ready(lock.pid):
                    return self.dsn()
                continue  # it was on its way out; look again
            # From here no process of this cluster is alive: each of them would hold the lock.
            try:
                account = account_for(self.cluster)
                binaries = self._within_reach(self.binaries(), account)
                if not self.cluster.exists():
                    self._make_cluster(binaries, account, lock)
                pid = self._launch(binaries, account, lock)
            finally:
                os.close(lock)
            if self._becomes_ready(pid):
                return self.dsn()
            raise PostgresDidNotStart(f"PostgreSQL stopped while starting.\n{self._last_words()}")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server and wait until its last process has gone; nothing happens when none runs.

        `fast` ends open transactions and writes a checkpoint; `immediate` is a crash on purpose, and the
        next start recovers. A server that does not end `fast` within a minute is ended the hard way.
        """
        if (server := live_postmaster(self.cluster)) is not None:
            hard = [(signal.SIGQUIT, 15.0), (signal.SIGKILL, 5.0)]
            end(self.cluster, server.pid, [(signal.SIGINT, 60.0), *hard] if mode == "fast" else hard)
        if not self.data_dir.exists():
            return
        lock = self._lock_or_server()
        if not isinstance(lock, Postmaster):
            os.close(lock)
        if (elsewhere := self._socket_dir()).parent != self.data_dir and elsewhere.exists():
            elsewhere.rmdir()

    def is_running(self) -> bool:
        """Whether a server process of this folder is alive, whoever started it."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The server's process, or None."""
        server = live_postmaster(self.cluster)
        return None if server is None else server.pid

    def dsn(self, database: str = DATABASE) -> str:
        """How clients reach a database of this server."""
        server = live_postmaster(self.cluster)
        socket_dir = (
            server.socket_dir if server is not None and server.socket_dir else str(self._socket_dir())
        )
        # The port is part of the socket's file name; said here, a PGPORT in the environment cannot change it.
        return f"postgresql://{USER}@/{database}?host={quote(socket_dir, safe='/')}&port=5432"

    def binaries(self) -> Path:
        """The folder of PostgreSQL programs (`postgres`, `pg_dump` ...) of this cluster's version.

        Raises NoPostgresPrograms, WrongPostgresVersion, DataFolderUnusable.
        """
        if not self.cluster.exists():
            return self._binaries or find_binaries()
        try:
            major = int(self.cluster.joinpath("PG_VERSION").read_text().strip())
        except (OSError, ValueError) as error:
            raise DataFolderUnusable(
                f"{self.cluster} is damaged: its version cannot be read. Nothing was changed. "
                "Restore a backup into an empty data folder."
            ) from error
        for binaries in [self._binaries] if self._binaries else all_binaries():
            if major_of(binaries) == major:
                return binaries
        raise WrongPostgresVersion(
            f"The data in {self.cluster} was written by PostgreSQL {major}, and this machine has no programs "
            f"of that version. Nothing was changed. Either install them (pip install '{WHEEL}=={major}.*'), "
            "or restore a pg_dump backup into a new data folder."
        )

    # The folder and its lock

    def _make_folders(self) -> None:
        try:
            make_own_folder(self.data_dir)
            self.log.parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DataFolderUnusable(
                f"{self.data_dir} cannot be used for the database: {error.strerror}. "
                "Choose another data folder with QUICKKUB_DATA_DIR."
            ) from error

    def _lock_or_server(self) -> int | Postmaster:
        """The lock, when no process of the server is alive, or else the server that is and may be taken over.

        The server's processes inherit the locked file, so the lock ends with the last of them, also after
        kill -9, and a start that was killed is waited for. Raises DataFolderUnusable when something keeps
        the lock for a minute without being a server.
        """
        try:
            lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise _belongs_to_another(self.data_dir) from error
        deadline = time.monotonic() + _LOCK_SECONDS_MAX
        while time.monotonic() < deadline:
            # Asked first: a server started by other means (pg_ctl by hand) holds no lock of ours.
            server = live_postmaster(self.cluster)
            if server is not None and server.status != STOPPING:
                os.close(lock)
                return server
            if server is None:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock
            time.sleep(0.01)
        os.close(lock)
        raise DataFolderUnusable(
            f"Another process has been using {self.data_dir} for {_LOCK_SECONDS_MAX:.0f} s and is not a "
            "server that can be taken over (another container with the same folder?). Stop it first."
        )

    def _within_reach(self, binaries: Path, account: Account) -> Path:
        """Programs the server's account can run; as root, the wheel is copied into our folder if need be."""
        if not account.changes:
            return binaries
        if account.uid == 0:
            raise DataFolderUnusable(
                f"{self.cluster} belongs to root, and PostgreSQL does not run as root. Give it to another "
                f"account: chown -R quickkub {self.cluster}"
            )
        if not account.can('cd "$1"', self.data_dir):
            raise DataFolderUnusable(
                f"{self.data_dir} is out of reach for the account '{account.name}', under which PostgreSQL "
                "runs when QuickKub is root: it or a folder above it is private. Choose a folder such as "
                "/var/lib/quickkub with QUICKKUB_DATA_DIR, or run QuickKub as an ordinary user."
            )
        if account.can('"$1" --version', binaries / "postgres"):
            return binaries
        if not is_from_wheel(binaries):
            raise DataFolderUnusable(f"The account '{account.name}' cannot run {binaries / 'postgres'}.")
        return copy_of_wheel(binaries, self.data_dir)

    def _socket_dir(self) -> Path:
        inside = self.data_dir / "run"
        if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= _SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(f"/tmp/quickkub-{digest}")  # noqa: S108 - its owner is checked before use

    def _make_socket_dir(self, account: Account) -> Path:
        folder = self._socket_dir()
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            account.give(folder)
        found = folder.lstat()
        # Under /tmp anyone may have made this folder before us, to read what passes through the socket.
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if not private or found.st_uid != account.uid:
            raise DataFolderUnusable(
                f"{folder} is not a private folder of the database's account; remove it."
            )
        return folder

    # The server's life

    def _make_cluster(self, binaries: Path, account: Account, lock: int) -> None:
        new = self.cluster.with_name("cluster.new")
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        account.give(new)
        words = ["--username", USER, "--auth-local", "trust", "--auth-host", "reject"]
        words += ["--encoding", "UTF8", "--locale", "C"]
        if major_of(binaries) >= _BUILTIN_LOCALES_SINCE:
            words += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        words += ["--data-checksums", "--no-instructions", "--pgdata", str(new)]
        self._run([str(binaries / "initdb"), *words], account, lock)
        single = ["--single", "-c", "exit_on_error=on", "-D", str(new), "postgres"]
        self._run([str(binaries / "postgres"), *single], account, lock, f'CREATE DATABASE "{DATABASE}"\n')
        _sync_folder(new)
        new.rename(self.cluster)
        _sync_folder(self.data_dir)

    def _run(self, words: list[str], account: Account, lock: int, text: str = "") -> None:
        # The lock goes along: should we be killed, the next start waits for this program to end.
        program = account.start(words, output=subprocess.PIPE, keep=lock, stdin=subprocess.PIPE)
        said, _ = program.communicate(text.encode())
        if program.returncode != 0:
            lines = said.decode(errors="replace").strip().splitlines()
            raise PostgresDidNotStart(
                f"Preparing the database in {self.data_dir} failed (exit {program.returncode}):\n"
                + "\n".join(lines[-15:])
            )

    def _write_settings(self, binaries: Path, account: Account) -> Path:
        socket_dir = self._make_socket_dir(account)
        target = self.data_dir / "quickkub.conf"
        new = target.with_suffix(".new")
        new.write_text(settings_text(major_of(binaries), socket_dir, self._settings))
        new.chmod(0o644)
        return new.replace(target)

    def _launch(self, binaries: Path, account: Account, lock: int) -> int:
        if self.cluster.stat().st_uid != account.uid:
            raise _belongs_to_another(self.data_dir)
        settings = self._write_settings(binaries, account)
        self._forget_foreign_pid()
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        words = [str(binaries / "postgres"), "-D", str(self.cluster), "-c", f"config_file={settings}"]
        with self.log.open("ab") as log:
            self._process = account.start(words, output=log, keep=lock)
        # Whoever stops the server, its exit status is taken at once: a zombie would look alive to others.
        threading.Thread(target=self._process.wait, name="postgres-exit", daemon=True).start()
        return self._process.pid

    def _forget_foreign_pid(self) -> None:
        """Remove pid files whose number now belongs to another program.

        PostgreSQL removes a stale file by itself, except when the number is in use by the same account,
        which is common in containers. The lock has shown that no process of this cluster is alive.
        """
        for pid_file in (self.cluster / "postmaster.pid", self._socket_dir() / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                pid = abs(int(pid_file.read_text().split("\n", 1)[0]))
                if is_alive(pid):
                    pid_file.unlink()

    def _becomes_ready(self, pid: int) -> bool:
        """Wait until this server answers; False when it ends. Raises PostgresDidNotStart for neither."""
        deadline = time.monotonic() + _START_SECONDS_MAX
        while time.monotonic() < deadline:
            server = live_postmaster(self.cluster)
            if server is not None and server.pid == pid and server.status == READY and answers(server):
                return True
            # One we have just started has no pid file yet, so there the process itself is asked.
            ours = self._process if self._process is not None and self._process.pid == pid else None
            ended = server is None if ours is None else ours.poll() is not None
            if ended:
                return False
            time.sleep(0.005)
        raise PostgresDidNotStart(
            f"PostgreSQL is still not ready after {_START_SECONDS_MAX:.0f} s; it was left running, because "
            f"it may be recovering from a crash. Try again later.\n{self._last_words()}"
        )

    def _last_words(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 4096))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return f"There is no {self.log}."
        return f"The end of {self.log}:\n" + "\n".join(lines[-15:])


def make_own_folder(path: Path) -> None:
    """Make a folder and what is missing above it; folders that exist keep their permissions.

    As root the new ones may be walked through by others (not listed), because the server's account has to.
    """
    if path.is_dir():
        return
    if not path.parent.exists():
        make_own_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _belongs_to_another(folder: Path) -> DataFolderUnusable:
    return DataFolderUnusable(
        f"{folder} belongs to another user. Run as that user, or choose another data folder with "
        "QUICKKUB_DATA_DIR."
    )


def _sync_folder(path: Path) -> None:
    """Make renames and new names in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
