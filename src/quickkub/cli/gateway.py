"""What `quickkub up` needs to know about the program it starts; main.py fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quickkub.cli.supervisor import python


@dataclass(frozen=True, slots=True)
class Welcome:
    """What is shown when everything runs: a test key, addresses by name, and a command to paste."""

    key: str
    links: Sequence[tuple[str, str]]
    example: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway to run. `database_url` None means the PostgreSQL in the box, in `data_dir`.

    `migrate` brings a database to the newest schema and may block; `seed` makes sure of the payment methods
    and the demo shop, and may be called any number of times. A child is started as `serve` and its name
    (`api`, `worker`, `simulators`); the simulators are left out when `simulator_ports` is empty.
    """

    data_dir: Path
    database_url: str | None
    host: str
    port: int
    simulator_ports: Mapping[str, int]
    migrate: Callable[[str], None]
    seed: Callable[[str], Awaitable[Welcome]]
    serve: Sequence[str] = (*python("-m", "quickkub.main", "serve"),)

    @property
    def url(self) -> str:
        """Where people on this machine reach it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared only
        return f"http://{host}:{self.port}"


def simulator_variable(name: str) -> str:
    """The environment variable that names the listening socket of a provider's simulator."""
    return f"QUICKKUB_SIMULATOR_{name.upper()}_FD"
