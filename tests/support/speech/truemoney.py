"""TrueMoney's JSON with RSA content signatures: on requests, answers, notifications, and our answers to them.

Linking calls are not signed. In a vector, `"answers_sealed": false` leaves the signature of its answers out,
`"bad"` makes it a wrong one; `"callback_sealed"` does the same for a notification. The few lines of RSA here
are this file's own: neither the connector's nor the simulator's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from quickkub.connectors.contract import CallbackAnswer, RawCallback
from quickkub.connectors.providers.truemoney import test_keys
from tests.support.speech import Heard, Speech, Written, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

TIMESTAMP: Final = "1735689600"
PREFIX: Final = "digest-alg=RSA-SHA; key-id=KEY:RSA:rsf.org; data="
_PLAIN: Final = ("/oauth2/", "/payment/codes")


def seal(private_key: str, timestamp: str, body: bytes) -> str:
    """A `Content-Signature`."""
    made = _private(private_key).sign(timestamp.encode() + body, PKCS1v15(), SHA256())
    return PREFIX + base64.b64encode(made).decode()


@cache
def _private(text: str) -> RSAPrivateKey:
    key = load_der_private_key(base64.b64decode(text), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def check(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises AssertionError or InvalidSignature."""
    key = load_der_public_key(base64.b64decode(public_key))
    assert isinstance(key, RSAPublicKey)
    value = headers["content-signature"]
    assert value.startswith(PREFIX), value
    signed = headers["timestamp"].encode() + body
    key.verify(base64.b64decode(value.removeprefix(PREFIX)), signed, PKCS1v15(), SHA256())


class TruemoneySpeech(Speech):
    """See Speech."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if _is_signed(heard.path):
            check(test_keys.MERCHANT_PUBLIC_KEY, heard.headers, heard.body)
            now = _now(vector)
            assert now is None or heard.headers["timestamp"] == now, heard.headers["timestamp"]
        return super().request_words(vector, heard)

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        written = super().answer(vector, status, words, heard)
        sealed = vector.said.get("answers_sealed", True)
        if not _is_signed(heard.path) or sealed is False:
            return written
        body = written.body + b" " if sealed == "bad" else written.body
        signature = seal(test_keys.TRUEMONEY_PRIVATE_KEY, TIMESTAMP, body)
        headers = {"Timestamp": TIMESTAMP, "Content-Signature": signature, **(written.headers or {})}
        return Written(written.body, headers=headers)

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        written = super().request(vector, method, path, words)
        if not _is_signed(path):
            return written
        timestamp = _now(vector) or TIMESTAMP
        signature = seal(test_keys.MERCHANT_PRIVATE_KEY, timestamp, written.body)
        headers = {"Timestamp": timestamp, "Content-Signature": signature, **(written.headers or {})}
        return Written(written.body, written.query_text, headers)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        if "content-signature" in headers and vector.said.get("answers_sealed", True) is True:
            check(test_keys.TRUEMONEY_PUBLIC_KEY, headers, body)
        return loads(body)

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        raw = super().callback(vector, words)
        sealed = vector.said.get("callback_sealed", True)
        if sealed is False:
            return raw
        body = raw.body + b" " if sealed == "bad" else raw.body
        signature = seal(test_keys.TRUEMONEY_PRIVATE_KEY, TIMESTAMP, body)
        headers = {**raw.headers, "timestamp": TIMESTAMP, "content-signature": signature}
        return RawCallback("POST", headers, {}, raw.body, raw.remote_ip)

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        check(test_keys.TRUEMONEY_PUBLIC_KEY, raw.headers, raw.body)
        return loads(raw.body)

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        check(test_keys.MERCHANT_PUBLIC_KEY, answer.headers, answer.body)
        return loads(answer.body)


def _is_signed(path: str) -> bool:
    return not path.startswith(_PLAIN)


def _now(vector: Vector) -> str | None:
    """The time stamp a request of the vector has to carry; None for what has no clock."""
    instruction = vector.said.get("instruction", {})
    said = instruction.get("now") or vector.said.get("order", {}).get("now")
    return str(int(datetime.fromisoformat(said).timestamp())) if said else None


SPEECH = TruemoneySpeech()
