"""PostgreSQL: transactions, migrations, sealed columns, idempotency keys, the outbox and due work.

Rooms above write their own SQL in their `store.py`; this room gives them the connection, the shared tables
and the words. It never knows what a payment means.
"""

from quickkub.storage.database import (
    Connection,
    Database,
    DatabaseAway,
    DatabaseRoleMissing,
    Row,
    in_transaction,
    open_database,
)

__all__ = [
    "Connection",
    "Database",
    "DatabaseAway",
    "DatabaseRoleMissing",
    "Row",
    "in_transaction",
    "open_database",
]
