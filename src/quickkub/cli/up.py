"""`quickkub up`: the whole gateway from one command, on a machine that has nothing but Python.

The order is: take the folder, wait for the last run's orphans, bind the ports, start the database, migrate
and seed, start the processes. On the way out it is the reverse: the database is the last to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from pathlib import Path
from typing import Annotated, Final, TypeAlias, TypeVar

import typer

from quickkub.cli.gateway import Gateway, simulator_variable
from quickkub.cli.ground import FolderUnusable, PortTaken, bind_port, children_lock, hold_folder
from quickkub.cli.screen import Screen, look_after_logs
from quickkub.cli.supervisor import ChildSpec, Pace, Supervisor, answers_http
from quickkub.cli.wiring import wiring_of
from quickkub.kernel.errors import Refusal
from quickkub.storage import DatabaseAway
from quickkub.storage.embedded import EmbeddedPostgres, borrowed_server, make_own_folder
from quickkub.storage.reach import reach

EXIT_REFUSED: Final = 1
LOOPBACK: Final = "127.0.0.1"
SIMULATORS_VARIABLE: Final = "QUICKKUB_SIMULATORS_PORT"

_DATABASE_LOOK_SECONDS: Final = 0.5
_DATABASE_WAIT_SECONDS: Final = 20
_DATABASE_PAUSE_SECONDS: Final = 5

T = TypeVar("T")

Sockets: TypeAlias = Mapping[str, socket.socket]
"""A listening socket for each provider's simulator; none when they are not wanted."""


