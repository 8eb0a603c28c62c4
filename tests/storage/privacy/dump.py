"""Everything a database holds, as whoever stole it and the keys would read it."""

from __future__ import annotations

from typing import Any

import asyncpg

from quickkub.storage.vault import Vault
from quickkub.storage.vault.columns import SEALED


async def everything(pool: asyncpg.Pool[Any], vault: Vault) -> dict[str, str]:
    """Every row of every table as text, bytes as the text they may be, and every sealed value opened."""
    held: dict[str, str] = {}
    async with pool.acquire() as reader:
        await reader.execute("SET quickkub.scope = 'house'")
        tables = await reader.fetch(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        )
        for (table,) in tables:
            for number, row in enumerate(await reader.fetch(f"SELECT * FROM {table}")):
                held[f"{table} {number}"] = repr(
                    {
                        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                        for name, value in row.items()
                    }
                )
        for column in SEALED:
            rows = await reader.fetch(
                f"SELECT {column.merchant} AS whose, {column.row} AS row_is, {column.mode} AS in_mode,"
                f" t.{column.column} AS sealed FROM {column.table} t WHERE t.{column.column} IS NOT NULL"
            )
            for number, row in enumerate(rows):
                place = column.place(row["whose"], row["row_is"], row["in_mode"])
                held[f"{column.name} {number}"] = vault.open(bytes(row["sealed"]), place).decode(
                    "utf-8", "replace"
                )
    return held


def naming(held: dict[str, str], values: list[str]) -> dict[str, str]:
    """Where any of the values stands, without regard to case."""
    return {where: text for where, text in held.items() if any(one.lower() in text.lower() for one in values)}
