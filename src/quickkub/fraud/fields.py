"""Everything a rule may look at: name, kind of value, and whether it is somebody's.

What is somebody's is kept as a keyed hash, so a rule can only ask whether it equals another field or is
known;
lists are the way to name a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quickkub.fraud.velocity import KEY_KINDS, MEASURES, PAIRS, PARTNERS_MAX, WINDOWS

NUMBER, TEXT, TRUTH = "number", "text", "truth"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a rule may look at. `personal`: kept hashed."""

    name: str
    kind: str
    says: str
    personal: bool = False


_DIRECT: Final = (
    Field("amount", NUMBER, "what is asked for, in satang"),
    Field("currency", TEXT, "ISO 4217"),
    Field("method", TEXT, "the payment method's id"),
    Field("method_kind", TEXT, "`card`, or `other`"),
    Field("capture_later", TRUTH, "only authorised for now"),
    Field(
        "challenge_offered",
        TRUTH,
        "the provider can be told to ask the payer for 3-D Secure; after payment, whether it was told",
    ),
    Field("hour", NUMBER, "hour of the day in Bangkok, 0 to 23"),
    Field("weekday", NUMBER, "1 Monday to 7 Sunday, in Bangkok"),
    Field("card", TEXT, "the card's fingerprint", personal=True),
    Field("payer_account", TEXT, "the payer's bank account or wallet", personal=True),
    Field("phone", TEXT, "the payer's phone", personal=True),
    Field("email", TEXT, "the payer's e-mail address", personal=True),
    Field("address", TEXT, "the payer's IP address", personal=True),
    Field("network", TEXT, "its block: /24, or /48 of IPv6", personal=True),
    Field("device", TEXT, "the payer's device", personal=True),
    Field("bin", TEXT, "the first digits of the card"),
    Field("email_domain", TEXT, "the domain of the e-mail address"),
    Field("email_disposable", TRUTH, "the domain gives addresses away for minutes"),
    Field("card_country", TEXT, "where the card was issued, two letters"),
    Field("payer_country", TEXT, "where the payer is, as the merchant sees it, two letters"),
    Field(
        "liability_shifted",
        TRUTH,
        "the issuer answers for fraud (3-D Secure); known after the provider spoke",
    ),
    Field("merchant_age_days", NUMBER, "whole days since the merchant was made"),
    Field(
        "merchant_idle_days", NUMBER, "whole days from the last payment before the last 24 hours until now"
    ),
    Field("merchant_class", TEXT, "`general`, `high` or `prohibited`"),
    Field("merchant_category", TEXT, "what the merchant sells"),
    Field("merchant_declared_amount", NUMBER, "what it said it would take in 30 days, in satang"),
    Field(
        "merchant_refund_percent",
        NUMBER,
        "refunded of captured in 30 days, whole percent; unknown under 20 payments",
    ),
    Field(
        "merchant_dispute_basis_points",
        NUMBER,
        "disputes per 10,000 payments in 30 days; unknown under 100 payments",
    ),
    Field("payout_account_changed_hours", NUMBER, "hours since the payout account was changed"),
    Field(
        "amount_percent_of_usual",
        NUMBER,
        "of the mean of 30 days without this one; unknown under 20 payments",
    ),
    Field(
        "merchant_hour_percent_of_usual",
        NUMBER,
        "payments of the last hour against the mean hour of 7 days; unknown under 50",
    ),
    Field("refund_after_minutes", NUMBER, "for refunds: minutes since the payment"),
    Field("refund_elsewhere", TRUTH, "for refunds: the money goes to another account than it came from"),
)


def _velocity() -> list[Field]:
    found = [
        Field(f"{kind}.{window.name}.{measure}", NUMBER, f"{measure} of the {kind} in {window.name}")
        for kind in KEY_KINDS
        for window in WINDOWS
        for measure in MEASURES
    ]
    found += [
        Field(
            f"{kind}.{window.name}.{partner}s",
            NUMBER,
            f"{partner}s seen with the {kind} in {window.name}; of more than {PARTNERS_MAX} the newest count",
        )
        for kind, partners in PAIRS.items()
        for partner in partners
        for window in WINDOWS
    ]
    return found


DIRECT: Final = _DIRECT
FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in (*_DIRECT, *_velocity())}
