"""Legal holds, erasures and retention runs."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1580"
down_revision = "20261125T1560"


def upgrade() -> None:
    run_sql_beside(__file__)
