"""How a callback came: method and query."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261123T0930"
down_revision = "20261123T0920"


def upgrade() -> None:
    run_sql_beside(__file__)
