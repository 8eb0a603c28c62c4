"""Every column of the schema is classified, and nothing is classified that is not there."""

from __future__ import annotations

from collections import Counter
from typing import Final

from quickkub.privacy.classification import COLUMNS, PERSONAL, with_words
from quickkub.privacy.model import Class, Erasure, Mask, Whose
from quickkub.privacy.periods import BY_KIND
from quickkub.storage import Database
from quickkub.storage.vault.columns import NOT_SEALED, SEALED

_SCHEMA: Final = """
SELECT col.table_name || '.' || col.column_name AS name, col.data_type AS type
  FROM information_schema.columns col
  JOIN information_schema.tables tab USING (table_schema, table_name)
 WHERE col.table_schema = current_schema() AND tab.table_type = 'BASE TABLE'
"""


async def schema(database: Database) -> dict[str, str]:
    async with database.read() as reader:
        return {row["name"]: row["type"] for row in await reader.fetch(_SCHEMA)}


async def test_every_column_is_classified_and_every_classified_column_is_there(database: Database) -> None:
    there = set(await schema(database))
    classified = {column.full_name for column in COLUMNS}
    assert sorted(there - classified) == [], "give each new column its line in quickkub/privacy/tables"
    assert sorted(classified - there) == [], "a column is gone: take its line out of quickkub/privacy/tables"


def test_no_column_is_classified_twice() -> None:
    assert [name for name, times in Counter(c.full_name for c in COLUMNS).items() if times > 1] == []


async def test_what_is_called_sealed_is_in_the_vaults_registry_and_the_other_way_round(
    database: Database,
) -> None:
    types = await schema(database)
    sealed = {column.full_name for column in COLUMNS if column.sealed}
    assert sealed == {column.name for column in SEALED}
    assert {types[name] for name in sealed} == {"bytea"}
    assert {name for name, kind in types.items() if kind == "bytea"} - sealed == set(NOT_SEALED)


async def test_sensitive_data_is_sealed_or_says_why_it_is_not(database: Database) -> None:
    clear = {column.full_name for column in COLUMNS if column.class_ is Class.SENSITIVE and not column.sealed}
    # A company's number is on every tax invoice.
    assert clear == {"merchants.registration_number"}


def test_what_is_somebodys_says_whose_how_it_is_masked_and_what_an_erasure_does() -> None:
    for column in COLUMNS:
        if column.class_ in PERSONAL:
            assert column.whose is not Whose.NOBODY, column
            assert column.erasure is not Erasure.NOTHING, column
        elif column.class_ is Class.SECRET:
            assert column.mask is Mask.HIDDEN, column
        else:
            assert column.whose is Whose.NOBODY, column


def test_every_kind_of_record_has_its_time() -> None:
    assert {column.kept for column in COLUMNS} <= set(BY_KIND)


async def test_words_that_are_replaced_or_emptied_stand_in_tables_of_a_merchant(database: Database) -> None:
    names = set(await schema(database))
    for erasure in (Erasure.REPLACED, Erasure.EMPTIED, Erasure.DELETED):
        for column in with_words(erasure):
            assert f"{column.table}.merchant_id" in names, column
