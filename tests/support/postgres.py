"""One real PostgreSQL for a whole test run, and a fresh migrated database for every test that wants one.

The server is our own EmbeddedPostgres in a temporary folder; `QUICKKUB_TEST_DATABASE_URL` names another one
to use instead (its user must be allowed to create databases). The migrations run once, into a template;
a test's database is a copy of it (about 25 ms here, and 10 ms to drop).

A run killed by -9 leaves no server: a small watchdog process waits for our end and tidies up, and should
that be killed too, the next run does it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from quickkub.storage.database import SESSION, prepare
from quickkub.storage.embedded import EmbeddedPostgres
from quickkub.storage.migrate import migrate

_PREFIX: Final = "quickkub-tests-"
_ROOT: Final = Path(__file__).parents[2]


AS_OWNER: Final = "SET LOCAL ROLE NONE"
"""Makes the rest of a gateway's transaction its login's, for damage that the gateway itself could not do."""


def dsn_of(dsn: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def as_user(dsn: str, user: str) -> str:
    """The same database, as another user, whom a server of our own asks for no password."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


class TestServer:
    """A PostgreSQL server with a migrated template, from which test databases are copied."""

    __test__ = False

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._template = f"qk_template_{secrets.token_hex(4)}"

    async def prepare(self) -> None:
        """Make the template. Nobody may connect to it afterwards: a database in use cannot be copied."""
        await self._run(f"CREATE DATABASE {self._template}")
        await asyncio.to_thread(migrate, dsn_of(self.dsn, self._template))
        await self._run(f"ALTER DATABASE {self._template} ALLOW_CONNECTIONS false")

    async def forget(self) -> None:
        """Drop the template."""
        await self._run(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    @asynccontextmanager
    async def fresh_database(self) -> AsyncIterator[str]:
        """The DSN of a migrated, empty database that is dropped at the end, whoever is still connected."""
        name = f"qk_test_{secrets.token_hex(6)}"
        # WAL_LOG copies 10 MB in 22 ms; FILE_COPY forces two checkpoints and takes 80 ms.
        await self._run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY wal_log")
        try:
            yield dsn_of(self.dsn, name)
        finally:
            await self._run(f"DROP DATABASE {name} WITH (FORCE)")

    async def _run(self, sql: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def open_owner_pool(dsn: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool of the tables' owner, whom no policy binds. Readers of events wait for it as for the gateway."""
    settings = {name: value for name, value in SESSION.items() if name != "role"}
    pool = await asyncpg.create_pool(dsn, min_size=0, max_size=10, init=prepare, server_settings=settings)
    try:
        yield pool
    finally:
        await pool.close()


@contextmanager
def running_server(folder: Path) -> Iterator[TestServer]:
    """The server of this test run, with its template made; a server of our own lives in `folder`."""
    given = os.environ.get("QUICKKUB_TEST_DATABASE_URL")
    if given:
        server = TestServer(given)
        try:
            _in_thread(server.prepare())
            yield server
        finally:
            _in_thread(server.forget())
        return
    postgres = EmbeddedPostgres(folder / "postgres")
    try:
        server = TestServer(postgres.start())
        _in_thread(server.prepare())
        yield server
    finally:
        # What is in it is thrown away next, so there is nothing to write down properly.
        postgres.stop("immediate")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder that PostgreSQL's account can reach, removed with its servers even after kill -9."""
    _clean_after_the_dead()
    name = secrets.token_hex(4)
    # It gets the name by which the dead are found only once it is locked: another run may look right now.
    unborn, folder = (Path(tempfile.gettempdir()) / f"{prefix}{name}" for prefix in ("unborn-", _PREFIX))
    unborn.mkdir()
    unborn.chmod(0o711)
    owner = (unborn / "owner").open("w")
    fcntl.flock(owner, fcntl.LOCK_EX)
    unborn.rename(folder)
    watchdog = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgres", str(folder)],
        stdin=subprocess.PIPE,
        cwd=_ROOT,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), os.environ.get("PYTHONPATH", "")])},
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        remove_with_servers(folder)
        owner.close()
        watchdog.communicate()


def remove_with_servers(folder: Path) -> None:
    """Stop every EmbeddedPostgres below this folder, then remove it."""
    for cluster in folder.glob("**/cluster/PG_VERSION"):
        EmbeddedPostgres(cluster.parents[1]).stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


def _clean_after_the_dead() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if folder.stat().st_uid != os.geteuid() or not (folder / "owner").exists():
            continue
        with (folder / "owner").open("r+") as owner:
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            remove_with_servers(folder)


def _in_thread(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end in a loop of its own, leaving pytest's loop alone."""
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            trouble.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]


def _watch(folder: Path) -> None:
    """The watchdog: waits until the test run's end of the pipe closes, then tidies what is left."""
    sys.stdin.buffer.read()
    if folder.exists():
        remove_with_servers(folder)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]))
