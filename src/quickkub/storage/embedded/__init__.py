"""PostgreSQL for a machine that has none: programs from a wheel, one folder, one Unix socket.

Finds the programs, makes the database, starts and stops the server, and recovers from every way it can be
cut off. It never opens a network port, never changes a folder it did not make, and never removes data.
"""

from quickkub.storage.embedded.borrow import borrowed_server
from quickkub.storage.embedded.programs import NoPostgresPrograms, find_binaries
from quickkub.storage.embedded.server import (
    DataFolderUnusable,
    EmbeddedPostgres,
    PostgresDidNotStart,
    WrongPostgresVersion,
    make_own_folder,
)

__all__ = [
    "DataFolderUnusable",
    "EmbeddedPostgres",
    "NoPostgresPrograms",
    "PostgresDidNotStart",
    "WrongPostgresVersion",
    "borrowed_server",
    "find_binaries",
    "make_own_folder",
]
