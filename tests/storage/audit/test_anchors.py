"""Anchors: signed, chained among themselves, on the disk, and worth nothing when one was touched."""

from __future__ import annotations

import asyncio
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quickkub.audit.anchoring import AnchorPlace, anchor
from quickkub.audit.anchors import PUBLIC_KEY, append, has_lines, read_lines
from quickkub.audit.chain import Head
from quickkub.audit.jose import NotSigned, new_key, own_key, read_key
from tests.storage.audit.log import Log

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def head(length: int) -> Head:
    return Head(length, bytes([length]) * 32)


def written(place: AnchorPlace) -> Path:
    """A folder with three anchors in two months."""
    key = place.key()
    append(place.folder, key, NOON, {"platform": head(1), "mer_1": head(2)})
    append(place.folder, key, NOON, {"platform": head(1), "mer_1": head(3)})
    append(place.folder, key, DECEMBER, {"platform": head(1), "mer_1": head(3)})
    return place.folder


def troubles(place: AnchorPlace) -> list[str]:
    return [f"{line.place} {line.trouble}" for line in read_lines(place.folder, place.key()) if line.trouble]


def test_each_line_names_what_grew_and_each_month_begins_with_everything(place: AnchorPlace) -> None:
    lines = list(read_lines(written(place), place.key()))
    said = [line.says for line in lines if line.says]
    assert [[one.chain for one in says.heads] for says in said] == [
        ["mer_1", "platform"],
        ["mer_1"],
        ["mer_1", "platform"],
    ]
    assert [says.chains for says in said] == [2, 2, 2]
    assert troubles(place) == []
    assert sorted(path.name for path in place.folder.iterdir()) == [
        "2026-11.anchors",
        "2026-12.anchors",
        PUBLIC_KEY,
    ]


def test_anybody_with_the_public_key_can_check_and_nobody_can_sign_with_it(place: AnchorPlace) -> None:
    folder = written(place)
    public = read_key(folder / PUBLIC_KEY)
    assert public is not None and public.id == place.key().id
    assert "d" not in json.loads((folder / PUBLIC_KEY).read_text())
    assert all(line.trouble is None for line in read_lines(folder, public))
    with pytest.raises(Exception, match="public key"):
        public.sign(b"x")


def test_the_key_is_made_once_and_only_its_owner_can_read_it(place: AnchorPlace) -> None:
    assert place.key().id == place.key().id
    assert stat.S_IMODE(place.key_file.stat().st_mode) == 0o600
    place.key_file.write_text("{}")
    with pytest.raises(NotSigned):
        own_key(place.key_file)


def test_a_changed_line_is_told(place: AnchorPlace) -> None:
    november = written(place) / "2026-11.anchors"
    first, second = november.read_text().splitlines()
    november.write_text(f"{first[:-2]}{'A' if first[-2] != 'A' else 'B'}{first[-1]}\n{second}\n")
    assert troubles(place)[0].startswith("2026-11.anchors line 2 does not follow")


def test_a_line_signed_by_another_key_is_told(place: AnchorPlace) -> None:
    folder = written(place)
    forged = new_key().sign(b'{"at":"","previous":null,"chains":0,"heads":[]}')
    with (folder / "2026-12.anchors").open("a") as file:
        file.write(forged + "\n")
    assert troubles(place) == ["2026-12.anchors line 2 is not signed by this key"]


@pytest.mark.parametrize("gone", [0, 1])
def test_a_line_taken_out_is_told(place: AnchorPlace, gone: int) -> None:
    november = written(place) / "2026-11.anchors"
    lines = november.read_text().splitlines(keepends=True)
    del lines[gone]
    november.write_text("".join(lines))
    assert len(troubles(place)) == 1


def test_a_month_taken_out_is_told(place: AnchorPlace) -> None:
    (written(place) / "2026-11.anchors").unlink()
    assert troubles(place) == [
        "2026-12.anchors line 1 does not follow the line before: a line is missing or was changed"
    ]


def test_a_line_cut_by_a_crash_is_told_until_the_next_anchor_follows_the_one_before(
    place: AnchorPlace,
) -> None:
    december = written(place) / "2026-12.anchors"
    with december.open("a") as file:
        file.write(december.read_text()[:80])
    assert troubles(place) == ["2026-12.anchors line 2 ends in the middle"]
    append(place.folder, place.key(), DECEMBER, {"platform": head(4)})
    assert troubles(place) == []
    assert len(december.read_text().splitlines()) == 3


def test_the_first_line_of_all_may_be_cut_too(place: AnchorPlace) -> None:
    place.folder.mkdir()
    (place.folder / "2026-11.anchors").write_text("eyJ")
    assert has_lines(place.folder)
    append(place.folder, place.key(), NOON, {"platform": head(1)})
    assert troubles(place) == []


async def test_two_workers_that_anchor_at_once_write_one_after_the_other(log: Log) -> None:
    await asyncio.gather(*(log.is_anchored() for _ in range(5)))
    found = await log.verified()
    assert (found.anchors, found.bad) == (5, ())


async def test_the_heads_are_noted_in_the_database_too(log: Log) -> None:
    assert {head.chain: head.length for head in await anchor(log.db, log.place)} == {
        log.merchant: 5,
        "platform": 2,
    }
    assert await anchor(log.db, log.place) == []
    await log.notes(6)
    await log.seals()
    (grown,) = await anchor(log.db, log.place)
    assert (grown.chain, grown.length) == (log.merchant, 6)
    async with log.db.read() as reader:
        assert await reader.fetchval("SELECT count(*) FROM audit_anchors") == 3


async def test_what_was_sealed_after_the_last_anchor_is_counted(log: Log) -> None:
    await log.is_anchored()
    await log.notes(6)
    await log.seals()
    assert (await log.verified()).beyond == 1


async def test_an_anchor_of_another_log_does_not_fit(log: Log) -> None:
    append(log.place.folder, log.place.key(), NOON, {log.merchant: head(5)})
    (bad,) = (await log.verified()).bad
    assert bad.why == "is not what was anchored: the chain was written anew"
