"""Fraud rules, lists, velocity and decisions."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1560"
down_revision = "20261125T1540"


def upgrade() -> None:
    run_sql_beside(__file__)
