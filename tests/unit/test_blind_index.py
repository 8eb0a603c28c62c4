"""A sealed value is found by a keyed hash that says nothing to whoever has not the root."""

from __future__ import annotations

import base64
import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.secrets import Secret
from quickkub.storage.blind_index import BlindIndex
from quickkub.storage.vault import WeakKey
from quickkub.storage.vault.sealing import derive_key

INDEX = BlindIndex(Secret(base64.b64encode(bytes(range(32))).decode()))
words = st.text(max_size=12)


def index(value: str, table: str = "persons", column: str = "phone", merchant: str = "mer_1") -> bytes:
    return INDEX.of(value, table=table, column=column, merchant=merchant)


@given(words)
def test_equal_values_are_found_by_equal_indexes(value: str) -> None:
    assert index(value) == index(value) and len(index(value)) == 32


@given(words, words)
def test_only_equal_values_have_equal_indexes(one: str, two: str) -> None:
    same = unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", two)
    assert (index(one) == index(two)) is same


@given(st.tuples(words, words, words), st.tuples(words, words, words))
def test_another_table_column_or_merchant_has_another_index(
    here: tuple[str, str, str], there: tuple[str, str, str]
) -> None:
    assert (index("0812345678", *here) == index("0812345678", *there)) is (here == there)


def test_another_root_gives_another_index() -> None:
    other = BlindIndex(Secret(base64.b64encode(os.urandom(32)).decode()))
    assert other.of("0812345678", table="persons", column="phone", merchant="mer_1") != index("0812345678")


def test_full_width_digits_are_found_like_others() -> None:
    assert index("\uff10\uff18\uff11") == index("081")


@pytest.mark.parametrize("root", ["", "passphrase", base64.b64encode(b"short").decode()])
def test_a_root_that_is_no_key_is_refused(root: str) -> None:
    with pytest.raises(WeakKey, match="QUICKKUB_INDEX_ROOT"):
        BlindIndex(Secret(root))


def test_keys_are_derived_as_rfc_5869_says() -> None:
    """Appendix A.3: zero-length salt and info, the first 32 bytes."""
    okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive_key(b"\x0b" * 22, b"").hex() == okm
