"""Journals and entries with their guards."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261123T0910"
down_revision = "20261123T0900"


def upgrade() -> None:
    run_sql_beside(__file__)
