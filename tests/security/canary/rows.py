"""Everything in a database, as a dump of it would hold it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from quickkub.storage import Database
from quickkub.storage.scope import house


async def columns(database: Database) -> AsyncIterator[tuple[str, bytes]]:
    """Each `table.column` with all of its values; bytes as they are, everything else as its text."""
    with house():
        async with database.read() as reader:
            tables = await reader.fetch(
                "SELECT c.relname AS name FROM pg_class c"
                " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
            )
            for table in tables:
                name = table["name"]
                values: dict[str, list[bytes]] = {}
                for row in await reader.fetch(f'SELECT * FROM "{name}"'):
                    for column, value in row.items():
                        values.setdefault(column, []).append(_bytes(value))
                for column, found in values.items():
                    yield f"{name}.{column}", b"\n".join(found)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
