"""Every column of the schema with its class: the one table that erasure, retention and the docs page read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quickkub.privacy.model import Class, Column, Erasure
from quickkub.privacy.tables import house, merchants, payments, people

TABLES: Final = (*payments.TABLES, *merchants.TABLES, *people.TABLES, *house.TABLES)

COLUMNS: Final[tuple[Column, ...]] = tuple(column for table in TABLES for column in table.columns())

BY_NAME: Final[Mapping[str, Column]] = {column.full_name: column for column in COLUMNS}

PERSONAL: Final = frozenset({Class.PERSONAL, Class.SENSITIVE})


def with_words(erasure: Erasure) -> list[Column]:
    """The personal columns an erasure treats in this way."""
    return [column for column in COLUMNS if column.erasure is erasure and column.class_ in PERSONAL]
