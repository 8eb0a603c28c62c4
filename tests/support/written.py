"""What stands in the database, whatever the tables are called: how many rows, and whether a text is there."""

from __future__ import annotations

from typing import Final

from tests.support.shop import Shop

_COLUMNS: Final = """
SELECT c.relname AS table_name, a.attname AS column_name, t.typname AS kind
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
   AND a.attnum > 0 AND NOT a.attisdropped
"""


async def rows_of_every_table(shop: Shop) -> dict[str, int]:
    """Rows by table."""
    tables = {row["table_name"] for row in await shop.rows(_COLUMNS)}
    return {table: await shop.counts(f'"{table}"') for table in sorted(tables)}


async def columns_with(shop: Shop, text: str) -> list[str]:
    """Every `table.column` in which the text stands in clear: as text, within JSON, or among bytes."""
    found = []
    for row in await shop.rows(_COLUMNS):
        table, column = row["table_name"], row["column_name"]
        if row["kind"] == "bytea":
            holds, value = f'position($1 IN "{column}") > 0', text.encode()
        else:
            holds, value = f'position($1 IN "{column}"::text) > 0', text  # type: ignore[assignment]
        if await shop.rows(f'SELECT 1 FROM "{table}" WHERE {holds} LIMIT 1', value):
            found.append(f"{table}.{column}")
    return found
