"""A key set is handed in by a merchant and read by a library: whatever it holds, it is keys or a refusal."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.access.jose import client_keys
from quickkub.kernel.errors import Refusal

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "kid", "use", "d", "key_ops", "x5c"])
VALUES = st.sampled_from(["EC", "RSA", "oct", "P-256", "ES256", "RS256", "none", "AA", "AQAB", "", "A" * 43])
KEYS = st.builds(
    lambda begun, more: begun | more,
    st.sampled_from([{}, {"kty": "EC", "crv": "P-256"}, {"kty": "RSA"}, {"kty": "RSA", "n": "A" * 344}]),
    st.dictionaries(MEMBERS, ANYTHING | VALUES, max_size=6),
)


@given(st.lists(KEYS | ANYTHING, max_size=2))
def test_any_key_set_is_keys_or_a_refusal(keys: list[Any]) -> None:
    with contextlib.suppress(Refusal):
        assert client_keys({"keys": keys})


@pytest.mark.parametrize("member", [["AQAB"], [], [["A"]]])
def test_a_modulus_that_is_a_list_is_refused(member: Any) -> None:
    with pytest.raises(Refusal, match=r"key of the set|use EC"):
        client_keys({"keys": [{"kty": "RSA", "n": member, "e": "AQAB"}]})
