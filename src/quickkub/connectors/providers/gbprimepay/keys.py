"""The three keys of a merchant, Basic headers, and checksums (pack 1, 3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from quickkub.connectors.contract import Account
from quickkub.connectors.switches import setting


def public_key(account: Account) -> str:
    return setting(account, "public_key")


def secret_key(account: Account) -> str:
    return _secret(account, "secret_key")


def customer_token(account: Account) -> str:
    """The "customer key", field `token` of QR forms."""
    return _secret(account, "token")


def lacks(account: Account) -> str:
    """The first thing without which nothing can be asked; empty when all is there."""
    found = {
        "public_key": public_key(account),
        "secret_key": secret_key(account),
        "token": customer_token(account),
    }
    return next((name for name, value in found.items() if not value), "")


def basic(key: str) -> str:
    """The key as user, and no password (pack 1)."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def checksum(secret: str, fields: Mapping[str, str], signs: tuple[str, ...]) -> str:
    """Lower-case hex of HMAC-SHA256 over the fields' exact texts, one after the other (pack 3)."""
    message = "".join(fields[name] for name in signs)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def _secret(account: Account, name: str) -> str:
    found = account.credentials.get(name)
    return found.reveal().strip() if found else ""
