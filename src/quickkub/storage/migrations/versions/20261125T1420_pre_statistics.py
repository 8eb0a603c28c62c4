"""Statistics of tables that have grown, also after a crash that made PostgreSQL forget that they have."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1420"
down_revision = "20261125T1410"


def upgrade() -> None:
    run_sql_beside(__file__)
