"""Numbered keys: one seals, the others open what they sealed, and a file keeps them for their owner only."""

from __future__ import annotations

import base64
import json
import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.storage.vault import CannotOpen, Place, Vault, sealing
from quickkub.storage.vault.ring import (
    SETTLE,
    KeyInUse,
    KeyIsActive,
    KeyState,
    NoSuchKey,
    Ring,
    RingFull,
    RingKey,
    fingerprint,
)
from quickkub.storage.vault.ring_file import RingFile, RingUnreadable

FIRST = os.urandom(32)
NOW = datetime(2026, 1, 15, 3, tzinfo=UTC)
PLACE = Place("payments", "payer", "mer_1", "pay_1", mode="test")


@pytest.fixture
def file(tmp_path: Path) -> RingFile:
    return RingFile(tmp_path / "keys.json", FIRST)


def first_ring() -> Ring:
    return Ring((RingKey(1, KeyState.ACTIVE, fingerprint(FIRST), FIRST, kept_in_file=False),))


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that looks at the ring before it seals, as one does after a few seconds."""
    monkeypatch.setattr(sealing, "LOOK_SECONDS", -1.0)
    yield


def test_without_a_file_the_ring_is_the_key_in_the_settings(file: RingFile) -> None:
    ring = file.read()
    assert ring.active.number == 1 and ring.usable().opening == {1: FIRST}
    assert not file.path.exists()


def test_a_new_key_seals_and_the_one_before_only_opens(file: RingFile) -> None:
    before = Vault(file.keys(), file.keys)
    old = before.seal(b"skey", PLACE)
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    ring = file.read()
    assert [one.state for one in ring.keys] == [KeyState.OPENING, KeyState.ACTIVE]
    after = Vault(file.keys(), file.keys)
    assert after.open(old, PLACE) == b"skey"
    assert sealing.number_of(after.seal(b"skey", PLACE)) == 2


def test_a_key_on_standby_opens_and_does_not_seal_until_it_is_made_active() -> None:
    ring = first_ring().with_new(os.urandom(32), NOW, standby=True)
    assert ring.active.number == 1 and set(ring.usable().opening) == {1, 2}
    assert ring.with_active(2, NOW).active.number == 2


def test_a_running_process_opens_what_a_key_made_meanwhile_has_sealed(file: RingFile) -> None:
    running = Vault(file.keys(), file.keys)
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    fresh = Vault(file.keys(), file.keys).seal(b"skey", PLACE)
    assert running.open(fresh, PLACE) == b"skey"


def test_a_running_process_seals_with_the_key_made_meanwhile(file: RingFile, looking: None) -> None:
    running = Vault(file.keys(), file.keys)
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    assert sealing.number_of(running.seal(b"skey", PLACE)) == 2


def test_a_ring_that_is_broken_meanwhile_stops_no_running_process(file: RingFile, looking: None) -> None:
    running = Vault(file.keys(), file.keys)
    file.path.write_text("{")
    sealed = running.seal(b"skey", PLACE)
    assert running.open(sealed, PLACE) == b"skey"
    with pytest.raises(RingUnreadable):
        file.keys()


def test_wrapping_again_leaves_the_ciphertext_as_it_is(file: RingFile) -> None:
    old = Vault(file.keys()).seal(b"skey", PLACE)
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    both = Vault(file.keys())
    new = both.rewrap(old, PLACE)
    assert new[sealing.UNCHANGED_FROM :] == old[sealing.UNCHANGED_FROM :]
    assert new[: sealing.UNCHANGED_FROM] != old[: sealing.UNCHANGED_FROM]
    assert both.open(new, PLACE) == b"skey"
    ring = file.read().usable()
    only_new = Vault({2: ring.opening[2]})
    assert only_new.open(new, PLACE) == b"skey"
    with pytest.raises(CannotOpen):
        only_new.open(old, PLACE)


@given(st.binary(max_size=200), st.integers(0, 8 * 61), st.text(max_size=8))
def test_a_value_that_was_damaged_or_moved_is_not_wrapped_again(value: bytes, bit: int, row: str) -> None:
    vault = Vault({1: FIRST, 2: os.urandom(32)})
    sealed = bytearray(vault.seal(value, PLACE))
    with pytest.raises(CannotOpen):
        vault.rewrap(bytes(sealed), Place("payments", "payer", "mer_1", row, mode="live"))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        vault.rewrap(bytes(sealed), PLACE)


def test_the_key_that_seals_is_not_retired() -> None:
    with pytest.raises(KeyIsActive):
        first_ring().with_retired(1, NOW)


def test_a_key_is_not_retired_while_values_it_sealed_may_be_on_their_way() -> None:
    ring = first_ring().with_new(os.urandom(32), NOW)
    with pytest.raises(KeyInUse):
        ring.with_retired(1, NOW + SETTLE - timedelta(seconds=1))
    assert ring.with_retired(1, NOW + SETTLE).keys[0].state is KeyState.RETIRED


def test_a_retired_key_is_gone_from_the_file_and_its_number_is_not_given_again(file: RingFile) -> None:
    second = os.urandom(32)
    file.change(lambda ring: ring.with_new(second, NOW).with_new(os.urandom(32), NOW))
    assert base64.b64encode(second).decode() in file.path.read_text()
    file.change(lambda ring: ring.with_retired(2, NOW + SETTLE))
    assert base64.b64encode(second).decode() not in file.path.read_text()
    with pytest.raises(NoSuchKey):
        file.read().find(2)
    assert file.change(lambda ring: ring.with_new(os.urandom(32), NOW)).active.number == 4


def test_numbers_end_at_255() -> None:
    ring = first_ring()
    for _ in range(254):
        ring = ring.with_new(os.urandom(32), NOW)
    with pytest.raises(RingFull):
        ring.with_new(os.urandom(32), NOW)


def test_the_file_is_for_its_owner_and_never_holds_the_key_of_the_settings(file: RingFile) -> None:
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert base64.b64encode(FIRST).decode() not in file.path.read_text()


def test_another_key_in_the_settings_than_the_ring_was_made_with_is_noticed(file: RingFile) -> None:
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    with pytest.raises(RingUnreadable, match="ENCRYPTION_KEY"):
        RingFile(file.path, os.urandom(32)).read()


def test_once_the_first_key_is_retired_any_key_may_stand_in_the_settings(file: RingFile) -> None:
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    file.change(lambda ring: ring.with_retired(1, NOW + SETTLE))
    assert set(RingFile(file.path, os.urandom(32)).read().usable().opening) == {2}


def test_what_is_written_is_read_the_same(file: RingFile) -> None:
    written = file.change(lambda ring: ring.with_new(os.urandom(32), NOW).with_retired(1, NOW + SETTLE))
    assert RingFile(file.path, FIRST).read() == written


def _with(file: RingFile, **changes: object) -> str:
    file.change(lambda ring: ring.with_new(os.urandom(32), NOW))
    said = json.loads(file.path.read_text())
    said["keys"][1] |= changes
    return json.dumps(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "passphrase"},
        {"key": base64.b64encode(os.urandom(32)).decode()},
        {"number": 1},
        {"number": "2"},
        {"state": "opening only"},
        {"state": "new"},
        {"created_at": "yesterday"},
    ],
    ids=" ".join,
)
def test_a_damaged_line_is_refused_and_no_key_is_repeated(file: RingFile, changes: dict[str, object]) -> None:
    text = _with(file, **changes)
    file.path.write_text(text)
    with pytest.raises(RingUnreadable) as refused:
        file.read()
    assert json.loads(text)["keys"][1]["key"] not in refused.value.detail


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 2, "keys": []}', "null", "\udcff"])
def test_what_is_no_ring_is_refused(file: RingFile, text: str) -> None:
    file.path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RingUnreadable):
        file.read()


def test_keys_added_at_once_are_all_kept(file: RingFile) -> None:
    def add() -> None:
        RingFile(file.path, FIRST).change(lambda ring: ring.with_new(os.urandom(32), NOW))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.number for one in file.read().keys] == list(range(1, 10))


def test_a_key_does_not_show_when_a_ring_is_printed() -> None:
    assert repr(FIRST) not in repr(first_ring()) and repr(FIRST) not in repr(first_ring().usable())
