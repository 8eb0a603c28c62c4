"""How long each kind of record is kept: defaults, what the law asks for at least, and what an operator sets.

Source: security-reliability 8, Retention; Accounting Act B.E. 2543 s.14 and Revenue Code s.83/5 (5 years, up
to 7 by order), AML Act s.22 (5 years after closing, longer by order), Computer Crime Act s.26 (90 days), PCI
DSS 4.0.1 10.5.1 (12 months). Counsel has to confirm each before a claim is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from quickkub.kernel.errors import Kind as RefusalKind
from quickkub.kernel.errors import Refusal

YEAR: Final = 365
DAYS_MAX: Final = 100 * YEAR


class RetentionTooShort(Refusal):
    """A setting would delete what the law asks to keep, or is no number of days."""

    code, kind = "retention_too_short", RefusalKind.INVALID


class Kind(Enum):
    """A kind of record, for which one time holds."""

    PAYMENTS = "payments"
    MERCHANT_CHECKS = "merchant_checks"
    AUDIT = "audit"
    ACCESS_LOGS = "access_logs"
    PROVIDER_BODIES = "provider_bodies"
    WEBHOOK_BODIES = "webhook_bodies"
    FRAUD_INPUTS = "fraud_inputs"
    IDEMPOTENCY = "idempotency"
    BOOKS = "books"
    ACCOUNTS = "accounts"
    PRIVACY = "privacy"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Period:
    """`days` by default and `days_min` by law, counted from `since`. None: as long as what it belongs to.

    `fixed`: another room's job keeps to this time, and no setting moves it.
    """

    kind: Kind
    days: int | None
    days_min: int
    since: str
    why: str
    fixed: bool = False


PERIODS: Final = (
    Period(Kind.PAYMENTS, 10 * YEAR, 5 * YEAR, "payment made", "Accounting Act s.14, Revenue Code s.83/5"),
    Period(Kind.MERCHANT_CHECKS, 10 * YEAR, 5 * YEAR, "merchant closed", "AML Act s.22"),
    Period(Kind.AUDIT, 7 * YEAR, YEAR, "entry written", "PCI DSS 10.5.1"),
    Period(Kind.ACCESS_LOGS, YEAR, 90, "visit", "Computer Crime Act s.26; PCI DSS 10.5.1"),
    Period(Kind.PROVIDER_BODIES, 180, 90, "received", "disputes take months; Computer Crime Act s.26"),
    Period(Kind.WEBHOOK_BODIES, 90, 30, "event written", "merchants replay what they missed"),
    Period(Kind.FRAUD_INPUTS, 396, 396, "decided", "13 months: a season is played again", fixed=True),
    Period(Kind.IDEMPOTENCY, 30, 30, "first request", "longer than any client repeats (I3)", fixed=True),
    Period(Kind.BOOKS, None, 10 * YEAR, "", "books name nobody and are never cut"),
    Period(Kind.ACCOUNTS, None, 0, "", "as long as the merchant or the person is with us"),
    Period(Kind.PRIVACY, None, 10 * YEAR, "", "proof of what was asked and done"),
    Period(Kind.RUNNING, None, 0, "", "as long as the work it is for"),
)

BY_KIND: Final[Mapping[Kind, Period]] = {period.kind: period for period in PERIODS}


def variable(kind: Kind) -> str:
    """The setting of a kind, such as QUICKKUB_RETENTION_PROVIDER_BODIES_DAYS."""
    return f"QUICKKUB_RETENTION_{kind.name}_DAYS"


def read_periods(environment: Mapping[str, str]) -> dict[Kind, int]:
    """Days by kind, for the kinds that end. Raises RetentionTooShort for the first setting that is wrong."""
    days: dict[Kind, int] = {}
    for period in PERIODS:
        name = variable(period.kind)
        said = environment.get(name)
        if said and (period.fixed or period.days is None):
            raise RetentionTooShort(f"{name} cannot be set: {period.why}", param=name)
        if period.days is None:
            continue
        days[period.kind] = _days(name, said, period) if said else period.days
    return days


def _days(name: str, text: str, period: Period) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(DAYS_MAX))):
        raise RetentionTooShort(f"{name} must be a whole number of days", param=name)
    if not period.days_min <= int(text) <= DAYS_MAX:
        raise RetentionTooShort(
            f"{name} must be {period.days_min} to {DAYS_MAX} days: {period.why}", param=name
        )
    return int(text)
