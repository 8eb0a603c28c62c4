"""How a payment looks from outside: in API answers and in events, the same words."""

from __future__ import annotations

from typing import Any, Final

from quickkub.kernel.clock import rfc3339
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.states import PaymentState

FAILURE_TEXTS: Final = {
    "declined": "The provider declined the payment.",
    "insufficient_funds": "The payer does not have enough money.",
    "payer_cancelled": "The payer cancelled.",
    "limit_exceeded": "A limit of the payer's bank or wallet was exceeded.",
    "expired": "The payer did not pay in time.",
    "provider_unavailable": "The provider could not be reached; nothing was sent.",
    "provider_misconfigured": "The provider account's settings or credentials are refused by the provider.",
    "request_refused": "The provider refused the request as malformed.",
}


def payment_view(payment: Payment, attempt: Attempt | None, public_url: str) -> dict[str, Any]:
    """The payment object of the API. `next_action` is shown only while the payer has something to do."""
    waiting = payment.state is PaymentState.REQUIRES_ACTION
    return {
        "id": payment.id,
        "object": "payment",
        "mode": payment.mode,
        "amount": payment.amount.minor,
        "currency": payment.amount.currency.code,
        "status": payment.state.value,
        "method": payment.method,
        "provider": attempt.provider if attempt else None,
        "reference": payment.reference,
        "description": payment.description,
        "metadata": dict(payment.metadata),
        "captured_amount": payment.captured.minor,
        "refunded_amount": payment.refunded.minor,
        "next_action": dict(attempt.next_action) if waiting and attempt and attempt.next_action else None,
        "checkout_url": f"{public_url}/pay/{payment.checkout_token}",
        "return_url": payment.return_url,
        "failure": _failure(payment.failure_code),
        "expires_at": rfc3339(payment.expires_at),
        "created_at": rfc3339(payment.created_at),
        "updated_at": rfc3339(payment.updated_at),
        "paid_at": rfc3339(payment.paid_at) if payment.paid_at else None,
        "version": payment.version,
    }


def _failure(code: str | None) -> dict[str, str] | None:
    return {"code": code, "message": FAILURE_TEXTS[code]} if code else None


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """One try at one provider, for `expand[]=attempts`."""
    return {
        "id": attempt.id,
        "object": "attempt",
        "provider": attempt.provider,
        "amount": attempt.amount.minor,
        "currency": attempt.amount.currency.code,
        "status": attempt.state.value,
        "reference": attempt.reference,
        "provider_reference": attempt.provider_reference,
        "failure": _failure(attempt.failure_code),
        "created_at": rfc3339(attempt.created_at),
    }
