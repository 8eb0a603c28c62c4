"""A sealed value opens in its own place, with a key of the ring, and nowhere else."""

import base64
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.secrets import Secret
from quickkub.storage.vault import CannotOpen, Place, Vault, WeakKey, read_key

OLD, NEW = os.urandom(32), os.urandom(32)
VAULT = Vault({1: OLD})
PLACE = Place("provider_accounts", "credentials", "mer_1", "acc_1", mode="test")

values = st.binary(max_size=300)
words = st.text(max_size=20)
places = st.builds(Place, words, words, words, words, mode=words)


@given(values, places)
def test_what_is_sealed_opens_in_its_place(value: bytes, place: Place) -> None:
    sealed = VAULT.seal(value, place)
    assert VAULT.open(sealed, place) == value
    assert len(value) < 8 or value not in sealed


@given(values, places, places)
def test_a_value_moved_to_another_place_does_not_open(value: bytes, here: Place, there: Place) -> None:
    sealed = VAULT.seal(value, here)
    if here == there:
        assert VAULT.open(sealed, there) == value
    else:
        with pytest.raises(CannotOpen):
            VAULT.open(sealed, there)


@pytest.mark.parametrize("part", ["table", "column", "merchant", "row", "mode"])
def test_each_part_of_the_place_counts(part: str) -> None:
    sealed = VAULT.seal(b"skey", PLACE)
    with pytest.raises(CannotOpen):
        VAULT.open(sealed, replace(PLACE, **{part: "another"}))


@given(words, words, st.sampled_from("\x1f\x00/:|"))
def test_a_separator_inside_a_word_does_not_make_two_places_one(one: str, two: str, mark: str) -> None:
    here, there = Place("t", "c", one + mark + two, "r"), Place("t", "c", one, two + mark + "r")
    with pytest.raises(CannotOpen):
        VAULT.open(VAULT.seal(b"skey", here), there)


@given(values, st.data())
def test_any_flipped_bit_is_noticed(value: bytes, data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(value, PLACE))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        VAULT.open(bytes(sealed), PLACE)


def test_a_value_cut_short_or_lengthened_is_noticed() -> None:
    sealed = VAULT.seal(b"skey", PLACE)
    for damaged in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(CannotOpen):
            VAULT.open(damaged, PLACE)


@given(st.binary(max_size=200))
def test_bytes_that_were_never_sealed_do_not_open(noise: bytes) -> None:
    with pytest.raises(CannotOpen):
        VAULT.open(noise, PLACE)


@given(values)
def test_two_sealings_of_one_value_have_nothing_in_common_but_the_header(value: bytes) -> None:
    one, two = VAULT.seal(value, PLACE), VAULT.seal(value, PLACE)
    assert one[:2] == two[:2]
    assert one[2:14] != two[2:14]
    assert one[14:62] != two[14:62]
    assert one[62:] != two[62:]


def test_a_key_that_was_rotated_out_of_first_place_still_opens() -> None:
    sealed = VAULT.seal(b"skey", PLACE)
    both = Vault({1: OLD, 2: NEW})
    assert both.open(sealed, PLACE) == b"skey"
    assert Vault({2: NEW}).open(both.seal(b"skey", PLACE), PLACE) == b"skey"


def test_without_its_key_a_value_stays_closed() -> None:
    sealed = VAULT.seal(b"skey", PLACE)
    for ring in ({2: NEW}, {1: NEW}, {2: OLD}):
        with pytest.raises(CannotOpen):
            Vault(ring).open(sealed, PLACE)


@pytest.mark.parametrize(
    "ring",
    [{}, {1: b""}, {1: OLD[:16]}, {1: OLD, 2: NEW[:31]}, {1: OLD + b"\0"}, {256: OLD}, {-1: OLD}],
    ids=len,
)
def test_a_ring_that_could_not_seal_is_refused_at_the_start(ring: dict[int, bytes]) -> None:
    with pytest.raises(WeakKey):
        Vault(ring)


def test_a_key_is_read_from_the_base64_of_32_random_bytes() -> None:
    assert read_key(Secret(base64.b64encode(OLD).decode())) == OLD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "correct horse battery staple, 32+",
        base64.b64encode(OLD[:31]).decode(),
        base64.b64encode(OLD + b"\0").decode(),
        base64.b64encode(OLD).decode() + "\n",
        base64.b64encode(OLD).decode().rstrip("="),
        OLD.hex(),
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(b"changeme" * 4).decode(),
        "\N{THAI DIGIT ONE}" * 44,
    ],
    ids=range(10),
)
def test_a_passphrase_or_a_guessable_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(WeakKey, match="openssl rand -base64 32") as refused:
        read_key(Secret(text))
    assert not text or text not in refused.value.detail
