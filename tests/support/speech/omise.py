"""Omise's speech: JSON, pictures, documents in a form, and signed events (omise.md 2, 4.9, 5.1).

In a vector a picture is `{"picture": "<svg …"}` and a form with a document `{"file": [name, type, base64]}`.
An event is signed with the account's webhook secret, unless the vector says `"signed": false`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from quickkub.connectors.contract import RawCallback
from tests.support.speech import Heard, Json, Speech, Written, dumps, loads
from tests.support.vectors import Vector

STAMP: Final = "1735689600"
_PART: Final = re.compile(
    rb'content-disposition: form-data; name="file"; filename="([^"]*)"\r\n'
    rb"content-type: ([^\r]*)\r\n\r\n(.*)\r\n--",
    re.DOTALL | re.IGNORECASE,
)


class OmiseSpeech(Speech):
    """See the module."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if not heard.headers.get("content-type", "").startswith("multipart/form-data; boundary="):
            return super().request_words(vector, heard)
        found = _PART.search(heard.body)
        assert found is not None, heard.body
        name, kind, data = found.groups()
        return {"file": [name.decode(), kind.decode(), base64.b64encode(data).decode()]}

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        if isinstance(words, dict) and "picture" in words:
            return Written(words["picture"].encode(), headers={"content-type": "image/svg+xml"})
        return super().answer(vector, status, words, heard)

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        if not (isinstance(words, dict) and isinstance(words.get("file"), list)):
            return super().request(vector, method, path, words)
        name, kind, data = words["file"]
        head = f'--cut\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        kept = base64.b64decode(data)
        body = head.encode() + f"content-type: {kind}\r\n\r\n".encode() + kept + b"\r\n--cut--\r\n"
        return Written(body, headers={"content-type": "multipart/form-data; boundary=cut"})

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        if headers.get("content-type", "").startswith("image/svg"):
            return {"picture": body.decode()}
        return loads(body)

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        body = dumps(words).encode()
        headers = {"content-type": "application/json"}
        if vector.said.get("signed", True):
            headers |= {"omise-signature": signature(vector, STAMP, body), "omise-signature-timestamp": STAMP}
        return RawCallback("POST", headers, {}, body, vector.said.get("remote_ip"))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        marks = raw.headers.get("omise-signature", "")
        if vector.said.get("signed", True):
            stamp = raw.headers["omise-signature-timestamp"]
            assert signature(vector, stamp, raw.body) in marks.split(","), marks
        else:
            assert not marks
        return loads(raw.body)


def signature(vector: Vector, stamp: str, body: bytes) -> str:
    """What Omise would write for this account."""
    secret = vector.shared["credentials"]["webhook_secret"]
    return hmac.new(base64.b64decode(secret), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


SPEECH: Final = OmiseSpeech()
