"""Compressed answers are taken apart without ever holding more than the cap."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.unpack import BodyRefused, Unpacker


def fed(encoding: str, pieces: list[bytes], body_max: int = 1000) -> bytes:
    unpacker = Unpacker(encoding, body_max=body_max)
    for piece in pieces:
        unpacker.feed(piece)
    return unpacker.whole()


@given(
    st.binary(max_size=1000),
    st.sampled_from([("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)]),
    st.integers(1, 50),
)
def test_every_body_within_the_cap_comes_out_whole(
    body: bytes, packing: tuple[str, Callable[[bytes], bytes]], size: int
) -> None:
    encoding, pack = packing
    packed = pack(body)
    assert fed(encoding, [packed[at : at + size] for at in range(0, len(packed), size)]) == body


@pytest.mark.parametrize(
    ("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_one_byte_more_than_the_cap_is_refused(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BodyRefused):
        fed(encoding, [pack(b"0" * 1001)])


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(b"\0" * (1 << 26))
    unpacker = Unpacker("gzip", body_max=1000)
    with pytest.raises(BodyRefused):
        unpacker.feed(bomb)
    assert len(unpacker._body) <= 1001


@pytest.mark.parametrize(
    "pieces", [[gzip.compress(b"hello")[:-1]], [gzip.compress(b"hello"), b"more"], [b"not packed at all"]]
)
def test_what_is_cut_short_or_broken_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(BodyRefused):
        fed("gzip", pieces)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "made-up"])
def test_packings_we_do_not_take_are_refused(encoding: str) -> None:
    with pytest.raises(BodyRefused):
        Unpacker(encoding)
