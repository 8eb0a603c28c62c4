"""The audit log: chains, entries, anchors."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1500"
down_revision = "20261125T1420"


def upgrade() -> None:
    run_sql_beside(__file__)
