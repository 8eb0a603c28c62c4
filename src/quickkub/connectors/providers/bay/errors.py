"""Krungsri's return codes in our words, and what an HTTP error proves (bay.md A8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quickkub.connectors.contract import Declined, Failure, Unknown, unexpected

SUCCESS: Final = "10000"
ALREADY_SCANNED: Final = "31001"
NOT_FOUND: Final = "32201"
HTTP_OK: Final = 200
STILL_PENDING: Final = frozenset({ALREADY_SCANNED, NOT_FOUND})
"""About one payment these mean: not paid yet."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says. `failure` None: it does not prove that nothing happened."""

    text: str
    failure: Failure | None


_OURS: Final = Failure.PROVIDER_MISCONFIGURED

MEANINGS: Final = {
    "21000": Meaning("invalid signature", _OURS),
    "21001": Meaning("invalid bizMchId", _OURS),
    "21002": Meaning("invalid biller id", _OURS),
    "21004": Meaning("page size over 30", Failure.REQUEST_REFUSED),
    "31001": Meaning("QR already scanned", None),
    "31002": Meaning("QR expired", Failure.EXPIRED),
    "32201": Meaning("transaction not found", None),
    "32301": Meaning("QR format error", Failure.REQUEST_REFUSED),
    "32322": Meaning("trade closed", Failure.EXPIRED),
    "32341": Meaning("reading the detail failed", None),
    "32351": Meaning("reading the list failed", None),
}


def conclude(code: str) -> Declined | Unknown:
    """What a return code other than success proves. One that is not in the table proves nothing."""
    meaning = MEANINGS.get(code)
    if meaning is None:
        return unexpected(f"Krungsri answered with code {code[:20]!r}, which we do not know")
    if meaning.failure is None:
        return Unknown(f"Krungsri answered {code}: {meaning.text}")
    return Declined(meaning.failure, code, meaning.text)


def at_the_gateway(status: int, code: str) -> Declined | Unknown:
    """What an HTTP error proves: a refused key never reached the bank; all others may have.

    The gateway answers 400 with code -200 when it cannot contact the system behind it, so a 400 is no proof.
    """
    if status in (401, 403):
        return Declined(_OURS, code or str(status), "the gateway refuses the API key")
    return Unknown(f"the gateway answered HTTP {status} with code {code[:20]!r}")
