"""How a payment looks from outside: in API answers and in events, the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from quickkub.connectors.contract import Action, ActionKind
from quickkub.kernel.clock import rfc3339
from quickkub.payments.model import Attempt, Payment
from quickkub.payments.states import PaymentState

Render = Callable[[Mapping[str, Any]], tuple[int, bytes]]
"""Turns an object into the status and bytes the edge will send, so they can be stored."""

FAILURE_TEXTS: Final = {
    "account_unusable": "The payer's account, card or wallet cannot be used.",
    "card_expired": "The card has expired.",
    "authentication_failed": "The payer did not prove who they are.",
    "fraud_suspected": "The payment looks like fraud.",
    "currency_refused": "The provider does not take this currency.",
    "not_allowed_now": "The provider no longer allows this.",
    "provider_balance_short": "The balance at the provider is too small.",
    "declined": "The provider declined the payment.",
    "insufficient_funds": "The payer does not have enough money.",
    "payer_cancelled": "The payer cancelled.",
    "limit_exceeded": "A limit of the payer's bank or wallet was exceeded.",
    "expired": "The payer did not pay in time.",
    "provider_unavailable": "The provider could not be reached; nothing was sent.",
    "provider_misconfigured": "The provider account's settings or credentials are refused by the provider.",
    "request_refused": "The provider refused the request as malformed.",
}

FAILURE_TEXTS_TH: Final = {
    "account_unusable": "บัญชี บัตร หรือวอลเล็ตของผู้ชำระใช้งานไม่ได้",
    "card_expired": "บัตรหมดอายุแล้ว",
    "authentication_failed": "ยืนยันตัวตนผู้ชำระไม่สำเร็จ",
    "fraud_suspected": "สงสัยว่าเป็นรายการทุจริต",
    "currency_refused": "ผู้ให้บริการไม่รับสกุลเงินนี้",
    "not_allowed_now": "ผู้ให้บริการไม่อนุญาตให้ทำรายการนี้แล้ว",
    "provider_balance_short": "ยอดเงินคงเหลือที่ผู้ให้บริการไม่พอ",
    "declined": "ผู้ให้บริการปฏิเสธการชำระเงิน",
    "insufficient_funds": "ผู้ชำระมีเงินไม่พอ",
    "payer_cancelled": "ผู้ชำระยกเลิกรายการ",
    "limit_exceeded": "เกินวงเงินของธนาคารหรือวอลเล็ตของผู้ชำระ",
    "expired": "ผู้ชำระไม่ได้ชำระภายในเวลาที่กำหนด",
    "provider_unavailable": "ติดต่อผู้ให้บริการไม่ได้ ยังไม่มีการส่งรายการ",
    "provider_misconfigured": "ผู้ให้บริการปฏิเสธการตั้งค่าหรือข้อมูลรับรองของบัญชี",
    "request_refused": "ผู้ให้บริการปฏิเสธคำขอเพราะรูปแบบไม่ถูกต้อง",
}


def payment_view(payment: Payment, attempt: Attempt | None, public_url: str) -> dict[str, Any]:
    """The payment object for many eyes. `next_action` is shown only while the payer has something to do, and
    without the fields of a form: they name the payer (payments.forms puts them back)."""
    waiting = payment.state is PaymentState.REQUIRES_ACTION
    return {
        "id": payment.id,
        "object": "payment",
        "mode": payment.mode,
        "amount": payment.amount.minor - payment.added,
        "amount_to_pay": payment.amount.minor,
        "currency": payment.amount.currency.code,
        "status": payment.state.value,
        "method": payment.method,
        "provider": attempt.provider if attempt else None,
        "reference": payment.reference,
        "description": payment.description,
        "metadata": dict(payment.metadata),
        "captured_amount": payment.captured.minor,
        "refunded_amount": payment.refunded.minor,
        "capture": "manual" if payment.capture_later else "automatic",
        "authorized_amount": payment.authorized.minor,
        "capturable_amount": payment.capturable.minor,
        "capturing_amount": payment.capturing.minor,
        "refunding_amount": payment.refunding.minor,
        "disputed_amount": payment.disputed.minor,
        "capture_before": rfc3339(payment.hold_until) if payment.hold_open and payment.hold_until else None,
        "next_action": dict(attempt.next_action) if waiting and attempt and attempt.next_action else None,
        "checkout_url": f"{public_url}/pay/{payment.checkout_token}",
        "return_url": payment.return_url,
        "failure": failure_view(payment.failure_code),
        "expires_at": rfc3339(payment.expires_at),
        "created_at": rfc3339(payment.created_at),
        "updated_at": rfc3339(payment.updated_at),
        "paid_at": rfc3339(payment.paid_at) if payment.paid_at else None,
        "version": payment.version,
    }


def failure_view(code: str | None) -> dict[str, str] | None:
    """Why it did not happen: one code for all providers, in English and Thai. None when nothing failed."""
    if code is None:
        return None
    return {"code": code, "message": FAILURE_TEXTS[code], "message_th": FAILURE_TEXTS_TH[code]}


def action_view(action: Action) -> dict[str, Any]:
    """What the payer has to do, as it is stored in clear: without the fields of a form."""
    match action.kind:
        case ActionKind.DISPLAY_QR:
            shown: dict[str, Any] = {"qr_payload": action.value}
        case ActionKind.DISPLAY_IMAGE:
            shown = {"image": action.value}
        case ActionKind.APPROVE_IN_APP:
            shown = {}
        case ActionKind.REDIRECT | ActionKind.FORM_POST | ActionKind.OPEN_APP:
            shown = {"url": action.value}
    more = {"app_url": action.app_value} if action.app_value else {}
    return {"type": action.kind.value, **shown, **more}


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """One try at one provider, for `expand[]=attempts`. `provider_code` is its own word for a failure."""
    return {
        "id": attempt.id,
        "object": "attempt",
        "provider": attempt.provider,
        "amount": attempt.amount.minor,
        "currency": attempt.amount.currency.code,
        "status": attempt.state.value,
        "reference": attempt.reference,
        "provider_reference": attempt.provider_reference,
        "failure": failure_view(attempt.failure_code),
        "provider_code": attempt.provider_code,
        "created_at": rfc3339(attempt.created_at),
    }
