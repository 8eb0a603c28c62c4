"""The Idempotency-Key header: same key, same words, one effect (I1 to I3, security-reliability 3.10).

This file reads the header and takes the fingerprint. The key is claimed by the room that does the work, in
the transaction that writes the intent, so that a crash in between cannot leave one without the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from litestar import Response

from quickkub.api.auth import one_header
from quickkub.api.request import ApiRequest
from quickkub.kernel.errors import Kind, Refusal
from quickkub.payments.model import Answered
from quickkub.storage.idempotency import Once, fingerprint

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}")


class KeyMissing(Refusal):
    """An operation that can move money was asked for without an Idempotency-Key."""

    code, kind = "idempotency_key_missing", Kind.INVALID


class KeyMalformed(Refusal):
    """An Idempotency-Key is 1 to 255 visible ASCII characters."""

    code, kind = "idempotency_key_invalid", Kind.INVALID


async def once(request: ApiRequest) -> Once:
    """What makes this request the same request. Raises KeyMissing, KeyMalformed, HeaderRepeated."""
    key = one_header(request, HEADER)
    if key is None:
        raise KeyMissing("send an Idempotency-Key that is new for every intent", param=HEADER)
    if _VISIBLE.fullmatch(key) is None:
        raise KeyMalformed("must be 1 to 255 visible ASCII characters", param=HEADER)
    template = request.scope["path_template"]
    values = tuple(str(value) for _, value in sorted(request.path_params.items()))
    return Once(
        merchant=request.caller.merchant,
        mode=request.caller.mode,
        operation=f"{request.method} {template}",
        key=key,
        fingerprint=fingerprint(request.method, template, values, await request.body()),
    )


def rendered_as(status: int) -> Callable[[Mapping[str, Any]], tuple[int, bytes]]:
    """How the room that stores the answer turns the object into what is sent, now and in every replay."""

    def render(shown: Mapping[str, Any]) -> tuple[int, bytes]:
        return status, msgspec.json.encode(shown)

    return render


def answered(done: Answered) -> Response[bytes]:
    """The stored status and bytes; a replay says so."""
    return Response(
        done.body,
        status_code=done.status,
        media_type="application/json",
        headers={REPLAYED: "true"} if done.replayed else {},
    )
