"""KBank's speech: JSON with ids that are new in every request, and a form for the token.

A vector writes `<fresh>` for an id that may be anything new (`partnerTxnUid` of all but creations, `rqUID`)
and `<now>` for a time that nobody gives to the connector (slips and the live check).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from tests.support.speech import Heard, Speech, Written, dumps, loads

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

FORM: Final = "application/x-www-form-urlencoded"
CREATIONS: Final = ("/v1/qrpayment/request", "/kplus/payment/generate-token")
FRESH: Final = {"partnerTxnUid": re.compile(r"[A-Z0-9]{15}"), "rqUID": re.compile(r"[0-9a-f]{32}")}
OURS: Final = "VEC"
MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+07:00")


class KbankSpeech(Speech):
    """See Speech."""

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        if heard.path.endswith("/oauth/token"):
            assert heard.headers.get("content-type") == FORM, heard.headers.get("content-type")
            return dict(parse_qsl(heard.body.decode()))
        words = super().request_words(vector, heard)
        if heard.method != "POST" or not isinstance(words, dict):
            return words
        for name, shape in FRESH.items():
            if name in words and heard.path not in CREATIONS:
                assert shape.fullmatch(words[name]), f"{name} is {words[name]!r}"
                assert words[name] != words.get("origPartnerTxnUid"), f"{name} is not fresh"
                words[name] = "<fresh>"
        for name in ("rqDt", "requestDt"):
            if name in words and (vector.said["asks"] == "check" or isinstance(vector.said["asks"], list)):
                assert MOMENT.fullmatch(words[name]), words[name]
                words[name] = "<now>"
        return words

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        text = words if isinstance(words, str) else dumps(words)
        if "<fresh>" in text:
            asked = loads(heard.body)
            text = text.replace("<fresh>", asked.get("partnerTxnUid") or asked["rqUID"])
        return Written(text.encode(), headers={"content-type": "application/json"})

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        if path.endswith("/oauth/token"):
            return Written(urlencode(words).encode(), headers={"content-type": FORM})
        if isinstance(words, dict):
            words = {name: _filled(name, value) for name, value in words.items()}
        return super().request(vector, method, path, words)

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        said = loads(body)
        if isinstance(said, dict):
            if str(said.get("partnerTxnUid")).startswith(OURS):
                said["partnerTxnUid"] = "<fresh>"
            if "rqUID" in said:
                said["rqUID"] = "<fresh>"
        return said


def _filled(name: str, value: Json) -> Json:
    match value:
        case "<fresh>" if name == "rqUID":
            return uuid.uuid4().hex
        case "<fresh>":
            return OURS + uuid.uuid4().hex[:12].upper()
        case "<now>":
            return "2026-01-15T10:30:00+07:00"
        case _:
            return value


SPEECH: Final = KbankSpeech()
