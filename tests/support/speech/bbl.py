"""Bangkok Bank's two languages: iPay's forms, url-encoded texts and XML; the portal's JSON signed as a JWT.

In a vector an orderApi answer with `records` is XML, any other is url-encoded. What is signed is signed here
with the published test key, by this file's own lines of RS256: neither the connector's nor the simulator's.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from quickkub.connectors.contract import CallbackAnswer, RawCallback
from quickkub.connectors.providers.bbl.test_keys import TEST_PRIVATE_KEY, TEST_PUBLIC_KEY
from tests.support.speech import Heard, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

HEADER: Final = b'{"typ":"JWT","alg":"RS256"}'
FORM: Final = "application/x-www-form-urlencoded"
TOKEN: Final = "/oauth/accesstoken"
_PORTAL: Final = ("/oauth/", "/v1/", "/biller/")
_PROOF: Final = ("exp", "iat", "jti")


def sign(words: Mapping[str, Any], issued: int, *, nested: str = "") -> str:
    """A compact JWT of these words, made at this epoch second and good for a day."""
    proof = {"exp": issued + 86_400, "iat": issued, "jti": str(uuid.uuid4())}
    claims = dumps({**({nested: words} if nested else words), **proof}).encode()
    key = load_der_private_key(base64.b64decode(TEST_PRIVATE_KEY), None)
    assert isinstance(key, RSAPrivateKey)
    signed = f"{_b64(HEADER)}.{_b64(claims)}"
    return f"{signed}.{_b64(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def claims_in(token: str) -> dict[str, Any]:
    """What a token of the published key says. Raises AssertionError."""
    assert token.count(".") == 2, f"Signature is {token[:40]!r}"
    head, claims, signature = token.split(".")
    assert json.loads(_unb64(head)) == {"typ": "JWT", "alg": "RS256"}
    key = load_der_public_key(base64.b64decode(TEST_PUBLIC_KEY))
    assert isinstance(key, RSAPublicKey)
    key.verify(_unb64(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    said: dict[str, Any] = loads(_unb64(claims))
    return said


class BblSpeech(Speech):
    """See Speech; whether a path is iPay's or the portal's decides the language."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if not _is_portal(heard.path) or heard.path == TOKEN:
            assert heard.headers.get("content-type") == FORM, heard.headers.get("content-type")
            return dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
        words = loads(heard.body)
        claims = claims_in(heard.headers.get("signature", ""))
        said = {name: value for name, value in claims.items() if name not in _PROOF}
        nested = _nested(vector)
        assert (said.get(nested) if nested else said) == words, "the claims are not the body"
        assert claims["exp"] > claims["iat"] and str(uuid.UUID(claims["jti"])) == claims["jti"]
        return words

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        if isinstance(words, str):
            return Written(words.encode(), headers={"content-type": "text/html"})
        if _is_portal(heard.path):
            is_signed = heard.path != TOKEN and status == 200 and vector.said.get("answers_signed", True)
            more = {"Signature": sign(words, _now(vector), nested=_nested(vector))} if is_signed else {}
            return Written(dumps(words).encode(), headers={"content-type": "application/json", **more})
        if "records" in words:
            return Written(_xml(words["records"]).encode(), headers={"content-type": "text/xml"})
        return Written(urlencode(words).encode(), headers={"content-type": "text/html"})

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        if not _is_portal(path) or path == TOKEN:
            return Written(urlencode(words).encode(), headers={"content-type": FORM})
        signature = sign(words, _now(vector), nested=_nested(vector))
        headers = {"content-type": "application/json", "Signature": signature}
        return Written(dumps(words).encode(), headers=headers)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        text = body.decode()
        if "<html" in text:
            return {"page": text}
        if text.startswith("<"):
            records = ElementTree.fromstring(text)
            return {"records": [{field.tag: field.text or "" for field in record} for record in records]}
        if text.startswith("{"):
            said = loads(text)
            if "signature" in headers:
                _check(headers, said, _nested(vector))
            return said
        return dict(parse_qsl(text, keep_blank_values=True))

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        remote = vector.said.get("remote_ip")
        if "successcode" in words:
            return RawCallback("POST", {"content-type": FORM}, {}, urlencode(words).encode(), remote)
        headers = {"content-type": "application/json"}
        if vector.said.get("callback_signed", True):
            headers["signature"] = sign(words, 1_768_448_000, nested=_nested(vector))
        return RawCallback("POST", headers, {}, dumps(words).encode(), remote)

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        if raw.headers.get("content-type") == FORM:
            return dict(parse_qsl(raw.body.decode(), keep_blank_values=True))
        said = loads(raw.body)
        _check(raw.headers, said, _nested(vector))
        return said

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        return loads(answer.body)


def _check(headers: Mapping[str, str], said: Json, nested: str) -> None:
    claims = claims_in(headers["signature"])
    own = {name: value for name, value in claims.items() if name not in _PROOF}
    assert (own.get(nested) if nested else own) == said, "the claims are not the message"


def _is_portal(path: str) -> bool:
    return path.startswith(_PORTAL)


def _nested(vector: Vector) -> str:
    mode = str(vector.said.get("settings", {}).get("jwt_body_mode", ""))
    return mode.removeprefix("nested:") if mode.startswith("nested:") else ""


def _now(vector: Vector) -> int:
    now = vector.said.get("order", {}).get("now", "2026-01-15T10:30:00+07:00")
    return int(datetime.fromisoformat(now).timestamp())


def _xml(records: list[dict[str, str]]) -> str:
    fields = ["".join(f"<{name}>{_escaped(text)}</{name}>" for name, text in r.items()) for r in records]
    body = "".join(f"<record>{one}</record>" for one in fields)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<records>{body}</records>'


def _escaped(text: str) -> str:
    return re.sub(r"[&<>]", lambda found: {"&": "&amp;", "<": "&lt;", ">": "&gt;"}[found[0]], text)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


SPEECH: Final = BblSpeech()
