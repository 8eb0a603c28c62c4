"""docs/generated/data-classification.md: every column of the schema, its class, and how it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from quickkub.privacy.classification import COLUMNS, TABLES
from quickkub.privacy.model import Class, Column, Whose
from quickkub.privacy.periods import PERIODS, variable
from quickkub.storage.vault.columns import NOT_SEALED
from tools.markdown import WRITTEN, table

_SAID_FULLY = (Class.PERSONAL, Class.SENSITIVE, Class.SECRET)


def page() -> str:
    """The whole page."""
    counts = Counter(column.class_ for column in COLUMNS)
    parts = [
        WRITTEN + "# How each column is classified\n",
        "What each class means, how erasure and retention work, and what a hold does: "
        "[decision 0024](../decisions/0024-privacy.md), [guide](../guide/privacy.md). CI compares this table "
        "with the schema of a migrated database.\n",
        table(["class", "columns"], [[class_.value, str(counts[class_])] for class_ in Class]),
        "## How long\n",
        table(["kind of record", "days", "at least", "since", "why", "setting"], list(_periods())),
        "## Personal, sensitive and secret columns\n",
        table(
            ["column", "class", "whose", "kept as", "shown", "an erasure of a payer", "stored"],
            [_row(column) for column in COLUMNS if column.class_ in _SAID_FULLY],
        ),
        "## All other columns\n",
        table(
            ["table", "kept as", "public", "internal", "money"],
            [
                [one.name, one.kept.value, one.public or "", one.internal or "", one.money or ""]
                for one in sorted(TABLES, key=lambda one: one.name)
            ],
        ),
    ]
    return "\n".join(parts)


def _periods() -> Iterator[list[str]]:
    for period in PERIODS:
        settable = period.days is not None and not period.fixed
        yield [
            period.kind.value,
            "stays" if period.days is None else str(period.days),
            str(period.days_min) if period.days_min else "",
            period.since,
            period.why,
            f"`{variable(period.kind)}`" if settable else "",
        ]


def _row(column: Column) -> list[str]:
    somebodys = column.whose is not Whose.NOBODY
    hashed = column.full_name in NOT_SEALED and column.name != "answer"
    return [
        f"`{column.full_name}`",
        column.class_.value,
        column.whose.value if somebodys else "",
        column.kept.value,
        column.mask.value,
        column.erasure.value,
        "sealed" if column.sealed else "hashed" if hashed else "as it is",
    ]
