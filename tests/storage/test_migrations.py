"""The migrations add up, and can be run again."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from quickkub.storage.migrate import migrate
from quickkub.storage.schema import MIGRATIONS, head_revision, is_newest


def test_the_newest_file_name_is_the_runners_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == head_revision()


def test_every_migration_has_its_sql_and_a_down_revision_before_it() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    for script in ScriptDirectory.from_config(config).walk_revisions():
        assert len(list(MIGRATIONS.joinpath("versions").glob(f"{script.revision}_*.sql"))) == 1
        assert script.down_revision is None or str(script.down_revision) < script.revision


async def test_migrating_twice_changes_nothing(database_dsn: str) -> None:
    await asyncio.to_thread(migrate, database_dsn)
    connection = await asyncpg.connect(database_dsn)
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == head_revision()
    finally:
        await connection.close()


async def test_a_restart_knows_without_the_runner_whether_there_is_anything_to_migrate(
    database_dsn: str, postgres_dsn: str
) -> None:
    assert await is_newest(database_dsn)
    assert not await is_newest(postgres_dsn)
