"""Which schema this code expects and which one a database has, told without loading the migration runner."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import asyncpg

from quickkub.storage.database import APP_ROLE

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def head_revision() -> str:
    """The newest migration's revision: the time in its file name, by which migrations are ordered."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.sql"))


async def is_newest(dsn: str) -> bool:
    """Whether the database stands at `head_revision` exactly. An empty database does not.

    Nor does one whose server does not know the role that the tables' rights are for: a restored dump.
    """
    connection = await asyncpg.connect(dsn)
    try:
        found: str | None = await connection.fetchval(
            "SELECT version_num FROM alembic_version WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = $1)",
            APP_ROLE,
        )
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
    return found == head_revision()
