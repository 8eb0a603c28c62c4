"""Krungsri's JSON with `sign`: the digest of the fields, encrypted with the bank's public key.

A vector holds the words without `sign`; it is put in and checked here with the published test key, by this
file's own lines: neither the connector's nor the simulator's. The deep link's calls carry none.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from quickkub.connectors.contract import CallbackAnswer
from quickkub.connectors.providers.bay.test_keys import TEST_PRIVATE_KEY
from tests.support.speech import Heard, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

TIME: Final = "x-client-transaction-datetime"
_TIME_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00")
_BARE: Final = "/native/"


def _key() -> RSAPrivateKey:
    key = load_der_private_key(base64.b64decode(TEST_PRIVATE_KEY), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def canonical(words: Mapping[str, Any]) -> str:
    """The text that is digested, of fields without blanks."""
    return "&".join(f"{name}={words[name]}" for name in sorted(words) if name != "sign" and words[name] != "")


def sign(words: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(canonical(words).encode()).hexdigest()
    return base64.b64encode(_key().public_key().encrypt(digest.encode(), PKCS1v15())).decode()


def opened(text: str) -> str:
    """The digest inside a `sign`."""
    return _key().decrypt(base64.b64decode(text), PKCS1v15()).decode()


def unsigned(words: dict[str, Any]) -> dict[str, Any]:
    """The words without their `sign`, which must be right. Raises AssertionError."""
    said = dict(words)
    proof = said.pop("sign", "")
    assert len(proof) == 172, f"sign is {proof[:40]!r}"
    assert opened(proof) == hashlib.sha256(canonical(said).encode()).hexdigest(), "sign is of other words"
    return said


class BaySpeech(Speech):
    """See Speech."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        words = super().request_words(vector, heard)
        moment = heard.headers.get(TIME)
        wanted = vector.said.get("settings", {}).get("qr.send_datetime_header") != "false"
        assert (moment is not None) is (wanted and _knows_time(vector)), moment
        assert moment is None or _TIME_SHAPE.fullmatch(moment), moment
        return words if heard.path.startswith(_BARE) else unsigned(words)

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        said = words if path.startswith(_BARE) else {**words, "sign": sign(words)}
        moment = datetime.fromisoformat(vector.said.get("order", {}).get("now", "2026-01-15T10:30:00+07:00"))
        headers = {"content-type": "application/json", TIME: moment.isoformat(timespec="milliseconds")}
        return Written(dumps(said).encode(), headers=headers)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        said = loads(body)
        if isinstance(said, dict) and "sign" in said:
            assert len(said.pop("sign")) == 172
        return said

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        said = loads(answer.body)
        return unsigned(said) if "sign" in said else said


def _knows_time(vector: Vector) -> bool:
    """Only an order tells what time it is; a slip, a report or a check is asked without a clock."""
    return vector.said["asks"] in ("create", "inquire")


SPEECH: Final = BaySpeech()
