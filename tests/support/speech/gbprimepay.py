"""GBPrimePay's speech: forms with a checksum, JSON for cards and inquiries, plain texts, unsigned webhooks.

In a vector `<checksum>` stands for the right one. A webhook is JSON or a form by its paymentType (pack 6).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from quickkub.connectors.contract import CallbackAnswer, RawCallback
from tests.support.speech import IN_QUERY, Heard, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
JSON: Final = {"content-type": "application/json"}
IN_JSON: Final = ("/tokens", "/tokens/charge", "/check_status_txn")
JSON_TYPES: Final = ("Q", "V", "B", "A", "S")
_WALLET: Final = ("amount", "referenceNo", "responseUrl", "backgroundUrl")


def checksum(secret: str, words: Mapping[str, str]) -> str:
    """By the fields that are there: a bank code and a term are signed too, WeChat's has no responseUrl."""
    names = [name for name in (*_WALLET, "bankCode", "term") if name in words]
    message = "".join(words[name] for name in names)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


class GbprimepaySpeech(Speech):
    """See the module."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if heard.method in IN_QUERY:
            return super().request_words(vector, heard) or None
        if heard.path.endswith(IN_JSON):
            assert heard.headers.get("content-type") == "application/json"
            return loads(heard.body)
        assert heard.headers.get("content-type") == FORM["content-type"]
        words = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
        if "checksum" in words:
            assert words["checksum"] == checksum(_secret(vector), words), "the checksum is not of the fields"
            words["checksum"] = "<checksum>"
        return words

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        if isinstance(words, str):
            return Written(words.encode(), headers={"content-type": "text/html"})
        return super().answer(vector, status, words, heard)

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        if method in IN_QUERY:
            return super().request(vector, method, path, words)
        if path.endswith(IN_JSON):
            return Written(dumps(words).encode(), headers=JSON)
        said = dict(words)
        if said.get("checksum") == "<checksum>":
            said["checksum"] = checksum(_secret(vector), said)
        return Written(urlencode(said).encode(), headers=FORM)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        return loads(body) if body.startswith(b"{") else {"page": body.decode("utf-8", "replace")}

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        if words.get("paymentType") in JSON_TYPES:
            return RawCallback("POST", JSON, {}, dumps(words).encode(), vector.said.get("remote_ip"))
        return RawCallback("POST", FORM, {}, urlencode(words).encode(), vector.said.get("remote_ip"))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        if raw.headers["content-type"] == JSON["content-type"]:
            return loads(raw.body)
        assert raw.headers["content-type"] == FORM["content-type"]
        return dict(parse_qsl(raw.body.decode(), keep_blank_values=True))

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        return answer.body.decode()


def _secret(vector: Vector) -> str:
    own: Mapping[str, Any] = vector.said.get("credentials", {})
    return str(own.get("secret_key") or vector.shared["credentials"]["secret_key"])


SPEECH: Final = GbprimepaySpeech()
