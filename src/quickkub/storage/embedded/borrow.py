"""Several commands, one server: whoever needs it borrows it, and the last one turns out the light."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from quickkub.storage.embedded.server import EmbeddedPostgres, make_own_folder


@contextlib.contextmanager
def borrowed_server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """The running server of this folder, started if need be, stopped at the end unless others borrow it too.

    Blocks while it starts and stops. A borrower that is killed counts as gone; its server then runs until
    the next borrower leaves. Raises what EmbeddedPostgres.start raises.
    """
    server = EmbeddedPostgres(data_dir)
    make_own_folder(server.data_dir)
    with (server.data_dir / "borrowers").open("a") as borrowers:
        fcntl.flock(borrowers, fcntl.LOCK_SH)
        server.start()
        try:
            yield server
        finally:
            # Turning our share into the whole succeeds only for the last one. A newcomer waits for its
            # share until the stop is complete.
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(borrowers, fcntl.LOCK_EX | fcntl.LOCK_NB)
                server.stop()
