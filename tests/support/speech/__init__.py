"""How a provider's words are put on the wire and taken off it again, for playing vectors.

A vector holds plain words. Most providers write them as JSON; one that signs, encrypts or posts forms has a
module of its name here with a `SPEECH` of its own. What the speech checks (a signature, a content type) it
refuses with an AssertionError that says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from quickkub.connectors.contract import CallbackAnswer, RawCallback

if TYPE_CHECKING:
    from tests.support.vectors import Vector

Json = Any

IN_QUERY: Final = ("GET", "DELETE")


@dataclass(frozen=True)
class Heard:
    """A request as a server got it: `path` without the provider's base path, header names in lower case."""

    method: str
    path: str
    query_text: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Written:
    """What goes on the wire."""

    body: bytes = b""
    query_text: str = ""
    headers: Mapping[str, str] | None = None


class Speech:
    """JSON in a POST, a query in a GET or DELETE, JSON back. A request without words (null) has no body.

    Headers with tokens and the like are in the vectors' account.json; a speech adds what has to be computed.
    """

    def request_words(self, vector: Vector, heard: Heard) -> Json:
        """What a connector asked, in a vector's words. Raises AssertionError for a bad signature or type."""
        if heard.method in IN_QUERY:
            return dict(parse_qsl(heard.query_text, keep_blank_values=True))
        if not heard.body:
            return None
        assert heard.headers.get("content-type") == "application/json", heard.headers.get("content-type")
        return loads(heard.body)

    def answer(self, vector: Vector, status: int, words: Json, heard: Heard) -> Written:
        """An answer of the vector as the provider writes it to this request."""
        text = words if isinstance(words, str) else dumps(words)
        return Written(text.encode(), headers={"content-type": "application/json"})

    def request(self, vector: Vector, method: str, path: str, words: Json) -> Written:
        """A request of the vector as a client of the provider writes it, signed where that is asked for."""
        if method in IN_QUERY:
            return Written(query_text=urlencode(words or {}))
        if words is None:
            return Written()
        return Written(dumps(words).encode(), headers={"content-type": "application/json"})

    def answer_words(self, vector: Vector, body: bytes, headers: Mapping[str, str]) -> Json:
        """A simulator's answer in a vector's words."""
        return loads(body)

    def callback(self, vector: Vector, words: Json) -> RawCallback:
        """A callback of the vector as the provider sends it."""
        headers = {"content-type": "application/json"}
        return RawCallback("POST", headers, {}, dumps(words).encode(), vector.said.get("remote_ip"))

    def callback_words(self, vector: Vector, raw: RawCallback) -> Json:
        """A callback the simulator sent, in a vector's words."""
        return loads(raw.body)

    def our_answer_words(self, vector: Vector, answer: CallbackAnswer) -> Json:
        """What we answered to a callback, in a vector's words."""
        return loads(answer.body)


def loads(text: str | bytes) -> Json:
    """JSON with exact numbers: 100.00 is 100.0 but not "100.00"."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Json) -> str:
    return json.dumps(value, default=float)


def speech_of(folder: str) -> Speech:
    """The speech of the provider in this folder; JSON when it has no module here."""
    name = f"{__name__}.{folder}"
    if find_spec(name) is None:
        return Speech()
    found: Speech = import_module(name).SPEECH
    return found
