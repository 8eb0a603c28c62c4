"""When to ask again, when time is up, and what a merchant may ask for. No I/O."""

from __future__ import annotations

from typing import Final

from quickkub.connectors.contract import Manifest, MethodOffer, Payer
from quickkub.kernel.money import THB, Money
from quickkub.payments.model import AmountOutOfRange, CurrencyUnsupported, PayerInputMissing
from quickkub.payments.states import AttemptState

CALL_SECONDS: Final = 25
"""The longest a provider call made while a merchant waits may take, token included."""

INQUIRY_SECONDS: Final = 30
"""The longest an inquiry may take; shorter than a worker's lease on purpose."""

FIRST_CHECK_SECONDS: Final = 30
"""An attempt that has no answer by then was cut off by a crash; longer than CALL_SECONDS on purpose."""

UNKNOWN_BACKOFF: Final = (2, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds between inquiries while nobody can tell (security-reliability 3.7); the last repeats for 7 days."""

WAITING_BACKOFF: Final = (15, 15, 30, 30, 60, 60, 120, 300)
"""Seconds between inquiries while the payer has the QR: callbacks are quicker, but may be lost."""

SHOWN_LATE_SECONDS: Final = 3

LATE_BACKOFF: Final = (30, 60, 300, 1800, 7200, 21600, 43200, 86400)
"""Seconds between looks for late money after we stopped waiting; then no more (callbacks still count)."""

HOLD_BACKOFF: Final = (3600, 21600, 86400)
"""Seconds between looks at money that is held: it may be captured, let go or lapse without us."""

PAID_BACKOFF: Final = (120, 3600, 86400)
"""Seconds between looks for a second payment of a QR that can be paid again (scb 12)."""

INSTRUCTION_BACKOFF: Final = (10, 30, 60, 300, 900, 3600)
"""Seconds between inquiries while the provider works on an instruction."""

UNKNOWN_CHECKS_MAX: Final = len(UNKNOWN_BACKOFF) + 7 * 24
"""After this many inquiries, about 7 days, a person looks; still not failed."""


def next_check_seconds(state: AttemptState, checks: int) -> int | None:
    """Seconds until the next inquiry after `checks` inquiries in this state; None for no more."""
    match state:
        case AttemptState.CREATED | AttemptState.UNKNOWN | AttemptState.PROCESSING:
            return UNKNOWN_BACKOFF[min(checks, len(UNKNOWN_BACKOFF) - 1)]
        case AttemptState.REQUIRES_ACTION:
            return WAITING_BACKOFF[min(checks, len(WAITING_BACKOFF) - 1)]
        case AttemptState.EXPIRED | AttemptState.CANCELLED | AttemptState.FAILED:
            return LATE_BACKOFF[checks] if checks < len(LATE_BACKOFF) else None
        case AttemptState.SUCCEEDED:
            return PAID_BACKOFF[checks] if checks < len(PAID_BACKOFF) else None
        case AttemptState.AUTHORIZED:
            return HOLD_BACKOFF[min(checks, len(HOLD_BACKOFF) - 1)]


def first_look_seconds(*, shown_late: bool) -> int:
    """Seconds until the first inquiry after the payer got something to pay with.

    What is shown only after a lost answer was perhaps paid long ago, from the first answer that we never got.
    """
    return SHOWN_LATE_SECONDS if shown_late else WAITING_BACKOFF[0]


def next_instruction_seconds(state: str, checks: int) -> int:
    """Seconds until the next inquiry about an instruction after `checks` inquiries in this state."""
    backoff = INSTRUCTION_BACKOFF if state == "processing" else UNKNOWN_BACKOFF
    return backoff[min(checks, len(backoff) - 1)]


def refuse_missing_input(payer: Payer, offer: MethodOffer) -> None:
    """Raises PayerInputMissing for the first thing the method needs to know and was not told."""
    for name in offer.needs:
        if not getattr(payer, name):
            raise PayerInputMissing(f"{offer.method} needs the payer's {name}", param=f"payer.{name}")


def refuse_amount(amount: Money, method: str, manifest: Manifest) -> None:
    """Raises CurrencyUnsupported or AmountOutOfRange when the method at this provider cannot take it."""
    if amount.currency != THB:
        raise CurrencyUnsupported(f"{method} takes THB, not {amount.currency}", param="currency")
    offer = next(o for o in manifest.methods if o.method == method)
    if not offer.amount_min <= amount.minor <= offer.amount_max:
        raise AmountOutOfRange(
            f"{method} takes {offer.amount_min} to {offer.amount_max} satang", param="amount"
        )
