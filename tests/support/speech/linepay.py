"""LINE Pay's JSON, signed by its client: HMAC-SHA256 over secret, path, body or query, and a nonce.

Answers and calls of LINE Pay itself are not signed; its one call is a GET.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quickkub.connectors.contract import CallbackAnswer, RawCallback
from tests.support.speech import IN_QUERY, Heard, Speech, Written

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any


def signature(secret: str, path: str, said: bytes, nonce: str) -> str:
    """`X-LINE-Authorization`."""
    message = secret.encode() + path.encode() + said + nonce.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


class LinepaySpeech(Speech):
    """See Speech."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        nonce = heard.headers.get("x-line-authorization-nonce", "")
        assert uuid.UUID(nonce).version == 4, "the nonce is a UUID of luck"
        said = heard.query_text.encode() if heard.method in IN_QUERY else heard.body
        proper = signature(_secret(vector), heard.path, said, nonce)
        assert heard.headers.get("x-line-authorization") == proper, "the signature is not of what was sent"
        return super().request_words(vector, heard)

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        written = super().request(vector, method, path, words)
        nonce = str(uuid.uuid4())
        said = written.query_text.encode() if method in IN_QUERY else written.body
        signed = {
            "X-LINE-Authorization-Nonce": nonce,
            "X-LINE-Authorization": signature(_secret(vector), path, said, nonce),
        }
        return Written(written.body, written.query_text, {**(written.headers or {}), **signed})

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        return RawCallback("GET", {}, words, b"", vector.said.get("remote_ip"))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        assert raw.method == "GET" and not raw.body
        return dict(raw.query)

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        return answer.body.decode()


def _secret(vector: Vector) -> str:
    own: Mapping[str, Any] = vector.said.get("credentials", {})
    return str(own.get("channel_secret") or vector.shared["credentials"]["channel_secret"])


SPEECH = LinepaySpeech()
