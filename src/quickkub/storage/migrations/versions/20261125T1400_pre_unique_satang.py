"""Amounts made unlike by some satang, and whose they are."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1400"
down_revision = "20261125T1300"


def upgrade() -> None:
    run_sql_beside(__file__)
