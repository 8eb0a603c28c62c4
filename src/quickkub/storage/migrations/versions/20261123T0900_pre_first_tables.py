"""Merchants, payments, attempts, evidence, inbox, events, webhooks."""

from quickkub.storage.migrate import run_sql_beside

revision = "20261123T0900"
down_revision = None


def upgrade() -> None:
    run_sql_beside(__file__)
