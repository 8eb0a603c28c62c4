"""What is sealed knows its mode, and what is due to be sealed again."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1510"
down_revision = "20261125T1500"


def upgrade() -> None:
    run_sql_beside(__file__)
