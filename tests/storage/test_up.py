"""`quickkub up` as a program: it starts everything, refuses a second of itself, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import http.client
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from quickkub.cli.gateway import Gateway
from quickkub.cli.ground import AlreadyRunning, PortTaken, bind_port, children_lock, hold_folder, holders_of
from quickkub.cli.screen import Screen, look_after_logs
from quickkub.cli.supervisor import State
from quickkub.cli.up import up
from quickkub.storage.embedded import EmbeddedPostgres
from tests.support.dummy_up import seed
from tests.support.postgres import remove_with_servers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(servers_folder: Path) -> Iterator[Path]:
    path = servers_folder / secrets.token_hex(4)
    yield path
    remove_with_servers(path)


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago, below those the kernel hands out by itself."""
    for number in range(21000 + secrets.randbelow(5000), 32000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) != 0:
                return number
    raise AssertionError("no free port")


class Up:
    """A running `up`, its output, and the processes that belong to it."""

    def __init__(self, folder: Path, port: int, dsn: str = "", behaviour: str = "dummy_child") -> None:
        self.folder, self.port = folder, port
        words = [sys.executable, "-m", "tests.support.dummy_up", str(folder), str(port), dsn, behaviour]
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.output = folder.with_suffix(f".{secrets.token_hex(2)}.out")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                words,
                stdout=output,
                stderr=output,
                env=os.environ | {"PYTHONPATH": paths},
                start_new_session=True,
            )

    def __enter__(self) -> Up:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.output.read_text()

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.01)

    def runs(self) -> Up:
        self.until(lambda: "QuickKub is running" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def ends(self) -> int:
        return self.process.wait(60)

    def child(self, name: str) -> int:
        """The process number of a child that runs now."""
        log = self.folder / "log" / f"{name}.log"
        self.until(lambda: holders_of(log) != [])
        return holders_of(log)[0]

    def answer(self) -> str:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.request("GET", "/")
        answer = line.getresponse().read().decode()
        line.close()
        return answer


def alive_in(folder: Path) -> list[int]:
    return holders_of(folder / "children.lock")


def test_it_shows_the_key_the_addresses_and_a_command_to_paste(
    folder: Path, port: int, postgres_dsn: str
) -> None:
    with Up(folder, port, postgres_dsn).runs() as up:
        assert "qk_test_1" in up.said()
        assert "curl" in up.said()
        assert up.answer() == str(up.child("api"))


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_ends_with_0_and_leaves_no_process(
    folder: Path, port: int, postgres_dsn: str, asked: signal.Signals
) -> None:
    with Up(folder, port, postgres_dsn).runs() as up:
        up.process.send_signal(asked)
        assert up.ends() == 0
        assert alive_in(folder) == []


def test_a_second_one_on_the_same_folder_is_told_where_the_first_is(
    folder: Path, port: int, postgres_dsn: str
) -> None:
    with Up(folder, port, postgres_dsn).runs() as first, Up(folder, port + 1, postgres_dsn) as second:
        assert second.ends() == 1
        assert f"process {first.process.pid}, http://127.0.0.1:{port}" in second.said()
        assert first.answer() == str(first.child("api"))


def test_killed_by_9_it_leaves_no_child_and_the_next_one_starts(
    folder: Path, port: int, postgres_dsn: str
) -> None:
    with Up(folder, port, postgres_dsn).runs() as killed:
        orphans = {killed.child("api"), killed.child("worker")}
        killed.process.kill()
        killed.ends()
        with Up(folder, port, postgres_dsn).runs() as up:
            assert not orphans & set(alive_in(folder))
            assert up.answer() == str(up.child("api"))


def test_a_restart_of_the_api_refuses_no_connection(folder: Path, port: int, postgres_dsn: str) -> None:
    with Up(folder, port, postgres_dsn).runs() as up:
        for _ in range(3):
            killed = up.child("api")
            os.kill(killed, signal.SIGKILL)
            up.until(lambda killed=killed: not Path(f"/proc/{killed}/fd/0").exists())  # type: ignore[misc]
            assert up.answer() != str(killed)
        up.until(lambda: "api is back" in up.said())


def test_a_port_in_use_is_named_with_the_way_to_another(folder: Path, port: int, postgres_dsn: str) -> None:
    with socket.create_server(("127.0.0.1", port)), Up(folder, port, postgres_dsn) as up:
        assert up.ends() == 1
        assert f"Port {port} on 127.0.0.1 is in use by another program" in up.said()
        assert "--port or QUICKKUB_PORT" in up.said()
        assert alive_in(folder) == []


async def test_a_port_of_a_simulator_in_use_is_named_with_the_way_around_it(folder: Path, port: int) -> None:
    gateway = Gateway(
        data_dir=folder,
        database_url="postgresql://nobody@127.0.0.1:9/none",
        host="127.0.0.1",
        port=port,
        simulator_ports={"scb": port + 1, "kbank": port + 2},
        migrate=lambda dsn: None,
        seed=seed,
    )
    with (
        socket.create_server(("127.0.0.1", port + 2)),
        pytest.raises(
            PortTaken, match=f"Port {port + 2} on 127.0.0.1, where the simulator of kbank would be"
        ),
    ):
        await up(gateway, Screen())
    with bind_port("127.0.0.1", port + 1, option="", variable=""):
        pass  # what was bound before is given back


def test_a_database_of_its_own_comes_back_when_it_is_killed_and_ends_with_it(folder: Path, port: int) -> None:
    database = EmbeddedPostgres(folder / "postgres")
    with Up(folder, port).runs() as up:
        killed = database.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        up.until(lambda: "PostgreSQL is back" in up.said())
        assert database.pid not in (None, killed)
        up.process.send_signal(signal.SIGINT)
        assert up.ends() == 0
        assert not database.is_running()


def test_the_database_of_a_killed_run_is_taken_over_by_the_next(folder: Path, port: int) -> None:
    database = EmbeddedPostgres(folder / "postgres")
    with Up(folder, port).runs() as killed:
        survivor = database.pid
        killed.process.kill()
        killed.ends()
        with Up(folder, port).runs() as up:
            assert database.pid == survivor
            up.process.send_signal(signal.SIGTERM)
            assert up.ends() == 0
    assert not database.is_running()


def test_a_program_that_cannot_start_ends_with_1_and_its_last_lines(
    folder: Path, port: int, postgres_dsn: str
) -> None:
    with Up(folder, port, postgres_dsn, "no_such_program") as up:
        assert up.ends() == 1
        assert "No module named tests.support.no_such_program" in up.said()
        assert alive_in(folder) == []


def test_a_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}, http://127.0.0.1:3002")
    with hold_folder(tmp_path, "http://127.0.0.1:3002"), refused:
        hold_folder(tmp_path, "http://127.0.0.1:3003").__enter__()
    with hold_folder(tmp_path, "http://127.0.0.1:3003"):
        assert "3003" in (tmp_path / "quickkub.lock").read_text()


