"""2C2P's speech: JWTs for tokens and inquiries, plain JSON for Do Payment, sealed XML for payment actions.

In vectors the claims and elements are plain words. `["plain", words]` is an answer without a signature where
one belongs, `["forged", words]` one signed with a key of somebody else. A refundList is a list of its rows.
`clientID` is `<uuid>`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from quickkub.connectors.contract import RawCallback
from tests.support import twoctwop
from tests.support.speech import Heard, Json, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

SIGNED = ("/paymentToken", "/paymentInquiry")
NEVER_SIGNED = ("6103", "6107", "9042")
JSON_TYPE = {"content-type": "application/json"}
TEXT_TYPE = {"content-type": "text/plain"}


class TwoCTwoPSpeech(Speech):
    """See the module."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if heard.path == "/action":
            assert heard.headers.get("content-type") == "text/plain"
            return xml_words(twoctwop.unseal(heard.body, twoctwop.MERCHANT, twoctwop.PROVIDER))
        assert heard.headers.get("content-type") == "application/json"
        body = loads(heard.body)
        if heard.path in SIGNED:
            assert list(body) == ["payload"]
            return twoctwop.claims_of(body["payload"])
        assert str(uuid.UUID(body["clientID"])) == body["clientID"]
        return {**body, "clientID": "<uuid>"}

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        if isinstance(words, str):
            return Written(words.encode(), headers=JSON_TYPE)
        if heard.path == "/action":
            return Written(sealed(words), headers=TEXT_TYPE)
        return Written(self._written(words, is_signed=heard.path in SIGNED), headers=JSON_TYPE)

    def _written(self, words: Json, *, is_signed: bool) -> bytes:
        match words:
            case ["plain", inner]:
                return dumps(inner).encode()
            case ["forged", inner]:
                return dumps({"payload": twoctwop.jwt(inner, "another key of somebody else")}).encode()
            case _ if is_signed:
                return dumps({"payload": twoctwop.jwt(words)}).encode()
            case _:
                return dumps(words).encode()

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        if path == "/action":
            return Written(twoctwop.seal(xml("PaymentProcessRequest", words)), headers=TEXT_TYPE)
        if path in SIGNED:
            secret = vector.said.get("credentials", {}).get("secret_key", twoctwop.SECRET)
            return Written(dumps({"payload": twoctwop.jwt(words, secret)}).encode(), headers=JSON_TYPE)
        return Written(dumps({**words, "clientID": str(uuid.uuid4())}).encode(), headers=JSON_TYPE)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        if not body.startswith(b"{"):
            return xml_words(twoctwop.unseal(body))
        words = loads(body)
        if "payload" in words:
            return twoctwop.claims_of(words["payload"])
        return ["plain", words] if words.get("respCode") in NEVER_SIGNED else words

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        match words:
            case {"notifyResponse": elements}:
                body = urlencode({"notifyResponse": sealed(elements).decode()}).encode()
                return RawCallback("POST", {"content-type": "application/x-www-form-urlencoded"}, {}, body)
            case ["form", inner]:
                body = urlencode({"paymentResponse": twoctwop.jwt(inner)}).encode()
                return RawCallback("POST", {"content-type": "application/x-www-form-urlencoded"}, {}, body)
            case _:
                return RawCallback("POST", JSON_TYPE, {}, self._written(words, is_signed=True))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        if raw.headers["content-type"].startswith("application/x-www-form-urlencoded"):
            token = parse_qs(raw.body.decode())["notifyResponse"][0]
            return {"notifyResponse": xml_words(twoctwop.unseal(token.encode()))}
        return twoctwop.claims_of(loads(raw.body)["payload"])


def sealed(words: Json) -> bytes:
    """An answer of 2C2P's; `["forged", words]` is signed with the merchant's own key."""
    match words:
        case ["forged", inner]:
            return twoctwop.seal(xml("PaymentProcessResponse", inner), twoctwop.MERCHANT, twoctwop.MERCHANT)
        case _:
            return twoctwop.seal(xml("PaymentProcessResponse", words), twoctwop.PROVIDER, twoctwop.MERCHANT)


def xml(root: str, words: Json) -> str:
    parts = []
    for name, value in words.items():
        if name == "refundList":
            rows = (" ".join(f'{key}="{said}"' for key, said in row.items()) for row in value)
            parts.append(f"<refundList>{''.join(f'<refund {row}/>' for row in rows)}</refundList>")
        else:
            parts.append(f"<{name}>{escape(value)}</{name}>")
    return f"<{root}>{''.join(parts)}</{root}>"


def xml_words(text: str) -> dict[str, Any]:
    root = ElementTree.fromstring(text)
    words: dict[str, Any] = {}
    for child in root:
        words[child.tag] = (
            [dict(row.attrib) for row in child] if child.tag == "refundList" else (child.text or "")
        )
    return words


SPEECH = TwoCTwoPSpeech()
