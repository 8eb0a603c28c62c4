"""What may be permitted on a merchant's side, and what its keys may do by their kind.

Source: security-reliability 5.3. A permission is `object:verb`. Roles are made of the same words, one floor
up in access/permissions.py.
"""

from __future__ import annotations

from typing import Final

PUBLISHABLE: Final = frozenset({"checkout:read", "tokens:write"})
"""What anybody may do who reads a shop's page: what can be paid with, and turning payer data into a token."""

READS: Final = frozenset(
    {
        "checkout:read",
        "payments:read",
        "refunds:read",
        "disputes:read",
        "cases:read",
        "balance:read",
        "events:read",
        "webhooks:read",
        "settings:read",
        "routing:read",
        "providers:read",
        "merchant:read",
    }
)
"""A merchant's business, without who works there and what the log says about them."""

SENSITIVE_READS: Final = frozenset(
    {"team:read", "keys:read", "audit:read", "fraud:read", "kyc:read", "settlement:read", "privacy:read"}
)

PEOPLE_ONLY: Final = frozenset(
    {"team:write", "settlement:write", "approvals:write", "kyc:write", "privacy:write"}
)
"""Acts that need a person to answer for them: no key may do them, however it was made."""

WRITES: Final = frozenset(
    {
        "tokens:write",
        "payments:write",
        "refunds:write",
        "disputes:write",
        "cases:write",
        "slips:write",
        "events:write",
        "webhooks:write",
        "settings:write",
        "routing:write",
        "providers:write",
        "merchant:write",
        "fraud:write",
        "keys:write",
        "payouts:write",
        "test:write",
    }
)

MERCHANT_PERMISSIONS: Final = READS | SENSITIVE_READS | WRITES | PEOPLE_ONLY
"""All there is on a merchant's side."""

SECRET: Final = MERCHANT_PERMISSIONS - PEOPLE_ONLY
"""What a secret key may do, and the most a restricted key can be given."""
