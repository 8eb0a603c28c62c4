"""Users, their second factors and their sessions."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1520"
down_revision = "20261125T1510"


def upgrade() -> None:
    run_sql_beside(__file__)
