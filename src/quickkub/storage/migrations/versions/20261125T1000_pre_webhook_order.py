"""Since when a delivery's round of tries runs: how long later versions of its object wait for it."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1000"
down_revision = "20261123T0930"


def upgrade() -> None:
    run_sql_beside(__file__)
