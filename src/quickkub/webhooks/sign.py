"""Signing what is sent: Standard Webhooks headers, and the older `x-webhook-*` pair beside them.

Both are HMAC-SHA-256 under the same secret bytes over the same body:
`webhook-signature` over `id.timestamp.body`, `x-webhook-signature` over `timestamp.body`.
Source: Standard Webhooks 1.0; security-reliability 5.4.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.secrets import Secret

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


class BadSecret(Refusal):
    """A stored webhook secret is not `whsec_` and base64 of 32 bytes."""

    code, kind = "webhook_secret_unreadable", Kind.UNAVAILABLE


def new_secret() -> Secret:
    """A fresh `whsec_…` of 32 random bytes."""
    return Secret(PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode())


def secret_bytes(secret: Secret) -> bytes:
    """The key inside `whsec_…`. Raises BadSecret."""
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or len(key) != SECRET_BYTES:
        raise BadSecret("the webhook secret is not in its form")
    return key


def standard_headers(
    webhook_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret]
) -> dict[str, str]:
    """Standard Webhooks. `timestamp` is Unix seconds of this try; one signature per secret, newest first."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (hmac.digest(secret_bytes(secret), signed, "sha256") for secret in secrets)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join("v1," + base64.b64encode(one).decode() for one in signatures),
    }


def compatible_headers(timestamp: int, body: bytes, secret: Secret) -> dict[str, str]:
    """The older pair. It has room for one signature only, so it is made with the newest secret."""
    signed = f"{timestamp}.".encode() + body
    return {
        "x-webhook-timestamp": str(timestamp),
        "x-webhook-signature": hmac.new(secret_bytes(secret), signed, "sha256").hexdigest(),
    }
