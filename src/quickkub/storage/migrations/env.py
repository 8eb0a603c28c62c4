"""Alembic's entry: connects with asyncpg, runs forward migrations, each in a transaction of its own."""

from quickkub.storage.migrate import run_environment

run_environment()
