"""The signature of notices and statements: HMAC-SHA256 over the raw body, in a header."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from quickkub.connectors.contract import Account

HEADER: Final = "x-promptpay-signature"
_NAMES: Final = ("notification_secret", "previous_notification_secret")


def secrets(account: Account) -> list[str]:
    """The current secret and the one before it, of those that there are."""
    found = (account.credentials.get(name) for name in _NAMES)
    return [secret.reveal().strip() for secret in found if secret and secret.reveal().strip()]


def signature(secret: str, body: bytes) -> str:
    """Lower-case hex."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def is_signed(account: Account, headers: Mapping[str, str], body: bytes) -> bool:
    """Compared in constant time; an account without a secret believes nothing."""
    given = headers.get(HEADER, "").strip().encode()
    return any(hmac.compare_digest(signature(secret, body).encode(), given) for secret in secrets(account))
