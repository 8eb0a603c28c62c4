"""The gate that is shut after a restore until provider truth has been asked for."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1200"
down_revision = "20261125T1100"


def upgrade() -> None:
    run_sql_beside(__file__)
