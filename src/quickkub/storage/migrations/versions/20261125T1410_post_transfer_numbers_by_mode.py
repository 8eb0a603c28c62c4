"""A transfer's number is used once in each mode."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1410"
down_revision = "20261125T1400"


def upgrade() -> None:
    run_sql_beside(__file__)
