"""A merchant's rows are seen by nobody else (A3)."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1590"
down_revision = "20261125T1580"


def upgrade() -> None:
    run_sql_beside(__file__)
