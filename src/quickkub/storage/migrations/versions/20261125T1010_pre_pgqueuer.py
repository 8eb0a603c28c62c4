"""The tables of PgQueuer, which runs schedules and jobs that no money hangs on."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1010"
down_revision = "20261125T1000"


def upgrade() -> None:
    run_sql_beside(__file__)
