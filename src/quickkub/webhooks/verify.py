"""Is this webhook from QuickKub? The rule as a merchant applies it; standard library only, made to be copied.

    try:
        webhook_id = verify(request.headers, request.raw_body, ["whsec_…"], now=time.time())
    except NotGenuine:
        return 401
    if seen_before(webhook_id):     # at-least-once delivery: a repeat is answered 200 and changes nothing
        return 200

Read the body's raw bytes once and verify those: JSON that was parsed and written again has other bytes.
During a rotation pass both secrets. Use `verify_compatible` only where the `webhook-*` headers cannot be had:
its signature does not cover the id.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

TOLERANCE_SECONDS: Final = 300
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURES_LENGTH_MAX: Final = 1024
_V1: Final = re.compile(r"v1,([A-Za-z0-9+/]{43}=)")
_OTHER_VERSION: Final = re.compile(r"v(?!1,)[0-9]{1,3}[a-z]?,[A-Za-z0-9+/=_-]{1,512}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class NotGenuine(Exception):
    """Answer 401. It says no more than that, because whoever forged the message would read it."""

    def __init__(self) -> None:
        super().__init__("the webhook's signature does not verify")


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str:
    """Check the Standard Webhooks headers; returns the webhook's id, the same on every repeat.

    `headers` may spell names in any case; `now` is Unix seconds. Raises NotGenuine, and ValueError when one
    of your own `secrets` is not in the form `whsec_` + base64.
    """
    webhook_id = _one(headers, "webhook-id", _ID)
    timestamp = _timely(headers, "webhook-timestamp", now)
    given = _signatures(_header(headers, "webhook-signature"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    if not _any_matches(signed, given, secrets):
        raise NotGenuine
    return webhook_id


def verify_compatible(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
    """Check `x-webhook-timestamp` and `x-webhook-signature`. Raises as `verify` does."""
    timestamp = _timely(headers, "x-webhook-timestamp", now)
    given = bytes.fromhex(_one(headers, "x-webhook-signature", _HEX))
    if not _any_matches(f"{timestamp}.".encode() + body, [given], secrets):
        raise NotGenuine


def _any_matches(signed: bytes, given: Iterable[bytes], secrets: Sequence[str]) -> bool:
    """Compares bytes in constant time, and every pair, so that time tells nothing about which one fits."""
    expected = [hmac.digest(_key(secret), signed, "sha256") for secret in secrets]
    found = False
    for one in given:
        for right in expected:
            found |= hmac.compare_digest(one, right)
    return found


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith("whsec_") or len(key) < 24:  # noqa: PLR2004 -- the least Standard Webhooks allows
        raise ValueError("a webhook secret is whsec_ and base64 of at least 24 bytes")
    return key


def _timely(headers: Mapping[str, str], name: str, now: float) -> str:
    """ASCII digits only, looked at before conversion: int() also takes signs, spaces and Thai digits.

    Returned as it came, because that is what was signed.
    """
    timestamp = _one(headers, name, _TIMESTAMP)
    if not abs(now - int(timestamp)) <= TOLERANCE_SECONDS:
        raise NotGenuine
    return timestamp


def _signatures(text: str) -> list[bytes]:
    """Every v1 signature. Versions we do not know are passed over; anything malformed refuses the whole."""
    if len(text) > _SIGNATURES_LENGTH_MAX:
        raise NotGenuine
    found = []
    for part in text.split(" "):
        if (match := _V1.fullmatch(part)) is not None:
            found.append(_strictly_decoded(match[1]))
        elif _OTHER_VERSION.fullmatch(part) is None:
            raise NotGenuine
    return found


def _strictly_decoded(text: str) -> bytes:
    decoded = base64.b64decode(text, validate=True)
    # The last digit of base64 carries two unused bits; only their zero form is the signature we sent.
    if base64.b64encode(decoded).decode() != text:
        raise NotGenuine
    return decoded


def _one(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = _header(headers, name)
    if shape.fullmatch(value) is None:
        raise NotGenuine
    return value


def _header(headers: Mapping[str, str], name: str) -> str:
    """The one value of a header. Missing or given twice under different spellings refuses."""
    values = [value for spelled, value in headers.items() if spelled.lower() == name]
    if len(values) != 1:
        raise NotGenuine
    return values[0]
