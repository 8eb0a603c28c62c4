"""OAuth clients, codes, refresh tokens and signing keys."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261125T1530"
down_revision = "20261125T1520"


def upgrade() -> None:
    run_sql_beside(__file__)