def test_an_orphan_that_will_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quickkub.cli.ground._ORPHANS_SECONDS", 0.2)
    with (tmp_path / "children.lock").open("a") as lock:
        words = "import fcntl, signal, sys; fcntl.flock(int(sys.argv[1]), fcntl.LOCK_EX)"
        words += "; print(flush=True); signal.pause()"
        orphan = subprocess.Popen(
            [sys.executable, "-c", words, str(lock.fileno())],
            pass_fds=[lock.fileno()],
            stdout=subprocess.PIPE,
        )
    assert orphan.stdout is not None
    orphan.stdout.readline()
    with children_lock(tmp_path):
        assert orphan.wait(10) == -signal.SIGKILL
    orphan.stdout.close()


def test_a_port_that_is_taken_is_refused_with_one_that_is_free(port: int) -> None:
    with bind_port("127.0.0.1", port, option="--port", variable="QUICKKUB_PORT") as first:
        assert first.getsockname() == ("127.0.0.1", port)
        with pytest.raises(PortTaken, match=r"--port or QUICKKUB_PORT; \d+ is free"):
            bind_port("127.0.0.1", port, option="--port", variable="QUICKKUB_PORT")


def test_a_failed_start_is_told_once_even_when_everything_is_shown() -> None:
    text = io.StringIO()
    screen = Screen(verbose=True, console=Console(file=text))
    screen.child_changed("api", State.CRASHED, "ended with exit status 1, next try in 0.2 s\nthe reason")
    assert text.getvalue() == "api ended with exit status 1, next try in 0.2 s\n"


async def test_new_log_lines_are_shown_with_the_name_of_who_wrote_them(tmp_path: Path) -> None:
    log, shown = tmp_path / "api.log", asyncio.Queue[str]()
    log.write_text("before\n")
    watching = asyncio.create_task(look_after_logs({"api": log}, shown.put_nowait))
    await asyncio.sleep(0)
    with log.open("a") as written:
        written.write("one\ntwo\nunfini")
    async with asyncio.timeout(30):
        assert [await shown.get(), await shown.get()] == ["[api] one", "[api] two"]
    watching.cancel()
    assert shown.empty()


async def test_a_log_is_cut_short_and_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quickkub.cli.screen._LOG_BYTES_MAX", 10)
    log, shown = tmp_path / "api.log", asyncio.Queue[str]()
    watching = asyncio.create_task(look_after_logs({"api": log}, shown.put_nowait))
    await asyncio.sleep(0)
    with log.open("a") as written:
        for line in ("a long first line\n", "second\n"):
            written.write(line)
            written.flush()
            async with asyncio.timeout(30):
                assert await shown.get() == f"[api] {line.strip()}"
    watching.cancel()
    assert (tmp_path / "api.log.1").read_text() == "a long first line\n"
    assert log.read_text() == "second\n"
