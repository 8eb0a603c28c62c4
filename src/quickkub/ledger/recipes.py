"""All bookings on one page: one function per business fact, plain values in, a journal out.

Dr and Cr below are what the function books. An amount of zero makes no line. Fees and VAT come in already
rounded, by the one rounding of kernel.money; nothing is rounded here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.kernel.ids import PaymentId
from quickkub.kernel.money import Money
from quickkub.ledger.chart import (
    FEES_EARNED,
    MERCHANT_PAYABLE,
    MERCHANT_UNAPPLIED,
    OUTPUT_VAT,
    provider_receivable,
)
from quickkub.ledger.journal import BookedJournal, Journal, Line, credit, debit, without_zeros

MONEY_RECEIVED: Final = "money_received"
"""One kind for applied and unapplied money: a receipt is booked once, as one or as the other (L3)."""

REVERSAL: Final = "reversal"
CORRECTION: Final = "correction"


class WrongSign(Refusal):
    """Received money is more than nothing; a fee and its VAT are not less than nothing."""

    code, kind = "booking_wrong_sign", Kind.UNPROCESSABLE


class NotReversed(Refusal):
    """A correction was asked for a journal that still stands."""

    code, kind = "journal_not_reversed", Kind.CONFLICT


def payment_received(
    receipt_id: str,
    payment: PaymentId,
    *,
    provider: str,
    account_id: str,
    gross: Money,
    fee: Money,
    fee_vat: Money,
    paid_at: datetime,
) -> Journal:
    """A payer paid what a payment asked for.

    Dr  provider:…:receivable  gross
    Cr  merchant:payable       gross - fee - VAT   (a debit when the fee is larger than the payment)
    Cr  fees:earned            fee
    Cr  tax:output_vat         VAT on the fee
    """
    _refuse_wrong_signs(gross, fee, fee_vat)
    return Journal(
        MONEY_RECEIVED,
        "receipt",
        receipt_id,
        f"payment {payment} received through {provider}",
        paid_at,
        without_zeros(
            debit(provider_receivable(provider, account_id), gross),
            credit(MERCHANT_PAYABLE, gross - fee - fee_vat),
            credit(FEES_EARNED, fee),
            credit(OUTPUT_VAT, fee_vat),
        ),
    )


def unapplied_received(
    receipt_id: str, payment: PaymentId, *, provider: str, account_id: str, gross: Money, paid_at: datetime
) -> Journal:
    """Money came that no payment was waiting for (P6). No fee is earned before somebody decides whose it is.

    Dr  provider:…:receivable  gross
    Cr  merchant:unapplied     gross
    """
    _refuse_wrong_signs(gross)
    return Journal(
        MONEY_RECEIVED,
        "receipt",
        receipt_id,
        f"unapplied money for {payment} received through {provider}",
        paid_at,
        (debit(provider_receivable(provider, account_id), gross), credit(MERCHANT_UNAPPLIED, gross)),
    )


def reversal_of(booked: BookedJournal, why: str, at: datetime) -> Journal:
    """A journal was a mistake: every line again on the other side. A journal is reversed once."""
    return Journal(
        REVERSAL,
        "journal",
        booked.id,
        f"reversal of {booked.id}: {why}",
        at,
        tuple(Line(line.account, -line.amount) for line in booked.journal.lines),
    )


def correction_of(reversal: BookedJournal, lines: tuple[Line, ...], why: str, at: datetime) -> Journal:
    """What should have been booked instead, after the mistake was reversed.

    It hangs on the reversal, because the fact itself has its one journal already. Raises NotReversed.
    """
    if reversal.journal.kind != REVERSAL:
        raise NotReversed(f"{reversal.id} is not a reversal; reverse the mistake first")
    return Journal(CORRECTION, "journal", reversal.id, f"correction after {reversal.id}: {why}", at, lines)


def _refuse_wrong_signs(gross: Money, *deductions: Money) -> None:
    if gross.minor <= 0:
        raise WrongSign(f"received money is positive, not {gross}")
    for deduction in deductions:
        if deduction.minor < 0:
            raise WrongSign(f"a fee or its VAT is not negative: {deduction}")
