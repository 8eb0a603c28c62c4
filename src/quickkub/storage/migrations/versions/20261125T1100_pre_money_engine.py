"""Holds, captures, refunds, disputes, money without a payment, and rules a merchant sets."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1100"
down_revision = "20261125T1010"


def upgrade() -> None:
    run_sql_beside(__file__)