def up_command(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port of the API, checkout and dashboard.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for the data.")] = None,
    simulators: Annotated[bool, typer.Option(help="Start the simulators of the providers, too.")] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what every process logs.")] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C.

    Exit status: 0 stopped as asked, 1 could not start; the reason is on standard error.
    """
    try:
        gateway = wiring_of(context).gateway(port=port, host=host, data_dir=data_dir, simulators=simulators)
        asyncio.run(up(gateway, Screen(verbose=verbose)))
    except Refusal as refusal:
        typer.echo(f"{refusal.code}: {refusal.detail}", err=True)
        raise typer.Exit(EXIT_REFUSED) from refusal


async def up(gateway: Gateway, screen: Screen, *, pace: Pace | None = None) -> None:
    """Run the gateway until SIGINT, SIGTERM or SIGHUP. Raises the refusal that keeps it from starting."""
    run = _Run(gateway, screen, pace)
    with run.signals_handled():
        async with AsyncExitStack() as stack:
            await run.go(stack)
    screen.tell("Stopped.")


class _Run:
    """One run of one gateway, from taking the folder to letting it go."""

    def __init__(self, gateway: Gateway, screen: Screen, pace: Pace | None) -> None:
        self._gateway = gateway
        self._screen = screen
        self._pace = pace
        self._stop = asyncio.Event()
        self._supervisor: Supervisor | None = None

    async def go(self, stack: AsyncExitStack) -> None:
        """All steps up to the end of the run. What each step took is given back by the stack."""
        lock, api, simulators = await self._take_ground(stack)
        dsn = await self._open_database(stack)
        if self._stop.is_set():
            return
        with self._screen.step("Bringing the database to the newest schema") as done:
            await asyncio.to_thread(self._gateway.migrate, dsn)
            welcome = await self._gateway.seed(dsn)
            done("The schema is the newest")
        if self._stop.is_set():
            return
        specs = child_specs(self._gateway, dsn, api, simulators)
        names = ", ".join(spec.name for spec in specs)
        self._supervisor = Supervisor(
            specs,
            log_dir=self._gateway.data_dir / "log",
            report=self._screen.child_changed,
            pace=self._pace,
            keep_fds=[lock],
        )
        with self._screen.step(f"Starting {names}") as done:

            def all_ready() -> None:
                done(f"Started {names}")
                self._screen.welcome(self._gateway, welcome)

            async with self._logs_looked_after(self._supervisor):
                await self._supervisor.run(self._stop, all_ready)

    @contextlib.contextmanager
    def signals_handled(self) -> Iterator[None]:
        """While inside, signals ask to stop; a second one ends the processes without waiting for them."""
        loop = asyncio.get_running_loop()
        asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in asked:
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in asked:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._screen.tell("\nStopping. Work in hand has 25 seconds; once more ends it at once.")
        elif self._supervisor is not None:
            self._supervisor.hurry()

    async def _take_ground(self, stack: AsyncExitStack) -> tuple[int, socket.socket, Sockets]:
        gateway = self._gateway
        try:
            make_own_folder(gateway.data_dir)
            stack.enter_context(hold_folder(gateway.data_dir, gateway.url))
        except OSError as error:
            raise FolderUnusable(
                f"{gateway.data_dir} cannot be used for data: {error.strerror}. Choose another folder with "
                "--data-dir or QUICKKUB_DATA_DIR."
            ) from error
        lock = await _enter(stack, children_lock(gateway.data_dir))
        api = stack.enter_context(
            bind_port(gateway.host, gateway.port, option="--port", variable="QUICKKUB_PORT")
        )
        simulators = {
            name: stack.enter_context(_bind_simulator(name, port))
            for name, port in gateway.simulator_ports.items()
        }
        return lock, api, simulators

    async def _open_database(self, stack: AsyncExitStack) -> str:
        if self._gateway.database_url is not None:
            await self._wait_for_database(self._gateway.database_url)
            return self._gateway.database_url
        with self._screen.step("Starting PostgreSQL") as done:
            server = await _enter(stack, borrowed_server(self._gateway.data_dir / "postgres"))
            done("PostgreSQL runs")
        keeper = asyncio.create_task(self._keep_database(server))
        stack.push_async_callback(self._let_go, keeper)
        return server.dsn()

    async def _wait_for_database(self, dsn: str) -> None:
        """A server that starts together with us may need a moment; one that refuses us will not change."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _DATABASE_WAIT_SECONDS
        with self._screen.step("Looking for the database") as done:
            while True:
                try:
                    await reach(dsn)
                except DatabaseAway:
                    if loop.time() > deadline:
                        raise
                    if await self._stopped_within(_DATABASE_LOOK_SECONDS):
                        return
                else:
                    done("The database answers")
                    return

    async def _keep_database(self, server: EmbeddedPostgres) -> None:
        """Start the database again when it ends, until we stop."""
        while not await self._stopped_within(_DATABASE_LOOK_SECONDS):
            if server.is_running():
                continue
            self._screen.tell("PostgreSQL has ended; starting it again.", "yellow")
            try:
                await asyncio.to_thread(server.start)
                self._screen.tell("PostgreSQL is back.")
            except Refusal as refusal:
                self._screen.tell(refusal.detail, "yellow")
                await self._stopped_within(_DATABASE_PAUSE_SECONDS)

    async def _let_go(self, keeper: asyncio.Task[None]) -> None:
        # Also after a failure, where nobody has asked to stop: the keeper must not start it once more.
        self._stop.set()
        await keeper

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        return self._stop.is_set()

    @contextlib.asynccontextmanager
    async def _logs_looked_after(self, supervisor: Supervisor) -> AsyncIterator[None]:
        follow = self._screen.tell if self._screen.verbose else None
        task = asyncio.create_task(look_after_logs(supervisor.logs, follow))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _bind_simulator(name: str, port: int) -> socket.socket:
    # Loopback whatever the gateway listens on: whoever reaches a simulator can say that money came.
    try:
        return bind_port(LOOPBACK, port, option="--no-simulators", variable=SIMULATORS_VARIABLE)
    except PortTaken as taken:
        raise PortTaken(
            f"Port {port} on {LOOPBACK}, where the simulator of {name} would be, is not free. Say where the "
            f"simulators' ports begin with {SIMULATORS_VARIABLE}, or leave them out with --no-simulators."
        ) from taken


def child_specs(gateway: Gateway, dsn: str, api: socket.socket, simulators: Sockets) -> list[ChildSpec]:
    """The processes of a gateway. Each learns from its environment where the database and its socket are."""
    env = {
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": dsn,
        "QUICKKUB_DATA_DIR": str(gateway.data_dir),
        "QUICKKUB_HOST": gateway.host,
        "QUICKKUB_PORT": str(gateway.port),
    }
    specs = [
        ChildSpec(
            "api",
            [*gateway.serve, "api"],
            {**env, "QUICKKUB_API_FD": str(api.fileno())},
            ready=answers_http(gateway.host, api.getsockname()[1], "/readyz"),
            pass_fds=[api.fileno()],
        ),
        ChildSpec("worker", [*gateway.serve, "worker"], env),
    ]
    if simulators:
        numbers = {name: listening.fileno() for name, listening in simulators.items()}
        own = {**env, **{simulator_variable(name): str(number) for name, number in numbers.items()}}
        words = [*gateway.serve, "simulators"]
        specs.append(ChildSpec("simulators", words, own, pass_fds=list(numbers.values())))
    return specs


async def _enter(stack: AsyncExitStack, blocking: AbstractContextManager[T]) -> T:
    """Enter a context that blocks, and leave it later, in a thread: signals are heard meanwhile."""
    value = await asyncio.to_thread(blocking.__enter__)
    stack.push_async_callback(asyncio.to_thread, blocking.__exit__, None, None, None)
    return value
