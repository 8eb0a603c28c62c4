"""What reports there are, apart from the rest: commands are named without waiting for every room."""

from __future__ import annotations

from typing import Final

COMPLIANCE: Final = "compliance"
GROUPS: Final = {
    "volume": ("volume-daily", "volume-monthly"),
    "suspicious-cases": ("suspicious-cases", "payout-freezes", "merchant-risks"),
    "threshold-transactions": ("threshold-transactions", "threshold-days"),
    "access-review": (
        "users",
        "members",
        "operators",
        "invitations",
        "api-keys",
        "oauth-clients",
        "database-roles",
        "approvals",
    ),
    "key-inventory": ("key-inventory", "signing-keys", "sealed-columns"),
    "audit-verification": ("audit-verification", "audit-activity"),
    "incidents": ("incidents", "breaches", "restore-drills"),
    "page-watches": ("page-watches", "page-scripts"),
    "retention-runs": ("retention-runs", "retention-periods", "legal-holds", "privacy-requests", "erasures"),
    "vulnerability-scan": ("scans", "scan-findings", "components"),
}
"""Which tables each report has; `compliance` has them all."""
