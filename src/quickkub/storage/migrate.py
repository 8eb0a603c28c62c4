"""Migrations: Alembic is the runner, SQL is the language, and there is no way back (exemplars 23)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import asyncpg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from quickkub.storage.schema import MIGRATIONS

LOCK_TIMEOUT: Final = "5s"
"""A migration that cannot get its lock gives up quickly instead of queueing the whole gateway behind it."""

_ADVISORY_LOCK: Final = 0x51_4B_4D_49


def _config(dsn: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["dsn"] = dsn
    return config


def migrate(dsn: str) -> None:
    """Bring the database at `dsn` to the newest schema. Safe to run twice and from two places at once."""
    command.upgrade(_config(dsn), "head")


def run_environment() -> None:
    """Called by migrations/env.py inside `migrate`."""
    asyncio.run(_upgrade(context.config.attributes["dsn"]))


async def _upgrade(dsn: str) -> None:
    async def connect() -> asyncpg.Connection[Any]:
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


def _run(connection: SyncConnection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    # Two starting processes migrate one after the other; the lock goes with the session.
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    # Tables and roles that came by other ways, from a restored dump for one, are guarded by the next run.
    connection.exec_driver_sql("SELECT guard_merchant_rows()")
    connection.commit()


def run_sql_beside(python_file: str) -> None:
    """Run the .sql file of the same name, as one script inside the migration's transaction."""
    script = Path(python_file).with_suffix(".sql").read_text(encoding="utf-8")
    op.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    driver: Any = op.get_bind().connection.dbapi_connection
    # asyncpg's simple protocol takes a whole script at once; SQLAlchemy's own path takes one statement.
    driver.run_async(lambda raw: raw.execute(script))
