"""Merchants' particulars, members, fee plans, and what API keys may do."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1540"
down_revision = "20261125T1530"


def upgrade() -> None:
    run_sql_beside(__file__)
