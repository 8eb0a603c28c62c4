"""Omise's webhooks: the published signatures to the letter, forgeries, and noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickkub.connectors.contract import Forged, RawCallback, Unreadable
from quickkub.connectors.providers.omise import callbacks
from quickkub.connectors.providers.omise.connector import CONNECTOR
from quickkub.connectors.providers.omise.simulator import mail
from quickkub.connectors.providers.omise.simulator.desk import unfolded
from tests.support.omise_client import PREVIOUS_SECRET, WEBHOOK_SECRET, account, unsigned

BODY = (
    b'{"object":"event","id":"evnt_test_5xuy4w91xqz7d1w9u0t","key":"charge.complete","livemode":false,'
    b'"created_at":"2025-01-01T00:00:00Z","data":{"object":"charge","id":"chrg_test_5xuy4w91xqz7d1w9u0t",'
    b'"amount":10000,"currency":"THB","status":"successful","paid":true}}'
)


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        (WEBHOOK_SECRET, "419a3f0814096f4cd4ffd4707cdc43e8621249cb340a767c19311240a5956c03"),
        (PREVIOUS_SECRET, "bf875aeea472edfbbb070d52385a463be98a2428fdcb14c51609f5d3cd233e51"),
    ],
)
def test_the_published_signatures_are_made_to_the_letter_on_both_sides(secret: str, signature: str) -> None:
    assert callbacks.signature(secret, "1735689600", BODY) == signature
    assert mail.signature(secret, "1735689600", BODY) == signature


@given(st.text(max_size=80), st.text(max_size=20))
def test_a_guessed_signature_is_refused(signature: str, stamp: str) -> None:
    headers = {"omise-signature": signature, "omise-signature-timestamp": stamp}
    with pytest.raises(Forged):
        CONNECTOR.read_callback(account(), RawCallback("POST", headers, {}, BODY))


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_changed_byte_breaks_the_signature(place: int, change: int) -> None:
    body = bytearray(BODY)
    body[place] ^= change
    headers = {
        "omise-signature": callbacks.signature(WEBHOOK_SECRET, "1735689600", BODY),
        "omise-signature-timestamp": "1735689600",
    }
    with pytest.raises(Forged):
        CONNECTOR.read_callback(account(), RawCallback("POST", headers, {}, bytes(body)))


@given(st.binary(max_size=200))
def test_noise_is_no_event(body: bytes) -> None:
    with pytest.raises(Unreadable):
        CONNECTOR.read_callback(unsigned(), RawCallback("POST", {}, {}, body))


def test_no_word_of_a_callback_is_believed() -> None:
    assert not CONNECTOR.trusts_callbacks(account())
    assert not CONNECTOR.trusts_callbacks(unsigned())


# --- the simulator's forms ---


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.dictionaries(st.sampled_from("xy"), st.text(max_size=5), min_size=1)
    )
)
def test_brackets_unfold_to_what_was_folded(words: dict[str, dict[str, str]]) -> None:
    pairs = [(f"{outer}[{inner}]", value) for outer, found in words.items() for inner, value in found.items()]
    assert unfolded(pairs) == words
