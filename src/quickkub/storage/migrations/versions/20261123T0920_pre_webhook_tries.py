"""Rotation of webhook secrets, health of endpoints, the log of tries, and the index of who has work."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261123T0920"
down_revision = "20261123T0910"


def upgrade() -> None:
    run_sql_beside(__file__)
