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
    DISPUTED,
    FEES_EARNED,
    MERCHANT_PAYABLE,
    MERCHANT_UNAPPLIED,
    OUTPUT_VAT,
    OWN_BANK,
    REFUNDS_DUE,
    AccountCode,
    provider_receivable,
)
from quickkub.ledger.journal import BookedJournal, Journal, Line, credit, debit, without_zeros

MONEY_RECEIVED: Final = "money_received"
"""One kind for applied and unapplied money: a receipt is booked once, as one or as the other (L3)."""

REFUND_PROMISED: Final = "refund_promised"
REFUND_PAID: Final = "refund_paid"
REFUND_DROPPED: Final = "refund_dropped"
DISPUTE_OPENED: Final = "dispute_opened"
DISPUTE_WON: Final = "dispute_won"
DISPUTE_LOST: Final = "dispute_lost"
UNAPPLIED_ACCEPTED: Final = "unapplied_accepted"
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
    over: Money | None = None,
) -> Journal:
    """A payer paid what a payment asked for, and perhaps a little more (`over`).

    Dr  provider:…:receivable  gross
    Cr  merchant:payable       gross - over - fee - VAT   (a debit when the fee is larger than the payment)
    Cr  merchant:unapplied     over
    Cr  fees:earned            fee
    Cr  tax:output_vat         VAT on the fee
    """
    over = over or Money(0, gross.currency)
    _refuse_wrong_signs(gross, fee, fee_vat, over)
    return Journal(
        MONEY_RECEIVED,
        "receipt",
        receipt_id,
        f"payment {payment} received through {provider}",
        paid_at,
        without_zeros(
            debit(provider_receivable(provider, account_id), gross),
            credit(MERCHANT_PAYABLE, gross - over - fee - fee_vat),
            credit(MERCHANT_UNAPPLIED, over),
            credit(FEES_EARNED, fee),
            credit(OUTPUT_VAT, fee_vat),
        ),
    )


def unapplied_received(
    receipt_id: str,
    payment: PaymentId | None,
    *,
    provider: str,
    account_id: str,
    gross: Money,
    paid_at: datetime,
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
        f"unapplied money for {payment or 'nobody'} received through {provider}",
        paid_at,
        (debit(provider_receivable(provider, account_id), gross), credit(MERCHANT_UNAPPLIED, gross)),
    )


def refund_promised(refund_id: str, amount: Money, *, unapplied: bool, at: datetime) -> Journal:
    """Money is set aside for a refund the moment it is asked for, so that it cannot be paid out meanwhile.

    Dr  merchant:payable (or merchant:unapplied)  amount
    Cr  merchant:refunds_due                      amount
    """
    _refuse_wrong_signs(amount)
    source = _refunded_from(unapplied=unapplied)
    lines = (debit(source, amount), credit(REFUNDS_DUE, amount))
    return Journal(REFUND_PROMISED, "refund", refund_id, f"refund {refund_id} promised", at, lines)


def refund_paid(
    refund_id: str, amount: Money, *, provider: str | None, account_id: str | None, at: datetime
) -> Journal:
    """The payer has the money back: the provider keeps it from what it owes us, or we transferred it
    ourselves.

    Dr  merchant:refunds_due                           amount
    Cr  provider:…:receivable, or bank:own for a transfer  amount
    """
    _refuse_wrong_signs(amount)
    by_provider = provider is not None and account_id is not None
    out = provider_receivable(provider or "", account_id or "") if by_provider else OWN_BANK
    lines = (debit(REFUNDS_DUE, amount), credit(out, amount))
    how = f"through {provider}" if by_provider else "by bank transfer"
    return Journal(REFUND_PAID, "refund", refund_id, f"refund {refund_id} paid {how}", at, lines)


def refund_dropped(refund_id: str, amount: Money, *, unapplied: bool, at: datetime) -> Journal:
    """The refund will not happen: what was set aside goes back to where it came from.

    Dr  merchant:refunds_due                      amount
    Cr  merchant:payable (or merchant:unapplied)  amount
    """
    _refuse_wrong_signs(amount)
    source = _refunded_from(unapplied=unapplied)
    lines = (debit(REFUNDS_DUE, amount), credit(source, amount))
    return Journal(REFUND_DROPPED, "refund", refund_id, f"refund {refund_id} dropped", at, lines)


def _refunded_from(*, unapplied: bool) -> AccountCode:
    return MERCHANT_UNAPPLIED if unapplied else MERCHANT_PAYABLE


def dispute_opened(dispute_id: str, amount: Money, *, at: datetime) -> Journal:
    """A payer's bank disputes a payment: the merchant's money is held until it is decided.

    Dr  merchant:payable   amount
    Cr  merchant:disputed  amount
    """
    _refuse_wrong_signs(amount)
    lines = (debit(MERCHANT_PAYABLE, amount), credit(DISPUTED, amount))
    return Journal(DISPUTE_OPENED, "dispute", dispute_id, f"dispute {dispute_id} opened", at, lines)


def dispute_won(dispute_id: str, amount: Money, *, at: datetime) -> Journal:
    """Decided for the merchant.

    Dr  merchant:disputed  amount
    Cr  merchant:payable   amount
    """
    _refuse_wrong_signs(amount)
    lines = (debit(DISPUTED, amount), credit(MERCHANT_PAYABLE, amount))
    return Journal(DISPUTE_WON, "dispute", dispute_id, f"dispute {dispute_id} won", at, lines)


def dispute_lost(dispute_id: str, amount: Money, *, provider: str, account_id: str, at: datetime) -> Journal:
    """Decided for the payer: the provider takes the money back from what it owes us.

    Dr  merchant:disputed      amount
    Cr  provider:…:receivable  amount
    """
    _refuse_wrong_signs(amount)
    lines = (debit(DISPUTED, amount), credit(provider_receivable(provider, account_id), amount))
    return Journal(DISPUTE_LOST, "dispute", dispute_id, f"dispute {dispute_id} lost", at, lines)


def unapplied_accepted(case_id: str, amount: Money, *, at: datetime) -> Journal:
    """A person decided that money nobody was waiting for is the merchant's after all.

    Dr  merchant:unapplied  amount
    Cr  merchant:payable    amount
    """
    _refuse_wrong_signs(amount)
    lines = (debit(MERCHANT_UNAPPLIED, amount), credit(MERCHANT_PAYABLE, amount))
    return Journal(UNAPPLIED_ACCEPTED, "case", case_id, f"accepted by case {case_id}", at, lines)


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
