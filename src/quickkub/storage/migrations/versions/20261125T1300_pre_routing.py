"""Routing rules in versions, and slips that were used."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1300"
down_revision = "20261125T1200"


def upgrade() -> None:
    run_sql_beside(__file__)
