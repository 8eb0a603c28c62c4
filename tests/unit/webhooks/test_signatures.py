"""Signing and verifying: with each other, and with the public library as a second opinion."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from quickkub.kernel.secrets import Secret
from quickkub.webhooks.sign import (
    BadSecret,
    compatible_headers,
    new_secret,
    secret_bytes,
    standard_headers,
)
from quickkub.webhooks.verify import NotGenuine, verify, verify_compatible

SECRET = Secret("whsec_" + base64.b64encode(bytes(range(32))).decode())
OTHER = Secret("whsec_" + base64.b64encode(bytes(range(32, 64))).decode())
NOW = 1_763_874_000
BODY = '{"id":"evt_1","data":{"object":{"description":"กาแฟ ☕"}}}'.encode()
GOOD = standard_headers("evt_1", NOW, BODY, [SECRET])
SIGNATURE = GOOD["webhook-signature"]


def is_genuine(headers: dict[str, str], body: bytes = BODY, *secrets: Secret, now: float = NOW) -> bool:
    """Whether our own verification lets it pass."""
    try:
        return verify(headers, body, [one.reveal() for one in secrets or (SECRET,)], now) == "evt_1"
    except NotGenuine:
        return False


def test_what_we_sign_we_verify() -> None:
    assert is_genuine(GOOD)


def test_the_signature_is_the_documented_one() -> None:
    key = bytes(range(32))
    standard = hmac.new(key, b"evt_1.%d." % NOW + BODY, hashlib.sha256).digest()
    compatible = hmac.new(key, b"%d." % NOW + BODY, hashlib.sha256).hexdigest()
    assert GOOD["webhook-signature"] == "v1," + base64.b64encode(standard).decode()
    assert compatible_headers(NOW, BODY, SECRET)["x-webhook-signature"] == compatible


def test_the_public_library_verifies_what_we_sign() -> None:
    now = int(time.time())
    headers = standard_headers("evt_1", now, BODY, [SECRET])
    told = standardwebhooks.Webhook(SECRET.reveal()).verify(BODY, headers)
    assert told == json.loads(BODY)


def test_we_verify_what_the_public_library_signs() -> None:
    # Its sign() takes the wall clock's digits for UTC whatever the zone, so it is given UTC.
    moment = datetime.fromtimestamp(NOW, UTC)
    signature = standardwebhooks.Webhook(SECRET.reveal()).sign("evt_1", moment, BODY.decode())
    assert is_genuine(GOOD | {"webhook-signature": signature})


@given(st.text(max_size=200), st.integers(0, 10**11))
def test_both_agree_on_every_body_and_instant(text: str, seconds: int) -> None:
    body = text.encode("utf-8", "replace")
    ours = standard_headers("evt_1", seconds, body, [SECRET])["webhook-signature"]
    moment = datetime.fromtimestamp(seconds, UTC)
    assert ours == standardwebhooks.Webhook(SECRET.reveal()).sign("evt_1", moment, body.decode())
    assert is_genuine(standard_headers("evt_1", seconds, body, [SECRET]), body, now=seconds)


def test_during_a_rotation_either_secret_verifies() -> None:
    headers = standard_headers("evt_1", NOW, BODY, [OTHER, SECRET])
    assert is_genuine(headers, BODY, SECRET) and is_genuine(headers, BODY, OTHER)
    assert is_genuine(GOOD, BODY, OTHER, SECRET)
    assert not is_genuine(GOOD, BODY, OTHER)


def test_without_any_secret_nothing_is_genuine() -> None:
    with pytest.raises(NotGenuine):
        verify(GOOD, BODY, [], NOW)


@pytest.mark.parametrize("drift", [-300, 0, 300, 299.9])
def test_five_minutes_of_drift_are_allowed(drift: float) -> None:
    assert is_genuine(GOOD, now=NOW + drift)


@pytest.mark.parametrize("drift", [-301, 301, 300.1, float("inf"), float("nan")])
def test_more_drift_is_refused(drift: float) -> None:
    assert not is_genuine(GOOD, now=NOW + drift)


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "soon",
        "-1",
        "+1763874000",
        " 1763874000",
        "1763874000 ",
        "1763874000.0",
        "1_763_874_000",
        "1e9",
        "NaN",
        "0x69",
        "๑๗๖๓๘๗๔๐๐๐",
        "".join(chr(0xFF10 + int(digit)) for digit in str(NOW)),
        "0" * 13,
        "9" * 400,
        "1763874000\n",
    ],
)
def test_a_timestamp_that_is_not_plain_digits_is_refused(timestamp: str) -> None:
    signed = b"evt_1.%s." % timestamp.encode() + BODY
    signature = base64.b64encode(hmac.digest(bytes(range(32)), signed, "sha256")).decode()
    headers = {"webhook-id": "evt_1", "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
    assert not is_genuine(headers)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        SIGNATURE[3:],
        "v1," + SIGNATURE[3:].rstrip("="),
        SIGNATURE + "=",
        SIGNATURE + " ",
        " " + SIGNATURE,
        SIGNATURE.replace("v1,", "v1, "),
        SIGNATURE.replace("v1,", "V1,"),
        SIGNATURE.replace("v1,", "v1a,"),
        SIGNATURE.replace("v1,", "v2,"),
        SIGNATURE + ",",
        SIGNATURE + "\n",
        SIGNATURE + " nonsense",
        "nonsense " + SIGNATURE,
        "v1,ไม่ใช่ลายเซ็น",
        "v1," + "A" * 5000,
        " ".join([SIGNATURE] * 30),
        "v1," + base64.b64encode(bytes(32)).decode(),
        "v1," + base64.b64encode(bytes(31)).decode(),
    ],
)
def test_a_malformed_or_wrong_signature_is_refused_without_a_word_why(signature: str) -> None:
    with pytest.raises(NotGenuine, match=r"^the webhook's signature does not verify$"):
        verify(GOOD | {"webhook-signature": signature}, BODY, [SECRET.reveal()], NOW)


def test_leading_zeros_are_another_timestamp() -> None:
    assert not is_genuine(GOOD | {"webhook-timestamp": f"00{NOW}"})


def test_a_version_we_do_not_know_is_passed_over() -> None:
    assert is_genuine(GOOD | {"webhook-signature": f"v1a,c29tZXRoaW5n {SIGNATURE}"})


def test_only_one_spelling_of_the_base64_is_accepted() -> None:
    last = SIGNATURE[-2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = alphabet[alphabet.index(last) ^ 1]
    other = SIGNATURE[:-2] + twin + "="
    assert base64.b64decode(other[3:]) == base64.b64decode(SIGNATURE[3:])
    assert not is_genuine(GOOD | {"webhook-signature": other})


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_header_is_refused(name: str) -> None:
    assert not is_genuine({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("name", list(GOOD))
def test_a_header_given_twice_is_refused(name: str) -> None:
    assert not is_genuine(GOOD | {name.title(): GOOD[name]})


def test_header_names_may_be_spelled_in_any_case() -> None:
    assert is_genuine({name.title(): value for name, value in GOOD.items()})


@pytest.mark.parametrize("webhook_id", ["", "evt 1", "evt.1", "evt_1\n", "อีเวนต์", "e" * 129])
def test_an_id_of_another_shape_is_refused(webhook_id: str) -> None:
    with pytest.raises(NotGenuine):
        verify(GOOD | {"webhook-id": webhook_id}, BODY, [SECRET.reveal()], NOW)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_body_with_one_bit_changed_is_refused(place: int, mask: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= mask
    assert not is_genuine(GOOD, bytes(changed))


def test_a_signature_does_not_move_to_another_id_or_time() -> None:
    assert not is_genuine(GOOD | {"webhook-timestamp": str(NOW + 1)})
    with pytest.raises(NotGenuine):
        verify(GOOD | {"webhook-id": "evt_2"}, BODY, [SECRET.reveal()], NOW)


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "Webhook-Id", "x"]), st.text(max_size=60) | st.sampled_from([*GOOD.values()])
    )
)
def test_no_headers_make_the_verification_fail_in_another_way(headers: dict[str, str]) -> None:
    told = sorted((name.lower(), value) for name, value in headers.items() if name != "x")
    assert is_genuine(headers) == (told == sorted(GOOD.items()))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "c2VjcmV0" * 8, "whsec_" + "รหัส" * 20])
def test_a_secret_that_is_none_is_a_mistake_of_our_own(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify(GOOD, BODY, [secret], NOW)
    with pytest.raises(BadSecret):
        secret_bytes(Secret(secret))


def test_a_new_secret_is_32_random_bytes_in_the_known_form() -> None:
    first, second = new_secret(), new_secret()
    assert len(secret_bytes(first)) == 32
    assert first != second
    assert first.reveal().startswith("whsec_")


class TestCompatibleForm:
    """The older pair of headers."""

    good = compatible_headers(NOW, BODY, SECRET)

    def is_genuine(self, headers: dict[str, str], body: bytes = BODY, now: float = NOW) -> bool:
        try:
            verify_compatible(headers, body, [OTHER.reveal(), SECRET.reveal()], now)
        except NotGenuine:
            return False
        return True

    def test_what_we_sign_we_verify(self) -> None:
        assert self.is_genuine(self.good)

    def test_another_body_or_time_is_refused(self) -> None:
        assert not self.is_genuine(self.good, BODY + b" ")
        assert not self.is_genuine(self.good | {"x-webhook-timestamp": str(NOW + 1)})
        assert not self.is_genuine(self.good, now=NOW + 301)

    @pytest.mark.parametrize("change", [str.upper, lambda s: s[:-1], lambda s: s + "00", lambda s: "ก" * 64])
    def test_another_spelling_is_refused(self, change: object) -> None:
        assert callable(change)
        signature = change(self.good["x-webhook-signature"])
        assert not self.is_genuine(self.good | {"x-webhook-signature": signature})
