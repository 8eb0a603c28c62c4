"""Which stage a payer sees, how long is left, and where they may be sent. No I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from quickkub.checkout.model import Checkout, Picture, Stage, Standing, Step, Way
from quickkub.connectors.contract import ActionKind
from quickkub.payments.states import PaymentState
from quickkub.payments.thai_methods import method_named
from quickkub.promptpay import proxies
from quickkub.promptpay.errors import QrRefusal
from quickkub.promptpay.parse import parse_payment

_STAGES: Final = {
    PaymentState.CREATED: Stage.PREPARING,
    PaymentState.REQUIRES_ACTION: Stage.WAITING,
    PaymentState.PROCESSING: Stage.CHECKING,
    PaymentState.AUTHORIZED: Stage.APPROVED,
    PaymentState.SUCCEEDED: Stage.PAID,
    PaymentState.FAILED: Stage.FAILED,
    PaymentState.EXPIRED: Stage.EXPIRED,
    PaymentState.CANCELLED: Stage.CANCELLED,
}
_ENDS_BY_TIME: Final = {Stage.PREPARING, Stage.WAITING}
_OVER: Final = {Stage.FAILED, Stage.EXPIRED, Stage.CANCELLED}

LATE_MONEY_WATCH: Final = timedelta(minutes=15)
"""How long the page of a payment that is over still looks for money: a payer who confirmed in the bank app in
the last second must see "paid" (a late success wins, P11)."""


def stage(standing: Standing) -> Stage:
    """What the payer is told. A QR is over the moment its time is up, not when a worker gets round to it.

    A payment whose outcome nobody knows stays CHECKING however late it is: money may be under way (P9).
    """
    told = _STAGES[standing.state]
    return Stage.EXPIRED if told in _ENDS_BY_TIME and seconds_left(standing) == 0 else told


def seconds_left(standing: Standing) -> int:
    """Whole seconds the payer has, rounded up, by the database's clock; 0 once time is up."""
    left = standing.expires_at - standing.seen_at
    return max(0, -(-left // timedelta(seconds=1)))


def is_watched(standing: Standing) -> bool:
    """Whether the page should go on asking: until it is paid, or a while after it is over without money."""
    told = stage(standing)
    if told in _OVER:
        over_since = standing.expires_at if told is Stage.EXPIRED else standing.updated_at
        return standing.seen_at < over_since + LATE_MONEY_WATCH
    return told is not Stage.PAID


def step_to_show(checkout: Checkout) -> Step | None:
    """What the payer has to do while they may still do it, else None: what is over is never shown again."""
    return checkout.step if stage(checkout.standing) is Stage.WAITING else None


def text_to_draw(checkout: Checkout) -> str | None:
    """What the QR of the page holds: a payload to pay, or a link to open on a phone. None without a QR."""
    step = step_to_show(checkout)
    return step.qr_text or None if step else None


def picture_to_show(checkout: Checkout) -> Picture | None:
    """The provider's own picture, while it may still be paid."""
    step = step_to_show(checkout)
    return step.picture if step else None


_WAYS: Final = {
    ActionKind.REDIRECT: Way.PAGE,
    ActionKind.FORM_POST: Way.PAGE,
    ActionKind.OPEN_APP: Way.APP,
    ActionKind.APPROVE_IN_APP: Way.APPROVE,
}
_AT_COUNTERS: Final = {"bill_payment", "counter"}


def way(checkout: Checkout) -> Way:
    """How the payer pays. Before the provider said so, and after it is over, as the method usually goes."""
    if checkout.step is not None:
        return _WAYS.get(checkout.step.kind) or _way_of_a_code(checkout.method)
    if stage(checkout.standing) is Stage.WAITING:
        return Way.UNSHOWN
    method = method_named(checkout.method)
    return _way_of_a_code(checkout.method) if method and method.kind == "qr" else Way.PAGE


def _way_of_a_code(method: str) -> Way:
    if method in _AT_COUNTERS:
        return Way.COUNTER
    return Way.QR if method == "promptpay" else Way.OTHER_QR


def way_back(checkout: Checkout) -> str | None:
    """The merchant's return address once there is nothing more to do here, else None.

    Only http and https: an address such as `javascript:` in a link would run in our page's name.
    """
    nothing_left = _OVER | {Stage.PAID, Stage.APPROVED}
    if stage(checkout.standing) not in nothing_left and way(checkout) is not Way.UNSHOWN:
        return None
    if checkout.return_url is None:
        return None
    return checkout.return_url if urlsplit(checkout.return_url).scheme in ("http", "https") else None


_PROXY_NAMES: Final = {
    proxies.MOBILE: "proxy_mobile",
    proxies.CITIZEN_OR_TAX: "proxy_id",
    proxies.EWALLET: "proxy_ewallet",
}


def what_to_type(payload: str) -> list[tuple[str, str]]:
    """What a payer who cannot scan enters in the bank app: pairs of a field's name and its value, in order.

    Names: `biller_id`, `ref1`, `ref2`, or one of `proxy_mobile`, `proxy_id`, `proxy_ewallet`. Empty when the
    payload is not a PromptPay payment that can be typed in.
    """
    try:
        qr = parse_payment(payload, strict=False)
    except QrRefusal:
        return []
    if qr.biller is not None:
        fields = [("biller_id", qr.biller.biller_id), ("ref1", qr.biller.ref1), ("ref2", qr.biller.ref2)]
        return [(name, value) for name, value in fields if value]
    if qr.proxy is None or qr.proxy.tag not in _PROXY_NAMES:
        return []
    value = qr.proxy.value
    # On the wire a mobile number is 0066 and nine digits; people type it with its own zero.
    typed = "0" + value.removeprefix("0066") if qr.proxy.tag == proxies.MOBILE else value
    return [(_PROXY_NAMES[qr.proxy.tag], typed)]
