"""What was said on the wire, kept as evidence, with every secret taken out (invariants P8, A4)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from quickkub.connectors.contract import Request, Response
from quickkub.kernel.clock import Clock, rfc3339
from quickkub.kernel.secrets import Secret
from quickkub.telemetry.redaction import SECRET_NAMES, STARS

BODY_MAX: Final = 64 << 10
"""Bytes of a body kept in a transcript; of a longer one the beginning, its length and its digest."""

_SECRET_MIN: Final = 4


class Transcript:
    """The talk of one exchange: each request with its answer or the reason why there is none."""

    def __init__(self, clock: Clock, secrets: Iterable[Secret]) -> None:
        self._clock = clock
        self._said: list[dict[str, Any]] = []
        self._forms: dict[str, None] = {}
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: Secret) -> None:
        """Take this value out of everything written from now on, in every form it may appear in."""
        value = secret.reveal()
        if len(value) < _SECRET_MIN:
            return  # the stars of a secret this short would say more about it than its absence
        encoded = base64.b64encode(value.encode()).decode().rstrip("=")
        in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        for form in (value, *in_json, quote(value, safe=""), quote_plus(value), encoded):
            self._forms[form] = None

    def answered(self, request: Request, response: Response, *, private: bool = False) -> None:
        """Write down an answer. `private` leaves both bodies out: they carry credentials and tokens."""
        self._said.append(
            {
                **self._asked(request, private=private),
                "status": response.status,
                "answer_headers": self._headers(response.headers),
                "answer": self._body(response.body, private=private),
            }
        )

    def unanswered(self, request: Request, cause: str, *, sent: bool, private: bool = False) -> None:
        """Write down that there was no usable answer, and whether the request may have left."""
        self._said.append(
            {**self._asked(request, private=private), "no_answer": self._hidden(cause), "sent": sent}
        )

    def written(self) -> bytes:
        """The transcript as JSON."""
        return json.dumps(self._said, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )

    def _asked(self, request: Request, *, private: bool) -> dict[str, Any]:
        return {
            "at": rfc3339(self._clock.now()),
            "method": request.method,
            "path": self._hidden(request.path),
            "query": self._headers(request.query),
            "headers": self._headers(request.headers),
            "body": self._body(request.body, private=private),
        }

    def _headers(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {
            name: STARS if SECRET_NAMES.search(name) else self._hidden(value)
            for name, value in fields.items()
        }

    def _body(self, body: bytes, *, private: bool) -> Any:
        if private and body:
            return f"{STARS} ({len(body)} bytes)"
        # Hidden before it is cut, so that no secret is cut in two and survives by that.
        try:
            text = self._hidden(body.decode("utf-8"))
        except UnicodeDecodeError:
            text = self._hidden(body.decode("latin-1"))
        if len(text) <= BODY_MAX:
            return text
        return {"begins": text[:BODY_MAX], "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    def _hidden(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, STARS)
        return text
