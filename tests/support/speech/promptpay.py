"""The speech of PromptPay's feed: JSON whose answers and notices are signed over the raw body in a header.

A vector may say `"signed": false` or `"forged"`, of its answers (`answers_signed`) or its notice (`signed`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from quickkub.connectors.contract import RawCallback
from tests.support.speech import Heard, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

HEADER: Final = "x-promptpay-signature"


class PromptpaySpeech(Speech):
    """See the module."""

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        written = super().answer(vector, status, words, heard)
        how = vector.said.get("answers_signed", True)
        return Written(written.body, headers={**(written.headers or {}), **_marks(vector, written.body, how)})

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        if HEADER in headers:
            assert headers[HEADER] == _sign(_secret(vector), body), "the answer's signature is wrong"
        return loads(body)

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        body = dumps(words).encode()
        headers = {
            "content-type": "application/json",
            **_marks(vector, body, vector.said.get("signed", True)),
        }
        return RawCallback("POST", headers, {}, body, vector.said.get("remote_ip"))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        assert raw.headers[HEADER] == _sign(_secret(vector), raw.body), "the notice's signature is wrong"
        return loads(raw.body)


def _marks(vector: Vector, body: bytes, how: object) -> dict[str, str]:
    match how:
        case True:
            return {HEADER: _sign(_secret(vector), body)}
        case "forged":
            return {HEADER: _sign("a secret of somebody else, as long as it has to be", body)}
        case "previous":
            return {HEADER: _sign(vector.said["credentials"]["previous_notification_secret"], body)}
        case _:
            return {}


def _sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _secret(vector: Vector) -> str:
    return str(vector.shared["credentials"]["notification_secret"])


SPEECH: Final = PromptpaySpeech()
